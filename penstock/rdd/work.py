"""What the tasks of a stage do: here, or in a process that sends back bytes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from penstock.rdd import deep, partitioning
from penstock.rdd.partitioning import Partitioner, RangeBounds, portable_hash
from penstock.rdd.storage import Packed, dumps

if TYPE_CHECKING:
    from penstock.rdd.nodes import Elements, Node
    from penstock.rdd.shuffle import Aggregator, Buckets
    from penstock.rdd.tasks import Task

#: Keys of these types have the same portable_hash in all processes.
_SAME_EVERYWHERE = frozenset({str, bytes, int, float, bool, complex, type(None), Decimal})


class Work(Protocol):
    """One stage: called with a partition's index."""

    def __call__(self, index: int, task: Task) -> Any:
        """Run one task here."""
        ...

    def remote(self, index: int, task: Task) -> Any:
        """Run one task for another process: what it gives, pickled."""
        ...

    def from_remote(self, result: Any) -> Any:
        """What `remote` gave as `__call__` gives it."""
        ...


@dataclass(frozen=True)
class ResultWork:
    """The last step of a job: the action over a partition's elements."""

    node: Node
    action: Callable[[int, Elements], Any]

    def __call__(self, index: int, task: Task) -> Any:
        return self.action(index, deep.elements(self.node, index, task))

    def remote(self, index: int, task: Task) -> bytes:
        return dumps(self(index, task))

    def from_remote(self, result: Any) -> Any:
        return _loads(result)


@dataclass(frozen=True)
class MapWork:
    """The map side of a shuffle: pairs combined and put into the buckets of their partitions."""

    parent: Node
    partitioner: Partitioner
    aggregator: Aggregator | None

    def _pairs(self, index: int, task: Task) -> Any:
        pairs: Any = deep.elements(self.parent, index, task)
        return pairs if self.aggregator is None else self.aggregator.combine(pairs).items()

    def __call__(self, index: int, task: Task) -> Buckets:
        return self._buckets(self._pairs(index, task))

    def _buckets(self, pairs: Any) -> Buckets:
        count = self.partitioner.numPartitions
        buckets: Buckets = [[] for _ in range(count)]
        if count == 1:
            buckets[0].extend((key, value) for key, value in pairs)
            return buckets
        place = self.partitioner.partitionFunc
        for key, value in pairs:
            buckets[place(key) % count].append((key, value))
        return buckets

    def remote(self, index: int, task: Task) -> tuple[bool, list[bytes]]:
        """Buckets; or all pairs together where only the program's own process knows the hash of their keys."""
        pairs = list(self._pairs(index, task))
        if self.partitioner.numPartitions == 1 or self._places_are_known(pairs):
            return True, [dumps(bucket) for bucket in self._buckets(pairs)]
        return False, [dumps(pairs)]

    def _places_are_known(self, pairs: list[Any]) -> bool:
        function = self.partitioner.partitionFunc
        if partitioning.SEEDED or function is operator.index or isinstance(function, RangeBounds):
            return True
        return function is portable_hash and _same_everywhere([pair[0] for pair in pairs])

    def from_remote(self, result: Any) -> Any:
        bucketed, parts = result
        return [Packed(part) for part in parts] if bucketed else self._buckets(_loads(parts[0]))


def _same_everywhere(keys: list[Any]) -> bool:
    kinds = set(map(type, keys))
    if tuple in kinds:
        kinds.discard(tuple)
        members = [member for key in keys if type(key) is tuple for member in key]
        if not _same_everywhere(members):
            return False
    return kinds <= _SAME_EVERYWHERE


def _loads(data: bytes) -> Any:
    import pickle

    return pickle.loads(data)

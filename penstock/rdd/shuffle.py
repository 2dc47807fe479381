"""Elements that move between partitions: the map side's buckets and the reduce side's merging."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.rdd.nodes import Elements, Node
from penstock.rdd.partitioning import Partitioner
from penstock.rdd.storage import Block, Packed, by_value, dumps
from penstock.rdd.work import MapWork

if TYPE_CHECKING:
    from penstock.rdd.scheduler import Stage
    from penstock.rdd.storage import Saved
    from penstock.rdd.tasks import Task

Pairs = Iterable[tuple[Any, Any]]
#: The pairs that one map task leaves for each reduce partition.
Buckets = list[list[tuple[Any, Any]]]


@dataclass(frozen=True)
class Aggregator:
    """How the values of one key become one: the first value of a key by `create` (None: taken as it is), further
    ones by `merge_value`, two partial results by `merge_combiners`."""

    create: Callable[[Any], Any] | None
    merge_value: Callable[[Any, Any], Any]
    merge_combiners: Callable[[Any, Any], Any]

    def combine(self, pairs: Pairs) -> dict[Any, Any]:
        """One entry per key, in the order in which the keys came."""
        if self.create is None:
            return merge_pairs({}, pairs, self.merge_value)
        create, merge = self.create, self.merge_value
        combined: dict[Any, Any] = {}
        for key, value in pairs:
            if key in combined:
                combined[key] = merge(combined[key], value)
            else:
                combined[key] = create(value)
        return combined


def merge_pairs(into: dict[Any, Any], pairs: Pairs, merge: Callable[[Any, Any], Any]) -> dict[Any, Any]:
    """`into` with the pairs' values merged in; a key's first value is taken as it is."""
    for key, value in pairs:
        if key in into:
            into[key] = merge(into[key], value)
        else:
            into[key] = value
    return into


class Shuffled(Node):
    """Pairs brought to the partition of their key; with an aggregator, one pair per key, combined before they move."""

    kind = "ShuffledRDD"
    held_by_driver = True

    def __init__(self, parent: Node, partitioner: Partitioner, aggregator: Aggregator | None = None) -> None:
        super().__init__((parent,), partitioner.numPartitions, partitioner)
        self.depth = self.level  # what it reads has been moved before
        self._partitioner = partitioner
        self._aggregator = aggregator
        #: By map partition; what is missing is computed again.
        self.outputs: dict[int, Buckets] = {}
        self._merged: dict[int, Block] = {}
        self._lock = threading.Lock()
        #: The stage that ran its map side last.
        self.stage: Stage | None = None
        #: Held by the job that runs the map side; another one that needs it waits.
        self.stage_lock = threading.Lock()

    def needs(self, index: int) -> Sequence[tuple[Node, int]]:
        return ()

    def missing(self) -> list[int]:
        """The map partitions whose buckets are not there."""
        return [i for i in range(self.parents[0].partitions) if i not in self.outputs]

    def cut(self, saved: Saved) -> None:
        super().cut(saved)
        self.drop()

    def drop(self) -> None:
        """Forget the buckets; the lineage says how to make them again."""
        with self._lock:
            self.outputs = {}
            self._merged = {}

    @property
    def aggregator(self) -> Aggregator | None:
        """How values of one key become one, if they do."""
        return self._aggregator

    def work(self) -> MapWork:
        """The map side.  Who runs it stores what it gives in `outputs`."""
        return MapWork(self.parents[0], self._partitioner, self._aggregator)

    def packed(self, index: int) -> list[bytes]:
        """The parts of one partition, pickled, for a task elsewhere that merges them."""
        with self._lock:
            merged = self._merged.get(index)
            parts: list[Any] = self._buckets(index) if merged is None else [merged.read()]
        return [part.data if isinstance(part, Packed) else dumps(part) for part in parts]

    def compute(self, index: int, task: Task) -> Elements:
        with self._lock:
            if self._aggregator is None:
                self._make_missing(task)
                return iter(by_value(list(itertools.chain.from_iterable(self._buckets(index)))))
            block = self._merged.get(index)
            if block is not None:
                return iter(block.read())
            self._make_missing(task)
            merged = self._merge(index)
            self._merged[index] = Block(merged)  # what this reader does to its elements changes no other's
            return iter(merged)

    def _make_missing(self, task: Task) -> None:
        """A merge that has failed has used its input up: a task that is run again makes it anew."""
        missing = self.missing()
        if missing:
            work = self.work()
            for i in missing:
                self.outputs[i] = work(i, task)

    def _buckets(self, index: int) -> list[list[tuple[Any, Any]]]:
        return [self.outputs[i][index] for i in range(self.parents[0].partitions)]

    def _merge(self, index: int) -> list[tuple[Any, Any]]:
        """Merging may change combiners in place, so it happens once: the buckets are used up, also when it fails."""
        assert self._aggregator is not None
        merged: dict[Any, Any] = {}
        try:
            for pairs in self._buckets(index):
                merge_pairs(merged, pairs, self._aggregator.merge_combiners)
        except BaseException:
            self.outputs = {}
            raise
        for buckets in self.outputs.values():
            buckets[index] = []
        return list(merged.items())


class CoGrouped(Node):
    """For each key the lists of its values in each parent.  The parents are partitioned alike: a parent that was not
    has been shuffled."""

    kind = "CoGroupedRDD"

    def __init__(self, parents: tuple[Node, ...], partitioner: Partitioner) -> None:
        aligned = tuple(p if p.partitioner == partitioner else Shuffled(p, partitioner) for p in parents)
        super().__init__(aligned, partitioner.numPartitions, partitioner)

    def compute(self, index: int, task: Task) -> Elements:
        groups: dict[Any, tuple[list[Any], ...]] = {}
        width = len(self.parents)
        for i, parent in enumerate(self.parents):
            for key, value in parent.elements(index, task):
                found = groups.get(key)
                if found is None:
                    found = groups[key] = tuple([] for _ in range(width))
                found[i].append(value)
        return iter(groups.items())

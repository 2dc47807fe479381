"""Actions: what runs a job and gives the driver an answer."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import copy
import functools
import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from penstock.rdd.base import drain, parts_of
from penstock.rdd.errors import on_driver
from penstock.rdd.sampling import Samples


class Actions(Samples):
    """What makes an answer from an RDD."""

    def collect(self) -> list[Any]:
        """All elements."""
        return list(itertools.chain.from_iterable(self._each(list)))

    def collectWithJobGroup(self, groupId: str, description: str, interruptOnCancel: bool = False) -> list[Any]:
        """collect in a job group."""
        with self.ctx._in_group(groupId, description, interruptOnCancel):
            return self.collect()

    def toLocalIterator(self, prefetchPartitions: bool = False) -> Iterator[Any]:
        """All elements, a job per partition as they are asked for; with `prefetchPartitions` the next partition is
        computed while this one is read."""
        node, run = self._node, self.ctx._run

        def partition(i: int) -> list[Any]:
            found: list[Any] = run(node, lambda _, elements: list(elements), [i])[0]
            return found

        if not prefetchPartitions:
            return itertools.chain.from_iterable(map(partition, range(node.partitions)))
        return _prefetched(partition, node.partitions)

    def foreach(self, f: Callable[[Any], None]) -> None:
        """Call `f` with each element."""

        def run(elements: Iterator[Any]) -> None:
            for x in elements:
                f(x)

        self._each(run)

    def foreachPartition(self, f: Callable[[Iterator[Any]], Iterable[Any] | None]) -> None:
        """Call `f` with each partition's iterator; if it is a generator function it is run to its end."""

        def run(elements: Iterator[Any]) -> None:
            found = f(elements)
            if isinstance(found, Iterable):
                drain(found)

        self._each(run)

    def count(self) -> int:
        """How many elements there are."""
        return sum(self._each(_count))

    def reduce(self, f: Callable[[Any, Any], Any]) -> Any:
        """All elements reduced by an associative and commutative function."""
        parts = parts_of([x for part in self._each(lambda elements: _reduced(f, elements)) for x in part])
        return on_driver(functools.reduce, f, parts)

    def treeReduce(self, f: Callable[[Any, Any], Any], depth: int = 2) -> Any:
        """As reduce; the partial results are reduced in a tree of so many levels."""
        if depth < 1:
            raise ValueError(f"Depth cannot be smaller than 1 but got {depth}.")

        def either(a: Any, b: Any) -> Any:
            if a is None or b is None:
                return b if a is None else a
            return (f(a[0], b[0]),)

        found = self.map(lambda x: (x,)).treeAggregate(None, either, either, depth)
        if found is None:
            raise ValueError("Cannot reduce empty RDD.")
        return found[0]

    def fold(self, zeroValue: Any, op: Callable[[Any, Any], Any]) -> Any:
        """As reduce, from `zeroValue` in each partition and once more over the partitions."""
        return self.aggregate(zeroValue, op, op)

    def aggregate(self, zeroValue: Any, seqOp: Callable[[Any, Any], Any], combOp: Callable[[Any, Any], Any]) -> Any:
        """Elements added to copies of `zeroValue` by `seqOp`, the partitions' results joined by `combOp`."""
        parts = self._each(lambda elements: functools.reduce(seqOp, elements, copy.deepcopy(zeroValue)))
        return on_driver(functools.reduce, combOp, parts, copy.deepcopy(zeroValue))

    def treeAggregate(
        self,
        zeroValue: Any,
        seqOp: Callable[[Any, Any], Any],
        combOp: Callable[[Any, Any], Any],
        depth: int = 2,
    ) -> Any:
        """As aggregate; the partial results are joined in a tree of so many levels."""
        if depth < 1:
            raise ValueError(f"Depth cannot be smaller than 1 but got {depth}.")
        if self.getNumPartitions() == 0:
            return zeroValue
        parts = self._then(lambda _, elements: [functools.reduce(seqOp, elements, copy.deepcopy(zeroValue))])
        count = parts.getNumPartitions()
        scale = max(int(-(-(count ** (1.0 / depth)) // 1)), 2)
        while count > scale + count / scale:
            count = max(count // scale, 1)
            tagged = parts._then(_tagging(count))
            parts = tagged.reduceByKey(combOp, count).values()
        return parts.reduce(combOp)

    # ------------------------------------------------------------ a few elements

    def take(self, num: int) -> list[Any]:
        """The first `num` elements.  Looks at one partition first, then at ever more."""
        taken: list[Any] = []
        total, done = self.getNumPartitions(), 0
        while len(taken) < num and done < total:
            width = 1 if done == 0 else self._next_width(len(taken), num, done)
            chosen = range(done, min(done + width, total))
            left = num - len(taken)
            for part in self._each(_first_of(left), chosen):
                taken.extend(part[: num - len(taken)])
            done += len(chosen)
        return taken

    @staticmethod
    def _next_width(taken: int, num: int, done: int) -> int:
        if taken == 0:
            return done * 4
        return min(max(int(1.5 * num * done / taken) - done, 1), done * 4)

    def first(self) -> Any:
        """The first element.  Without elements: ValueError."""
        found = self.take(1)
        if not found:
            raise ValueError("RDD is empty")
        return found[0]

    def isEmpty(self) -> bool:
        """Whether there is no element."""
        return self.getNumPartitions() == 0 or not self.take(1)

    def top(self, num: int, key: Callable[[Any], Any] | None = None) -> list[Any]:
        """The `num` greatest, in descending order."""
        parts = parts_of(self._each(lambda elements: heapq.nlargest(num, elements, key=key)))
        return heapq.nlargest(num, itertools.chain.from_iterable(parts), key=key)

    def takeOrdered(self, num: int, key: Callable[[Any], Any] | None = None) -> list[Any]:
        """The `num` smallest, in ascending order."""
        if num < 0:
            raise ValueError("top N cannot be negative.")
        parts = self._each(lambda elements: heapq.nsmallest(num, elements, key=key))
        return heapq.nsmallest(num, itertools.chain.from_iterable(parts), key=key)

    # ------------------------------------------------------------ pairs

    def collectAsMap(self) -> dict[Any, Any]:
        """Pairs as a dict; of pairs with the same key the last stays."""
        return dict(self.collect())

    def countByKey(self) -> dict[Any, int]:
        """How many pairs each key has."""
        return self.map(lambda pair: pair[0]).countByValue()

    def countByValue(self) -> dict[Any, int]:
        """How often each element is there."""
        total: dict[Any, int] = defaultdict(int)
        for counts in parts_of(self._each(_tally)):
            for element, number in counts.items():
                total[element] += number
        return total

    def lookup(self, key: Any) -> list[Any]:
        """The values of a key; looks only at its partition if the keys are partitioned."""
        values = self.filter(lambda pair: pair[0] == key).values()
        if self._node.partitioner is None:
            return values.collect()
        place = self._node.partitioner(key)
        return list(itertools.chain.from_iterable(values._each(list, [place])))


def _count(elements: Iterable[Any]) -> int:
    return sum(1 for _ in elements)


def _first_of(number: int) -> Callable[[Iterator[Any]], list[Any]]:
    return lambda elements: list(itertools.islice(elements, number))


def _tally(elements: Iterable[Any]) -> dict[Any, int]:
    counts: dict[Any, int] = defaultdict(int)
    for element in elements:
        counts[element] += 1
    return counts


def _reduced(f: Callable[[Any, Any], Any], elements: Iterator[Any]) -> list[Any]:
    """The elements as one, or nothing if there are none."""
    for first in elements:
        return [functools.reduce(f, elements, first)]
    return []


def _tagging(count: int) -> Callable[[int, Iterator[Any]], Iterable[Any]]:
    return lambda index, elements: ((index % count, x) for x in elements)


def _prefetched(partition: Callable[[int], list[Any]], count: int) -> Iterator[Any]:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1, "penstock prefetch") as pool:
        following = pool.submit(partition, 0) if count else None
        for i in range(count):
            assert following is not None
            elements = following.result()
            following = pool.submit(partition, i + 1) if i + 1 < count else None
            yield from elements

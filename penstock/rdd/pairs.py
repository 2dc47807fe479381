"""Transformations of an RDD of (key, value) pairs."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pyspark.resultiterable import ResultIterable

from penstock.rdd.base import parts_of
from penstock.rdd.errors import on_driver
from penstock.rdd.nodes import Elements
from penstock.rdd.partitioning import Partitioner, portable_hash
from penstock.rdd.shuffle import Aggregator, CoGrouped, Shuffled, merge_pairs
from penstock.rdd.transformations import Transformations

if TYPE_CHECKING:
    from penstock.rdd.rdd import RDD

Hash = Callable[[Any], int]


class Pairs(Transformations):
    """What needs keys."""

    def keys(self) -> RDD:
        """The keys."""
        return self.map(lambda pair: pair[0])

    def values(self) -> RDD:
        """The values."""
        return self.map(lambda pair: pair[1])

    def mapValues(self, f: Callable[[Any], Any]) -> RDD:
        """`f` of each value; keys stay where they are."""
        return self._then(lambda _, pairs: ((pair[0], f(pair[1])) for pair in pairs), keeps=True)

    def flatMapValues(self, f: Callable[[Any], Iterable[Any]]) -> RDD:
        """The key with each member of `f` of its value."""
        return self._then(lambda _, pairs: ((pair[0], x) for pair in pairs for x in f(pair[1])), keeps=True)

    def partitionBy(self, numPartitions: int | None, partitionFunc: Hash = portable_hash) -> RDD:
        """Pairs with equal keys in the same partition.  Moves nothing if they are already so partitioned."""
        partitioner = self._partitioner(numPartitions, partitionFunc)
        if self._node.partitioner == partitioner:
            return self._of(self._node)
        return self._of(Shuffled(self._node, partitioner))

    def combineByKey(
        self,
        createCombiner: Callable[[Any], Any],
        mergeValue: Callable[[Any, Any], Any],
        mergeCombiners: Callable[[Any, Any], Any],
        numPartitions: int | None = None,
        partitionFunc: Hash = portable_hash,
    ) -> RDD:
        """One pair per key: its values combined, within each partition first."""
        return self._combine(Aggregator(createCombiner, mergeValue, mergeCombiners), numPartitions, partitionFunc)

    def _partitioner(self, partitions: int | None, function: Hash) -> Partitioner:
        if partitions is not None and partitions < 1:
            raise ValueError(f"Number of partitions ({partitions}) must be positive.")
        return Partitioner(self._defaultReducePartitions() if partitions is None else partitions, function)

    def _combine(self, how: Aggregator, partitions: int | None, function: Hash) -> RDD:
        partitioner = self._partitioner(partitions, function)
        if self._node.partitioner == partitioner:
            return self._then(lambda _, pairs: how.combine(pairs).items(), keeps=True)
        return self._of(Shuffled(self._node, partitioner, how))

    def reduceByKey(
        self, func: Callable[[Any, Any], Any], numPartitions: int | None = None, partitionFunc: Hash = portable_hash
    ) -> RDD:
        """One pair per key: its values reduced by an associative and commutative function."""
        return self._combine(Aggregator(None, func, func), numPartitions, partitionFunc)

    def aggregateByKey(
        self,
        zeroValue: Any,
        seqFunc: Callable[[Any, Any], Any],
        combFunc: Callable[[Any, Any], Any],
        numPartitions: int | None = None,
        partitionFunc: Hash = portable_hash,
    ) -> RDD:
        """One pair per key: values added to a copy of `zeroValue` by `seqFunc`, partial results joined by
        `combFunc`."""

        def create(value: Any) -> Any:
            return seqFunc(copy.deepcopy(zeroValue), value)

        return self._combine(Aggregator(create, seqFunc, combFunc), numPartitions, partitionFunc)

    def foldByKey(
        self,
        zeroValue: Any,
        func: Callable[[Any, Any], Any],
        numPartitions: int | None = None,
        partitionFunc: Hash = portable_hash,
    ) -> RDD:
        """As aggregateByKey with one function."""
        return self.aggregateByKey(zeroValue, func, func, numPartitions, partitionFunc)

    def groupByKey(self, numPartitions: int | None = None, partitionFunc: Hash = portable_hash) -> RDD:
        """One pair per key: all its values."""
        grouped = self._combine(Aggregator(_alone, _appended, _extended), numPartitions, partitionFunc)
        return grouped.mapValues(ResultIterable)

    # ------------------------------------------------------------ several RDDs

    def groupWith(self, other: RDD, *others: RDD) -> RDD:
        """For each key the values in this and in every other, as a tuple of iterables."""
        return self._cogroup((other, *others), None)

    def cogroup(self, other: RDD, numPartitions: int | None = None) -> RDD:
        """For each key the values in this and in the other, as two iterables."""
        return self._cogroup((other,), numPartitions)

    def _cogroup(self, others: tuple[RDD, ...], partitions: int | None) -> RDD:
        groups = self._lists((self._node, *(other._node for other in others)), partitions)
        return groups.mapValues(lambda lists: tuple(map(ResultIterable, lists)))

    def _lists(self, nodes: tuple[Any, ...], partitions: int | None) -> RDD:
        return self._of(CoGrouped(nodes, self._common_partitioner(nodes, partitions)))

    def _common_partitioner(self, nodes: tuple[Any, ...], partitions: int | None) -> Partitioner:
        """The one that all have already, unless another number of partitions is wanted."""
        first = nodes[0].partitioner
        if first is not None and all(node.partitioner == first for node in nodes):
            if partitions is None or partitions == first.numPartitions:
                return Partitioner(first.numPartitions, first.partitionFunc)
            return Partitioner(partitions)
        default = self.ctx._setting("spark.default.parallelism", "")
        return Partitioner(partitions or int(default or sum(node.partitions for node in nodes)))

    def _join(self, other: RDD, partitions: int | None, left_outer: bool, right_outer: bool) -> RDD:
        def matches(lists: tuple[list[Any], list[Any]]) -> Iterable[tuple[Any, Any]]:
            left, right = lists
            if left_outer and not right:
                right = [None]
            if right_outer and not left:
                left = [None]
            return itertools.product(left, right)

        return self._lists((self._node, other._node), partitions).flatMapValues(matches)

    def join(self, other: RDD, numPartitions: int | None = None) -> RDD:
        """(k, (v, w)) for each pair (k, v) here and (k, w) there."""
        return self._join(other, numPartitions, left_outer=False, right_outer=False)

    def leftOuterJoin(self, other: RDD, numPartitions: int | None = None) -> RDD:
        """As join; where the other has no such key, w is None."""
        return self._join(other, numPartitions, left_outer=True, right_outer=False)

    def rightOuterJoin(self, other: RDD, numPartitions: int | None = None) -> RDD:
        """As join; where this has no such key, v is None."""
        return self._join(other, numPartitions, left_outer=False, right_outer=True)

    def fullOuterJoin(self, other: RDD, numPartitions: int | None = None) -> RDD:
        """As join; where either has no such key, its value is None."""
        return self._join(other, numPartitions, left_outer=True, right_outer=True)

    def subtractByKey(self, other: RDD, numPartitions: int | None = None) -> RDD:
        """Pairs whose key is not in the other."""
        groups = self._lists((self._node, other._node), numPartitions)
        return groups.flatMapValues(lambda lists: () if lists[1] else lists[0])

    # ------------------------------------------------------------ sorting

    def repartitionAndSortWithinPartitions(
        self,
        numPartitions: int | None = None,
        partitionFunc: Hash = portable_hash,
        ascending: bool = True,
        keyfunc: Callable[[Any], Any] = lambda x: x,
    ) -> RDD:
        """Partitioned by key, and within each partition sorted by it."""
        return self.partitionBy(numPartitions, partitionFunc)._then(_sorting(keyfunc, ascending), keeps=True)

    def sortByKey(
        self,
        ascending: bool | None = True,
        numPartitions: int | None = None,
        keyfunc: Callable[[Any], Any] = lambda x: x,
    ) -> RDD:
        """Sorted by key over all partitions.  A sample of the keys, taken now, says where to cut."""
        from penstock.rdd.sampling import sort_bounds

        partitions = numPartitions or self._defaultReducePartitions()
        sort = _sorting(keyfunc, bool(ascending))
        if partitions == 1:
            return (self.coalesce(1) if self.getNumPartitions() > 1 else self)._then(sort, keeps=True)
        bounds = sort_bounds(self, partitions, keyfunc, bool(ascending))
        if bounds is None:
            return self._of(self._node)
        return self.partitionBy(partitions, bounds)._then(sort, keeps=True)

    def sortBy(self, keyfunc: Callable[[Any], Any], ascending: bool = True, numPartitions: int | None = None) -> RDD:
        """Sorted by `keyfunc` of the elements."""
        return self.keyBy(keyfunc).sortByKey(ascending, numPartitions).values()

    def reduceByKeyLocally(self, func: Callable[[Any, Any], Any]) -> dict[Any, Any]:
        """The result of reduceByKey as a dict of the driver."""
        merged: dict[Any, Any] = {}
        for part in parts_of(self._each(lambda pairs: merge_pairs({}, pairs, func))):
            on_driver(merge_pairs, merged, part.items(), func)
        return merged

    def _defaultReducePartitions(self) -> int:
        """`spark.default.parallelism`, or as many as there are now."""
        return int(self.ctx._setting("spark.default.parallelism", "") or self.getNumPartitions())


def _alone(value: Any) -> list[Any]:
    return [value]


def _appended(values: list[Any], value: Any) -> list[Any]:
    values.append(value)
    return values


def _extended(values: list[Any], more: list[Any]) -> list[Any]:
    values.extend(more)
    return values


def _sorting(keyfunc: Callable[[Any], Any], ascending: bool) -> Callable[[int, Elements], Iterable[Any]]:
    def step(_: int, pairs: Elements) -> Iterable[Any]:
        return sorted(pairs, key=lambda pair: keyfunc(pair[0]), reverse=not ascending)

    return step

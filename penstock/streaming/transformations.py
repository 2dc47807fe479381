"""Transformations of a stream: those of RDDs, batch by batch."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from penstock.rdd.partitioning import portable_hash
from penstock.rdd.rdd import RDD
from penstock.streaming.times import as_datetime, takes_time

if TYPE_CHECKING:
    from penstock.streaming.dstream import DStream

Hash = Callable[[Any], int]


class Transformations:
    """What makes a stream from a stream."""

    ssc: Any

    def _each(self, function: Callable[[RDD], RDD]) -> DStream:
        from penstock.streaming.transformed import TransformedDStream

        return TransformedDStream((self,), lambda _, rdds: function(rdds[0]))  # type: ignore[arg-type]

    def _both(self, other: DStream, function: Callable[[RDD, RDD], RDD]) -> DStream:
        from penstock.streaming.transformed import TransformedDStream

        return TransformedDStream((self, other), lambda _, rdds: function(rdds[0], rdds[1]))  # type: ignore[arg-type]

    def map(self, f: Callable[[Any], Any], preservesPartitioning: bool = False) -> DStream:
        """`f` of each element."""
        return self._each(lambda rdd: rdd.map(f, preservesPartitioning))

    def flatMap(self, f: Callable[[Any], Iterable[Any]], preservesPartitioning: bool = False) -> DStream:
        """The members of `f` of each element."""
        return self._each(lambda rdd: rdd.flatMap(f, preservesPartitioning))

    def filter(self, f: Callable[[Any], bool]) -> DStream:
        """The elements for which `f` is true."""
        return self._each(lambda rdd: rdd.filter(f))

    def mapPartitions(
        self, f: Callable[[Iterator[Any]], Iterable[Any]], preservesPartitioning: bool = False
    ) -> DStream:
        """The members of `f` of each partition's iterator."""
        return self._each(lambda rdd: rdd.mapPartitions(f, preservesPartitioning))

    def mapPartitionsWithIndex(
        self, f: Callable[[int, Iterator[Any]], Iterable[Any]], preservesPartitioning: bool = False
    ) -> DStream:
        """The same with the partition's index."""
        return self._each(lambda rdd: rdd.mapPartitionsWithIndex(f, preservesPartitioning))

    def glom(self) -> DStream:
        """Each partition as one list."""
        return self._each(lambda rdd: rdd.glom())

    def repartition(self, numPartitions: int) -> DStream:
        """So many partitions in each RDD."""
        return self._each(lambda rdd: rdd.repartition(numPartitions))

    def count(self) -> DStream:
        """One element per batch: the number of elements."""
        return self.mapPartitions(lambda elements: [sum(1 for _ in elements)]).reduce(operator.add)

    def reduce(self, func: Callable[[Any, Any], Any]) -> DStream:
        """One element per batch: all elements reduced."""
        return self.map(lambda x: (None, x)).reduceByKey(func, 1).map(lambda pair: pair[1])

    def countByValue(self) -> DStream:
        """(element, how often) for each batch."""
        return self.map(lambda x: (x, 1)).reduceByKey(operator.add)

    # ------------------------------------------------------------ pairs

    def mapValues(self, f: Callable[[Any], Any]) -> DStream:
        """`f` of each value."""
        return self._each(lambda rdd: rdd.mapValues(f))

    def flatMapValues(self, f: Callable[[Any], Iterable[Any]]) -> DStream:
        """The key with each member of `f` of its value."""
        return self._each(lambda rdd: rdd.flatMapValues(f))

    def reduceByKey(self, func: Callable[[Any, Any], Any], numPartitions: int | None = None) -> DStream:
        """One pair per key and batch: its values reduced."""
        return self._each(lambda rdd: rdd.reduceByKey(func, self._partitions(numPartitions)))

    def combineByKey(
        self,
        createCombiner: Callable[[Any], Any],
        mergeValue: Callable[[Any, Any], Any],
        mergeCombiners: Callable[[Any, Any], Any],
        numPartitions: int | None = None,
    ) -> DStream:
        """One pair per key and batch: its values combined."""
        partitions = self._partitions(numPartitions)
        return self._each(lambda rdd: rdd.combineByKey(createCombiner, mergeValue, mergeCombiners, partitions))

    def groupByKey(self, numPartitions: int | None = None) -> DStream:
        """One pair per key and batch: all its values."""
        return self._each(lambda rdd: rdd.groupByKey(self._partitions(numPartitions)))

    def partitionBy(self, numPartitions: int, partitionFunc: Hash = portable_hash) -> DStream:
        """Pairs with equal keys in the same partition."""
        return self._each(lambda rdd: rdd.partitionBy(numPartitions, partitionFunc))

    def _partitions(self, wanted: int | None) -> int:
        return wanted if wanted is not None else int(self.ssc.sparkContext.defaultParallelism)

    # ------------------------------------------------------------ two streams

    def union(self, other: DStream) -> DStream:
        """The elements of both."""
        return self._both(other, lambda a, b: a.union(b))

    def cogroup(self, other: DStream, numPartitions: int | None = None) -> DStream:
        """For each key of a batch its values here and there."""
        return self._both(other, lambda a, b: a.cogroup(b, self._partitions(numPartitions)))

    def join(self, other: DStream, numPartitions: int | None = None) -> DStream:
        """(k, (v, w)) for pairs of the same batch."""
        return self._both(other, lambda a, b: a.join(b, self._partitions(numPartitions)))

    def leftOuterJoin(self, other: DStream, numPartitions: int | None = None) -> DStream:
        """As join; w is None where the other has no such key."""
        return self._both(other, lambda a, b: a.leftOuterJoin(b, self._partitions(numPartitions)))

    def rightOuterJoin(self, other: DStream, numPartitions: int | None = None) -> DStream:
        """As join; v is None where this has no such key."""
        return self._both(other, lambda a, b: a.rightOuterJoin(b, self._partitions(numPartitions)))

    def fullOuterJoin(self, other: DStream, numPartitions: int | None = None) -> DStream:
        """As join; None where either has no such key."""
        return self._both(other, lambda a, b: a.fullOuterJoin(b, self._partitions(numPartitions)))

    # ------------------------------------------------------------ any function of RDDs

    def transform(self, func: Callable[..., RDD]) -> DStream:
        """`func(rdd)` or `func(time, rdd)` of each batch: an RDD."""
        from penstock.streaming.transformed import TransformedDStream

        timed = takes_time(func, 1)

        def apply(time_ms: int, rdds: list[RDD]) -> RDD:
            return func(as_datetime(time_ms), rdds[0]) if timed else func(rdds[0])

        return TransformedDStream((self,), apply)  # type: ignore[arg-type]

    def transformWith(self, func: Callable[..., RDD], other: DStream, keepSerializer: bool = False) -> DStream:
        """`func(rdd, other_rdd)` or `func(time, rdd, other_rdd)` of each batch: an RDD."""
        from penstock.streaming.transformed import TransformedDStream

        timed = takes_time(func, 2)

        def apply(time_ms: int, rdds: list[RDD]) -> RDD:
            return func(as_datetime(time_ms), *rdds) if timed else func(*rdds)

        return TransformedDStream((self, other), apply)  # type: ignore[arg-type]

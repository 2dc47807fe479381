"""Transformations of an RDD of anything."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import itertools
import operator
import shlex
import subprocess
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Thread
from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkRuntimeError

from penstock.rdd.base import Lineage
from penstock.rdd.nodes import AlignedUnion, Cartesian, Coalesced, Node, Union, Zipped
from penstock.rdd.partitioning import Partitioner, portable_hash
from penstock.rdd.shuffle import Shuffled

if TYPE_CHECKING:
    from penstock.rdd.rdd import RDD


class Transformations(Lineage):
    """What makes an RDD from an RDD."""

    # Generator expressions, not map() and filter(): in them a StopIteration that the user's function raises is an error
    # and not the end of the data.

    def map(self, f: Callable[[Any], Any], preservesPartitioning: bool = False) -> RDD:
        """`f` of each element."""
        return self._then(lambda _, elements: (f(x) for x in elements), keeps=preservesPartitioning)

    def flatMap(self, f: Callable[[Any], Iterable[Any]], preservesPartitioning: bool = False) -> RDD:
        """The members of `f` of each element."""
        flatten = itertools.chain.from_iterable
        return self._then(lambda _, elements: flatten(f(x) for x in elements), keeps=preservesPartitioning)

    def filter(self, f: Callable[[Any], bool]) -> RDD:
        """The elements for which `f` is true."""
        return self._then(lambda _, elements: (x for x in elements if f(x)), keeps=True)

    def mapPartitions(self, f: Callable[[Iterator[Any]], Iterable[Any]], preservesPartitioning: bool = False) -> RDD:
        """The members of `f` of each partition's iterator."""
        return self._then(lambda _, elements: _guarded(f(elements)), keeps=preservesPartitioning)

    def mapPartitionsWithIndex(
        self, f: Callable[[int, Iterator[Any]], Iterable[Any]], preservesPartitioning: bool = False
    ) -> RDD:
        """The same with the partition's index."""
        return self._then(lambda index, elements: _guarded(f(index, elements)), keeps=preservesPartitioning)

    def mapPartitionsWithSplit(
        self, f: Callable[[int, Iterator[Any]], Iterable[Any]], preservesPartitioning: bool = False
    ) -> RDD:
        """Deprecated: mapPartitionsWithIndex."""
        warnings.warn("mapPartitionsWithSplit is deprecated; use mapPartitionsWithIndex instead", FutureWarning, 2)
        return self.mapPartitionsWithIndex(f, preservesPartitioning)

    def glom(self) -> RDD:
        """Each partition as one list."""
        return self._then(lambda _, elements: [list(elements)])

    def keyBy(self, f: Callable[[Any], Any]) -> RDD:
        """Pairs of `f` of an element and the element."""
        return self.map(lambda x: (f(x), x))

    def groupBy(
        self,
        f: Callable[[Any], Any],
        numPartitions: int | None = None,
        partitionFunc: Callable[[Any], int] = portable_hash,
    ) -> RDD:
        """Pairs of a value of `f` and the elements that have it."""
        return self.keyBy(f).groupByKey(numPartitions, partitionFunc)

    def distinct(self, numPartitions: int | None = None) -> RDD:
        """Each element once."""
        once = self.map(lambda x: (x, None)).reduceByKey(lambda first, _: first, numPartitions)
        return once.keys()

    # ------------------------------------------------------------ two RDDs

    def union(self, other: RDD) -> RDD:
        """The elements of both; repeated ones stay."""
        return self._of(union_of([self._node, other._node]))

    def __add__(self, other: RDD) -> RDD:
        """rdd + rdd."""
        if not isinstance(other, Lineage):
            raise TypeError(f"An RDD can be added to an RDD, not to a value of type {type(other).__name__}")
        return self.union(other)

    def intersection(self, other: RDD) -> RDD:
        """Elements that are in both, each once."""
        groups = self.map(lambda v: (v, None)).cogroup(other.map(lambda v: (v, None)))
        return groups.filter(lambda pair: all(len(values) for values in pair[1])).keys()

    def subtract(self, other: RDD, numPartitions: int | None = None) -> RDD:
        """Elements that are not in the other."""
        return self.map(lambda x: (x, True)).subtractByKey(other.map(lambda x: (x, True)), numPartitions).keys()

    def cartesian(self, other: RDD) -> RDD:
        """All pairs of an element of this and an element of the other."""
        return self._of(Cartesian(self._node, other._node))

    def zip(self, other: RDD) -> RDD:
        """Pairs of elements at the same place.  Both have the same partitions, with as many elements in each."""
        if self.getNumPartitions() != other.getNumPartitions():
            raise ValueError("Can only zip with RDD which has the same number of partitions")
        return self._of(Zipped(self._node, other._node))

    def zipWithIndex(self) -> RDD:
        """Pairs of an element and its place.  With several partitions a job counts them first."""
        starts = [0]
        if self.getNumPartitions() > 1:
            counts = self._each(_length)
            starts = list(itertools.accumulate(counts[:-1], initial=0))
        return self.mapPartitionsWithIndex(lambda k, elements: zip(elements, itertools.count(starts[k]), strict=False))

    def zipWithUniqueId(self) -> RDD:
        """Pairs of an element and a number that no other has: the i-th of partition k of n gets i * n + k."""
        n = self.getNumPartitions()
        return self.mapPartitionsWithIndex(lambda k, elements: zip(elements, itertools.count(k, n), strict=False))

    # ------------------------------------------------------------ partitions

    def coalesce(self, numPartitions: int, shuffle: bool = False) -> RDD:
        """Fewer partitions: neighbours are put together; with `shuffle` any number, evenly filled."""
        if numPartitions < 1:
            raise ValueError(f"Number of partitions ({numPartitions}) must be positive.")
        if not shuffle:
            return self._of(Coalesced(self._node, numPartitions))
        dealt = self._then(lambda index, elements: zip(itertools.count(index), elements, strict=False))
        spread = self._of(Shuffled(dealt._node, Partitioner(numPartitions, operator.index)))
        return spread._then(lambda _, pairs: (x for _, x in pairs))

    def repartition(self, numPartitions: int) -> RDD:
        """Exactly so many partitions, evenly filled by a shuffle."""
        return self.coalesce(numPartitions, shuffle=True)

    def pipe(self, command: str, env: dict[str, str] | None = None, checkCode: bool = False) -> RDD:
        """The lines that a command prints which is given the elements, a line each.  With `checkCode` an exit status
        other than zero is an error.  Its environment is `env` alone."""
        return self.mapPartitions(lambda elements: _through_process(elements, command, env or {}, checkCode))


def union_of(nodes: Sequence[Node]) -> Node:
    """The union; partitioned if all are, in the same way."""
    first = nodes[0].partitioner
    if first is not None and all(node.partitioner == first for node in nodes):
        return AlignedUnion(nodes)
    return Union(nodes)


def _guarded(found: Iterable[Any] | None) -> Iterable[Any]:
    if found is None:
        raise TypeError("The function given to mapPartitions returned None: it returns an iterable")
    return found


def _length(elements: Iterable[Any]) -> int:
    return sum(1 for _ in elements)


def _through_process(elements: Iterator[Any], command: str, env: dict[str, str], check: bool) -> Iterator[str]:
    process = subprocess.Popen(shlex.split(command), env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    failure: list[BaseException] = []

    def feed() -> None:
        assert process.stdin is not None
        try:
            with process.stdin as pipe:
                for element in elements:
                    pipe.write(f"{str(element).rstrip(chr(10))}\n".encode())
        except BrokenPipeError:
            return  # a command may read as much as it likes
        except BaseException as error:
            failure.append(error)

    feeder = Thread(target=feed, name="penstock pipe", daemon=True)
    feeder.start()
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            yield line.rstrip(b"\n").decode()
    feeder.join()
    status = process.wait()
    if failure:
        raise failure[0]
    if check and status:
        parameters = {"func_name": command, "error_code": str(status)}
        raise PySparkRuntimeError(errorClass="PIPE_FUNCTION_EXITED", messageParameters=parameters)

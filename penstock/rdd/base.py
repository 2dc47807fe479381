"""What the parts of the RDD API share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkNotImplementedError

if TYPE_CHECKING:
    from penstock.rdd.nodes import Node, Step
    from penstock.rdd.rdd import RDD


class Lineage:
    """An RDD as its parts see it: a node, and the context that runs jobs on it."""

    _node: Node
    ctx: Any

    def _of(self, node: Node) -> RDD:
        """The RDD of another node."""
        raise NotImplementedError

    def _then(self, step: Step, *, keeps: bool = False) -> RDD:
        """The RDD of one more narrow step; `keeps` when keys stay where they are."""
        from penstock.rdd.nodes import Pipeline

        return self._of(Pipeline(self._node, step, keeps_partitioning=keeps))

    def _each(self, action: Callable[[Iterator[Any]], Any], partitions: Sequence[int] | None = None) -> list[Any]:
        """Run a job: one result per partition, in order."""
        return list(self.ctx._run(self._node, lambda _, elements: action(elements), partitions))

    def getNumPartitions(self) -> int:  # noqa: N802
        """How many partitions there are."""
        return self._node.partitions


def refuse(feature: str) -> PySparkNotImplementedError:
    """The error of a call that needs what is not there: a JVM, Hadoop, a resource manager."""
    return PySparkNotImplementedError(errorClass="NOT_IMPLEMENTED", messageParameters={"feature": feature})


def parts_of(found: list[Any]) -> list[Any]:
    """The results of partitions that become one.  Without any: ValueError."""
    if not found:
        raise ValueError("Can not reduce() empty RDD")
    return found


def drain(elements: Iterable[Any]) -> None:
    """Take all elements and forget them."""
    for _ in elements:
        pass

"""The class of the user's program."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import GenericAlias
from typing import Any, NoReturn

from pyspark.storagelevel import StorageLevel

from penstock.core.files import local_path
from penstock.rdd.base import Lineage, refuse
from penstock.rdd.errors import Py4JJavaError, Refused, only_on_driver
from penstock.rdd.hadoop_files import HadoopOutputs
from penstock.rdd.nodes import Generated, Node, Pipeline
from penstock.rdd.partitioning import Partitioner
from penstock.rdd.saving import Saving
from penstock.rdd.storage import Checkpoint, LocalCheckpoint, Persisted


class RDD(Saving, HadoopOutputs):
    """A partitioned collection of Python objects that is computed when an action asks for it.  Made by a
    SparkContext, by other RDDs and from DataFrames; equal calls as in Spark, without a JVM."""

    __class_getitem__: Any = classmethod(GenericAlias)  # programs write RDD[str] in their annotations

    def __init__(self, node: Node, context: Any) -> None:
        self._node = node
        self.ctx = context

    def _of(self, node: Node) -> RDD:
        return (PipelinedRDD if type(node) is Pipeline else RDD)(node, self.ctx)

    def __repr__(self) -> str:
        return f"{self._node.name or self._node.kind}[{self._node.number}] at RDD"

    def __getnewargs__(self) -> NoReturn:
        raise only_on_driver()

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise only_on_driver()

    def id(self) -> int:
        """A number that no other RDD of this process has."""
        return self._node.number

    @property
    def context(self) -> Any:
        """The SparkContext it was made by."""
        return self.ctx

    @property
    def partitioner(self) -> Partitioner | None:
        """Where a key is, if that is known."""
        return self._node.partitioner

    def name(self) -> str | None:
        """The name given by setName."""
        return self._node.name

    def setName(self, name: str) -> RDD:
        """Name it; the RDD itself."""
        self._node.name = name
        return self

    # ------------------------------------------------------------ kept elements

    @property
    def is_cached(self) -> bool:
        """Whether persist was called."""
        return isinstance(self._node.saved, Persisted) and not isinstance(self._node.saved, LocalCheckpoint)

    @property
    def is_checkpointed(self) -> bool:
        """Whether a checkpoint in a directory was asked for."""
        pending = self.ctx._pending_checkpoints.get(self._node)
        return pending is not None or isinstance(self._node.saved, Checkpoint)

    def cache(self) -> RDD:
        """persist(MEMORY_ONLY)."""
        return self.persist(StorageLevel.MEMORY_ONLY)

    def persist(self, storageLevel: StorageLevel = StorageLevel.MEMORY_ONLY) -> RDD:
        """Keep the elements when they are first computed; the RDD itself."""
        saved = self._node.saved
        if saved is None:
            if storageLevel != StorageLevel.NONE:
                self._node.saved = Persisted(storageLevel)
        elif isinstance(saved, Persisted) and saved.level != storageLevel:
            raise Py4JJavaError(
                "java.lang.UnsupportedOperationException: "
                "Cannot change storage level of an RDD after it was already assigned a level"
            )
        return self

    def unpersist(self, blocking: bool = False) -> RDD:
        """Forget the kept elements; the RDD itself."""
        saved = self._node.saved
        if self.is_cached and saved is not None:
            self._node.saved = None
            saved.discard()
        return self

    def getStorageLevel(self) -> StorageLevel:
        """The level given to persist."""
        saved = self._node.saved
        return saved.level if isinstance(saved, Persisted) else StorageLevel.NONE

    def checkpoint(self) -> None:
        """Keep the elements in the context's checkpoint directory after the next job, and forget the lineage."""
        self._checkpoint_as("rdd-")

    def _checkpoint_as(self, prefix: str) -> None:
        """The same in a directory whose name begins so."""
        directory = self.ctx.getCheckpointDir()
        if directory is None:
            raise Refused("Checkpoint directory has not been set in the SparkContext")
        if not isinstance(self._node.saved, Checkpoint):
            path = Path(local_path(directory)) / f"{prefix}{self._node.id}-{uuid.uuid4().hex[:8]}"
            self.ctx._pending_checkpoints[self._node] = path

    def isCheckpointed(self) -> bool:
        """Whether the elements have been written to a checkpoint, or kept by localCheckpoint."""
        saved = self._node.saved
        return isinstance(saved, Checkpoint) or (isinstance(saved, LocalCheckpoint) and not self._node.parents)

    def getCheckpointFile(self) -> str | None:
        """The directory of the checkpoint, once written, as a URI."""
        directory = self._checkpoint_directory()
        return None if directory is None else f"file:{directory}"

    def _checkpoint_directory(self) -> str | None:
        saved = self._node.saved
        return str(saved.directory) if isinstance(saved, Checkpoint) else None

    def localCheckpoint(self) -> None:
        """Keep the elements in this process after the next job, and forget the lineage."""
        if not isinstance(self._node.saved, LocalCheckpoint):
            self._node.saved = LocalCheckpoint(self._node)
            self.ctx._pending_checkpoints[self._node] = None

    def isLocallyCheckpointed(self) -> bool:
        """Whether localCheckpoint was called."""
        return isinstance(self._node.saved, LocalCheckpoint)

    def cleanShuffleDependencies(self, blocking: bool = False) -> None:
        """Forget what shuffles before this RDD have moved; it is computed again when it is needed."""
        from penstock.rdd.shuffle import Shuffled

        for node in ancestors(self._node):
            if isinstance(node, Shuffled):
                node.drop()

    # ------------------------------------------------------------ other

    def toDebugString(self) -> bytes | None:
        """The lineage, as Spark draws it."""
        return "\n".join(_drawn(self._node)).encode()

    def barrier(self) -> RDDBarrier:
        """All tasks of the next step run side by side and can wait for each other."""
        return RDDBarrier(self)

    def withResources(self, profile: Any) -> NoReturn:
        """Refused: there is no resource manager."""
        raise refuse("RDD.withResources: there is no resource manager in one process")

    def getResourceProfile(self) -> None:
        """There is none."""

    def _is_barrier(self) -> bool:
        return self._node.barrier

    def toDF(self, schema: Any = None, sampleRatio: float | None = None) -> Any:
        """The rows as a DataFrame of the context's session."""
        return self.ctx._session.createDataFrame(self, schema, sampleRatio)


class PipelinedRDD(RDD):
    """An RDD of narrow steps, computed in one go."""


class RDDBarrier:
    """`rdd.barrier()`: its mapPartitions runs all tasks at once (`BarrierTaskContext.barrier()` waits for all)."""

    __module__ = "pyspark.core.rdd"  # where programs find it
    __class_getitem__: Any = classmethod(GenericAlias)

    def __init__(self, rdd: RDD) -> None:
        self.rdd = rdd

    def mapPartitions(self, f: Callable[[Iterator[Any]], Iterable[Any]], preservesPartitioning: bool = False) -> RDD:
        """As RDD.mapPartitions."""
        return self._marked(self.rdd.mapPartitions(f, preservesPartitioning))

    def mapPartitionsWithIndex(
        self, f: Callable[[int, Iterator[Any]], Iterable[Any]], preservesPartitioning: bool = False
    ) -> RDD:
        """As RDD.mapPartitionsWithIndex."""
        return self._marked(self.rdd.mapPartitionsWithIndex(f, preservesPartitioning))

    @staticmethod
    def _marked(rdd: RDD) -> RDD:
        rdd._node.barrier = True
        return rdd


def ancestors(node: Node) -> list[Node]:
    """A node and all that it is computed from, each once."""
    seen: dict[int, Node] = {}
    stack = [node]
    while stack:
        found = stack.pop()
        if found.id not in seen:
            seen[found.id] = found
            stack.extend(found.reads())
    return list(seen.values())


def _drawn(last: Node) -> Iterator[str]:
    """The lines of toDebugString: what a shuffle reads is one deeper, and begins a stage."""
    from penstock.rdd.shuffle import Shuffled

    stack = [(last, 0, True)]
    while stack:
        node, depth, begins = stack.pop()
        edge = " |  " * (depth - 1) + " +-" if depth else ""
        name = f"{node.name} {node.kind}" if node.name else node.kind
        head = f"{edge}({node.partitions}) " if begins else " |  " * depth + " |  "
        yield f"{head}{name}[{node.number}] at RDD []"
        if isinstance(node, Generated) and node.kind == "PythonRDD":
            yield " |  " * depth + f" |  ParallelCollectionRDD[{node.number}] at RDD []"
        moved = isinstance(node, Shuffled)
        stack.extend((parent, depth + moved, moved) for parent in reversed(node.reads()))


__all__ = ["RDD", "Lineage", "PipelinedRDD", "RDDBarrier", "ancestors"]

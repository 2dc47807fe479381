"""Where the elements of a node are kept: in memory, on disk, or in a checkpoint that outlives the process.

What is kept is kept by value, as in Spark: plain immutable elements as they are, others pickled, so that a function
that changes an element in place cannot change what the next reader gets.
"""

from __future__ import annotations

import contextlib
import itertools
import pickle
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pyspark.storagelevel import StorageLevel

from penstock.core.files import fs

if TYPE_CHECKING:
    from penstock.rdd.nodes import Elements, Node
    from penstock.rdd.tasks import Task

_PLAIN = frozenset({str, int, float, bool, bytes, complex, type(None)})


class Saved(Protocol):
    """Elements that are computed once."""

    def elements(self, node: Node, index: int, task: Task) -> Elements:
        """A partition's elements: kept ones, or computed and kept."""
        ...

    def holds(self, index: int) -> bool:
        """Whether a partition is kept already."""
        ...

    def discard(self) -> None:
        """Give back the room."""
        ...


def is_plain(elements: Iterable[Any], depth: int = 4) -> bool:
    """Whether all elements are immutable through and through: strings, numbers, and tuples of such."""
    kinds = set(map(type, elements))
    if kinds <= _PLAIN:
        return True
    if not kinds <= _PLAIN | {tuple} or depth == 0:
        return False
    tuples = elements if kinds == {tuple} else [e for e in elements if type(e) is tuple]
    return is_plain(list(itertools.chain.from_iterable(tuples)), depth - 1)


def dumps(value: Any) -> bytes:
    """Pickled; functions and classes of the program by value.  What can't be is a PicklingError."""
    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError):
        from pyspark import cloudpickle

    try:
        return bytes(cloudpickle.dumps(value))
    except Exception as error:
        raise pickle.PicklingError(f"Could not serialize object: {type(error).__name__}: {error}") from error


def by_value(elements: list[Any]) -> list[Any]:
    """The elements as they are, if nobody can change them; else copies."""
    return elements if is_plain(elements) else list(pickle.loads(dumps(elements)))


class Block:
    """The elements of one partition, by value."""

    __slots__ = ("_pickled", "_plain")

    def __init__(self, elements: list[Any], *, by_reference: bool = False) -> None:
        plain = by_reference or is_plain(elements)
        self._plain = elements if plain else None
        self._pickled = b"" if plain else dumps(elements)

    def read(self) -> list[Any]:
        """The elements; changing the list or its members changes nothing here, unless they are kept by reference."""
        if self._plain is not None:
            return self._plain
        return list(pickle.loads(self._pickled))


class Packed:
    """Elements as another process has sent them."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __iter__(self) -> Iterator[Any]:
        return iter(pickle.loads(self.data))

    def read(self) -> list[Any]:
        """The elements, new ones each time."""
        return list(self)


class DiskBlock:
    """The elements of one partition in a file."""

    __slots__ = ("_path",)

    def __init__(self, path: Path, elements: list[Any]) -> None:
        path.write_bytes(dumps(elements))
        self._path = path

    def read(self) -> list[Any]:
        """The elements."""
        return list(pickle.loads(self._path.read_bytes()))


class Persisted:
    """`persist(level)`: each partition is kept when it is first computed, until `unpersist`.

    Levels with memory keep it there; DISK_ONLY levels in files of this process.  There is one machine, so the number
    of replicas is one whatever the level says."""

    def __init__(self, level: StorageLevel) -> None:
        self.level = level
        self._blocks: dict[int, Block | DiskBlock | Packed] = {}
        self._locks: dict[int, threading.Lock] = {}
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        if level.useDisk and not level.useMemory:
            self._directory = tempfile.TemporaryDirectory(prefix="penstock-rdd-", ignore_cleanup_errors=True)

    def elements(self, node: Node, index: int, task: Task) -> Elements:
        """Two tasks that want the same partition compute it once."""
        with self._locks.setdefault(index, threading.Lock()):
            block = self._blocks.get(index)
            if block is None:
                kept = list(node.compute(index, task))
                with contextlib.suppress(FileNotFoundError):  # unpersisted meanwhile
                    self._blocks[index] = self._block(index, kept)
                return iter(kept)
        try:
            return iter(block.read())
        except FileNotFoundError:
            return node.compute(index, task)

    def _block(self, index: int, elements: list[Any]) -> Block | DiskBlock:
        if self._directory is not None:
            return DiskBlock(Path(self._directory.name) / f"{index}.pickle", elements)
        return Block(elements, by_reference=self.level.deserialized)

    def holds(self, index: int) -> bool:
        """Whether the partition has been computed."""
        return index in self._blocks

    def complete(self, partitions: int) -> bool:
        """Whether all partitions have been computed."""
        return all(map(self.holds, range(partitions)))

    def keep(self, index: int, data: bytes) -> None:
        """A partition that another process has computed, pickled."""
        with self._locks.setdefault(index, threading.Lock()):
            on_disk = self._directory is not None
            self._blocks[index] = self._block(index, pickle.loads(data)) if on_disk else Packed(data)

    def pickled(self, index: int) -> bytes | None:
        """A partition; None when it has not been computed, or has been forgotten."""
        block = self._blocks.get(index)
        if block is None:
            return None
        try:
            return block.data if isinstance(block, Packed) else dumps(block.read())
        except FileNotFoundError:  # unpersisted meanwhile
            return None

    def discard(self) -> None:
        """Forget all partitions."""
        self._blocks = {}
        if self._directory is not None:
            self._directory.cleanup()


class Checkpoint:
    """Elements in files of a directory; from then on the lineage before them is not needed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, index: int) -> Path:
        """The file of one partition."""
        return self.directory / f"part-{index:05d}"

    def write(self, index: int, elements: Iterable[Any]) -> None:
        """Keep one partition, durably."""
        fs.write_atomic(self.path(index), dumps(list(elements)))

    def elements(self, node: Node, index: int, task: Task) -> Elements:
        """What was written."""
        return iter(pickle.loads(fs.read(self.path(index))))

    def holds(self, index: int) -> bool:
        """All partitions are written before a checkpoint is used."""
        return True

    def discard(self) -> None:
        """A checkpoint stays: its owner removes it."""


class LocalCheckpoint(Persisted):
    """`localCheckpoint()`: kept in this process, and the lineage cut."""

    def __init__(self, owner: object) -> None:
        super().__init__(StorageLevel.MEMORY_AND_DISK)
        weakref.finalize(owner, self.discard)

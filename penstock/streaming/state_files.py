"""Keyed state on disk: a full copy, and the changes since.  A checkpoint costs what has changed, not what there is.

When the changes have grown to the size of the state a new full copy is written in the background, in pieces, so that
batches go on."""

from __future__ import annotations

import logging
import pickle
import shutil
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.core.files import fs
from penstock.rdd.storage import dumps
from penstock.streaming.keyed_state import DELETED, StateNode

if TYPE_CHECKING:
    from penstock.rdd.nodes import Elements, Node
    from penstock.rdd.rdd import RDD
    from penstock.rdd.tasks import Task

_log = logging.getLogger(__name__)

#: How many pairs are pickled at a time: about 5 ms in which no other thread runs.
_PIECE = 10_000
#: Fewer changes than this are not worth a full copy.
_LEAST_CHANGES = 1000


class StateFiles:
    """One version of a state: a directory with all pairs, and directories with the changes after it, in order."""

    def __init__(self, directories: list[str]) -> None:
        self.directories = directories

    def elements(self, node: Node, index: int, task: Task) -> Elements:
        """A partition's pairs."""
        values: dict[Any, Any] = {}
        for directory in self.directories:
            gone, pieces = _read(Path(directory) / f"part-{index:05d}")
            for key in gone:
                values.pop(key, None)
            for piece in pieces:
                values.update(piece)
        return iter(values.items())

    def holds(self, index: int) -> bool:
        """All partitions are written before it is used."""
        return True

    def discard(self) -> None:
        """Its owner removes the directories."""


def _read(path: Path) -> tuple[list[Any], Iterator[list[tuple[Any, Any]]]]:
    file = path.open("rb")
    gone = pickle.load(file)

    def pieces() -> Iterator[list[tuple[Any, Any]]]:
        with file:
            while (piece := pickle.load(file)) is not None:
                yield piece

    return gone, pieces()


def _write(path: Path, gone: list[Any], pairs: list[tuple[Any, Any]]) -> None:
    parts = [dumps(gone)]
    parts.extend(dumps(pairs[i : i + _PIECE]) for i in range(0, len(pairs), _PIECE))
    parts.append(dumps(None))
    fs.write_atomic(path, b"".join(parts))


class StateWriter:
    """Writes the checkpoints of one stream's state."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._directories: list[str] = []
        self._last: int | None = None
        self._base_size = 0
        self._changed = 0
        self._compacting: threading.Thread | None = None
        self._compacted: list[tuple[int, str, int]] = []

    def write(self, rdd: RDD) -> StateFiles:
        """Keep a version that has been computed."""
        node = rdd._node
        assert isinstance(node, StateNode)
        self._take_compacted()
        chain = self._since(node)
        directory = self._root / f"state-{node.id}-{uuid.uuid4().hex[:8]}"
        fs.make_directory(directory)
        if chain is None:
            size = _write_all(rdd, directory)
            if self._last is not None and node.id < self._last:
                return StateFiles([str(directory)])  # a batch that came later was done first: changes follow from that
            self._base_size, self._changed = size, 0
            self._directories = [str(directory)]
            self._compacted = []  # a copy that is being made is of what was before
        else:
            self._changed += _write_changes(chain, directory)
            self._directories = [*self._directories, str(directory)]
            self._compact_if_due(rdd)
        self._last = node.id
        return StateFiles(list(self._directories))

    def _since(self, node: StateNode) -> list[StateNode] | None:
        """The versions after the last that was kept, oldest first; None if they do not lead back to it."""
        chain: list[StateNode] = []
        found: Node = node
        while isinstance(found, StateNode) and found.id != self._last:
            if len(found.changes) < found.partitions or not found.parents:
                return None
            chain.append(found)
            found = found.parents[0]
        return list(reversed(chain)) if found.id == self._last else None

    def _compact_if_due(self, rdd: RDD) -> None:
        if self._changed <= max(self._base_size, _LEAST_CHANGES) or self._compacting is not None:
            return
        parts = [_pairs(rdd, i) for i in range(rdd._node.partitions)]
        kept = len(self._directories)
        written = self._compacted

        def compact() -> None:
            directory = self._root / f"state-{rdd._node.id}-full-{uuid.uuid4().hex[:8]}"
            try:
                fs.make_directory(directory)
                for i, pairs in enumerate(parts):
                    _write(directory / f"part-{i:05d}", [], pairs)
                written.append((kept, str(directory), sum(map(len, parts))))
            except Exception as error:  # the changes are enough: the next copy may succeed
                _log.warning(
                    "Could not write a full copy of a state in %s: %s. Its changes are kept.", directory, error
                )
                shutil.rmtree(directory, ignore_errors=True)

        self._changed = 0
        self._compacting = threading.Thread(target=compact, name="penstock state copy", daemon=True)
        self._compacting.start()

    def _take_compacted(self) -> None:
        """A full copy that has been written takes the place of what it was made of."""
        if self._compacting is None or self._compacting.is_alive():
            return
        self._compacting = None
        if self._compacted:
            kept, directory, self._base_size = self._compacted.pop()
            self._directories = [directory, *self._directories[kept:]]


def _pairs(rdd: RDD, index: int) -> list[tuple[Any, Any]]:
    """A partition's pairs; computed again when with concurrent jobs so many batches have overtaken this one that memory
    does not reach back to it."""
    node = rdd._node
    assert isinstance(node, StateNode)
    found = node.snapshot(index)
    return found if found is not None else rdd.ctx.runJob(rdd, list, [index])


def _write_all(rdd: RDD, directory: Path) -> int:
    size = 0
    for i in range(rdd._node.partitions):
        pairs = _pairs(rdd, i)
        size += len(pairs)
        _write(directory / f"part-{i:05d}", [], pairs)
    return size


def _write_changes(chain: list[StateNode], directory: Path) -> int:
    size = 0
    for i in range(chain[0].partitions):
        changes: dict[Any, Any] = {}
        for node in chain:
            changes.update(node.changes[i])
        size += len(changes)
        gone = [key for key, value in changes.items() if value is DELETED]
        _write(directory / f"part-{i:05d}", gone, [p for p in changes.items() if p[1] is not DELETED])
    return size

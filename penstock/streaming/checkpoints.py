"""What a program of DStreams must remember: which batches there were, which are not done, where their state is.

A checkpoint directory holds `graph` (graph_file.py), one `checkpoint-TIME` per batch of the last few, which is JSON,
the data of checkpointed RDDs, and the write-ahead logs of receivers.  A batch's checkpoint is durable before its
jobs run: so a batch that runs again after a crash has the same time and the same data.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import threading
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.core.faults import point
from penstock.core.files import fs, local_path
from penstock.streaming import graph_file

if TYPE_CHECKING:
    from penstock.streaming.context import StreamingContext

_log = logging.getLogger(__name__)

#: How many checkpoints are kept: the last is used, one before it if that cannot be read.
KEPT = 3
_PREFIX = "checkpoint-"


@dataclass
class Metadata:
    """One checkpoint.  Times are milliseconds since 1970; JSON has them as strings where they are keys."""

    time_ms: int
    zero_ms: int
    pending: list[int] = field(default_factory=list)
    #: By stream (its place in the graph): by time: the directories of its RDD and how many partitions it has.
    streams: dict[str, dict[str, tuple[list[str], int]]] = field(default_factory=dict)
    #: By stream: what the input needs to make its batches again.
    inputs: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        """As a file: a checksum and JSON."""
        text = json.dumps(asdict(self), sort_keys=True).encode()
        return b"v1 %08x\n%s" % (zlib.crc32(text), text)

    @staticmethod
    def decode(data: bytes) -> Metadata:
        """From a file.  Raises ValueError for anything else."""
        head, _, text = data.partition(b"\n")
        if head != b"v1 %08x" % zlib.crc32(text):
            raise ValueError("its checksum does not agree")
        return Metadata(**json.loads(text))

    def directories(self) -> set[str]:
        """The data that it needs."""
        return {path for times in self.streams.values() for paths, _ in times.values() for path in paths}


class Checkpoints:
    """Writes the checkpoints of one running context."""

    def __init__(self, context: StreamingContext, location: str) -> None:
        self._context = context
        self.directory = Path(local_path(location))
        self._lock = threading.Lock()
        self._written: list[tuple[Path, set[str]]] = []
        self._last_ms = 0

    def begin(self) -> None:
        """At the start of a new program: what another program left here is not ours to go on from."""
        for path in checkpoint_files(self.directory):
            path.unlink()
        shutil.rmtree(self.directory / "receivedData", ignore_errors=True)
        graph_file.write(self.directory, self._context)

    def go_on(self) -> None:
        """After a restart: what the process before has left is removed when newer checkpoints are there."""
        for path in checkpoint_files(self.directory):
            try:
                self._written.append((path, Metadata.decode(fs.read(path)).directories()))
            except (ValueError, TypeError):
                self._written.append((path, set()))
        if self._written:
            self._last_ms = int(self._written[-1][0].name.removeprefix(_PREFIX))

    def write(self, pending: Callable[[], list[int]], time_ms: int | None = None) -> None:
        """Durable when it returns.  `time_ms` is the batch that has just been made; None when one is done."""
        with self._lock:
            if time_ms is not None:
                self._last_ms = time_ms
            metadata = self._metadata(pending())
            path = self.directory / f"{_PREFIX}{self._last_ms}"
            fs.write_atomic(path, metadata.encode())
            point("dstream-checkpoint-written")
            self._keep(path, metadata.directories())

    def _metadata(self, pending: list[int]) -> Metadata:
        graph = self._context.graph
        zero = next((stream.zero_ms for stream in graph.streams if stream.zero_ms is not None), 0)
        streams: dict[str, dict[str, tuple[list[str], int]]] = {}
        inputs: dict[str, Any] = {}
        for i, stream in enumerate(graph.streams):
            kept = stream.kept_files()
            if kept:
                streams[str(i)] = {str(t): entry for t, entry in kept.items()}
            described = stream.describe()
            if described is not None:
                inputs[str(i)] = described
        return Metadata(self._last_ms, zero, pending, streams, inputs)

    def _keep(self, path: Path, directories: set[str]) -> None:
        """Remember the newest, and remove what only older ones need."""
        self._written = [entry for entry in self._written if entry[0] != path]
        before = set().union(*(needed for _, needed in self._written)) if self._written else set()
        self._written.append((path, directories))
        dropped, self._written = self._written[:-KEPT], self._written[-KEPT:]
        for old, _ in dropped:
            old.unlink(missing_ok=True)
        needed = set().union(*(directories for _, directories in self._written))
        for unused in before - needed:
            shutil.rmtree(unused, ignore_errors=True)
            self._remove_if_empty(Path(unused).parent)

    def _remove_if_empty(self, directory: Path) -> None:
        """The data directory of a process before this one."""
        if str(directory) != (self._context.sparkContext.getCheckpointDir() or "").removeprefix("file:"):
            with contextlib.suppress(OSError):
                directory.rmdir()


def checkpoint_files(directory: Path) -> list[Path]:
    """The checkpoints of a directory, oldest first."""
    if not directory.is_dir():
        return []
    found = [p for p in directory.iterdir() if p.name.startswith(_PREFIX) and p.name[len(_PREFIX) :].isdigit()]
    return sorted(found, key=lambda p: int(p.name[len(_PREFIX) :]))


def latest(directory: Path) -> Metadata | None:
    """The newest checkpoint that can be read; None if there is none at all.  When there are some and none can be
    read: ValueError."""
    files = checkpoint_files(directory)
    if not files or not (directory / graph_file.NAME).exists():
        return None
    reasons = []
    for path in reversed(files):
        try:
            return Metadata.decode(fs.read(path))
        except (ValueError, TypeError, OSError) as error:
            _log.warning("The checkpoint %s cannot be read: %s", path, error)
            reasons.append(f"{path}: {error}")
    raise ValueError("No checkpoint can be read; to begin anew, remove the directory. " + "; ".join(reasons))

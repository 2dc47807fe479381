"""The files `checkpoint-TIME`: what they hold, and which of them a restart reads.

The first two lines are a checksum and all there is to remember, as JSON.  Each further line is a checksum and a
change: `{"made": TIME, "inputs": {...}}` or `{"done": TIME}`.
"""

from __future__ import annotations

import json
import logging
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from penstock.core.files import fs
from penstock.streaming import graph_file

_log = logging.getLogger(__name__)

PREFIX = "checkpoint-"
_VERSION = b"v2 "

#: By stream (its place in the graph): by time: the directories of its RDD and how many partitions it has.
Streams = dict[str, dict[str, tuple[list[str], int]]]


@dataclass
class Metadata:
    """One checkpoint.  Times are milliseconds since 1970; JSON has them as strings where they are keys."""

    time_ms: int
    zero_ms: int
    pending: list[int] = field(default_factory=list)
    streams: Streams = field(default_factory=dict)
    #: By stream: what the input needs to make its batches again: what concerns all, and `batches` by time.
    inputs: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        """As the beginning of a file."""
        text = json.dumps(asdict(self), sort_keys=True).encode()
        return b"%s%08x\n%s\n" % (_VERSION, zlib.crc32(text), text)

    @staticmethod
    def decode(data: bytes) -> Metadata:
        """From a file; the half-written end that a killed process leaves is left out.  Raises ValueError for
        anything else."""
        head, text, *lines = data.split(b"\n")[: data.count(b"\n")] if data.count(b"\n") > 1 else (data, b"")
        if not head.startswith(_VERSION) and head[:1] == b"v":
            raise ValueError(f"it was written by another version of Penstock ({head[:2].decode('ascii', 'replace')})")
        if head != b"%s%08x" % (_VERSION, zlib.crc32(text)):
            raise ValueError("its checksum does not agree")
        found = Metadata(**json.loads(text))
        for line in lines:
            checksum, _, change = line.partition(b" ")
            if checksum != b"%08x" % zlib.crc32(change):
                break
            found._apply(json.loads(change))
        return found

    def _apply(self, change: dict[str, Any]) -> None:
        if "done" in change:
            self.pending = [t for t in self.pending if t != change["done"]]
            return
        time_ms = change["made"]
        self.time_ms = max(self.time_ms, time_ms)
        self.pending = sorted({*self.pending, time_ms})
        for i, entry in change["inputs"].items():
            self.inputs.setdefault(i, {}).setdefault("batches", {})[str(time_ms)] = entry

    def directories(self) -> set[str]:
        """The data that it needs."""
        return {path for times in self.streams.values() for paths, _ in times.values() for path in paths}


def encoded_line(change: dict[str, Any]) -> bytes:
    """A change as a line."""
    text = json.dumps(change, sort_keys=True).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def checkpoint_files(directory: Path) -> list[Path]:
    """The checkpoints of a directory, oldest first."""
    if not directory.is_dir():
        return []
    found = [p for p in directory.iterdir() if p.name.startswith(PREFIX) and p.name[len(PREFIX) :].isdigit()]
    return sorted(found, key=lambda p: int(p.name[len(PREFIX) :]))


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

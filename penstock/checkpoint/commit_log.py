"""The commit log: which batches are done.  `commits/<batch>`: `v1` and the watermark that the batch left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from penstock.checkpoint.errors import malformed_log_file
from penstock.checkpoint.metadata_log import MetadataLog, body_lines, json_object


@dataclass(frozen=True)
class CommitEntry:
    """A finished batch: its results are in the sink, its state is durable."""

    next_watermark_ms: int

    def to_bytes(self) -> bytes:
        """Spark's file format."""
        return ("v1\n" + json.dumps({"nextBatchWatermarkMs": self.next_watermark_ms}, separators=(",", ":"))).encode()


class CommitLog:
    """The commit log of one query."""

    def __init__(self, directory: Path) -> None:
        self._log = MetadataLog(directory)
        self._log.drop_torn()
        self._unsynced: int | None = None

    @property
    def latest(self) -> int | None:
        """The newest batch that is done."""
        return self._log.latest

    def add(self, batch_id: int, entry: CommitEntry, *, durable: bool = True) -> None:
        """Declare a batch done.  With durable=False a failure of the machine (not of the process) may undo it until
        `sync`, or until the next batch is in the offset log, which tells as much."""
        self._log.add(batch_id, entry.to_bytes(), durable=durable)
        self._unsynced = None if durable else batch_id

    def sync(self) -> None:
        """Make the newest entry durable."""
        if self._unsynced is not None:
            self._log.sync(self._unsynced)
            self._unsynced = None

    def get(self, batch_id: int) -> CommitEntry:
        """A batch's entry; raises for a missing or malformed file."""
        return parse_commit(self._log.get(batch_id), self._log.path(batch_id))

    def path(self, batch_id: int) -> Path:
        """The file of a batch."""
        return self._log.path(batch_id)

    def purge(self, before: int) -> None:
        """Forget old batches."""
        self._log.purge(before)


def parse_commit(content: bytes, path: Path) -> CommitEntry:
    """Read the file format; raises SparkError naming the file and the fault."""
    lines = body_lines(content, path)
    if not lines:
        raise malformed_log_file(path, "", "it ends after the version line")
    watermark = json_object(lines[0], path).get("nextBatchWatermarkMs", 0)
    if not isinstance(watermark, int):
        raise malformed_log_file(path, lines[0], f"nextBatchWatermarkMs is {watermark!r} instead of a number")
    return CommitEntry(watermark)

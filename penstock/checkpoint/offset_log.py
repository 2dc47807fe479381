"""The offset log: what each batch reads, written before the batch runs (write-ahead).

`offsets/<batch>`: `v1`, a JSON line with the batch's watermark, time and settings, then a line for each source: its end
offset, or `-` for a source that has given nothing yet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from penstock.checkpoint.errors import malformed_log_file
from penstock.checkpoint.metadata_log import MetadataLog, body_lines, json_object

NO_OFFSET = "-"


@dataclass(frozen=True)
class OffsetEntry:
    """One batch.  `offsets[i]` is where source i ends (None: nothing read yet); `watermark_ms` holds during the batch;
    `timestamp_ms` is its processing time; `conf` are the settings that stay as they were at the first start."""

    offsets: tuple[str | None, ...]
    watermark_ms: int
    timestamp_ms: int
    conf: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Spark's file format."""
        times = {"batchWatermarkMs": self.watermark_ms, "batchTimestampMs": self.timestamp_ms}
        metadata = {**times, "conf": dict(self.conf)}
        lines = ["v1", json.dumps(metadata, separators=(",", ":"))]
        lines += [NO_OFFSET if offset is None else offset for offset in self.offsets]
        return "\n".join(lines).encode()


class OffsetLog:
    """The offset log of one query."""

    def __init__(self, directory: Path) -> None:
        self._log = MetadataLog(directory)

    @property
    def latest(self) -> int | None:
        """The newest batch that was planned."""
        return self._log.latest

    def add(self, batch_id: int, entry: OffsetEntry) -> None:
        """Plan a batch, durably."""
        self._log.add(batch_id, entry.to_bytes())

    def get(self, batch_id: int) -> OffsetEntry:
        """What a batch reads; raises for a missing or malformed file."""
        return parse_offsets(self._log.get(batch_id), self._log.path(batch_id))

    def path(self, batch_id: int) -> Path:
        """The file of a batch."""
        return self._log.path(batch_id)

    def purge(self, before: int) -> None:
        """Forget old batches."""
        self._log.purge(before)


def parse_offsets(content: bytes, path: Path) -> OffsetEntry:
    """Read the file format; raises SparkError naming the file and the fault."""
    lines = body_lines(content, path)
    if not lines:
        raise malformed_log_file(path, "", "it ends after the version line")
    metadata = json_object(lines[0], path)
    conf = metadata.get("conf", {})
    if not isinstance(conf, dict):
        raise malformed_log_file(path, lines[0], '"conf" is not a JSON object')
    offsets = tuple(None if line == NO_OFFSET else line for line in lines[1:])
    return OffsetEntry(
        offsets,
        _milliseconds(metadata, "batchWatermarkMs", path),
        _milliseconds(metadata, "batchTimestampMs", path),
        {str(key): str(value) for key, value in conf.items()},
    )


def _milliseconds(metadata: Mapping[str, object], key: str, path: Path) -> int:
    value = metadata.get(key, 0)
    if not isinstance(value, int):
        raise malformed_log_file(path, str(value), f"{key} is {value!r} instead of a number")
    return value

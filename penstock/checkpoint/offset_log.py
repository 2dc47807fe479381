"""The offset log: what each batch reads, written before the batch runs (write-ahead).

`offsets/<batch>`: `v1`, a JSON line with the batch's watermark, time and settings, then a line for each source: its end
offset, or `-` for a source that has given nothing yet.  Where the sources have names, it is `v2` and a line is
`name:offset`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    names: tuple[str, ...] | None = None

    def for_sources(self, names: Sequence[str]) -> OffsetEntry:
        """The same batch for these named sources: one that it does not know begins anew."""
        known = dict(zip(self.names or (), self.offsets, strict=True))
        return replace(self, offsets=tuple(known.get(name) for name in names), names=tuple(names))

    def to_bytes(self) -> bytes:
        """Spark's file format."""
        times = {"batchWatermarkMs": self.watermark_ms, "batchTimestampMs": self.timestamp_ms}
        metadata: dict[str, object] = {**times, "conf": dict(self.conf)}
        offsets = [NO_OFFSET if offset is None else offset for offset in self.offsets]
        if self.names is not None:
            metadata["sourceMetadataInfo"] = {}
            offsets = [f"{name}:{offset}" for name, offset in zip(self.names, offsets, strict=True)]
        version = "v1" if self.names is None else "v2"
        lines = [version, json.dumps(metadata, separators=(",", ":")), *offsets]
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

    def before(self, batch_id: int) -> int | None:
        """The newest batch before this one that has an entry."""
        return self._log.before(batch_id)

    def path(self, batch_id: int) -> Path:
        """The file of a batch."""
        return self._log.path(batch_id)

    def purge(self, before: int) -> None:
        """Forget old batches."""
        self._log.purge(before)


def parse_offsets(content: bytes, path: Path) -> OffsetEntry:
    """Read the file format; raises SparkError naming the file and the fault."""
    lines = body_lines(content, path, supported_version=2)
    if not lines:
        raise malformed_log_file(path, "", "it ends after the version line")
    metadata = json_object(lines[0], path) if lines[0] else {}  # Spark's continuous queries leave the line empty
    conf = metadata.get("conf", {})
    if not isinstance(conf, dict):
        raise malformed_log_file(path, lines[0], '"conf" is not a JSON object')
    names = _names(lines[1:], path) if content.startswith(b"v2") else None
    texts = lines[1:] if names is None else [line.partition(":")[2] for line in lines[1:]]
    return OffsetEntry(
        tuple(None if text == NO_OFFSET else text for text in texts),
        _milliseconds(metadata, "batchWatermarkMs", path),
        _milliseconds(metadata, "batchTimestampMs", path),
        {str(key): str(value) for key, value in conf.items()},
        names,
    )


def _names(lines: Sequence[str], path: Path) -> tuple[str, ...]:
    for line in lines:
        if ":" not in line:
            raise malformed_log_file(path, line, f"{line[:80]!r} is not name:offset")
    return tuple(line.partition(":")[0] for line in lines)


def _milliseconds(metadata: Mapping[str, object], key: str, path: Path) -> int:
    value = metadata.get(key, 0)
    if not isinstance(value, int):
        raise malformed_log_file(path, str(value), f"{key} is {value!r} instead of a number")
    return value

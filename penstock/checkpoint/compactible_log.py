"""A numbered log whose entries are folded together every so often: the seen files of a file stream, and the committed
files of a file sink (`_spark_metadata`).

Spark's format: file `<batch id>` holds the version line and one JSON object a line; at every `interval`-th batch
(9, 19, ... for 10) it is called `<batch id>.compact` and holds the lines of all batches up to then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from penstock.checkpoint.errors import missing_batch
from penstock.checkpoint.metadata_log import body_lines, json_object
from penstock.core import files

_COMPACT = ".compact"


class CompactibleLog:
    """The log in one directory.  The directory is listed once, when first needed; later everything is by name."""

    def __init__(self, directory: Path, *, interval: int = 10, cleanup_delay_ms: int = 600_000) -> None:
        self.directory = directory
        self.interval = interval
        self.cleanup_delay_ms = cleanup_delay_ms
        plain, compact = self._listed()
        self._plain = plain
        self._compact = compact

    @property
    def latest(self) -> int | None:
        """The id of the last batch in the log."""
        return max((*self._plain, *self._compact), default=None)

    def entries(self) -> Iterator[tuple[int, Mapping[str, object]]]:
        """All entries, oldest first, each with the id of the batch whose file holds it."""
        for batch_id, line in self._lines():
            yield batch_id, json_object(line, self._path(batch_id))

    def add(self, batch_id: int, lines: Sequence[str]) -> bool:
        """Write a batch's lines durably.  False if the batch is in the log already, which is then not touched."""
        files.fs.make_directory(self.directory)
        is_compaction = (batch_id + 1) % self.interval == 0
        known = [line for _, line in self._lines()] if is_compaction else []
        path = self.directory / (f"{batch_id}{_COMPACT}" if is_compaction else str(batch_id))
        content = "\n".join(["v1", *known, *lines]).encode()
        try:
            files.fs.write_atomic(path, content, overwrite=False)
        except FileExistsError:
            return False
        (self._compact if is_compaction else self._plain).add(batch_id)
        if is_compaction:
            self._clean(batch_id)
        return True

    def read(self, batch_id: int) -> list[str]:
        """The lines in the file of a batch (all up to it, where that is a compacted one)."""
        path = self._path(batch_id)
        try:
            return [line for line in body_lines(files.fs.read(path), path) if line]
        except FileNotFoundError:
            raise missing_batch(path, "which the log needs") from None

    def _lines(self) -> Iterator[tuple[int, str]]:
        start = max(self._compact, default=-1)
        if start >= 0:
            yield from ((start, line) for line in self.read(start))
        plain = [b for b in self._plain if b > start]
        first = start + 1 if start >= 0 else min(plain, default=0)
        for batch_id in range(first, max(plain, default=-1) + 1):  # without a hole: that would be a file that was lost
            yield from ((batch_id, line) for line in self.read(batch_id))

    def _listed(self) -> tuple[set[int], set[int]]:
        names = files.fs.list(self.directory)
        plain = {int(name) for name in names if name.isdigit()}
        compact = {int(name.removesuffix(_COMPACT)) for name in names if name.endswith(_COMPACT) and name[0].isdigit()}
        return plain, compact

    def _path(self, batch_id: int) -> Path:
        return self.directory / (f"{batch_id}{_COMPACT}" if batch_id in self._compact else str(batch_id))

    def _clean(self, compacted: int) -> None:
        """Remove what a compacted file made superfluous, once it is old enough that no reader can be busy with it."""
        oldest = time.time() - self.cleanup_delay_ms / 1000
        for batch_id in sorted((self._plain | self._compact) - {compacted}):
            path = self._path(batch_id)
            if path.exists() and path.stat().st_mtime <= oldest:
                files.fs.remove(path)
                self._plain.discard(batch_id)
                self._compact.discard(batch_id)


def interval_of(conf: Mapping[str, str], key: str) -> int:
    """The compaction interval that a setting gives; Spark's default is 10."""
    return int(conf.get(key) or 10)

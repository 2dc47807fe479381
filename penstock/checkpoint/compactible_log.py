"""A numbered log whose entries are folded together every so often: the seen files of a file stream, and the committed
files of a file sink (`_spark_metadata`).

Spark's format: file `<batch id>` holds the version line and one JSON object a line; at every `interval`-th batch
(9, 19, ... for 10) it is called `<batch id>.compact` and holds the lines of all batches up to then.

A reader (Spark's too) takes the distance of the two newest compact files for the interval.  So the interval can grow
with the log: it doubles when the newest compact file's number fits twice the interval and the compact file between the
two that are to be the newest is removed.  With a million lines, that many are not written again every ten batches.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from penstock.checkpoint.errors import missing_batch
from penstock.checkpoint.metadata_log import body_lines, check_version, json_object
from penstock.core import files

_COMPACT = ".compact"

#: The interval grows while a compaction writes more than this many old lines for each batch of the interval.
LINES_PER_BATCH = 1000


class CompactibleLog:
    """The log in one directory.  The directory is listed once, when first needed; later everything is by name."""

    def __init__(self, directory: Path, *, interval: int = 10, cleanup_delay_ms: int = 600_000) -> None:
        self.directory = directory
        self.cleanup_delay_ms = cleanup_delay_ms
        plain, compact = self._listed()
        self._plain = plain
        self._compact = compact
        self._default = interval
        self.interval = derived_interval(interval, compact)
        self.latest: int | None = max((*plain, *compact), default=None)

    def entries(self) -> Iterator[tuple[int, Mapping[str, object]]]:
        """All entries, oldest first, each with the id of the batch whose file holds it."""
        for batch_id in self._needed():
            for line in self.read(batch_id):
                yield batch_id, json_object(line, self._path(batch_id))

    def raw_lines(self) -> Iterator[tuple[Path, bytes]]:
        """All lines, oldest first, each with the file that holds it."""
        for batch_id in self._needed():
            path = self._path(batch_id)
            content = self._content(batch_id)
            for line in io.BytesIO(content[check_version(content, path) :]):
                if stripped := line.rstrip(b"\n"):
                    yield path, stripped

    def add(self, batch_id: int, lines: Sequence[str]) -> bool:
        """Write a batch's lines durably.  False if the batch is in the log already, which is then not touched."""
        files.fs.make_directory(self.directory)
        is_compaction = (batch_id + 1) % self.interval == 0
        pieces = self._bodies() if is_compaction else []
        new = "\n".join(lines).encode()
        content = b"\n".join([b"v1", *pieces, *([new] if lines else [])])
        path = self.directory / (f"{batch_id}{_COMPACT}" if is_compaction else str(batch_id))
        try:
            files.fs.write_atomic(path, content, overwrite=False)
        except FileExistsError:
            return False
        (self._compact if is_compaction else self._plain).add(batch_id)
        self.latest = batch_id if self.latest is None else max(self.latest, batch_id)
        if is_compaction:
            self._grow(batch_id, content.count(b"\n"))
            self._clean(batch_id)
        return True

    def read(self, batch_id: int) -> list[str]:
        """The lines in the file of a batch (all up to it, where that is a compacted one)."""
        return [line for line in body_lines(self._content(batch_id), self._path(batch_id)) if line]

    def _content(self, batch_id: int) -> bytes:
        path = self._path(batch_id)
        try:
            return files.fs.read(path)
        except FileNotFoundError:
            raise missing_batch(path, "which the log needs") from None

    def _bodies(self) -> list[bytes]:
        """What is in the files that make up the log, without their version lines."""
        contents = ((self._content(b), self._path(b)) for b in self._needed())
        bodies = (content[check_version(content, path) :].strip(b"\n") for content, path in contents)
        return [body for body in bodies if body]

    def _needed(self) -> range:
        """The batches whose files make up the log: the newest compact one and all later ones, without a hole (that
        would be a file that was lost)."""
        start = max(self._compact, default=-1)
        plain = [b for b in self._plain if b > start]
        return range(start if start >= 0 else min(plain, default=0), max(plain, default=start) + 1)

    def _listed(self) -> tuple[set[int], set[int]]:
        names = files.fs.list(self.directory)
        plain = {int(name) for name in names if name.isdigit()}
        compact = {int(name.removesuffix(_COMPACT)) for name in names if name.endswith(_COMPACT) and name[0].isdigit()}
        return plain, compact

    def _path(self, batch_id: int) -> Path:
        return self.directory / (f"{batch_id}{_COMPACT}" if batch_id in self._compact else str(batch_id))

    def _grow(self, compacted: int, lines: int) -> None:
        """Double the interval, if that pays and a reader will see it: by the two compact files that are left, or by the
        only one."""
        doubled = 2 * self.interval
        if lines <= LINES_PER_BATCH * self.interval or (compacted + 1) % doubled:
            return
        left = {b for b in self._compact if b == compacted or b <= compacted - doubled}
        if derived_interval(self._default, left) != doubled:
            return
        for batch_id in sorted(self._compact - left):
            self._remove(batch_id)
        self.interval = doubled

    def _clean(self, compacted: int) -> None:
        """Remove what a compacted file made superfluous, once it is old enough that no reader can be busy with it.  The
        two compact files before stay: their distance tells readers the interval, now and when it grows."""
        oldest = time.time() - self.cleanup_delay_ms / 1000
        kept = {compacted, *sorted(self._compact)[-3:]}
        for batch_id in sorted((self._plain | self._compact) - kept):
            path = self._path(batch_id)
            if path.exists() and path.stat().st_mtime <= oldest:
                self._remove(batch_id)

    def _remove(self, batch_id: int) -> None:
        files.fs.remove(self._path(batch_id))
        self._plain.discard(batch_id)
        self._compact.discard(batch_id)


def derived_interval(default: int, compact: set[int]) -> int:
    """The interval of a log with these compact files, as Spark derives it: the distance of the newest two; of one
    alone, the smallest divisor of its number (from 1) that is no less than the default; else the default."""
    newest = sorted(compact)[-2:]
    if not newest:
        return default
    if len(newest) == 2:
        return newest[1] - newest[0]
    count = newest[0] + 1
    if count <= default or default >= count // 2:
        return count
    return next((n for n in range(default, count // 2 + 1) if count % n == 0), count)


def interval_of(conf: Mapping[str, str], key: str) -> int:
    """The compaction interval that a setting gives; Spark's default is 10."""
    return int(conf.get(key) or 10)

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
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from penstock.checkpoint.compaction import LEAST_BYTES, Preparation
from penstock.checkpoint.errors import missing_batch
from penstock.checkpoint.metadata_log import body_lines, check_version, json_object
from penstock.core import files
from penstock.core.durations import time_ms
from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError

_COMPACT = ".compact"
Rewrite: TypeAlias = Callable[[int, Sequence[bytes]], list[bytes]]

#: The interval grows while a compaction writes more than this many old lines for each batch of the interval.
LINES_PER_BATCH = 1000


class CompactibleLog:
    """The log in one directory.  The directory is listed once, when first needed; later everything is by name.
    `cleanup_delay_ms`: how old a file must be that a compaction has made superfluous before it is removed (None: none
    ever is); `rewrite` makes the lines of a batch's compact file of all there are (None: it holds them all)."""

    def __init__(
        self,
        directory: Path,
        *,
        interval: int = 10,
        cleanup_delay_ms: int | None = 600_000,
        rewrite: Rewrite | None = None,
    ) -> None:
        self.directory = directory
        self._rewrite = rewrite
        self._ahead: Preparation | None = None
        self._bytes: int | None = None  # of the files that make up the log; not known before the first addition
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
        new = "\n".join(lines).encode()
        is_compaction = (batch_id + 1) % self.interval == 0
        path = self.directory / (f"{batch_id}{_COMPACT}" if is_compaction else str(batch_id))
        try:
            count = self._write_compact(batch_id, path, new) if is_compaction else self._write_plain(path, new)
        except FileExistsError:
            return False
        (self._compact if is_compaction else self._plain).add(batch_id)
        self.latest = batch_id if self.latest is None else max(self.latest, batch_id)
        if is_compaction:
            self._grow(batch_id, count)
            self._clean(batch_id)
        self._prepare()
        return True

    def close(self) -> None:
        """Stop what runs beside the batches."""
        if self._ahead is not None:
            self._ahead.cancel()
            self._ahead = None

    def _write_plain(self, path: Path, new: bytes) -> int:
        content = b"v1\n" + new if new else b"v1"
        files.fs.write_atomic(path, content, overwrite=False)
        if self._bytes is not None:
            self._bytes += len(content)
        return content.count(b"\n")

    def _write_compact(self, batch_id: int, path: Path, new: bytes) -> int:
        """The file that holds everything; how many lines that is."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and not path.exists() and ahead.complete([*self._bodies(ahead.last), new], path):
            return ahead.lines
        bodies = [body for body in (*self._bodies(), new) if body]
        if self._rewrite is not None:
            bodies = self._rewrite(batch_id, [line for body in bodies for line in body.split(b"\n")])
        content = b"\n".join([b"v1", *bodies])
        files.fs.write_atomic(path, content, overwrite=False)
        return content.count(b"\n")

    def _prepare(self) -> None:
        """Have the next compact file written in the background, if it will be a large one."""
        if self._ahead is not None or self._rewrite is not None or self.latest is None:
            return
        if self._bytes is None:
            self._bytes = sum(self._path(b).stat().st_size for b in self._needed())
        if self._bytes >= LEAST_BYTES:
            self._ahead = Preparation(self.directory, [self._path(b) for b in self._needed()], self.latest)

    def read(self, batch_id: int) -> list[str]:
        """The lines in the file of a batch (all up to it, where that is a compacted one)."""
        return [line for line in body_lines(self._content(batch_id), self._path(batch_id)) if line]

    def _content(self, batch_id: int) -> bytes:
        path = self._path(batch_id)
        try:
            return files.fs.read(path)
        except FileNotFoundError:
            raise missing_batch(path, "which the log needs") from None

    def _bodies(self, after: int = -1) -> list[bytes]:
        """What is in the files that make up the log, without their version lines; of those `after` a batch."""
        contents = ((self._content(b), self._path(b)) for b in self._needed() if b > after)
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
        if self.cleanup_delay_ms is None:
            return
        oldest = time.time() - self.cleanup_delay_ms / 1000
        kept = {compacted, *sorted(self._compact)[-3:]}
        # Oldest first: behind one that is too young there are only younger ones, perhaps thousands.
        candidates = (self._path(b) for b in sorted((self._plain | self._compact) - kept))
        gone = list(itertools.takewhile(lambda path: _is_older(path, oldest), candidates))
        for path in gone:
            self._forget(int(path.name.removesuffix(_COMPACT)))
        if (self._bytes or 0) >= LEAST_BYTES:  # to remove files of 100 MB takes longer than a batch
            threading.Thread(target=_remove_all, args=(gone,), name="penstock log cleaning", daemon=True).start()
        else:
            _remove_all(gone)

    def _remove(self, batch_id: int) -> None:
        files.fs.remove(self._path(batch_id))
        self._forget(batch_id)

    def _forget(self, batch_id: int) -> None:
        self._plain.discard(batch_id)
        self._compact.discard(batch_id)


def _is_older(path: Path, time_s: float) -> bool:
    """Whether a file was written before; one that is gone was."""
    try:
        return path.stat().st_mtime <= time_s
    except FileNotFoundError:
        return True


def _remove_all(paths: Sequence[Path]) -> None:
    for path in paths:
        files.fs.remove(path)


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


def cleanup_delay_of(conf: Mapping[str, str], log: str) -> int | None:
    """After how many milliseconds superfluous files of `log` ("fileSource", "fileSink") go, by its settings; None: they
    stay (log.deletion is false)."""
    prefix = f"spark.sql.streaming.{log}.log."
    if (conf.get(prefix + "deletion") or "true").strip().lower() == "false":
        return None
    text = conf.get(prefix + "cleanupDelay") or "10min"
    delay = time_ms(text)
    if delay is None:
        key = prefix + "cleanupDelay"
        message = f"The setting {key} is {text!r}; it must be a time such as 10min."
        params = {"confName": key, "confValue": text, "confType": "time"}
        condition = "INVALID_CONF_VALUE.TYPE_MISMATCH"
        raise SparkError(condition, message, params, sqlstate="22022", classes=ILLEGAL_ARGUMENT)
    return delay


def interval_of(conf: Mapping[str, str], key: str) -> int:
    """The compaction interval that a setting gives; Spark's default is 10."""
    text = conf.get(key) or "10"
    if not text.strip().lstrip("-").isdigit():
        message = f"The setting {key} is {text!r}; it must be a whole number."
        params = {"confName": key, "confValue": text, "confType": "int"}
        condition = "INVALID_CONF_VALUE.TYPE_MISMATCH"
        raise SparkError(condition, message, params, sqlstate="22022", classes=ILLEGAL_ARGUMENT)
    if int(text) < 1:
        message = f"requirement failed: Please set {key} (was {text}) to a positive value."
        raise SparkError("", message, classes=ILLEGAL_ARGUMENT[1:])  # Spark has no condition for it
    return int(text)

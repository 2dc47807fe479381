"""Streams of new files in a directory."""

from __future__ import annotations

import bisect
import contextlib
import fnmatch
import itertools
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.core.files import local_path
from penstock.rdd.rdd import RDD
from penstock.streaming.inputs import InputStream

if TYPE_CHECKING:
    from penstock.streaming.context import StreamingContext

_log = logging.getLogger(__name__)


class FileStream(InputStream):
    """The files that came into a directory since the last batch.

    A file belongs to one batch: the first after its time of modification, so files are to be moved there whole.
    Files older than the start, or than `spark.streaming.fileStream.minRememberDuration` (60 s) before the batch, are
    not looked at. Which file was in which batch is in the checkpoint: batches that run again have the same files.
    """

    def __init__(self, context: StreamingContext, directory: str, read: Callable[[Any, str], RDD], name: str) -> None:
        super().__init__(context, name)
        self._pattern = str(local_path(directory))
        self._read = read
        self._started_ms = 0
        self._selected: dict[int, list[str]] = {}
        self._listed_ms = 0
        self._listed: list[tuple[int, str]] = []

    def prepare(self) -> None:
        if not self._started_ms:
            self._started_ms = self.ssc.clock.now_ms()

    def _window_ms(self) -> int:
        setting = self.ssc.sparkContext._setting("spark.streaming.fileStream.minRememberDuration", "60s")
        least = _seconds(setting) * 1000
        return max(-(-least // self.slide_ms), 1) * self.slide_ms

    def minimum_remember_ms(self) -> int:
        return max(super().minimum_remember_ms(), self._window_ms())

    def allocate(self, time_ms: int) -> None:
        if time_ms not in self._selected:
            found = self._new_files(time_ms)
            with self._lock:  # the thread that ends batches forgets old ones
                self._selected[time_ms] = found

    def _new_files(self, time_ms: int) -> list[str]:
        oldest = max(self._started_ms - self.slide_ms, time_ms - self._window_ms())
        listing = self._listing(time_ms)
        place = bisect.bisect_right(listing, oldest, key=lambda found: found[0])
        with self._lock:
            known = {file for files in self._selected.values() for file in files}
        in_time = itertools.takewhile(lambda found: found[0] <= time_ms, itertools.islice(listing, place, None))
        return sorted(file for _, file in in_time if file not in known)

    def _listing(self, time_ms: int) -> list[tuple[int, str]]:
        """The files by their time of modification.  A listing that was begun at the batch's time or later is as good
        as a new one: batches that are made up for share it."""
        if self._listed_ms < time_ms:
            begun_ms = self.ssc.clock.now_ms()
            self._listed = sorted(found for place in _directories(self._pattern) for found in _files(place))
            self._listed_ms = begun_ms
        return self._listed

    def compute(self, time_ms: int) -> RDD | None:
        spark = self.ssc.sparkContext
        files = self._selected.get(time_ms, [])
        if not files:
            empty: RDD = spark.emptyRDD()
            return empty
        union: RDD = spark.union([self._read(spark, file) for file in files])
        return union

    def records(self, time_ms: int) -> int | None:
        return 0  # of the files nobody knows how many they hold before they are read

    def info(self, time_ms: int) -> dict[str, Any]:
        files = self._selected.get(time_ms, [])
        return {"files": files, "Description": "\n".join(files)}

    def forget(self, time_ms: int, unpersist: bool, failed: Sequence[int] = ()) -> None:
        super().forget(time_ms, unpersist, failed)
        limit = time_ms - self.remember_ms
        with self._lock:
            for old in [t for t in self._selected if t <= limit and not self.is_needed(t, failed)]:
                del self._selected[old]

    def describe(self) -> Any:
        with self._lock:
            return {"started": self._started_ms, "batches": {str(t): files for t, files in self._selected.items()}}

    def describe_batch(self, time_ms: int) -> Any:
        return self._selected.get(time_ms)

    def restore(self, described: Any) -> None:
        self._started_ms, self._listed_ms = described["started"], 0
        self._selected = {int(t): files for t, files in described["batches"].items()}


def _files(directory: Path) -> Iterator[tuple[int, str]]:
    """Time of modification (ms) and path.  What is removed while we look is left out, the directory itself, too."""
    with contextlib.suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            try:
                if not entry.name.startswith((".", "_")) and entry.is_file():
                    yield entry.stat().st_mtime_ns // 1_000_000, entry.path
            except FileNotFoundError:
                continue


def _directories(pattern: str) -> list[Path]:
    path = Path(pattern)
    if not any(c in pattern for c in "*?["):
        if not path.is_dir():
            _log.warning("The directory %s of a file stream does not exist", pattern)
            return []
        return [path]
    fixed = path
    while any(c in str(fixed) for c in "*?["):
        fixed = fixed.parent
    return sorted(p for p in fixed.rglob("*") if p.is_dir() and fnmatch.fnmatch(str(p), pattern))


def _seconds(text: str) -> int:
    """`60s`, `2min` or a number of seconds."""
    units = {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyz")
    return int(float(digits) * units[text[len(digits) :].strip() or "s"])

"""Streams of new files in a directory."""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Callable
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

    def start(self) -> None:
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
            self._selected[time_ms] = self._new_files(time_ms)

    def _new_files(self, time_ms: int) -> list[str]:
        oldest = max(self._started_ms - self.slide_ms, time_ms - self._window_ms())
        known = {file for files in list(self._selected.values()) for file in files}
        found = []
        for path in self._candidates():
            try:
                changed = path.stat().st_mtime_ns // 1_000_000
            except FileNotFoundError:
                continue
            if oldest < changed <= time_ms and str(path) not in known:
                found.append(str(path))
        return sorted(found)

    def _candidates(self) -> list[Path]:
        directories = _directories(self._pattern)
        return [p for d in directories for p in d.iterdir() if p.is_file() and not p.name.startswith((".", "_"))]

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

    def forget(self, time_ms: int, unpersist: bool) -> None:
        super().forget(time_ms, unpersist)
        for old in [t for t in list(self._selected) if t <= time_ms - self.remember_ms]:
            del self._selected[old]

    def describe(self) -> Any:
        return {"started": self._started_ms, "files": {str(t): files for t, files in list(self._selected.items())}}

    def restore(self, described: Any) -> None:
        self._started_ms = described["started"]
        self._selected = {int(t): files for t, files in described["files"].items()}


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

"""Whether it is worth listing a directory again: a query that waits asks a hundred times a second."""

# ruff: noqa: PTH116

from __future__ import annotations

import os
import time
from collections.abc import Callable

#: However quiet a directory looks, it is listed again after this time: times of directories are coarse on some file
#: systems, and cached on remote ones.
RELIST_AFTER_S = 1.0


class DirectoryWatch:
    """Remembers the modification times of the directories that a listing visited.

    A new, renamed or removed file changes its directory's time; so do new directories.  `now` is in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._times: dict[str, int] = {}
        self._listed_at = float("-inf")

    def begin(self) -> dict[str, int]:
        """A listing begins: it puts the time of each directory here before it reads it (-1: never trust it)."""
        self._listed_at, self._times = self._now(), {}
        return self._times

    @property
    def is_quiet(self) -> bool:
        """Nothing can have changed since the last listing, as far as directories tell."""
        if not self._times or self._now() - self._listed_at > RELIST_AFTER_S:
            return False
        return all(directory_time(path) == modified_ns for path, modified_ns in self._times.items())


def directory_time(path: str) -> int:
    """When a directory changed last, in nanoseconds; 0 when it is gone."""
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0

"""One program on one checkpoint at a time, over all processes of the machine: an flock on `<checkpoint>/.lock`.

The operating system lets go of it when the process dies, however it dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from pathlib import Path

from penstock.checkpoint.errors import concurrent_update
from penstock.checkpoint.paths import CheckpointPaths


class FileLock:
    """Of a file, which is made if need be (`make`), or of a directory.  Held from construction to `release`.
    BlockingIOError when somebody else holds it, in this process or another."""

    def __init__(self, path: Path, *, make: bool = True) -> None:
        self._releasing = threading.Lock()
        self._descriptor: int | None = _locked(path, make)

    def is_of(self, path: Path) -> bool:
        """Whether what it was made for is still what bears that name."""
        try:
            return self._descriptor is not None and os.path.samestat(os.fstat(self._descriptor), path.stat())
        except FileNotFoundError:
            return False

    def __enter__(self) -> FileLock:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def release(self) -> None:
        """Let somebody else have it; again, also by another thread: nothing."""
        with self._releasing:
            descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class CheckpointLock(FileLock):
    """That of a query."""

    def __init__(self, paths: CheckpointPaths) -> None:
        try:
            super().__init__(paths.lock)
        except BlockingIOError:
            raise concurrent_update(paths.root, "start") from None


#: How often it is tried: who looks whether a query runs (`penstock checkpoint show`) holds it for a moment.
_TRIES, _PAUSE_S = 5, 0.01


def _locked(path: Path, make: bool) -> int:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() or not make else os.O_RDWR | os.O_CREAT, 0o644)
    try:
        for _ in range(_TRIES - 1):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            time.sleep(_PAUSE_S)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor

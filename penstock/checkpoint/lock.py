"""One query on one checkpoint at a time, over all processes of the machine: an flock on `<checkpoint>/.lock`.

The operating system lets go of it when the process dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from penstock.checkpoint.errors import concurrent_update
from penstock.checkpoint.paths import CheckpointPaths


class CheckpointLock:
    """Held from construction to `release`."""

    def __init__(self, paths: CheckpointPaths) -> None:
        self._descriptor: int | None = _locked(paths.lock, paths.root)

    def release(self) -> None:
        """Let another query use the checkpoint."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _locked(path: Path, root: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise concurrent_update(root, "start") from None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor

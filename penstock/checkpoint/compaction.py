"""The next compact file of a long log, written by a thread while batches run.

A log of a million lines is 100 MB: to copy it takes longer than a batch.  So the copy begins right after the last
compaction, and the batch that completes it appends what has come since.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from penstock.checkpoint.metadata_log import check_version
from penstock.core import files

_log = logging.getLogger(__name__)

#: Logs shorter than this are copied in the batch itself.
LEAST_BYTES = 4 << 20

#: The thread lets the disk come to rest after each piece, so that the batches' own fsyncs do not wait for 100 MB.
_PIECE_BYTES = 1 << 20
_SYNC_BYTES = 4 << 20
_PAUSE_S = 0.002

NAME = ".ahead.tmp"


class Preparation:
    """A copy of the log up to and with the file of batch `last`."""

    def __init__(self, directory: Path, paths: Sequence[Path], last: int) -> None:
        self.last = last
        self.lines = 0
        self._paths = tuple(paths)
        self._path = directory / NAME
        self._failed = self._cancelled = False
        self._thread = threading.Thread(target=self._run, name="penstock log compaction", daemon=True)
        self._thread.start()

    def complete(self, bodies: Sequence[bytes], target: Path) -> bool:
        """Append the lines that came after `last` and give the file its name, durably.  False when the copy failed: the
        caller writes the file himself, and meets the fault, if it is still there."""
        self._thread.join()
        if self._failed:
            return False
        added = b"".join(b"\n" + body for body in bodies if body)
        self.lines += added.count(b"\n")
        try:
            files.fs.append(self._path, added)
            files.fs.rename(self._path, target)
        except BaseException:
            self._path.unlink(missing_ok=True)  # the room it takes is what may be missing
            raise
        return True

    def cancel(self) -> None:
        """Stop copying, and leave nothing."""
        self._cancelled = True
        self._thread.join()
        self._path.unlink(missing_ok=True)

    def _run(self) -> None:
        try:
            with self._path.open("wb", buffering=0) as copy:
                copy.write(b"v1")
                for path in self._paths:
                    self._copy(path, copy.fileno())
                os.fsync(copy.fileno())
        except Exception:
            self._failed = True
            self._path.unlink(missing_ok=True)
            _log.warning("The log %s is not compacted ahead of time", self._path.parent, exc_info=True)

    def _copy(self, path: Path, target: int) -> None:
        """The lines of a file, each with the line end before it; a line end at the end of the file is left out."""
        with path.open("rb") as source:
            source.seek(check_version(source.readline(), path))
            held, unsynced = b"\n", 0  # the line end that is written once something follows
            while (piece := source.read(_PIECE_BYTES)) and not self._cancelled:
                whole = held + piece
                held = b"\n" if whole.endswith(b"\n") else b""
                written = whole[: len(whole) - len(held)]
                self.lines += written.count(b"\n")
                write_all(target, written)
                unsynced += len(written)
                if unsynced >= _SYNC_BYTES:
                    os.fdatasync(target)
                    unsynced = 0
                    time.sleep(_PAUSE_S)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte, however few the system takes at once."""
    view = memoryview(data)
    while len(view):
        view = view[os.write(descriptor, view) :]

"""Names that appear in a huge directory, told by the kernel (inotify), so that it need not be listed for ten new files.

Only a quicker way to learn what a listing would tell: where it is missing, or an event was lost, the directory is
listed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct

_NONBLOCK, _CLOEXEC = 0o4000, 0o2000000
_CREATE, _MOVED_TO, _CLOSE_WRITE = 0x100, 0x80, 0x8
_MOVED_FROM, _DELETE, _DELETE_SELF, _MOVE_SELF = 0x40, 0x200, 0x400, 0x800
_IGNORED, _OVERFLOW = 0x8000, 0x4000
_APPEARED = _CREATE | _MOVED_TO | _CLOSE_WRITE
_WATCHED = _APPEARED | _MOVED_FROM | _DELETE | _DELETE_SELF | _MOVE_SELF
_HEADER = struct.Struct("iIII")


class NameEvents:
    """What has come into some directories since they were last asked about."""

    def __init__(self) -> None:
        self._descriptor = -1
        self._directories: dict[int, str] = {}
        self._watched: set[str] = set()
        self._names: dict[str, set[str]] = {}
        self._libc: ctypes.CDLL | None = None

    def watch(self, directory: str) -> bool:
        """From now on remember what comes into this directory; False where the kernel cannot do it."""
        if directory in self._watched:
            return True
        libc = self._open()
        if libc is None:
            return False
        number = libc.inotify_add_watch(self._descriptor, os.fsencode(directory), _WATCHED)
        if number < 0:
            return False
        self._directories[number] = directory
        self._watched.add(directory)
        return True

    def take(self, directory: str) -> set[str] | None:
        """The names that appeared since the last call (empty strings stand for names that went); None when the
        directory is not watched, or events were lost."""
        self._drain()
        if directory not in self._watched:
            return None
        return self._names.pop(directory, set())

    def close(self) -> None:
        """Watch nothing any more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self._forget()

    def _open(self) -> ctypes.CDLL | None:
        if self._libc is None:
            try:
                libc = ctypes.CDLL(None)
                self._descriptor = libc.inotify_init1(_NONBLOCK | _CLOEXEC)
            except (OSError, AttributeError):  # no such call on this system
                return None
            self._libc = libc
        return self._libc if self._descriptor >= 0 else None

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._descriptor >= 0 and (data := os.read(self._descriptor, 1 << 16)):  # an overflow closes it
                self._take_in(data)

    def _take_in(self, data: bytes) -> None:
        position = 0
        while position < len(data):
            number, mask, _, length = _HEADER.unpack_from(data, position)
            start = position + _HEADER.size
            name = os.fsdecode(data[start : start + length].rstrip(b"\0"))
            position = start + length
            directory = self._directories.get(number, "")
            if mask & _OVERFLOW:
                self.close()
                self._libc = None
                return
            if mask & (_IGNORED | _DELETE_SELF | _MOVE_SELF):
                self._watched.discard(directory)
                self._names.pop(directory, None)
                continue
            self._names.setdefault(directory, set()).add(name if mask & _APPEARED else "")

    def _forget(self) -> None:
        self._directories, self._names = {}, {}
        self._watched = set()

"""Waking the queries whose directories have changed: one thread and one inotify for all file streams of a process.

Only a quicker way to look: the queries look every so often all the same, so an event that is lost costs a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import select
import struct
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

_CLOEXEC = 0o2000000
_CREATE, _MOVED_TO, _CLOSE_WRITE, _OVERFLOW, _IGNORED = 0x100, 0x80, 0x8, 0x4000, 0x8000
_WATCHED = _CREATE | _MOVED_TO | _CLOSE_WRITE
_ADD = 0x20000000  # IN_MASK_ADD: other watches of the same directory stay
_HEADER = struct.Struct("iIII")
_DIRECTORY = 0x40000000

#: A file that is written in place, not moved in, may be in writing still, or be renamed at once (`a.json.tmp`): its
#: query is woken so much later.
_GRACE_S = 0.01
#: Files are often moved in one after the other: the first wakes the query when the others are there, too.
_MOVED_S = 0.003

#: File systems whose every change passes through this kernel.
_LOCAL = frozenset(("ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "f2fs", "ramfs", "jfs"))

#: How often a file stream looks where the kernel tells of new files, and where it does not; of how many directories it
#: is asked to tell at most (a system allows a user so many thousand watches).
TOLD_MS, UNTOLD_MS = 1000, 10
MAX_DIRECTORIES = 500

Wake = Callable[[], None]


class Wakeups:
    """Watches directories for many queries.  Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wakers: dict[int, dict[str, set[Wake]]] = {}  # by watch number, then directory
        self._numbers: dict[str, int] = {}
        self._later: dict[Wake, float] = {}
        self._descriptor = -1
        self._libc: ctypes.CDLL | None = None

    def watch(self, directory: str, wake: Wake) -> bool:
        """Call `wake` soon after a file came into this directory; False where the kernel cannot tell of all of them."""
        if not is_local(directory):
            return False
        with self._lock:
            libc = self._open()
            if libc is None:
                return False
            number = libc.inotify_add_watch(self._descriptor, os.fsencode(directory), _WATCHED | _ADD)
            if number < 0:
                return False
            self._numbers[directory] = number
            self._wakers.setdefault(number, {}).setdefault(directory, set()).add(wake)
        return True

    def watches(self, directory: str) -> bool:
        """Whether the directory is watched, and has not been removed since."""
        return directory in self._numbers

    def forget(self, directory: str, wake: Wake) -> None:
        """Undo `watch`."""
        with self._lock:
            number = self._numbers.get(directory, -1)
            directories = self._wakers.get(number, {})
            directories.get(directory, set()).discard(wake)
            if number < 0 or any(directories.values()):
                return
            self._wakers.pop(number, None)
            self._numbers = {name: n for name, n in self._numbers.items() if n != number}
            if self._libc is not None:
                self._libc.inotify_rm_watch(self._descriptor, number)

    def _open(self) -> ctypes.CDLL | None:
        """The kernel's functions; starts the thread when they are first needed."""
        if self._libc is not None:
            return self._libc
        try:
            libc = ctypes.CDLL(None)
            self._descriptor = libc.inotify_init1(_CLOEXEC)
        except (OSError, AttributeError):  # no such call on this system
            return None
        if self._descriptor < 0:
            return None
        self._libc = libc
        threading.Thread(target=self._run, name="penstock file watcher", daemon=True).start()
        return libc

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        poll = select.poll()  # select() takes no descriptor above 1023
        poll.register(self._descriptor, select.POLLIN)
        while True:
            with self._lock:
                due = min(self._later.values(), default=None)
            wait_ms = None if due is None else max(0, math.ceil((due - time.monotonic()) * 1000))
            if poll.poll(wait_ms):
                self._read()
            for wake in self._due():
                wake()

    def _due(self) -> set[Wake]:
        now = time.monotonic()
        with self._lock:
            due = {wake for wake, at in self._later.items() if at <= now}
            for wake in due:
                del self._later[wake]
        return due

    def _read(self) -> None:
        """Note whom to wake, and when."""
        data, position, now = os.read(self._descriptor, 1 << 16), 0, time.monotonic()
        with self._lock:
            while position < len(data):
                number, mask, _, length = _HEADER.unpack_from(data, position)
                position += _HEADER.size + length
                in_place = mask & (_CREATE | _CLOSE_WRITE) and not mask & _DIRECTORY
                at = now + (_GRACE_S if in_place else _MOVED_S)
                for wake in self._everybody() if mask & _OVERFLOW else self._watchers(number):
                    self._later[wake] = min(at, self._later.get(wake, at))
                if mask & _IGNORED:  # the directory is gone
                    self._wakers.pop(number, None)
                    self._numbers = {name: n for name, n in self._numbers.items() if n != number}

    def _watchers(self, number: int) -> set[Wake]:
        return {wake for wakes in self._wakers.get(number, {}).values() for wake in wakes}

    def _everybody(self) -> set[Wake]:
        return {wake for directories in self._wakers.values() for wakes in directories.values() for wake in wakes}


#: The one of this process.
wakeups = Wakeups()


class DirectoryWatch:
    """The directories of one file stream.  Used by its query's thread alone."""

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._watched: frozenset[str] = frozenset()
        self._refused = False

    def look_after_ms(self, directories: frozenset[str] | None) -> int:
        """When to look for new files, given where they can come: the kernel may tell sooner."""
        if self._refused or directories is None or len(directories) > MAX_DIRECTORIES:
            return UNTOLD_MS
        for directory in self._watched - directories:
            wakeups.forget(directory, self._wake)
        new = [
            directory for directory in directories if directory not in self._watched or not wakeups.watches(directory)
        ]
        if not new:
            return TOLD_MS
        for directory in new:
            self._refused |= not wakeups.watch(directory, self._wake)
        self._watched = directories
        return UNTOLD_MS  # what came before the watch began

    def close(self) -> None:
        """Watch nothing any more."""
        for directory in self._watched:
            wakeups.forget(directory, self._wake)
        self._watched = frozenset()


@lru_cache(1024)
def is_local(directory: str) -> bool:
    """Whether the directory is on a file system of this machine alone."""
    best, kind = "", ""
    with contextlib.suppress(OSError):
        real = os.path.realpath(directory)
        for line in Path("/proc/self/mounts").read_text().splitlines():
            fields = line.split(" ")
            point = fields[1].encode().decode("unicode_escape")
            if len(point) >= len(best) and (real == point or real.startswith(point.rstrip("/") + "/")):
                best, kind = point, fields[2]
    return kind in _LOCAL

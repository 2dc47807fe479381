"""Scratch files for parts of state that do not change once they are written: many parts in one mapped file.

A mapping holds a file descriptor for as long as it lives, and a process may have a thousand of these; so chunks of logs
and sorted runs share files of some size.  What is let go of gives its blocks back to the disk at once.
"""

from __future__ import annotations

import mmap
import weakref
from collections import deque
from contextlib import suppress
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
#: How much a file may hold, unless one part is larger: addresses, not blocks.
FILE_BYTES = 256 << 20


class ScratchFile:
    """A file as memory, with regions of whole pages that are in use or free."""

    def __init__(self, file: IO[bytes], mapped: mmap.mmap) -> None:
        self.file, self.mapped = file, mapped
        self._free: list[tuple[int, int]] = [(0, len(mapped))]  # start, size; ascending
        self._given_back: deque[tuple[int, int]] = deque()  # by finalizers, wherever these run

    @property
    def used_bytes(self) -> int:
        """Bytes of regions in use."""
        self._collect()
        return len(self.mapped) - sum(size for _, size in self._free)

    def take(self, size: int) -> int | None:
        """Where a region of `size` bytes may begin, or None; it is in use from now on."""
        self._collect()
        whole = whole_pages(size)
        for place, (start, free) in enumerate(self._free):
            if free >= whole:
                self._free[place : place + 1] = [(start + whole, free - whole)] if free > whole else []
                return start
        return None

    def view(self, start: int, size: int) -> Bytes:
        """A region's bytes; it is free again when nobody looks at them any more."""
        found = np.frombuffer(self.mapped, np.uint8, size, start)
        weakref.finalize(found, self._given_back.append, (start, whole_pages(size))).atexit = False
        return found

    def give_back(self, start: int, size: int) -> None:
        """A region that nobody has looked at is free again."""
        self._given_back.append((start, whole_pages(size)))

    def _collect(self) -> None:
        while self._given_back:
            start, size = self._given_back.popleft()
            if hasattr(mmap, "MADV_REMOVE"):
                with suppress(OSError):  # a file system that cannot: the blocks are used again by the next region
                    self.mapped.madvise(mmap.MADV_REMOVE, start, size)
            self._free = _joined([*self._free, (start, size)])

    def close(self) -> None:
        """The file goes when its last region has gone."""
        self.file.close()


def _joined(free: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbours as one."""
    made: list[tuple[int, int]] = []
    for start, size in sorted(free):
        if made and sum(made[-1]) == start:
            made[-1] = (made[-1][0], made[-1][1] + size)
        else:
            made.append((start, size))
    return made


def whole_pages(size: int) -> int:
    """Up to the end of a page."""
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


def is_mapped(array: NDArray[Any]) -> bool:
    """Whether an array's bytes are those of a mapping."""
    owner: Any = array
    while isinstance(owner, (np.ndarray, memoryview)):
        owner = owner.base if isinstance(owner, np.ndarray) else owner.obj
    return isinstance(owner, mmap.mmap)

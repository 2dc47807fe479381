"""Growable memory for columns and index: zeroed, contiguous, and grown without copying where the system can.

Memory comes from anonymous mappings.  On Linux a mapping grows by moving page tables (`mremap`), not bytes: enlarging
the columns of ten million keys costs microseconds; pages that nothing has touched take no memory.
"""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_HUGE = 4 << 20


class Growable:
    """A zero-filled one-dimensional array that only ever grows; `array` is the live view over the whole capacity.

    A view that somebody else holds stays readable after `grow`, but is then no longer the live one.
    """

    __slots__ = ("_map", "array", "dtype")

    def __init__(self, dtype: DTypeLike, capacity: int) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._map = _map(max(1, capacity) * self.dtype.itemsize)
        self.array: NDArray[Any] = self._view()

    def __len__(self) -> int:
        return len(self.array)

    @property
    def nbytes(self) -> int:
        """Bytes of the capacity, touched or not."""
        return int(self.array.nbytes)

    def ensure(self, size: int) -> None:
        """Make room for at least `size` elements, at least doubling when there is too little."""
        if size > len(self.array):
            self._grow(max(size, 2 * len(self.array)))

    def _grow(self, capacity: int) -> None:
        size = _whole_pages(capacity * self.dtype.itemsize)
        self.array = np.empty(0, self.dtype)  # our own view must go: a mapping with views does not move
        try:
            self._map.resize(size)
        except (BufferError, SystemError, OSError):  # a view is held elsewhere, or the system has no mremap
            old, self._map = self._map, _map(size)
            np.frombuffer(self._map, np.uint8)[: len(old)] = np.frombuffer(old, np.uint8)
        _advise(self._map)
        self.array = self._view()

    def _view(self) -> NDArray[Any]:
        return np.frombuffer(self._map, self.dtype, count=len(self._map) // self.dtype.itemsize)


def _map(size: int) -> mmap.mmap:
    size = _whole_pages(size)
    if hasattr(mmap, "MAP_ANONYMOUS"):
        made = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    else:  # Windows: a mapping without a file is anonymous
        made = mmap.mmap(-1, size)
    _advise(made)
    return made


def _advise(mapping: mmap.mmap) -> None:
    """Large random-access tables miss the TLB at every look-up unless the pages are huge."""
    if len(mapping) >= _HUGE and hasattr(mmap, "MADV_HUGEPAGE"):
        try:
            mapping.madvise(mmap.MADV_HUGEPAGE)
        except OSError:  # a kernel built without huge pages: only speed is lost
            return


def _whole_pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE

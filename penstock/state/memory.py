"""Growable memory for columns and index: zeroed, contiguous, and grown without copying where the system can.

Memory comes from anonymous mappings.  On Linux a mapping grows by moving page tables (`mremap`), not bytes: enlarging
the columns of ten million keys costs microseconds; pages that nothing has touched take no memory.  Beyond the memory
budget the mapping is one of a scratch file.
"""

from __future__ import annotations

import mmap
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from penstock.state.budget import UNLIMITED, MemoryBudget

_HUGE = 4 << 20


class Growable:
    """A zero-filled one-dimensional array that only ever grows; `array` is the live view over the whole capacity.

    A view that somebody else holds stays readable after `grow` and `spill`, but is then no longer the live one.
    """

    __slots__ = ("__weakref__", "_budget", "_file", "_map", "_view", "dtype")

    def __init__(self, dtype: DTypeLike, capacity: int, budget: MemoryBudget = UNLIMITED) -> None:
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._budget = budget
        self._file: IO[bytes] | None = None
        self._map = _map(max(1, capacity) * self.dtype.itemsize)
        self._view: NDArray[Any] = self._new_view()
        budget.add(self)

    def __len__(self) -> int:
        return len(self._view)

    @property
    def array(self) -> NDArray[Any]:
        """The live view."""
        if self._file is not None:
            self._budget.looks_at(len(self), min(self.nbytes, self._budget.allowance // 8))
        return self._view

    @property
    def nbytes(self) -> int:
        """Bytes of the capacity, touched or not."""
        return int(self._view.nbytes)

    @property
    def resident_bytes(self) -> int:
        """Bytes that no file backs."""
        return self.nbytes if self._file is None else 0

    @property
    def spilled_bytes(self) -> int:
        """Bytes in a scratch file."""
        return self.nbytes - self.resident_bytes

    def get(self, places: NDArray[np.int64]) -> NDArray[Any]:
        """`array[places]`, a copy."""
        if self._file is None:
            return self._view[places]
        found = np.empty(len(places), self.dtype)
        for piece in self._budget.pieces(places, self.dtype.itemsize, len(self)):
            found[piece] = self._view[places[piece]]
        return found

    def set(self, places: NDArray[np.int64], values: Any) -> None:
        """`array[places] = values`, one value or one a place."""
        if self._file is None:
            self._view[places] = values
            return
        for piece in self._budget.pieces(places, self.dtype.itemsize, len(self)):
            self._view[places[piece]] = values[piece] if np.ndim(values) and len(values) == len(places) else values

    def ensure(self, size: int) -> None:
        """Make room for at least `size` elements, at least doubling when there is too little."""
        if size > len(self):
            self._grow(max(size, 2 * len(self)))

    def spill(self, wanted: int = 0) -> None:
        """Move to a scratch file, as a whole."""
        if self._file is not None:
            return
        size = len(self._map)
        file = self._budget.open(size)
        with memoryview(self._map) as content:
            self._budget.fill(file, content)
        self._map, self._file = self._budget.map(file, size), file
        self._view = self._new_view()

    def _grow(self, capacity: int) -> None:
        size = _whole_pages(capacity * self.dtype.itemsize)
        if self._file is not None:
            self._budget.extend(self._file, size)
        self._view = np.empty(0, self.dtype)  # our own view must go: a mapping with views does not move
        try:
            self._map.resize(size)
        except (BufferError, SystemError, OSError):  # a view is held elsewhere, or the system has no mremap
            self._replace(size)
        if self._file is None:
            _advise(self._map)
        self._view = self._new_view()

    def _replace(self, size: int) -> None:
        if self._file is not None:
            self._map = self._budget.map(self._file, size)
            return
        old, self._map = self._map, _map(size)
        np.frombuffer(self._map, np.uint8)[: len(old)] = np.frombuffer(old, np.uint8)

    def _new_view(self) -> NDArray[Any]:
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

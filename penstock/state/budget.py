"""How much memory the state of a query may take: what is beyond it lives in scratch files that the system pages in.

The largest parts (columns, the index, logs of strings) move first, each into a file without a name of its own, so that
nothing is left behind whatever ends the process.  Scratch files are never synced: what makes state durable are the
changelog and the snapshots.  Pages of scratch files that have been looked at count as memory of the process until they
are let go, which is done whenever half of the budget may have been looked at.
"""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
import weakref
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from penstock.core.errors import SPARK, SparkError
from penstock.core.faults import point
from penstock.state.scratch import FILE_BYTES, Bytes, ScratchFile, is_mapped, whole_pages

SETTING = "spark.penstock.state.memoryBudget"
SCRATCH_SETTING = "spark.local.dir"
#: What one look at a page may map: the kernel maps the neighbours that it has in memory, too.
_AROUND = 64 << 10
#: Parts smaller than this stay in memory.
SMALLEST = 1 << 18
_PIECE = 4 << 20
#: What a call of `relieve` may move whatever was added.
_SLICE = 8 << 20


class Part(Protocol):
    """Something that holds state and can move to a scratch file."""

    @property
    def resident_bytes(self) -> int:
        """What moving it would free."""

    def spill(self, wanted: int) -> None:
        """Move it, or pieces of it of `wanted` bytes at least, where it has any."""


class MemoryBudget:
    """The budget of one query, shared by its stores.  limit: bytes, None for as much as there is; directory: where the
    scratch files are; owner: the query, for errors.  Used by the query's thread alone."""

    def __init__(self, limit: int | None = None, directory: Path | None = None, owner: str = "the query") -> None:
        self.limit, self.directory = limit, directory or Path(tempfile.gettempdir())
        self._owner = owner
        self._parts: weakref.WeakSet[Any] = weakref.WeakSet()
        self._maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
        self._files: list[ScratchFile] = []
        self._seen = self._resident = 0
        self.is_spilling = False

    def add(self, part: Part) -> None:
        """From now on `part` counts."""
        if self.limit is not None:
            self._parts.add(part)

    @property
    def resident_bytes(self) -> int:
        """Bytes of state that no file backs."""
        return sum(part.resident_bytes for part in self._parts)

    @property
    def spilled_bytes(self) -> int:
        """Bytes of scratch files in use."""
        shared = {id(file.mapped): file.used_bytes for file in self._files}
        return sum(shared.get(id(made), len(made)) for made in self._maps)

    @property
    def allowance(self) -> int:
        """How much of scratch files may be mapped in at a time."""
        return max(1 << 20, (self.limit or 0) // 2)

    def relieve(self) -> None:
        """Move parts to scratch files, the largest first, once three quarters of the budget are in use: until half of
        it is left for what is looked at.

        No batch pays for all of that: a call moves twice as much as has been added since the last one, and no less than
        a slice, unless the budget is exceeded; a part that cannot be moved in pieces counts as a whole."""
        if self.limit is None:
            return
        resident = self.resident_bytes
        grown, self._resident = resident - self._resident, resident
        if resident <= (self.limit // 2 if self.is_spilling else self.limit * 3 // 4):
            return
        self.is_spilling = True
        at_once = max(resident - self.limit, 2 * grown, _SLICE)
        for part in sorted(self._parts, key=lambda p: -p.resident_bytes):
            if resident <= self.limit // 2 or at_once <= 0 or part.resident_bytes < SMALLEST:
                break
            before = part.resident_bytes
            part.spill(min(at_once, resident - self.limit // 2))
            moved = before - part.resident_bytes
            resident, at_once = resident - moved, at_once - moved
        self._resident = resident

    # ------------------------------------------------------------ scratch files

    def open(self, size: int) -> IO[bytes]:
        """A scratch file of `size` bytes, all of them there for sure: a disk that is full is found here, not later by
        a write to memory."""
        try:
            made = tempfile.TemporaryFile(dir=self.directory, prefix="penstock-state-", buffering=0)  # noqa: SIM115 given away
        except OSError as error:
            raise self._no_space(size, error) from error
        if size:
            self.extend(made, size)
        return made

    def extend(self, file: IO[bytes], size: int, start: int = 0) -> None:
        """Make sure that a scratch file has the `size` bytes from `start`."""
        try:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), start, size)
            else:
                file.truncate(max(start + size, os.fstat(file.fileno()).st_size))
        except OSError as error:
            raise self._no_space(size, error) from error

    def fill(self, file: IO[bytes], data: memoryview, offset: int | None = None) -> None:
        """Write to a place in a scratch file; without one, from the beginning of a new file, whose bytes are zero: what
        is zero in `data` need not be written."""
        point("during_spill")
        try:
            for start in range(0, len(data), _PIECE):
                piece, done = data[start : start + _PIECE], 0
                if offset is None and not np.frombuffer(piece, np.uint8).any():
                    continue
                while done < len(piece):
                    done += os.pwrite(file.fileno(), piece[done:], (offset or 0) + start + done)
        except OSError as error:
            raise self._no_space(len(data), error) from error

    def map(self, file: IO[bytes], size: int) -> mmap.mmap:
        """A scratch file as memory."""
        made = mmap.mmap(file.fileno(), size)
        self._maps.add(made)
        return made

    def place(self, array: NDArray[Any]) -> NDArray[Any]:
        """An array that will not change: as it is, or in a scratch file if memory is short."""
        if not self.is_spilling or array.nbytes < SMALLEST or is_placed(array):
            return array
        return self.keep(memoryview(np.ascontiguousarray(array).data).cast("B")).view(array.dtype)

    def keep(self, data: memoryview) -> Bytes:
        """A copy of `data` in a scratch file that it shares with others; gone when nobody holds the result."""
        file, start = self._room(len(data))
        try:
            self.extend(file.file, whole_pages(len(data)), start)
            self.fill(file.file, data, start)
        except SparkError:
            file.give_back(start, len(data))
            raise
        return file.view(start, len(data))

    def _room(self, size: int) -> tuple[ScratchFile, int]:
        for file in self._files:
            if (start := file.take(size)) is not None:
                return file, start
        for file in [file for file in self._files if not file.used_bytes]:
            self._files.remove(file)
            file.close()
        made = self.open(0)
        length = max(FILE_BYTES, whole_pages(size))
        made.truncate(length)
        self._files.append(ScratchFile(made, self.map(made, length)))
        start = self._files[-1].take(size)
        assert start is not None, "the file is large enough"
        return self._files[-1], start

    def _no_space(self, size: int, error: OSError) -> SparkError:
        why = error.strerror or errno.errorcode.get(error.errno or 0, str(error))
        return SparkError(
            "CANNOT_WRITE_STATE_STORE.CANNOT_COMMIT",
            f"The streaming state of {self._owner} is larger than {SETTING} ({self.limit} bytes) allows in memory, and "
            f"a scratch file of {size} bytes for the rest cannot be written in {self.directory}: {why}. Free space "
            f"there, point {SCRATCH_SETTING} to another disk, or raise {SETTING}; a restart continues after the last "
            "committed batch.",
            {"providerClass": "penstock.state.store.KeyedStore"},
            sqlstate="58030",
            classes=SPARK,
        )

    # ------------------------------------------------------------ pages

    def looks_at(self, places: int, span: int) -> None:
        """`places` elements within `span` bytes of a scratch file are about to be looked at."""
        expected = min(span, places * _AROUND)
        if self._seen + expected > self.allowance:
            self.let_go()
        self._seen += expected

    def let_go(self) -> None:
        """The pages of scratch files are no memory of this process any more (the system may still cache them)."""
        self._seen = 0
        for made in self._maps:
            if hasattr(mmap, "MADV_DONTNEED"):
                made.madvise(mmap.MADV_DONTNEED)

    def pieces(self, slots: NDArray[np.int64], itemsize: int, size: int) -> Iterator[NDArray[np.int64] | slice]:
        """Which of `slots` to look at together in a scratch file of `size` elements, so that the allowance lasts."""
        if size * itemsize <= self.allowance or len(slots) * _AROUND <= self.allowance:
            self.looks_at(len(slots), size * itemsize)
            yield slice(None)
            return
        order = np.argsort(slots, kind="stable")
        step = self.allowance // itemsize
        bounds = np.searchsorted(slots[order], np.arange(0, size + step, step)).tolist()
        for start, stop in pairwise(bounds):
            if start < stop:
                self.looks_at(stop - start, step * itemsize)
                yield order[start:stop]


def is_placed(array: NDArray[Any]) -> bool:
    """Whether the array lives in a scratch file."""
    return is_mapped(array)


#: No bound.
UNLIMITED = MemoryBudget()

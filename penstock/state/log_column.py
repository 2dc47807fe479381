"""A column of any Arrow type by slot (strings, lists, structs, maps ...), kept as a log.

New values are appended as Arrow chunks and each slot remembers the position of its value in the log; what a slot held
before becomes garbage.  Small chunks at the end are joined (positions stay), a chunk that is mostly garbage is
rewritten at the end.  Chunks are bounded, and so is the work that one batch can cause beyond its own size.  Beyond
the memory budget chunks are scratch files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.state.base import Slots
from penstock.state.bridge import Flags, arrow_ints, to_arrow, to_numpy
from penstock.state.budget import SMALLEST, UNLIMITED, MemoryBudget
from penstock.state.equality import flags, same_values
from penstock.state.format import ipc
from penstock.state.memory import Growable

_CHUNK_ROWS = 1 << 18
_CHUNK_BYTES = 32 << 20


@dataclass
class _Chunk:
    """Values at the positions start, start + 1, ... and the slots they were written for; `live` of them still count."""

    start: int
    values: pa.Array
    slots: Slots
    live: int
    on_disk: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of values and slots."""
        return int(self.values.nbytes + self.slots.nbytes)

    def may_take(self, other: _Chunk) -> bool:
        """Whether joining the chunk after it keeps appending cheap: sizes double, up to the bound."""
        if self.on_disk:
            return False
        rows, bytes_ = len(self.values) + len(other.values), self.values.nbytes + other.values.nbytes
        return rows <= _CHUNK_ROWS and bytes_ <= _CHUNK_BYTES and len(self.values) <= 2 * len(other.values)


class LogColumn:
    """Values of one Arrow type by slot; see `penstock.state.columns.Column`."""

    def __init__(self, type_: pa.DataType, capacity: int, budget: MemoryBudget = UNLIMITED) -> None:
        self.type = type_
        self._budget = budget
        self._position = Growable(np.int64, capacity, budget)  # position in the log + 1; 0: NULL
        self._chunks: list[_Chunk] = []
        self._starts: NDArray[np.int64] = np.empty(0, np.int64)
        self._end = 0
        self._bytes = self._on_disk = 0
        budget.add(self)

    @property
    def nbytes(self) -> int:
        return self._position.nbytes + self._bytes

    @property
    def spilled_bytes(self) -> int:
        """How many of them are in scratch files."""
        return self._position.spilled_bytes + self._on_disk

    @property
    def resident_bytes(self) -> int:
        """Bytes of the log that no file backs."""
        return self._bytes - self._on_disk

    def spill(self, wanted: int = 1 << 62) -> None:
        """Move chunks to scratch files, the oldest first, until `wanted` bytes have moved; small ones stay, as they are
        still growing."""
        for chunk in self._chunks:
            if wanted > 0 and not chunk.on_disk and chunk.nbytes >= SMALLEST:
                wanted -= chunk.nbytes
                self._move(chunk)
        self._replace(self._chunks)
        pa.default_memory_pool().release_unused()

    def _move(self, chunk: _Chunk) -> None:
        rows = pa.RecordBatch.from_arrays([chunk.values, arrow_ints(chunk.slots)], names=["values", "slots"])
        with pa.ipc.open_stream(pa.py_buffer(self._budget.keep(memoryview(ipc(rows))))) as reader:
            rows = reader.read_next_batch()
        chunk.values, chunk.slots, chunk.on_disk = rows.column(0), to_numpy(rows.column(1))[0], True

    def ensure(self, size: int) -> None:
        self._position.ensure(size)

    def set(self, slots: Slots, values: pa.Array, rows: Slots | None = None) -> None:
        self.clear(slots)
        if rows is not None:
            values = values.take(arrow_ints(rows))
        if values.null_count:
            slots, values = slots[flags(values.is_valid())], values.drop_null()
        if len(slots):
            self._append(slots, _own(values))
            self._collect(len(slots))

    def clear(self, slots: Slots) -> None:
        positions = self._position.get(slots)
        positions = positions[positions > 0] - 1
        if len(positions) == 0:
            return
        for chunk, dead in enumerate(np.bincount(self._chunk_of(positions), minlength=len(self._chunks)).tolist()):
            self._chunks[chunk].live -= dead
        self._position.set(slots, 0)
        if any(chunk.live == 0 for chunk in self._chunks):
            self._replace([chunk for chunk in self._chunks if chunk.live])

    def take(self, slots: Slots) -> pa.Array:
        positions = self._position.get(slots) - 1
        present = np.flatnonzero(positions >= 0)
        if len(present) == 0:
            return pa.nulls(len(slots), self.type)
        parts, order = self._gather(positions[present])
        if len(present) == len(slots) and order is None:
            return parts[0]
        where = np.zeros(len(slots), np.int64)
        where[present if order is None else present[order]] = np.arange(len(present))
        joined = parts[0] if len(parts) == 1 else pa.concat_arrays(parts)
        return joined.take(to_arrow(pa.int64(), where, None if len(present) == len(slots) else positions >= 0))

    def take_range(self, start: int, stop: int) -> pa.Array:
        return self.take(np.arange(start, stop))

    def prepare(self, values: pa.Array) -> pa.Array:
        return values

    def same(self, slots: Slots, prepared: pa.Array, rows: Slots) -> Flags:
        return same_values(self.take(slots), prepared.take(arrow_ints(rows)))

    def _gather(self, positions: NDArray[np.int64]) -> tuple[list[pa.Array], NDArray[np.int64] | None]:
        """The values at these positions grouped by chunk, and the order in which they then stand (None: as asked)."""
        chunk = self._chunk_of(positions)
        if chunk[0] == chunk[-1] and (chunk == chunk[0]).all():
            only = self._chunks[int(chunk[0])]
            return [self._take(only, positions)], None
        order = np.argsort(chunk.astype(np.uint16) if len(self._chunks) < 1 << 16 else chunk, kind="stable")
        bounds = np.concatenate(([0], np.cumsum(np.bincount(chunk, minlength=len(self._chunks))))).tolist()
        sorted_positions = positions[order]
        parts = [
            self._take(c, sorted_positions[a:b])
            for c, a, b in zip(self._chunks, bounds, bounds[1:], strict=False)
            if a < b
        ]
        return parts, order

    def _take(self, chunk: _Chunk, positions: NDArray[np.int64]) -> pa.Array:
        if chunk.on_disk:
            self._budget.looks_at(len(positions), chunk.nbytes)
        return chunk.values.take(arrow_ints(positions - chunk.start))

    def _chunk_of(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self._starts, positions, side="right") - 1

    def _append(self, slots: Slots, values: pa.Array) -> None:
        count = len(slots)
        self._position.set(slots, np.arange(self._end + 1, self._end + count + 1))
        new = _Chunk(self._end, values, slots.copy(), count)
        self._end += count
        chunks = self._chunks
        # Joining moves no position, so only neighbours without a gap between them are joined.
        while chunks and chunks[-1].start + len(chunks[-1].values) == new.start and chunks[-1].may_take(new):
            old = chunks.pop()
            values = pa.concat_arrays([old.values, new.values])
            new = _Chunk(old.start, values, np.concatenate([old.slots, new.slots]), old.live + new.live)
        self._replace([*chunks, new])

    def _collect(self, written: int) -> None:
        """Rewrite mostly dead chunks: one, and more the more was written, so that garbage does not pile up."""
        for _ in range(1 + 2 * written // _CHUNK_ROWS):
            dead = next((c for c in self._chunks[:-1] if 2 * c.live < len(c.values)), None)
            if dead is None:
                return
            here = np.arange(dead.start + 1, dead.start + 1 + len(dead.values))
            alive = np.flatnonzero(self._position.get(dead.slots) == here)
            self._replace([c for c in self._chunks if c is not dead])
            self._append(dead.slots[alive], dead.values.take(arrow_ints(alive)))

    def _replace(self, chunks: list[_Chunk]) -> None:
        self._chunks = chunks
        self._starts = np.array([chunk.start for chunk in chunks], np.int64)
        self._bytes = sum(chunk.nbytes for chunk in chunks)
        self._on_disk = sum(chunk.nbytes for chunk in chunks if chunk.on_disk)


def _own(values: pa.Array) -> pa.Array:
    """The values without what else lives in their buffers (a slice of a larger batch would keep all of it)."""
    if values.get_total_buffer_size() <= 1.5 * values.nbytes + 1024:
        return values
    return values.take(arrow_ints(np.arange(len(values))))

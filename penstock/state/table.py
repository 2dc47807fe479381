"""Keyed rows in memory: the key index, the columns and the free slots together; knows nothing of versions and files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.core.errors import unsupported
from penstock.state.base import Slots
from penstock.state.bridge import Flags, is_fixed_width, record_batch
from penstock.state.budget import UNLIMITED, MemoryBudget
from penstock.state.columns import Column, FixedColumn
from penstock.state.expiry import ExpiryQueue
from penstock.state.index import KeyIndex
from penstock.state.log_column import LogColumn
from penstock.state.memory import Growable

_FIRST_CAPACITY = 512
_REFUSED = (
    pa.types.is_dictionary,
    pa.types.is_union,
    pa.types.is_run_end_encoded,
    pa.types.is_string_view,
    pa.types.is_binary_view,
)


class SlotTable:
    """Rows by slot; `count` are in use, all below `high`."""

    def __init__(self, key_schema: pa.Schema, value_schema: pa.Schema, budget: MemoryBudget = UNLIMITED) -> None:
        self._key_schema, self._value_schema = key_schema, value_schema
        self._budget = budget
        self._keys = [_column(f, budget) for f in key_schema]
        self.values = [_column(f, budget) for f in value_schema]
        self._index = KeyIndex(budget)
        self._live = Growable(np.bool_, _FIRST_CAPACITY, budget)
        self._free = Growable(np.int64, _FIRST_CAPACITY, budget)
        self._free_count = 0
        self._scratch = Growable(np.int32, _FIRST_CAPACITY, budget)
        self.high = 0
        self.count = 0
        self._queues: dict[str, ExpiryQueue] = {}

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(part.nbytes for part in self._parts)

    @property
    def spilled_bytes(self) -> int:
        """How many of them are in scratch files."""
        return sum(part.spilled_bytes for part in self._parts)

    @property
    def _parts(self) -> list[Any]:
        own = [self._index, self._live, self._free, self._scratch]
        return [*self._keys, *self.values, *self._queues.values(), *own]

    def reserve(self, count: int) -> None:
        """So many keys are about to come."""
        self._index.reserve(count)

    def find(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch) -> tuple[Slots, Slots]:
        """The slot of each key, or -1; and the places where the index would enter missing ones."""
        prepared = [column.prepare(array) for column, array in zip(self._keys, keys.columns, strict=True)]

        def same(slots: Slots, rows: Slots) -> Flags:
            equal = np.ones(len(slots), np.bool_) if not prepared else None
            for column, values in zip(self._keys, prepared, strict=True):
                found = column.same(slots, values, rows)
                equal = found if equal is None else equal & found
            assert equal is not None
            return equal

        return self._index.find(hashes, same)

    def find_or_add(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch) -> tuple[Slots, Flags]:
        """As StateStore.locate_or_add."""
        slots, places = self.find(hashes, keys)
        new = slots < 0
        missing = np.flatnonzero(new)
        if len(missing):
            added = self._allocate(len(missing))
            slots[missing] = added
            self._index.insert(hashes[missing], added, places[missing])
            self._set_keys(added, keys, missing if len(missing) < len(slots) else None)
        return slots, new

    def _set_keys(self, slots: Slots, keys: pa.RecordBatch, rows: Slots | None) -> None:
        for column, array, field in zip(self._keys, keys.columns, self._key_schema, strict=True):
            column.set(slots, array, rows)
            self._register(field.name, column, slots)

    def _allocate(self, count: int) -> Slots:
        reused = min(count, self._free_count)
        self._free_count -= reused
        old = self._free.array[self._free_count : self._free_count + reused].copy()
        slots = np.concatenate([old, np.arange(self.high, self.high + count - reused)])
        self.high += count - reused
        self.count += count
        self._live.ensure(self.high)
        self._live.set(slots, True)
        for column in [*self._keys, *self.values]:
            column.ensure(self.high)
        for column in self.values:
            column.clear(old)  # memory never used before is NULL already
        return slots

    def keys(self, slots: Slots) -> pa.RecordBatch:
        """The key columns of these slots."""
        return record_batch([c.take(slots) for c in self._keys], self._key_schema, len(slots))

    def rows(self, slots: Slots) -> pa.RecordBatch:
        """The value columns of these slots."""
        return record_batch([c.take(slots) for c in self.values], self._value_schema, len(slots))

    def part(self, start: int, stop: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """Key and value columns of the slots in use between start and stop."""
        stop = min(stop, self.high)
        slots = self.live(start, stop)
        if len(slots) < stop - start:
            return self.keys(slots), self.rows(slots)
        keys, values = [c.take_range(start, stop) for c in self._keys], [c.take_range(start, stop) for c in self.values]
        return record_batch(keys, self._key_schema, len(slots)), record_batch(values, self._value_schema, len(slots))

    def put(self, slots: Slots, values: pa.RecordBatch) -> None:
        """Set the value columns of these slots."""
        for column, array, field in zip(self.values, values.columns, self._value_schema, strict=True):
            column.set(slots, array)
            self._register(field.name, column, slots)

    def remove(self, slots: Slots) -> None:
        """Free these (distinct, live) slots."""
        self._index.remove(slots)
        self._live.set(slots, False)
        for column in [*self._keys, *self.values]:
            if isinstance(column, LogColumn):
                column.clear(slots)
        for queue in self._queues.values():
            queue.discard(slots)
        self._free.ensure(self._free_count + len(slots))
        self._free.array[self._free_count : self._free_count + len(slots)] = slots
        self._free_count += len(slots)
        self.count -= len(slots)

    def is_live(self, slots: Slots) -> Flags:
        """Which of these slots are in use."""
        return self._live.get(slots)

    def live(self, start: int = 0, stop: int | None = None) -> Slots:
        """The slots in use between start and stop."""
        return np.flatnonzero(self._live.array[start : self.high if stop is None else min(stop, self.high)]) + start

    def distinct(self, slots: Slots) -> Slots:
        """Each of these slots once: everyone signs in his slot's place, and who reads his own name stays."""
        self._scratch.ensure(self.high)
        names = np.arange(len(slots), dtype=np.int32)
        self._scratch.set(slots, names)
        once: Slots = slots[self._scratch.get(slots) == names]
        return once

    def changed_in_place(self, slots: Slots) -> None:
        """Values of these slots were changed in the columns' memory."""
        for column, field in zip(self.values, self._value_schema, strict=True):
            self._register(field.name, column, slots)

    def track_expiry(self, name: str) -> None:
        """Keep the slots ordered by this key or value column, for `expired`."""
        if name not in self._queues:
            column = self._fixed(name)
            self._queues[name] = ExpiryQueue(_FIRST_CAPACITY, self._budget)
            self._register(name, column, self.live())

    def expired(self, name: str, threshold: int) -> Slots:
        """The slots whose tracked column is <= threshold."""
        return self._queues[name].expired(threshold)

    def _register(self, name: str, column: Column, slots: Slots) -> None:
        queue = self._queues.get(name)
        if queue is not None and isinstance(column, FixedColumn):
            queue.add(slots, *column.look(slots))

    def _fixed(self, name: str) -> FixedColumn:
        for column, field in zip([*self._keys, *self.values], [*self._key_schema, *self._value_schema], strict=True):
            if field.name == name and isinstance(column, FixedColumn) and column.data.dtype.kind == "i":
                return column
        names = self._key_schema.names + self._value_schema.names
        raise KeyError(f"no integer or time column {name!r} in the state; it has {names}")


def _column(field: pa.Field, budget: MemoryBudget) -> FixedColumn | LogColumn:
    kind = field.type
    if any(check(kind) for check in _REFUSED):
        raise unsupported(f"the Arrow type {kind} in streaming state (column {field.name})", "Decode it beforehand.")
    made = FixedColumn if is_fixed_width(kind) else LogColumn
    return made(kind, _FIRST_CAPACITY, budget)

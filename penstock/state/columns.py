"""A column of state by slot: fixed-width values as numpy memory; everything else in `penstock.state.log_column`."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.state.base import Slots
from penstock.state.bridge import Flags, numpy_type, to_arrow, to_numpy
from penstock.state.budget import UNLIMITED, MemoryBudget
from penstock.state.equality import same_numbers
from penstock.state.memory import Growable


class Column(Protocol):
    """Values by slot.  A slot must be set or cleared (no copy, if its memory was never used) before it is read."""

    type: pa.DataType

    @property
    def nbytes(self) -> int:
        """Bytes held."""

    @property
    def spilled_bytes(self) -> int:
        """How many of them are in scratch files."""

    def ensure(self, size: int) -> None:
        """Make room for slots below `size`."""

    def set(self, slots: Slots, values: pa.Array, rows: Slots | None = None) -> None:
        """Set these (distinct) slots, from the given rows of `values` (None: from all)."""

    def clear(self, slots: Slots) -> None:
        """Make these slots NULL."""

    def take(self, slots: Slots) -> pa.Array:
        """The values of these slots."""

    def take_range(self, start: int, stop: int) -> pa.Array:
        """The values of neighbouring slots, which costs less than `take`."""

    def prepare(self, values: pa.Array) -> Any:
        """A batch's values in the form that `same` compares fast."""

    def same(self, slots: Slots, prepared: Any, rows: Slots) -> Flags:
        """Whether slot i holds the prepared value of row i, by Spark's grouping equality."""


class FixedColumn:
    """A fixed-width type: one value a slot in contiguous memory, one byte of validity a slot.  NULL slots hold zero."""

    def __init__(self, type_: pa.DataType, capacity: int, budget: MemoryBudget = UNLIMITED) -> None:
        self.type = type_
        self._data = Growable(numpy_type(type_), capacity, budget)
        self._valid = Growable(np.bool_, capacity, budget)
        # While no slot below the highest is NULL, validity is not looked at.
        self._size = self._not_null = 0
        self._exposed = False  # whether others may make NULLs

    @property
    def nbytes(self) -> int:
        return self._data.nbytes + self._valid.nbytes

    @property
    def spilled_bytes(self) -> int:
        """How many of them are in scratch files."""
        return self._data.spilled_bytes + self._valid.spilled_bytes

    @property
    def data(self) -> NDArray[Any]:
        """The live values."""
        return self._data.array

    @property
    def valid(self) -> Flags:
        """The live validity; whoever changes it must see to zeros in NULL slots."""
        self._exposed = True
        return self._valid.array

    def ensure(self, size: int) -> None:
        self._data.ensure(size)
        self._valid.ensure(size)
        self._size = max(self._size, size)

    def set(self, slots: Slots, values: pa.Array, rows: Slots | None = None) -> None:
        data, valid = to_numpy(values)
        if rows is not None:
            data, valid = data[rows], None if valid is None else valid[rows]
        if valid is not None:
            data = data.copy()
            data[~valid] = np.zeros(1, data.dtype)
        self._data.set(slots, data)
        if valid is not None or self._may_hold_nulls:
            self._set_validity(slots, True if valid is None else valid)

    def clear(self, slots: Slots) -> None:
        if len(slots):
            self._data.set(slots, np.zeros(1, self._data.dtype))
            self._set_validity(slots, False)

    def set_valid(self, slots: Slots) -> None:
        """These slots (repeats are fine) are not NULL: their values are what the memory holds."""
        if self._may_hold_nulls:
            null = slots[~self._valid.get(slots)]
            self._set_validity(np.unique(null) if len(null) else null, True)

    @property
    def _may_hold_nulls(self) -> bool:
        return self._not_null != self._size or self._exposed

    def _set_validity(self, slots: Slots, valid: Flags | bool) -> None:
        before = int(np.count_nonzero(self._valid.get(slots)))
        self._valid.set(slots, valid)
        after = (len(slots) if valid else 0) if isinstance(valid, bool) else int(np.count_nonzero(valid))
        self._not_null += after - before

    def look(self, slots: Slots) -> tuple[NDArray[Any], Flags | None]:
        """Values and validity (None: all valid) of these slots."""
        valid = self._valid.get(slots) if self._may_hold_nulls else None
        return self._data.get(slots), None if valid is None or valid.all() else valid

    def take(self, slots: Slots) -> pa.Array:
        return to_arrow(self.type, *self.look(slots))

    def take_range(self, start: int, stop: int) -> pa.Array:
        valid = self._valid.array[start:stop] if self._may_hold_nulls else None
        return to_arrow(self.type, self._data.array[start:stop].copy(), None if valid is None or valid.all() else valid)

    def prepare(self, values: pa.Array) -> tuple[NDArray[Any], Flags | None]:
        return to_numpy(values)

    def same(self, slots: Slots, prepared: tuple[NDArray[Any], Flags | None], rows: Slots) -> Flags:
        data, valid = prepared
        equal = same_numbers(self._data.get(slots), data[rows])
        if not self._may_hold_nulls and valid is None:
            return equal
        stored = self._valid.get(slots)
        asked = np.ones(len(rows), np.bool_) if valid is None else valid[rows]
        result: Flags = (equal & stored & asked) | ~(stored | asked)
        return result

"""What a join of two streams remembers: the buffered rows of each side, found by join key.

A row is stored under a number of its own (a key has many rows); which rows a key has is kept beside the store in memory
and made anew from the stored rows when state is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.state import KeyedStore
from penstock.state.base import Slots, StateMetrics
from penstock.state.bridge import arrow_flags, arrow_ints
from penstock.state.row_lists import RowLists

#: The key of a stored row.
ROW_NUMBER = pa.schema([("number", pa.int64())])
#: The value column that tells whether a row has found a match.
MATCHED = pa.field("matched", pa.bool_())
#: The hash of each join key; the same for both sides.
HashKeys: TypeAlias = Callable[[pa.RecordBatch], NDArray[np.uint64]]

_FIRST, _SECOND, _HALF = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53), np.uint64(33)


def hash_numbers(keys: pa.RecordBatch) -> NDArray[np.uint64]:
    """The hash by which stored rows are found by their number."""
    words = keys.column(0).to_numpy().astype(np.uint64)
    for factor in (_FIRST, _SECOND):
        words = (words ^ (words >> _HALF)) * factor
    mixed: NDArray[np.uint64] = words ^ (words >> _HALF)
    return mixed


@dataclass(frozen=True)
class SideLayout:
    """The columns of one side's rows.

    schema: all that is stored; keys: the names of the join key's columns among them; null_safe: whether NULL equals
    NULL, a key column; matched: whether MATCHED is stored behind `schema`; expiry: the column that the watermark
    evicts by, or None.
    """

    schema: pa.Schema
    keys: tuple[str, ...]
    null_safe: tuple[bool, ...]
    matched: bool
    expiry: str | None = None

    @property
    def value_schema(self) -> pa.Schema:
        """The value columns of the store."""
        return pa.schema([*self.schema, MATCHED]) if self.matched else self.schema

    def key_columns(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """The join key of each row."""
        columns = [rows.column(rows.schema.get_field_index(name)) for name in self.keys]
        return pa.RecordBatch.from_arrays(columns, names=[f"k{i}" for i in range(len(columns))])

    def has_key(self, keys: pa.RecordBatch) -> NDArray[np.bool_]:
        """Which rows can match at all: no NULL where NULL equals nothing."""
        found = np.ones(keys.num_rows, np.bool_)
        for column, safe in zip(keys.columns, self.null_safe, strict=True):
            if not safe and column.null_count:
                found &= column.is_valid().to_numpy(zero_copy_only=False)
        return found


class SideState:
    """The buffered rows of one side."""

    def __init__(self, store: KeyedStore, layout: SideLayout, hash_keys: HashKeys) -> None:
        self.store = store
        self.layout = layout
        self._hash_keys = hash_keys
        self._next = 0
        self._lists = self._empty_lists()
        if layout.expiry is not None:
            store.track_expiry(layout.expiry)

    def load(self, version: int) -> None:
        """The rows as of `version`."""
        self.store.load(version)
        self._lists, self._next = self._empty_lists(), 0
        slots = self.store.live()
        if len(slots):
            self._next = int(self.store.keys(slots).column(0).to_numpy().max()) + 1
            keys = self.layout.key_columns(self.store.values(slots))
            self._index(self._hash_keys(keys), keys, slots)

    def add(self, hashes: NDArray[np.uint64], rows: pa.RecordBatch, matched: NDArray[np.bool_]) -> Slots:
        """Buffer rows (columns as in the layout's schema), with whether each has found a match; returns their
        slots."""
        if not rows.num_rows:
            return np.empty(0, np.int64)
        numbers = np.arange(self._next, self._next + rows.num_rows)
        self._next += rows.num_rows
        numbered = pa.RecordBatch.from_arrays([arrow_ints(numbers)], schema=ROW_NUMBER)
        slots, _ = self.store.locate_or_add(hash_numbers(numbered), numbered)
        columns = [*rows.columns, arrow_flags(matched)] if self.layout.matched else rows.columns
        self.store.put(slots, pa.RecordBatch.from_arrays(columns, schema=self.layout.value_schema))
        self._index(hashes, self.layout.key_columns(rows), slots)
        return slots

    def find(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch) -> tuple[NDArray[np.int64], Slots]:
        """All pairs (position in `keys`, buffered row of the same key)."""
        able = np.flatnonzero(self.layout.has_key(keys))
        if len(able) == keys.num_rows:
            return self._lists.find(hashes, keys)
        which, slots = self._lists.find(hashes[able], keys.take(arrow_ints(able)))
        return able[which], slots

    def rows(self, slots: Slots) -> pa.RecordBatch:
        """The columns of these rows (repeats are fine), MATCHED last if it is kept."""
        return self.store.values(slots)

    def matched(self, slots: Slots) -> NDArray[np.bool_]:
        """Which of these rows have found a match."""
        flags: NDArray[np.bool_] = self.store.numeric(len(self.layout.schema))[slots]
        self.store.touch(slots[:0])
        return flags

    def mark_matched(self, slots: Slots) -> None:
        """These rows (repeats are fine) have found a match."""
        new = np.unique(slots[~self.matched(slots)])
        if len(new):
            self.store.numeric(len(self.layout.schema))[new] = True
            self.store.touch(new)

    def expired(self, threshold_us: int) -> Slots:
        """The rows that the watermark has passed."""
        return self.store.expired(str(self.layout.expiry), threshold_us)

    def remove(self, slots: Slots) -> None:
        """Forget these rows."""
        self._lists.remove(slots)
        self.store.remove(slots)

    def commit(self, version: int) -> None:
        """Make the rows durable as `version`."""
        self.store.commit(version)

    def purge(self, oldest_version: int) -> None:
        """Versions before this one are not needed any more."""
        self.store.purge(oldest_version)

    def metrics(self) -> StateMetrics:
        """Figures of the last batch."""
        found = self.store.metrics()
        spilled = self._lists.spilled_bytes
        held = found.memory_used_bytes + self._lists.nbytes - spilled
        return replace(found, memory_used_bytes=held, spilled_bytes=found.spilled_bytes + spilled)

    def close(self) -> None:
        """Release memory and files."""
        self.store.close()
        self._lists = self._empty_lists()

    def _index(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch, slots: Slots) -> None:
        able = self.layout.has_key(keys)
        if able.all():
            self._lists.add(hashes, keys, slots)
        else:
            self._lists.add(hashes[able], keys.filter(arrow_flags(able)), slots[able])

    def _empty_lists(self) -> RowLists:
        types = [self.layout.schema.field(name).type for name in self.layout.keys]
        return RowLists(pa.schema([(f"k{i}", kind) for i, kind in enumerate(types)]), self.store.budget)


class JoinState:
    """Both sides' rows as the one state of an operator; each side has its own files, of equal versions."""

    def __init__(self, left: SideState, right: SideState) -> None:
        self.left = left
        self.right = right
        self._sides: Sequence[SideState] = (left, right)

    def load(self, version: int) -> None:
        """The state as of `version`."""
        for side in self._sides:
            side.load(version)

    def commit(self, version: int) -> None:
        """Make the state durable as `version`; a crash between the sides leaves a file that the replay replaces."""
        for side in self._sides:
            side.commit(version)

    def purge(self, oldest_version: int) -> None:
        """Versions before this one are not needed any more."""
        for side in self._sides:
            side.purge(oldest_version)

    def metrics(self) -> StateMetrics:
        """The figures of both sides together."""
        left, right = (side.metrics() for side in self._sides)
        return StateMetrics(
            left.rows_total + right.rows_total,
            left.rows_updated + right.rows_updated,
            left.rows_removed + right.rows_removed,
            left.memory_used_bytes + right.memory_used_bytes,
            left.commit_ms + right.commit_ms,
            left.spilled_bytes + right.spilled_bytes,
            left.partitions,
        )

    def close(self) -> None:
        """Release memory and files."""
        for side in self._sides:
            side.close()

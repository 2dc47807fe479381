"""Rows that stand under a grouping key, many a key, in one KeyedStore: found by that key, whole arrays at a time.

The elements of a list, the entries of a map, the timers of a key.  Which rows a key has is kept beside the store in
memory and made anew from the stored rows at load, so that a batch costs what it touches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.core import files
from penstock.state.base import Slots
from penstock.state.format import encode
from penstock.state.layout import SnapshotId, StoreFiles
from penstock.state.row_lists import RowLists
from penstock.state.store import KeyedStore

HashKeys: TypeAlias = Callable[[pa.RecordBatch], NDArray[np.uint64]]


class GroupedRows:
    """A KeyedStore with an index by grouping key.

    group: the grouping key's columns, by name, among the store's key columns or its value columns; hash_group: the
    hash of grouping keys.
    """

    def __init__(self, store: KeyedStore, group: pa.Schema, in_key: bool, hash_group: HashKeys) -> None:
        self.store = store
        self._group, self._in_key, self._hash_group = group, in_key, hash_group
        self._lists = RowLists(group, store.budget)

    def load(self, version: int) -> None:
        """The rows as of `version`."""
        self.store.load(version)
        self._lists = RowLists(self._group, self.store.budget)
        slots = self.store.live()
        if len(slots):
            keys = self.group_keys(slots)
            self._lists.add(self._hash_group(keys), keys, slots)

    def forget(self) -> None:
        """Release the memory of the index: the store is closed."""
        self._lists = RowLists(self._group, self.store.budget)

    def group_keys(self, slots: Slots) -> pa.RecordBatch:
        """The grouping key of each row."""
        rows = self.store.keys(slots) if self._in_key else self.store.values(slots)
        columns = [rows.column(rows.schema.get_field_index(name)) for name in self._group.names]
        return one_batch(columns, self._group, len(slots))

    @property
    def group_count(self) -> int:
        """How many grouping keys have rows."""
        return self._lists.key_count

    def find(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch) -> tuple[NDArray[np.int64], Slots]:
        """All pairs (position in `keys`, row under that key), by position."""
        which, slots = self._lists.find(hashes, keys)
        order = np.argsort(which, kind="stable")
        return which[order], slots[order]

    def count(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch) -> NDArray[np.int64]:
        """How many rows each key has."""
        return self._lists.count(hashes, keys)

    def add(
        self,
        hashes: NDArray[np.uint64],
        rows: pa.RecordBatch,
        values: pa.RecordBatch,
        groups: tuple[NDArray[np.uint64], pa.RecordBatch],
    ) -> Slots:
        """Put rows: `hashes` are those of the store's keys `rows`, `groups` the grouping keys with their hashes."""
        slots, new = self.store.locate_or_add(hashes, rows)
        self.store.put(slots, values)
        if new.any():
            chosen = np.flatnonzero(new)
            group_hashes, keys = groups
            self._lists.add(group_hashes[chosen], keys.take(pa.array(chosen)), slots[chosen])
        return slots

    def remove(self, slots: Slots) -> None:
        """Forget these rows."""
        if len(slots):
            self._lists.remove(slots)
            self.store.remove(slots)

    @property
    def index_bytes(self) -> int:
        """Memory of the index."""
        return self._lists.nbytes


def one_batch(columns: list[pa.Array], schema: pa.Schema, rows: int) -> pa.RecordBatch:
    """A batch of these columns, which knows its number of rows even without any."""
    if columns:
        return pa.RecordBatch.from_arrays(columns, schema=schema)
    return pa.RecordBatch.from_struct_array(pa.array([{}] * rows, pa.struct([])))


def begin_at(places: StoreFiles, version: int) -> None:
    """Let a store without any files begin, empty, at `version`: state that a query has gained since it first ran."""
    snapshot = SnapshotId(version, version)
    content = encode([], kind="snapshot", operator=places.operator, version=version, base=version)
    files.fs.write_atomic(places.snapshot(snapshot), content)

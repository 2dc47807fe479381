"""List and map state of many keys at once: see `penstock.pyfn.state_cells`."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.pyfn.state_cells import EXPIRES, Chunk, HashRows, Lifetime, expire_rows, read_values, value_batch
from penstock.pyfn.state_values import Codec, State, frozen
from penstock.state.base import Slots
from penstock.state.bridge import arrow_ints
from penstock.state.grouped import GroupedRows, one_batch

#: Maps with more entries than this are read by key, and kept in memory from batch to batch.
_LARGE = 1024
_KEPT_ENTRIES = 2_000_000


class ListCells:
    """List state: the elements of a key are rows, numbered in the order in which they were added."""

    def __init__(self, rows: GroupedRows, codec: Codec, ttl_ms: int | None, hash_numbers: HashRows) -> None:
        self.rows, self.codec = rows, codec
        self._ttl_ms, self._hash = ttl_ms, hash_numbers
        self.next_number = 0

    def begin(self, chunk: Chunk, now_ms: int) -> None:
        """Take up a chunk of keys."""
        self._chunk, self._life = chunk, Lifetime(self._ttl_ms, now_ms)
        self._stored: dict[int, list[State]] | None = None
        self._slots: dict[int, list[int]] = {}
        self._counts: NDArray[np.int64] | None = None
        self._added: dict[int, list[State]] = {}
        self._replaced: set[int] = set()
        self._updates = self._forgotten = 0

    def get(self, position: int) -> list[State]:
        """The elements of a key."""
        added = self._added.get(position, [])
        if position in self._replaced:
            return list(added)
        if self._stored is None:
            self._stored = self._load()
        return [*self._stored.get(position, ()), *added]

    def exists(self, position: int) -> bool:
        """Whether a key has elements."""
        if self._ttl_ms is not None:
            return bool(self.get(position))
        if self._counts is None:
            self._counts = self.rows.count(self._chunk.hashes, self._chunk.keys)
        return bool(self._added.get(position)) or (position not in self._replaced and bool(self._counts[position]))

    def append(self, position: int, values: list[Any]) -> None:
        """Add elements to a key."""
        clean = [self.codec.clean(value) for value in values]
        self._added.setdefault(position, []).extend(clean)
        self._updates += len(clean)

    def put(self, position: int, values: list[Any]) -> None:
        """Replace a key's elements; none: remove them, those that were added just before, too."""
        if not values:
            self._forgotten += len(self._added.get(position, ()))
        self._added[position] = [self.codec.clean(value) for value in values]
        self._replaced.add(position)
        self._updates += len(values)

    def _load(self) -> dict[int, list[State]]:
        which, slots = self.rows.find(self._chunk.hashes, self._chunk.keys)
        numbers = self.rows.store.keys(slots).column(0).to_numpy()
        order = np.lexsort((numbers, which))
        values, ends = read_values(self.codec, self.rows.store.values(slots[order]))
        stored: dict[int, list[State]] = {}
        for place, value, end in zip(which[order].tolist(), values, ends or [None] * len(values), strict=True):
            if end is None or end > self._life.now_ms:
                stored.setdefault(place, []).append(value)
        return stored

    def flush(self) -> tuple[int, int]:
        """Write the changes; how many elements were given and how many removed."""
        removed = self._forgotten
        if self._replaced:
            chunk = self._chunk.take(sorted(self._replaced))
            slots = self.rows.find(chunk.hashes, chunk.keys)[1]
            self.rows.remove(slots)
            removed += len(slots)
        added = {place: values for place, values in self._added.items() if values}
        if added:
            self._add(added)
        self._added, self._replaced = {}, set()
        return self._updates, removed

    def _add(self, added: dict[int, list[State]]) -> None:
        positions = np.repeat(list(added), [len(values) for values in added.values()])
        values = [value for part in added.values() for value in part]
        numbers = np.arange(self.next_number, self.next_number + len(values))
        self.next_number += len(values)
        numbered = pa.RecordBatch.from_arrays([arrow_ints(numbers)], names=["number"])
        chunk = self._chunk.take(positions)
        ends = None if self._ttl_ms is None else [self._life.end] * len(values)
        rows = value_batch(self.codec, values, ends)
        stored = pa.RecordBatch.from_arrays(
            [*chunk.keys.columns, *rows.columns], schema=pa.schema([*chunk.keys.schema, *rows.schema])
        )
        self.rows.add(self._hash(numbered), numbered, stored, (chunk.hashes, chunk.keys))

    @property
    def has_ttl(self) -> bool:
        """Whether values end after a time."""
        return self._ttl_ms is not None

    def ended(self, now_ms: int) -> bool:
        """Whether there is something for `expire`."""
        return self._ttl_ms is not None and bool(len(self.rows.store.expired(EXPIRES.name, now_ms)))

    def expire(self, now_ms: int) -> int:
        """Remove what has ended."""
        return expire_rows(self.rows, now_ms) if self._ttl_ms is not None else 0


@dataclass
class _Entry:
    """An entry of a map: its key as it was given, its value, and when it ends."""

    key: State
    value: State
    end: int | None = None


Entries = dict[Any, _Entry]


class MapCells:
    """Map state: the entries of a key are rows, with the user's key as part of the row's key."""

    def __init__(self, rows: GroupedRows, keys: Codec, codec: Codec, ttl_ms: int | None, hash_rows: HashRows) -> None:
        self.rows, self.key_codec, self.codec = rows, keys, codec
        self._ttl_ms, self._hash = ttl_ms, hash_rows
        self._kept: OrderedDict[Any, tuple[int, Entries]] = OrderedDict()
        self._kept_entries = 0

    def begin(self, chunk: Chunk, now_ms: int) -> None:
        """Take up a chunk of keys."""
        self._chunk, self._life = chunk, Lifetime(self._ttl_ms, now_ms)
        self._maps: dict[int, Entries] = {}
        self._loaded = False
        self._updates = 0
        self._touched: dict[int, dict[Any, State]] = {}
        self._cleared: set[int] = set()

    def forget(self) -> None:
        """The store was loaded anew."""
        self._kept.clear()
        self._kept_entries = 0

    def entries(self, position: int) -> Iterator[tuple[State, State]]:
        """The entries of a key."""
        now = self._life.now_ms
        found = self._map(position).values()
        return iter([(e.key, e.value) for e in found if e.end is None or e.end > now])

    def get(self, position: int, key: Any) -> State | None:
        """The value of an entry."""
        entry = self._map(position).get(frozen(self.key_codec.clean(key)))
        if entry is None or (entry.end is not None and entry.end <= self._life.now_ms):
            return None
        return entry.value

    def set(self, position: int, key: Any, value: Any) -> None:
        """Set an entry."""
        self._updates += 1
        clean = self.key_codec.clean(key)
        entry = _Entry(clean, self.codec.clean(value), self._life.end)
        self._map(position)[frozen(clean)] = entry
        self._touched.setdefault(position, {})[frozen(clean)] = clean

    def remove(self, position: int, key: Any) -> None:
        """Remove an entry."""
        clean = self.key_codec.clean(key)
        if self._map(position).pop(frozen(clean), None) is not None:
            self._touched.setdefault(position, {})[frozen(clean)] = clean

    def clear(self, position: int) -> None:
        """Remove a key's entries."""
        self._map(position).clear()
        self._cleared.add(position)
        self._touched.pop(position, None)

    def _map(self, position: int) -> Entries:
        if not self._loaded:
            self._load_small()
        found = self._maps.get(position)
        if found is None:
            found = self._maps[position] = self._large(position)
        return found

    def _load_small(self) -> None:
        """The maps of all keys of the chunk, without the large ones."""
        chunk, self._loaded = self._chunk, True
        counts = self.rows.count(chunk.hashes, chunk.keys)
        small = np.flatnonzero(counts <= _LARGE)
        self._maps = {place: {} for place in small.tolist()}
        if self._kept:
            self._drop(chunk.take(small))
        stored = small[counts[small] > 0]
        if len(stored):
            for place, frozen_key, entry in self._read(chunk.take(stored)):
                self._maps[int(stored[place])][frozen_key] = entry

    def _drop(self, chunk: Chunk) -> None:
        """Maps that are small by now change in the store alone: what was kept of them is out of date."""
        for name in _names(chunk.keys):
            self._kept_entries -= self._kept.pop(name, (0, None))[0]

    def _large(self, position: int) -> Entries:
        """A large map, read once and kept as long as there is room."""
        one = self._chunk.take([position])
        name = _names(one.keys)[0]
        size, found = self._kept.pop(name, (0, None))
        if found is None:
            found = {frozen_key: entry for _, frozen_key, entry in self._read(one)}
        self._kept[name] = (len(found), found)
        self._kept_entries += len(found) - size
        while self._kept_entries > _KEPT_ENTRIES and len(self._kept) > 1:
            self._kept_entries -= self._kept.popitem(last=False)[1][0]
        return found

    def _read(self, chunk: Chunk) -> Iterator[tuple[int, Any, _Entry]]:
        which, slots = self.rows.find(chunk.hashes, chunk.keys)
        keys = self.key_codec.tuples(_user_keys(self.rows.store.keys(slots), self.key_codec))
        values, ends = read_values(self.codec, self.rows.store.values(slots))
        for place, key, value, end in zip(which.tolist(), keys, values, ends or [None] * len(values), strict=True):
            yield place, frozen(key), _Entry(key, value, end)

    def flush(self) -> tuple[int, int]:
        """Write the changes; how often an entry was set and how many were removed."""
        removed = 0
        if self._cleared:
            chunk = self._chunk.take(sorted(self._cleared))
            slots = self.rows.find(chunk.hashes, chunk.keys)[1]
            self.rows.remove(slots)
            removed = len(slots)
        puts: list[tuple[int, _Entry]] = []
        gone: list[tuple[int, State]] = []
        for place, touched in self._touched.items():
            now = self._maps[place]
            for frozen_key, key in touched.items():
                entry = now.get(frozen_key)
                if entry is None:
                    gone.append((place, key))
                else:
                    puts.append((place, entry))
        removed += self._remove(gone) if gone else 0
        if puts:
            self._put(puts)
        self._touched, self._cleared = {}, set()
        return self._updates, removed

    def _rows(self, places: list[int], keys: list[State]) -> tuple[Chunk, pa.RecordBatch]:
        """Grouping keys, and with them the keys of rows."""
        chunk, user = self._chunk.take(places), self.key_codec.batch(keys)
        columns = [*chunk.keys.columns, *user.columns]
        return chunk, one_batch(columns, pa.schema([*chunk.keys.schema, *user.schema]), len(keys))

    def _remove(self, gone: list[tuple[int, State]]) -> int:
        _, rows = self._rows([place for place, _ in gone], [key for _, key in gone])
        slots = self.rows.store.locate(self._hash(rows), rows)
        self.rows.remove(slots[slots >= 0])
        return int((slots >= 0).sum())

    def _put(self, puts: list[tuple[int, _Entry]]) -> None:
        chunk, rows = self._rows([place for place, _ in puts], [entry.key for _, entry in puts])
        ends = None if self._ttl_ms is None else [entry.end for _, entry in puts]
        values = value_batch(self.codec, [entry.value for _, entry in puts], ends)
        self.rows.add(self._hash(rows), rows, values, (chunk.hashes, chunk.keys))

    @property
    def has_ttl(self) -> bool:
        """Whether values end after a time."""
        return self._ttl_ms is not None

    def ended(self, now_ms: int) -> bool:
        """Whether there is something for `expire`."""
        return self._ttl_ms is not None and bool(len(self.rows.store.expired(EXPIRES.name, now_ms)))

    def expire(self, now_ms: int) -> int:
        """Remove what has ended."""
        if self._ttl_ms is None:
            return 0
        if self._kept:
            self._expire_kept(self.rows.store.expired(EXPIRES.name, now_ms))
        return expire_rows(self.rows, now_ms)

    def _expire_kept(self, slots: Slots) -> None:
        keys = self.key_codec.tuples(_user_keys(self.rows.store.keys(slots), self.key_codec))
        for name, key in zip(_names(self.rows.group_keys(slots)), keys, strict=True):
            if name in self._kept:
                self._kept[name][1].pop(frozen(key), None)


def _user_keys(rows: pa.RecordBatch, codec: Codec) -> pa.RecordBatch:
    start = rows.num_columns - len(codec.arrow)
    return one_batch(rows.columns[start:], codec.arrow, rows.num_rows)


def _names(keys: pa.RecordBatch) -> list[Any]:
    """Hashable forms of grouping keys."""
    return [frozen(tuple(row.values())) for row in keys.to_pylist()]

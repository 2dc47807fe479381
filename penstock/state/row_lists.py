"""From a key to the many slots that bear it: an index beside a KeyedStore, in memory alone, made anew at load.

Each key's slots stand in one region of a common pool; regions have power-of-two sizes and move to a larger one when
full, to a smaller one when mostly empty, so that adding and removing cost what is added and removed, and finding costs
what is found.  An entry of a removed slot stays until its region moves: it is recognised by the slot's place being
another one.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.state.base import Slots
from penstock.state.bridge import arrow_ints
from penstock.state.budget import UNLIMITED, MemoryBudget
from penstock.state.memory import Growable
from penstock.state.table import SlotTable

_NOWHERE = -1
_SIZES = 40


class RowLists:
    """Slots by key.  A slot stands under one key at most."""

    def __init__(self, key_schema: pa.Schema, budget: MemoryBudget = UNLIMITED) -> None:
        self._keys = SlotTable(key_schema, pa.schema([]), budget)
        self._start = Growable(np.int64, 512, budget)  # by key: the first place of its region,
        self._size = Growable(np.int8, 512, budget)  # the logarithm of its places,
        self._used = Growable(np.int64, 512, budget)  # how many have entries,
        self._live = Growable(np.int64, 512, budget)  # and how many of these are valid
        self._place = Growable(np.int64, 512, budget)  # by slot: its place in the pool + 1, 0 for none
        self._key_of = Growable(np.int64, 512, budget)  # by slot
        self._pool = Growable(np.int64, 512, budget)
        self._end = 0
        self._free: list[list[Slots]] = [[] for _ in range(_SIZES)]

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(part.nbytes for part in self._parts)

    @property
    def spilled_bytes(self) -> int:
        """How many of them are in scratch files."""
        return sum(part.spilled_bytes for part in self._parts)

    @property
    def _parts(self) -> tuple[SlotTable | Growable, ...]:
        own = (self._start, self._size, self._used, self._live, self._place, self._key_of, self._pool)
        return (self._keys, *own)

    @property
    def key_count(self) -> int:
        """How many keys have slots."""
        return self._keys.count

    def add(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch, slots: Slots) -> None:
        """Put each slot under its key; keys may repeat, slots may not."""
        if not len(slots):
            return
        found = self._find_or_add(hashes, keys)
        order = np.argsort(found, kind="stable")
        lists, first, counts = np.unique(found[order], return_index=True, return_counts=True)
        self._make_room(lists, counts)
        rank = np.arange(len(order)) - np.repeat(first, counts)
        self._enter(slots[order], np.repeat(lists, counts), np.repeat(self._ends(lists), counts) + rank)
        self._used.set(lists, self._used.get(lists) + counts)
        self._live.set(lists, self._live.get(lists) + counts)

    def find(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch) -> tuple[Slots, Slots]:
        """All pairs (position of a key in `keys`, slot under that key); keys may repeat."""
        lists = self._keys.find(hashes, keys)[0]
        rows = np.flatnonzero(lists >= 0)
        which, slots = self._members(lists[rows])
        return rows[which], slots

    def count(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch) -> NDArray[np.int64]:
        """How many slots stand under each key; keys may repeat."""
        lists = self._keys.find(hashes, keys)[0]
        counts = np.zeros(len(lists), np.int64)
        counts[lists >= 0] = self._live.get(lists[lists >= 0])
        return counts

    def remove(self, slots: Slots) -> None:
        """Take these slots out; those that stand under no key are passed over."""
        slots = slots[slots < len(self._place)]
        slots = slots[self._place.get(slots) > 0]
        if not len(slots):
            return
        lists, counts = np.unique(self._key_of.get(slots), return_counts=True)
        self._place.set(slots, 0)
        self._live.set(lists, self._live.get(lists) - counts)
        live, size = self._live.get(lists), self._size.get(lists)
        empty = live == 0
        self._release(lists[empty])
        self._keys.remove(lists[empty])
        wasteful = ~empty & (size > 2) & (live * 4 < np.left_shift(np.int64(1), size.astype(np.int64)))
        if wasteful.any():
            self._move(lists[wasteful], live[wasteful])

    def _find_or_add(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch) -> Slots:
        """The list of each key.  The first row of every hash enters its key; rows whose hash collides take more
        rounds."""
        found = self._keys.find(hashes, keys)[0]
        missing = np.flatnonzero(found < 0)
        while len(missing):
            chosen = missing[np.unique(hashes[missing], return_index=True)[1]]
            added, _ = self._keys.find_or_add(hashes[chosen], keys.take(arrow_ints(chosen)))
            self._clear(added)
            found[missing] = self._keys.find(hashes[missing], keys.take(arrow_ints(missing)))[0]
            missing = missing[found[missing] < 0]
        return found

    def _clear(self, lists: Slots) -> None:
        """New keys: no region yet."""
        for part in (self._start, self._size, self._used, self._live):
            part.ensure(self._keys.high)
        self._size.set(lists, _NOWHERE)
        self._used.set(lists, 0)
        self._live.set(lists, 0)

    def _ends(self, lists: Slots) -> Slots:
        ends: Slots = self._start.get(lists) + self._used.get(lists)
        return ends

    def _members(self, lists: Slots) -> tuple[Slots, Slots]:
        """The valid entries of some lists (repeats are fine): position in `lists`, slot."""
        counts = self._used.get(lists)
        which = np.repeat(np.arange(len(lists)), counts)
        rank = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        places = self._start.get(lists)[which] + rank
        slots = self._pool.get(places)
        valid = self._place.get(slots) == places + 1
        return which[valid], slots[valid]

    def _make_room(self, lists: Slots, counts: NDArray[np.int64]) -> None:
        size = self._size.get(lists).astype(np.int64)
        room = np.where(size < 0, 0, np.left_shift(1, np.maximum(size, 0)))
        full = self._used.get(lists) + counts > room
        if full.any():
            self._move(lists[full], self._live.get(lists[full]) + counts[full])

    def _move(self, lists: Slots, wanted: NDArray[np.int64]) -> None:
        """Give each list a new region of at least `wanted` places, with its valid entries alone."""
        which, slots = self._members(lists)
        counts = np.bincount(which, minlength=len(lists))
        self._release(lists)
        sizes = np.ceil(np.log2(np.maximum(wanted, 1))).astype(np.int64)
        for size in np.unique(sizes):
            chosen = lists[sizes == size]
            self._start.set(chosen, self._regions(int(size), len(chosen)))
        self._size.set(lists, sizes)
        self._used.set(lists, counts)
        rank = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        self._enter(slots, lists[which], self._start.get(lists)[which] + rank)

    def _enter(self, slots: Slots, lists: Slots, places: Slots) -> None:
        if not len(slots):
            return
        top = int(slots.max()) + 1
        self._place.ensure(top)
        self._key_of.ensure(top)
        self._pool.set(places, slots)
        self._place.set(slots, places + 1)
        self._key_of.set(slots, lists)

    def _regions(self, size: int, count: int) -> Slots:
        """The starts of `count` regions of 2**size places: freed ones first."""
        free = self._free[size]
        parts: list[Slots] = []
        while free and count:
            last = free.pop()
            if len(last) > count:
                free.append(last[count:])
            parts.append(last[:count])
            count -= len(parts[-1])
        if count:
            parts.append(self._end + (np.arange(count) << size))
            self._end += count << size
            self._pool.ensure(self._end)
        return np.concatenate(parts)

    def _release(self, lists: Slots) -> None:
        sizes = self._size.get(lists)
        for size in np.unique(sizes[sizes >= 0]):
            self._free[int(size)].append(self._start.get(lists[sizes == size]))
        self._size.set(lists, _NOWHERE)
        self._used.set(lists, 0)

"""The key index: 64-bit hashes to slots, whole arrays at a time.

Open addressing with linear probing.  An entry is one 64-bit word, 31 bits of the hash and the slot, so a probe touches
one place in memory; whether a candidate really is the key, the caller decides on the key columns.  Look-ups run in
*rounds*: all keys probe their home entry at once, those still open probe the next one, and so on; each round is a
handful of numpy operations over a quickly shrinking array.  Inserting does the same and settles conflicts as GPU
tables do: everyone writes, whoever reads back his own entry has won, the others go on.

The table is cut into sub-tables by the top bits of the (mixed) hash.  Each grows alone and at its own load, so growth
is spread evenly over the inserts that cause it: no batch ever pays for rehashing ten million keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from penstock.state.budget import UNLIMITED, MemoryBudget
from penstock.state.memory import Growable

Words: TypeAlias = NDArray[np.uint64]
Ints: TypeAlias = NDArray[np.int64]
#: Given candidate slots and the positions of the keys asked for, tells which are the same key.
SameKey: TypeAlias = Callable[[Ints, Ints], NDArray[np.bool_]]

_SUBTABLE_BITS = 8
_SUBTABLES = 1 << _SUBTABLE_BITS
_SMALLEST = 16
_EMPTY, _DELETED, _FIRST_SLOT = np.uint64(0), np.uint64(1), np.uint64(2)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SLOT_MASK = np.uint64(0xFFFFFFFF)
_IN_USE = np.uint64(1 << 63)
_32, _TOP, _REST = np.uint64(32), np.uint64(64 - _SUBTABLE_BITS), np.uint64(_SUBTABLE_BITS)


class KeyIndex:
    """Maps hashes to slots.  Slots are given by the caller, below 2**32 - 2."""

    def __init__(self, budget: MemoryBudget = UNLIMITED) -> None:
        self._entries = Growable(np.uint64, _SUBTABLES * _SMALLEST, budget)
        self._mixed = Growable(np.uint64, 1024, budget)  # by slot
        self._regions = _Regions(_SUBTABLES * _SMALLEST)
        self._base: Ints = np.arange(_SUBTABLES, dtype=np.int64) * _SMALLEST
        self._mask: Ints = np.full(_SUBTABLES, _SMALLEST - 1, np.int64)
        self._shift: Words = np.full(_SUBTABLES, 64 - 4, np.uint64)
        self._used: Ints = np.zeros(_SUBTABLES, np.int64)  # entries in use or deleted
        # Loads at which the sub-tables grow: 0.3 to 0.6, evenly spread over one doubling.
        self._limit = 0.3 * 2 ** (np.arange(_SUBTABLES) / _SUBTABLES)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._entries.nbytes + self._mixed.nbytes

    @property
    def spilled_bytes(self) -> int:
        """How many of them are in scratch files."""
        return self._entries.spilled_bytes + self._mixed.spilled_bytes

    def reserve(self, count: int) -> None:
        """Room for so many keys more, so that entering them moves none."""
        self._make_room(np.full(_SUBTABLES, count // _SUBTABLES + 1, np.int64))

    def find(self, hashes: Words, same: SameKey) -> tuple[Ints, Ints]:
        """Slot of each hash's key, or -1, and the place of its entry (for a missing key: where one may be inserted)."""
        mixed = hashes * _MULTIPLIER
        found = np.full(len(mixed), -1, np.int64)
        tag = (mixed << _32) | _IN_USE
        place, mask = self._home(mixed)
        final = place
        rows: Ints | None = None
        while len(place):
            entry = self._entries.get(place)
            probing = entry != _EMPTY
            near = np.flatnonzero((entry ^ tag) <= _SLOT_MASK)
            if len(near):
                slots = ((entry[near] & _SLOT_MASK) - _FIRST_SLOT).view(np.int64)
                asked = near if rows is None else rows[near]
                right = same(slots, asked)
                if right.all():
                    found[asked] = slots
                    probing[near] = False
                else:
                    found[asked[right]] = slots[right]
                    probing[near[right]] = False
            go_on = np.flatnonzero(probing)
            rows = go_on if rows is None else rows[go_on]
            tag, mask = tag[go_on], mask[go_on]
            place = _next(place[go_on], mask)
            final[rows] = place
        return found, final

    def insert(self, hashes: Words, slots: Ints, places: Ints | None = None) -> None:
        """Enter keys that are not in the index; `places` as `find` gave them for these keys, without a change since."""
        if len(slots) == 0:
            return
        mixed = hashes * _MULTIPLIER
        self._mixed.ensure(int(slots.max()) + 1)
        self._mixed.set(slots, mixed)
        subtable = (mixed >> _TOP).view(np.int64)
        arriving = np.bincount(subtable, minlength=_SUBTABLES)
        grown = self._make_room(arriving)
        if places is None or grown is not None:
            home, _ = self._home(mixed)
            places = home if places is None else np.where(grown[subtable], home, places)  # type: ignore[index]
        self._used += arriving
        self._place(_entry(mixed, slots), places, self._mask[subtable])

    def remove(self, slots: Ints) -> None:
        """Delete the entries of these (distinct) slots."""
        places = self._find_slots(slots)
        entries = self._entries
        entries.set(places, _DELETED)
        mask = self._mask[(self._mixed.get(slots) >> _TOP).view(np.int64)]
        # A deleted entry right before an empty one need not be kept for those probing past it.
        while len(places):
            last = np.flatnonzero(entries.get(_next(places, mask)) == _EMPTY)
            if len(last) == 0:
                return
            entries.set(places[last], _EMPTY)
            subtable = (self._mixed.get(slots[last]) >> _TOP).view(np.int64)
            self._used -= np.bincount(subtable, minlength=_SUBTABLES)
            keep = entries.get(places) == _DELETED
            places, mask, slots = places[keep], mask[keep], slots[keep]

    def _home(self, mixed: Words) -> tuple[Ints, Ints]:
        subtable = (mixed >> _TOP).view(np.int64)
        inside = (mixed << _REST) >> self._shift[subtable]
        return self._base[subtable] + inside.view(np.int64), self._mask[subtable]

    def _find_slots(self, slots: Ints) -> Ints:
        mixed = self._mixed.get(slots)
        wanted, entries = _entry(mixed, slots), self._entries
        places, mask = self._home(mixed)
        open_ = np.flatnonzero(entries.get(places) != wanted)
        while len(open_):
            places[open_] = _next(places[open_], mask[open_])
            open_ = open_[entries.get(places[open_]) != wanted[open_]]
        return places

    def _place(self, new: Words, places: Ints, mask: Ints) -> None:
        entries = self._entries
        while len(new):
            free = np.flatnonzero(entries.get(places) == _EMPTY)
            entries.set(places[free], new[free])
            lost = np.flatnonzero(entries.get(places) != new)
            new, mask = new[lost], mask[lost]
            places = _next(places[lost], mask)

    def _make_room(self, arriving: Ints) -> NDArray[np.bool_] | None:
        """Enlarge the sub-tables that would be too full; tells which (None: none)."""
        full = self._used + arriving > self._limit * (self._mask + 1)
        if not full.any():
            return None
        which = np.flatnonzero(full)
        kept = self._contents(which)
        slots = ((kept & _SLOT_MASK) - _FIRST_SLOT).view(np.int64)
        mixed = self._mixed.get(slots)
        subtable = (mixed >> _TOP).view(np.int64)
        self._used[which] = np.bincount(subtable, minlength=_SUBTABLES)[which]
        for i in which:
            self._move(int(i), int(self._used[i] + arriving[i]))
        home, mask = self._home(mixed)
        self._place(kept, home, mask)
        return full

    def _contents(self, which: Ints) -> Words:
        regions = zip(self._base[which].tolist(), self._mask[which].tolist(), strict=True)
        kept = np.concatenate([self._entries.array[base : base + mask + 1] for base, mask in regions])
        return kept[kept > _DELETED]

    def _move(self, i: int, needed: int) -> None:
        """Give sub-table i an empty region that holds `needed` entries below its limit."""
        old = int(self._mask[i]) + 1
        size = _SMALLEST
        while needed > self._limit[i] * size:
            size *= 2
        end = self._regions.end
        base = self._regions.take(size)
        self._entries.ensure(self._regions.end)
        if base < end:  # used before
            self._entries.array[base : base + size] = _EMPTY
        self._regions.give_back(int(self._base[i]), old)
        self._base[i], self._mask[i], self._shift[i] = base, size - 1, 64 - (size.bit_length() - 1)


class _Regions:
    """Power-of-two regions of one array, aligned to their size; freed neighbours join (a buddy allocator)."""

    def __init__(self, end: int) -> None:
        self.end = end
        self._free: dict[int, set[int]] = {}

    def take(self, size: int) -> int:
        """The start of a region of `size` elements."""
        bigger = size
        while bigger < self.end and not self._free.get(bigger):
            bigger *= 2
        if not self._free.get(bigger):
            return self._append(size)
        start = self._free[bigger].pop()
        while bigger > size:
            bigger //= 2
            self._free.setdefault(bigger, set()).add(start + bigger)
        return start

    def give_back(self, start: int, size: int) -> None:
        """Free a region."""
        while start ^ size in self._free.get(size, ()):
            self._free[size].remove(start ^ size)
            start, size = start & ~size, 2 * size
        self._free.setdefault(size, set()).add(start)

    def _append(self, size: int) -> int:
        while self.end % size:
            gap = self.end & -self.end
            self.end += gap
            self.give_back(self.end - gap, gap)
        self.end += size
        return self.end - size


def _entry(mixed: Words, slots: Ints) -> Words:
    return (mixed << _32) | _IN_USE | (slots.view(np.uint64) + _FIRST_SLOT)


def _next(places: Ints, mask: Ints) -> Ints:
    return (places & ~mask) | ((places + 1) & mask)

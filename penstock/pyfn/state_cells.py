"""The state of many keys at once, as Python values: read in bulk when first asked for, changed in memory, written back
in bulk.  A key is its position in the chunk of keys that is being processed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.pyfn.state_values import Codec, State
from penstock.state import KeyedStore
from penstock.state.base import Slots
from penstock.state.bridge import arrow_ints
from penstock.state.grouped import GroupedRows, one_batch

#: The column of the time (milliseconds) at which a value with a time to live ends.
EXPIRES = pa.field("expires", pa.int64())
_UNCHANGED: Any = object()

HashRows = Callable[[pa.RecordBatch], NDArray[np.uint64]]


@dataclass(frozen=True)
class Chunk:
    """Distinct grouping keys, with their hashes."""

    keys: pa.RecordBatch
    hashes: NDArray[np.uint64]

    @staticmethod
    def empty(schema: pa.Schema) -> Chunk:
        """No keys."""
        return Chunk(one_batch([pa.array([], f.type) for f in schema], schema, 0), np.empty(0, np.uint64))

    def take(self, positions: list[int] | NDArray[np.int64]) -> Chunk:
        """Some of the keys; positions may repeat."""
        chosen = np.asarray(positions, np.int64)
        return Chunk(self.keys.take(arrow_ints(chosen)), self.hashes[chosen])


@dataclass(frozen=True)
class Lifetime:
    """How long values of a variable live (milliseconds, None: for ever), and the time of the batch."""

    ttl_ms: int | None
    now_ms: int

    @property
    def end(self) -> int | None:
        """When a value that is set now ends."""
        return None if self.ttl_ms is None else self.now_ms + self.ttl_ms


def value_schema(codec: Codec, ttl_ms: int | None) -> pa.Schema:
    """The stored columns of a variable's values; later fields may be added behind."""
    return codec.arrow if ttl_ms is None else pa.schema([EXPIRES, *codec.arrow])


def value_batch(codec: Codec, values: list[State], ends: list[int | None] | None) -> pa.RecordBatch:
    """Values as stored columns, with their ends if they have a time to live."""
    rows = codec.batch(values)
    if ends is None:
        return rows
    columns = [pa.array(ends, pa.int64()), *rows.columns]
    return pa.RecordBatch.from_arrays(columns, schema=pa.schema([EXPIRES, *rows.schema]))


def read_values(codec: Codec, rows: pa.RecordBatch) -> tuple[list[State], list[int | None] | None]:
    """The values of stored rows and, of variables with a time to live, their ends."""
    start = rows.num_columns - len(codec.arrow)
    ends = rows.column(start - 1).to_pylist() if start and rows.schema.names[start - 1] == EXPIRES.name else None
    own = one_batch(rows.columns[start:], codec.arrow, rows.num_rows)
    return codec.tuples(own), ends


class ValueCells:
    """Value state: at most one value a key.  `store` has the grouping key as key."""

    def __init__(self, store: KeyedStore, codec: Codec, ttl_ms: int | None) -> None:
        self.store, self.codec = store, codec
        self._ttl_ms = ttl_ms

    def begin(self, chunk: Chunk, now_ms: int) -> None:
        """Take up a chunk of keys."""
        self._chunk, self._life = chunk, Lifetime(self._ttl_ms, now_ms)
        self._stored: list[State | None] | None = None
        self._changes: dict[int, State | None] = {}
        self._updates = 0

    def get(self, position: int) -> State | None:
        """The value of a key."""
        changed = self._changes.get(position, _UNCHANGED)
        if changed is not _UNCHANGED:
            return changed  # type: ignore[no-any-return]
        if self._stored is None:
            self._stored = self._load()
        return self._stored[position]

    def set(self, position: int, value: Any) -> None:
        """Set a key's value."""
        self._updates += 1
        self._changes[position] = self.codec.clean(value)

    def clear(self, position: int) -> None:
        """A key has no value any more."""
        self._changes[position] = None

    def _load(self) -> list[State | None]:
        slots = self.store.locate(self._chunk.hashes, self._chunk.keys)
        found = np.flatnonzero(slots >= 0)
        stored: list[State | None] = [None] * len(slots)
        values, ends = read_values(self.codec, self.store.values(slots[found]))
        for place, value, end in zip(found.tolist(), values, ends or [None] * len(values), strict=True):
            if end is None or end > self._life.now_ms:
                stored[place] = value
        return stored

    def flush(self) -> tuple[int, int]:
        """Write the changes to the store; how often a value was set and how many were removed."""
        puts = {place: value for place, value in self._changes.items() if value is not None}
        gone = [place for place, value in self._changes.items() if value is None]
        removed = self._remove(gone) if gone else 0
        if puts:
            chunk = self._chunk.take(list(puts))
            slots, _ = self.store.locate_or_add(chunk.hashes, chunk.keys)
            ends = None if self._ttl_ms is None else [self._life.end] * len(puts)
            self.store.put(slots, value_batch(self.codec, list(puts.values()), ends))
        self._changes = {}
        return self._updates, removed

    def _remove(self, gone: list[int]) -> int:
        chunk = self._chunk.take(gone)
        slots = self.store.locate(chunk.hashes, chunk.keys)
        self.store.remove(slots[slots >= 0])
        return int((slots >= 0).sum())

    @property
    def has_ttl(self) -> bool:
        """Whether values end after a time."""
        return self._ttl_ms is not None

    def ended(self, now_ms: int) -> bool:
        """Whether there is something for `expire`."""
        return self._ttl_ms is not None and bool(len(self.store.expired(EXPIRES.name, now_ms)))

    def expire(self, now_ms: int) -> int:
        """Remove what has ended."""
        if self._ttl_ms is None:
            return 0
        slots = self.store.expired(EXPIRES.name, now_ms)
        if len(slots):
            self.store.remove(slots)
        return len(slots)


class TimerCells:
    """The timers of keys: the times (milliseconds) at which they expire."""

    def __init__(self, rows: GroupedRows, hash_rows: HashRows) -> None:
        self.rows, self._hash = rows, hash_rows
        self.registered = self.deleted = 0

    def begin(self, chunk: Chunk, now_ms: int) -> None:
        """Take up a chunk of keys."""
        self._chunk = chunk
        self._stored: dict[int, set[int]] | None = None
        self._changes: dict[int, dict[int, bool]] = {}

    def register(self, position: int, at_ms: int) -> None:
        """Set a timer."""
        self.registered += 1
        self._changes.setdefault(position, {})[at_ms] = True

    def delete(self, position: int, at_ms: int) -> None:
        """Delete a timer, if it is there."""
        self.deleted += 1
        self._changes.setdefault(position, {})[at_ms] = False

    def of(self, position: int) -> list[int]:
        """A key's timers, in the order in which Spark keeps them: by their bytes, the lowest first."""
        if self._stored is None:
            which, slots = self.rows.find(self._chunk.hashes, self._chunk.keys)
            times = _times(self.rows, slots)
            self._stored = {}
            for place, at_ms in zip(which.tolist(), times.tolist(), strict=True):
                self._stored.setdefault(place, set()).add(at_ms)
        found = set(self._stored.get(position, ()))
        for at_ms, is_set in self._changes.get(position, {}).items():
            (found.add if is_set else found.discard)(at_ms)
        return sorted(found, key=lambda at_ms: at_ms.to_bytes(8, "little", signed=True))

    def flush(self) -> tuple[int, int]:
        """Write the changes; how many timers were set and how many deleted."""
        done = [0, 0]
        for number, is_set in enumerate((True, False)):
            changes = ((place, at_ms, flag) for place, own in self._changes.items() for at_ms, flag in own.items())
            chosen = [(place, at_ms) for place, at_ms, flag in changes if flag is is_set]
            if chosen:
                done[number] = self._write(chosen, is_set)
        self._changes, self._stored = {}, None
        return done[0], done[1]

    def _write(self, chosen: list[tuple[int, int]], is_set: bool) -> int:
        chunk = self._chunk.take([place for place, _ in chosen])
        times = pa.array([at_ms for _, at_ms in chosen], pa.int64())
        schema = pa.schema([*chunk.keys.schema, TIMER])
        rows = pa.RecordBatch.from_arrays([*chunk.keys.columns, times], schema=schema)
        hashes = self._hash(rows)
        if is_set:
            mark = pa.RecordBatch.from_arrays([pa.array([True] * len(chosen))], schema=TIMER_VALUE)
            self.rows.add(hashes, rows, mark, (chunk.hashes, chunk.keys))
            return len(chosen)
        slots = self.rows.store.locate(hashes, rows)
        self.rows.remove(slots[slots >= 0])
        return int((slots >= 0).sum())

    def expired(self, until_ms: int) -> tuple[pa.RecordBatch, list[int]]:
        """The timers that expire up to this time, the earliest first: their grouping keys and their times."""
        slots = self.rows.store.expired(TIMER.name, until_ms)
        times = _times(self.rows, slots)
        order = np.argsort(times, kind="stable")
        return self.rows.group_keys(slots[order]), times[order].tolist()


#: The time at which a timer expires, as part of the key of its row; a row needs a value, too.
TIMER = pa.field("expiryTimestampMs", pa.int64())
TIMER_VALUE = pa.schema([("set", pa.bool_())])


def _times(rows: GroupedRows, slots: Slots) -> NDArray[np.int64]:
    keys = rows.store.keys(slots)
    times: NDArray[np.int64] = keys.column(keys.num_columns - 1).to_numpy()
    return times


def expire_rows(rows: GroupedRows, now_ms: int) -> int:
    """Remove the rows whose time to live has ended."""
    slots = rows.store.expired(EXPIRES.name, now_ms)
    rows.remove(slots)
    return len(slots)

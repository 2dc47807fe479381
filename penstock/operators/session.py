"""GROUP BY over session windows: a batch's sessions grow together with those kept in state.

Input rows are sorted by key and hold, each: `hash` (of the key), the key, the session's start and end, partial buffers.
For the batch's keys all sessions in state are looked at (their times alone); those that overlap or touch a new one
become one with it.  What a batch costs is its rows and the sessions of its keys.  Semantics: Spark's
SessionWindowStateStoreRestoreExec and SessionWindowStateStoreSaveExec.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.operators.aggregate import HASH
from penstock.operators.base import OperatorFigures
from penstock.operators.folding import fold
from penstock.operators.join_state import SideState
from penstock.operators.late import without_late
from penstock.operators.merging import Merge, RunSql
from penstock.state.base import Slots
from penstock.state.bridge import arrow_ints, record_batch, to_numpy
from penstock.state.equality import same_values

Ints = NDArray[np.int64]
_NOTHING = np.empty(0, np.int64)


@dataclass(frozen=True)
class SessionColumns:
    """Names of the columns of state: a session's start and end, and whether its end is an event time."""

    start: str
    end: str
    has_watermark: bool


@dataclass(frozen=True)
class _Members:
    """The sessions of the batch's keys, those of state first: whose key (a number), when, and of state the slots.
    Sorted by key, start and whether it is new."""

    key: Ints
    start: Ints
    end: Ints
    source: Ints  # the slot of one in state; ~row for a row of the batch

    @property
    def is_new(self) -> NDArray[np.bool_]:
        """Which are rows of the batch."""
        fresh: NDArray[np.bool_] = self.source < 0
        return fresh


class SessionOperator:
    """GROUP BY session_window in append or complete mode; `name` is Spark's."""

    name = "sessionWindowStateStoreSaveExec"

    def __init__(
        self, state: SideState, merges: Sequence[Merge], columns: SessionColumns, output_mode: str, run_sql: RunSql
    ) -> None:
        self.store = state
        self.figures = OperatorFigures()
        self._merges = tuple(merges)
        self._columns = columns
        self._mode = output_mode
        self._run_sql = run_sql
        names = state.layout.schema.names
        self._start, self._end = names.index(columns.start), names.index(columns.end)
        self._buffers = pa.schema([state.layout.schema.field(m.column) for m in merges])

    @property
    def evicts(self) -> bool:
        """See KeepsState."""
        return self._mode != "complete"

    def process(self, batch: pa.Table, late_us: int, evict_us: int) -> pa.Table:
        """See StatefulOperator: the sessions that are over (append), or all (complete)."""
        started = time.perf_counter_ns()
        rows, dropped = without_late(batch, self._columns.end if self._columns.has_watermark else None, late_us)
        # Mostly one batch, but strings of more than 2 GB do not become one chunk.
        parts = [self._take_in(part) for part in rows.combine_chunks().to_batches()] if rows.num_rows else []
        updated, gone = sum(own for own, _ in parts), sum(swallowed for _, swallowed in parts)
        merged_at = time.perf_counter_ns()
        result, removed = self._emit(evict_us)
        self.figures = OperatorFigures(
            rows_updated=updated,
            rows_removed=gone + removed,
            rows_dropped_by_watermark=dropped,
            update_ms=(merged_at - started) // 1_000_000,
            remove_ms=(time.perf_counter_ns() - merged_at) // 1_000_000,
        )
        return result

    def _emit(self, evict_us: int) -> tuple[pa.Table, int]:
        if self._mode == "complete":
            return self._table(self.store.store.live()), 0
        over = self.store.expired(evict_us) if evict_us > 0 else _NOTHING
        result = self._table(over)
        self.store.remove(over)
        return result, len(over)

    def _table(self, slots: Slots) -> pa.Table:
        return pa.Table.from_batches([self.store.rows(slots)])

    # ------------------------------------------------------------ a batch's sessions

    def _take_in(self, rows: pa.RecordBatch) -> tuple[int, int]:
        """Returns how many sessions the batch's keys have now (Spark writes them all), and how many were swallowed."""
        stored = self._stored(rows)
        hashes = rows.column(rows.schema.get_field_index(HASH)).to_numpy(zero_copy_only=False)
        members = self._members(stored, hashes.astype(np.uint64, copy=False))
        first = _session_starts(members)
        session = np.cumsum(first) - 1
        swallowed = ~members.is_new & (members.start != members.start[first][session])
        changed = np.zeros(int(first.sum()), np.bool_)
        changed[session[members.is_new]] = True
        self._replace(stored, hashes.astype(np.uint64, copy=False), members, session, changed)
        return len(changed), int(swallowed.sum())

    def _stored(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        schema = self.store.layout.schema
        columns = [rows.column(rows.schema.get_field_index(field.name)) for field in schema]
        cast = [c if c.type == f.type else c.cast(f.type) for c, f in zip(columns, schema, strict=True)]
        return pa.RecordBatch.from_arrays(cast, schema=schema)

    def _members(self, rows: pa.RecordBatch, hashes: NDArray[np.uint64]) -> _Members:
        heads, key = _keys(self.store.layout.key_columns(rows))
        which, slots = self.store.find(hashes[heads], self.store.layout.key_columns(rows).take(arrow_ints(heads)))
        starts, ends = (to_numpy(rows.column(i))[0].view(np.int64) for i in (self._start, self._end))
        kept_starts, kept_ends = self._times(slots)
        members = _Members(
            np.concatenate([which, key]),
            np.concatenate([kept_starts, starts]),
            np.concatenate([kept_ends, ends]),
            np.concatenate([slots, ~np.arange(rows.num_rows)]),
        )
        order = np.lexsort((members.is_new, members.start, members.key))
        return _Members(members.key[order], members.start[order], members.end[order], members.source[order])

    def _times(self, slots: Slots) -> tuple[Ints, Ints]:
        """Starts and ends of sessions in state, without touching their other columns."""
        store = self.store.store
        times = store.numeric(self._start)[slots], store.numeric(self._end)[slots]
        store.touch(slots[:0], ())
        return times

    # ------------------------------------------------------------ writing what changed

    def _replace(
        self,
        rows: pa.RecordBatch,
        hashes: NDArray[np.uint64],
        members: _Members,
        session: Ints,
        changed: NDArray[np.bool_],
    ) -> None:
        """Every changed session takes the place of its first member in state, or a new one."""
        chosen = changed[session]
        source, sizes = members.source[chosen], np.bincount(session[chosen], minlength=len(changed))[changed]
        begins = np.cumsum(sizes) - sizes
        merged = self._merged(rows, source, sizes)
        ends = np.maximum.reduceat(members.end[chosen], begins)
        heads = source[begins]
        whole = self._whole(rows, heads, members.start[chosen][begins], ends, merged)
        owner = np.repeat(np.arange(len(sizes)), sizes)
        kept, place = np.unique(owner[source >= 0], return_index=True)
        in_state = source[source >= 0]
        homes = in_state[place]
        self.store.remove(np.setdiff1d(in_state, homes))
        self.store.store.put(homes, whole.take(arrow_ints(kept)))
        new = np.setdiff1d(np.arange(len(sizes)), kept)
        self.store.add(hashes[~heads[new]], whole.take(arrow_ints(new)), np.zeros(len(new), np.bool_))

    def _merged(self, rows: pa.RecordBatch, source: Ints, sizes: Ints) -> pa.RecordBatch:
        """The buffers of each session, from those of its members in order."""
        fresh = rows.select(self._buffers.names).take(arrow_ints(~source[source < 0]))
        kept = self.store.rows(source[source >= 0]).select(self._buffers.names)
        place = arrow_ints(_interleaved(source))
        columns = [
            pa.concat_arrays([old, new]).take(place) for old, new in zip(kept.columns, fresh.columns, strict=True)
        ]
        ordered = record_batch(columns, self._buffers, len(source))
        return fold(self._merges, ordered, sizes, self._run_sql)

    def _whole(
        self, rows: pa.RecordBatch, heads: Ints, starts: Ints, ends: Ints, merged: pa.RecordBatch
    ) -> pa.RecordBatch:
        """The rows of state of changed sessions; keys are those of their first members."""
        schema, columns = self.store.layout.schema, []
        fresh, kept = rows.take(arrow_ints(~heads[heads < 0])), self.store.rows(heads[heads >= 0])
        place = arrow_ints(_interleaved(heads))
        for i, field in enumerate(schema):
            if i in (self._start, self._end):
                columns.append(arrow_ints(starts if i == self._start else ends).view(field.type))
            elif field.name in self._buffers.names:
                columns.append(merged.column(merged.schema.get_field_index(field.name)))
            else:
                columns.append(pa.concat_arrays([kept.column(i), fresh.column(i)]).take(place))
        return pa.RecordBatch.from_arrays(columns, schema=schema)


def _interleaved(source: Ints) -> Ints:
    """Where each member's row is, when those of state stand before those of the batch, in order."""
    is_kept = source >= 0
    return np.where(is_kept, np.cumsum(is_kept) - 1, int(is_kept.sum()) + np.cumsum(~is_kept) - 1)


def _keys(columns: pa.RecordBatch) -> tuple[Ints, Ints]:
    """Of rows sorted by key: where each key begins, and the number of each row's key."""
    first = np.ones(columns.num_rows, np.bool_)
    if columns.num_rows > 1:
        same = np.ones(columns.num_rows - 1, np.bool_)
        for column in columns.columns:
            same &= same_values(column[:-1], column[1:])
        first[1:] = ~same
    return np.flatnonzero(first), np.cumsum(first) - 1


def _session_starts(members: _Members) -> NDArray[np.bool_]:
    """Which members begin a session: the first of their key, and those that start after all before them have ended."""
    ranks = np.unique(members.end, return_inverse=True)[1]
    width = int(ranks.max()) + 1
    latest = np.maximum.accumulate(members.key * width + ranks) % width
    ends = np.unique(members.end)[latest]
    first = np.ones(len(ends), np.bool_)
    first[1:] = (members.key[1:] != members.key[:-1]) | (members.start[1:] > ends[:-1])
    return first

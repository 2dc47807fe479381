"""A join of two streams: each batch's rows meet the other side's buffered rows, then wait for later ones.

Left rows meet the right rows of earlier batches; right rows meet all left rows, this batch's too.  Only buffered rows
of the batch's keys are looked at.  A row leaves state when the watermark says that no match can come any more; on the
kept side of an outer join it is given out then, if it never matched, with NULLs for the other side.
Semantics: Spark's StreamingSymmetricHashJoinExec.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from penstock.operators.base import OperatorFigures
from penstock.operators.join_state import JoinState, SideState
from penstock.operators.late import without_late
from penstock.operators.merging import RunSql
from penstock.state.base import Slots
from penstock.state.bridge import arrow_flags, arrow_ints

HASH = "hash"
#: A batch's column that tells whether a row satisfies the conditions on its own side alone.
ELIGIBLE = "eligible"
PAIRS = "join_pairs"

_PAIRS_AT_A_TIME = 1 << 20


@dataclass(frozen=True)
class SideRules:
    """One side: the column by which rows are late (a timestamp) or None; whether its unmatched rows are kept (outer);
    the columns of the result that it gives; microseconds from the watermark to the limit of its state."""

    late: str | None
    kept: bool
    output: tuple[str, ...]
    expiry_offset_us: int = 0
    expiry_is_exclusive: bool = False


@dataclass(frozen=True)
class JoinRules:
    """kind: "inner" or "semi" beside the outer kinds, which are told by the sides' `kept`.  condition: what else than
    equal keys a match takes, as SQL over both sides' columns; None: nothing."""

    left: SideRules
    right: SideRules
    is_semi: bool
    condition: str | None
    output: pa.Schema


@dataclass(frozen=True)
class _Arrivals:
    """A batch's rows of one side that may match: hashes of their keys, the keys, the rows as they are stored."""

    hashes: NDArray[np.uint64]
    keys: pa.RecordBatch
    rows: pa.RecordBatch


@dataclass(frozen=True)
class _Matches:
    """Pairs of an arrival (by its position) and a buffered row (its slot), with the rows of both."""

    arrivals: NDArray[np.int64]
    slots: Slots
    rows: pa.Table


class JoinOperator:
    """Inner, left, right and full outer, and left semi join of two streams."""

    name = "symmetricHashJoin"
    #: Spark keeps a side's rows in two stores, and `format("statestore")` shows as many.
    stores = 4

    def __init__(self, state: JoinState, rules: JoinRules, run_sql: RunSql) -> None:
        self.store = state
        self.figures = OperatorFigures()
        self._rules = rules
        self._run_sql = run_sql
        self._given_out: Slots = np.empty(0, np.int64)
        self._condition_sql = f"SELECT coalesce({rules.condition or 'true'}, false) AS matches FROM {PAIRS}"

    def process(self, left: pa.Table, right: pa.Table, late_us: int, evict_us: int) -> pa.Table:
        """Take the rows of one batch of both sides and give the rows that go on; the watermarks are those of
        StatefulOperator."""
        started = time.perf_counter_ns()
        rules, state = self._rules, self.store
        lefts, left_dropped = without_late(left, rules.left.late, late_us)
        rights, right_dropped = without_late(right, rules.right.late, late_us)
        results = [self._ineligible(lefts, rules.left), self._ineligible(rights, rules.right)]
        added = self._left_arrivals(_arrivals(lefts, state.left), results)
        updated = len(added) + self._right_arrivals(_arrivals(rights, state.right), results, evict_us)
        gone = self._given_out if rules.is_semi else added[:0]
        state.left.remove(gone)
        updated_at = time.perf_counter_ns()
        # Spark counts no rows of a side that it gives out when they leave (the outer side), only those of the other.
        removed = 0
        for side, own in ((state.left, rules.left), (state.right, rules.right)):
            evicted = self._evict(side, own, results, evict_us)
            removed += 0 if own.kept else evicted
        self.figures = OperatorFigures(
            rows_updated=updated - int(np.isin(gone, added).sum()),
            rows_removed=removed + len(gone),
            rows_dropped_by_watermark=left_dropped + right_dropped,
            update_ms=(updated_at - started) // 1_000_000,
            remove_ms=(time.perf_counter_ns() - updated_at) // 1_000_000,
        )
        return pa.concat_tables(results)

    @property
    def evicts(self) -> bool:
        """Whether the watermark ever removes a row."""
        return any(side.layout.expiry is not None for side in (self.store.left, self.store.right))

    # ------------------------------------------------------------ a side's new rows

    def _left_arrivals(self, new: _Arrivals, results: list[pa.Table]) -> Slots:
        matched = np.zeros(len(new.hashes), np.bool_)
        for found in self._matches(new, self.store.right):
            matched[found.arrivals] = True
            self._mark(self.store.right, found.slots)
            if not self._rules.is_semi:
                results.append(self._output(found.rows))
        if self._rules.is_semi:
            results.append(self._output(pa.Table.from_batches([new.rows]).filter(arrow_flags(matched))))
        return self._keep(self.store.left, new, matched, ~matched if self._rules.is_semi else None)

    def _right_arrivals(self, new: _Arrivals, results: list[pa.Table], evict_us: int) -> int:
        matched = np.zeros(len(new.hashes), np.bool_)
        self._given_out = np.empty(0, np.int64)
        for found in self._matches(new, self.store.left):
            matched[found.arrivals] = True
            self._mark(self.store.left, found.slots)
            results.append(self._first_matches(found.slots) if self._rules.is_semi else self._output(found.rows))
        return len(self._keep(self.store.right, new, matched, self._may_still_count(new, matched, evict_us)))

    def _first_matches(self, slots: Slots) -> pa.Table:
        """Left rows of a semi join that meet their first match: they are given out and leave state."""
        fresh = np.setdiff1d(slots, self._given_out)
        self._given_out = np.concatenate([self._given_out, fresh])
        return self._output(_table(self.store.left, fresh))

    def _may_still_count(self, new: _Arrivals, matched: NDArray[np.bool_], evict_us: int) -> NDArray[np.bool_] | None:
        """Right rows that this very batch would evict have met all that they could: only those that must be given
        out unmatched are stored."""
        expiry, threshold = self.store.right.layout.expiry, _threshold(self._rules.right, evict_us)
        if expiry is None or threshold is None:
            return None
        times = new.rows.column(new.rows.schema.get_field_index(expiry))
        micros = times.cast(pa.int64()).fill_null(threshold + 1).to_numpy()
        stays: NDArray[np.bool_] = micros > threshold
        return stays | ~matched if self._rules.right.kept else stays

    def _keep(
        self, side: SideState, new: _Arrivals, matched: NDArray[np.bool_], chosen: NDArray[np.bool_] | None
    ) -> Slots:
        if chosen is None or chosen.all():
            return side.add(new.hashes, new.rows, matched)
        return side.add(new.hashes[chosen], new.rows.filter(arrow_flags(chosen)), matched[chosen])

    def _ineligible(self, rows: pa.Table, rules: SideRules) -> pa.Table:
        """Rows of a kept side that cannot match whatever comes: given out at once."""
        if not rules.kept or not rows.num_rows:
            return self._rules.output.empty_table()
        return self._padded(rows.filter(pc.invert(rows.column(ELIGIBLE))), rules)

    # ------------------------------------------------------------ matching

    def _matches(self, new: _Arrivals, other: SideState) -> Iterator[_Matches]:
        """The pairs of new rows and buffered rows of the other side that satisfy the condition."""
        if not len(new.hashes):
            return
        arrivals, slots = other.find(new.hashes, new.keys)
        for start in range(0, len(slots), _PAIRS_AT_A_TIME):
            end = start + _PAIRS_AT_A_TIME
            found = self._satisfying(new, other, arrivals[start:end], slots[start:end])
            if len(found.slots):
                yield found

    def _satisfying(self, new: _Arrivals, other: SideState, arrivals: NDArray[np.int64], slots: Slots) -> _Matches:
        ours, theirs = new.rows.take(arrow_ints(arrivals)), other.rows(slots)
        names = [*_own_names(ours), *_own_names(theirs)]
        columns = [*_own_columns(ours), *_own_columns(theirs)]
        rows = pa.Table.from_arrays(columns, names=names)
        if self._rules.condition is None or not len(slots):
            return _Matches(arrivals, slots, rows)
        fits = self._run_sql(self._condition_sql, {PAIRS: rows}).column(0).combine_chunks()
        chosen = fits.to_numpy(zero_copy_only=False)
        return _Matches(arrivals[chosen], slots[chosen], rows.filter(fits))

    def _mark(self, side: SideState, slots: Slots) -> None:
        if side.layout.matched:
            side.mark_matched(slots)

    # ------------------------------------------------------------ eviction and output

    def _evict(self, side: SideState, rules: SideRules, results: list[pa.Table], evict_us: int) -> int:
        threshold = _threshold(rules, evict_us)
        if side.layout.expiry is None or threshold is None:
            return 0
        slots = side.expired(threshold)
        if rules.kept and len(slots):
            results.append(self._padded(_table(side, slots[~side.matched(slots)]), rules))
        side.remove(slots)
        return len(slots)

    def _output(self, rows: pa.Table) -> pa.Table:
        return rows.select(self._rules.output.names).cast(self._rules.output)

    def _padded(self, rows: pa.Table, rules: SideRules) -> pa.Table:
        """Rows of one side with NULLs for the other's columns."""
        columns = [
            rows.column(field.name).cast(field.type) if field.name in rules.output
            else pa.chunked_array([pa.nulls(rows.num_rows, field.type)])
            for field in self._rules.output
        ]  # fmt: skip
        return pa.Table.from_arrays(columns, schema=self._rules.output)


def _threshold(rules: SideRules, evict_us: int) -> int | None:
    """The greatest event time (microseconds) of rows that are evicted; whole milliseconds, as watermarks are in
    Spark.  None before there is a watermark."""
    if not rules.expiry_offset_us and not rules.expiry_is_exclusive:
        return evict_us if evict_us > 0 else None
    milliseconds = int((evict_us + rules.expiry_offset_us) / 1000)
    threshold = (milliseconds - rules.expiry_is_exclusive) * 1000
    return threshold if threshold > 0 else None


def _arrivals(rows: pa.Table, side: SideState) -> _Arrivals:
    eligible = rows.filter(rows.column(ELIGIBLE)).combine_chunks()
    hashes = eligible.column(HASH).to_numpy().astype(np.uint64, copy=False)
    columns = []
    for field in side.layout.schema:
        chunks = eligible.column(field.name).combine_chunks()
        columns.append(chunks if chunks.type == field.type else chunks.cast(field.type))
    stored = pa.RecordBatch.from_arrays(columns, schema=side.layout.schema)
    return _Arrivals(hashes, side.layout.key_columns(stored), stored)


def _table(side: SideState, slots: Slots) -> pa.Table:
    return pa.Table.from_batches([side.rows(slots)])


def _own_names(rows: pa.RecordBatch) -> list[str]:
    return [name for name in rows.schema.names if _is_own(name)]


def _own_columns(rows: pa.RecordBatch) -> list[pa.Array]:
    return [column for name, column in zip(rows.schema.names, rows.columns, strict=True) if _is_own(name)]


def _is_own(name: str) -> bool:
    """Whether a stored column is one of the rows' own (`c<id>`), which are the only names that no other side has."""
    return name.startswith("c")

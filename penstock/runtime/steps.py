"""The compiled steps of a streaming query: each runs once a batch, in order, and feeds the next by a named relation.

A name is either registered on the cursor as an Arrow table, a temporary table, or (for scans that DuckDB does itself) a
piece of SQL put into the text of the segment that reads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from penstock.core.config import Conf
from penstock.engine import EngineCursor
from penstock.operators.base import StatefulOperator
from penstock.runtime.execution import BatchInput, EventTimeStats
from penstock.runtime.watermark_flow import is_single, seen_by
from penstock.sources.base import Relation

_FEW_ROWS = 1000


@dataclass
class BatchState:
    """What the steps of one batch hand to each other."""

    batch: BatchInput
    cursor: EngineCursor
    conf: Conf
    fallbacks: Mapping[str, str] = field(default_factory=dict)
    inline: dict[str, str] = field(default_factory=dict)
    row_counts: dict[int, int] = field(default_factory=dict)
    event_times: dict[int, EventTimeStats] = field(default_factory=dict)
    observed: dict[str, Mapping[str, object]] = field(default_factory=dict)
    tables: dict[str, pa.Table] = field(default_factory=dict)
    registered: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    def query(self, segment: Segment) -> pa.Table:
        """Run a segment and return its rows."""
        sql = segment.text(self.inline)
        self._show_tables(sql)
        return self.cursor.query(sql, {}, self.conf, self.fallbacks)

    def create_table(self, name: str, select: str, fallback: str | None = None) -> int:
        """Keep a SELECT's rows under `name` until the batch ends; returns how many there are."""
        self._show_tables(select)
        count = self.cursor.create_table(name, select, self.conf, fallback)
        if count > _FEW_ROWS:
            self.made.append(name)
        return count

    def watermarks_us(self, lag_ms: int | None) -> tuple[int, int]:
        """The watermarks that an operator with this lag sees: for late rows, and for eviction; microseconds."""
        now = self.batch.watermark_ms
        late = now if is_single(self.conf) else self.batch.late_watermark_ms
        return seen_by(late, lag_ms) * 1000, seen_by(now, lag_ms) * 1000

    def register(self, name: str, table: pa.Table) -> None:
        """Let segments read an Arrow table under `name` until the batch ends."""
        self.tables[name] = table

    def _show_tables(self, sql: str) -> None:
        """Register those tables that a statement names, once a batch: many are read by none."""
        for name, table in self.tables.items():
            if name in sql and name not in self.registered:
                self.cursor.register(name, table)
                self.registered.append(name)

    def release(self) -> None:
        """Forget the batch's rows.  A few stay until the next batch puts its own in their place, or until the cursor is
        closed: each statement that forgets costs a small batch a twentieth of its time."""
        for name in self.registered:
            if self.tables[name].num_rows > _FEW_ROWS:
                self.cursor.unregister(name)
        for name in self.made:
            self.cursor.execute(f"DROP TABLE IF EXISTS {name}")


@dataclass(frozen=True)
class Segment:
    """One SELECT, compiled once per query; `reads` are the names it may have to inline."""

    sql: str
    reads: tuple[str, ...] = ()

    def text(self, inline: Mapping[str, str]) -> str:
        """The SQL with this batch's scans in place of their names."""
        present = [name for name in self.reads if name in inline]
        if not present:
            return self.sql
        # Whole names only: that of source 1 is the beginning of that of source 10.
        return re.sub(rf"\b(?:{'|'.join(present)})\b", lambda found: f"({inline[found[0]]})", self.sql)


class Step(Protocol):
    """One step of a batch."""

    def run(self, state: BatchState) -> None:
        """Do it."""


@dataclass(frozen=True)
class ReadSource:
    """Make source `index` readable under `name`.

    A scan by DuckDB whose row count is known stays SQL text, so that filters and columns are pushed into it; otherwise
    its rows are kept as a temporary table, which counts them and lets a scan that met odd data be tried the slow way.
    """

    index: int
    name: str
    empty: pa.Table

    def __str__(self) -> str:
        return f"{self.name} := rows of source {self.index}: {', '.join(self.empty.schema.names)}"

    def run(self, state: BatchState) -> None:
        scan, known = state.batch.scans[self.index], state.batch.row_counts[self.index]
        if scan is None or (scan.sql is None and scan.table is None):
            state.register(self.name, self.empty)
            state.row_counts[self.index] = 0
        elif scan.table is not None:
            state.register(self.name, scan.table)
            state.row_counts[self.index] = scan.table.num_rows
        elif known is not None and scan.fallback_sql is None:
            state.inline[self.name] = str(scan.sql)
            state.row_counts[self.index] = known
        else:
            table = f"{self.name}_rows"
            state.row_counts[self.index] = state.create_table(table, str(scan.sql), scan.fallback_sql)
            state.inline[self.name] = f"SELECT * FROM {table}"


@dataclass(frozen=True)
class RescanTable:
    """Make the rows that a table has at this moment readable under `name`: the static side of a stream may grow."""

    name: str
    relation: Relation
    columns: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.name} := the table's rows now: {', '.join(sql_name for _, sql_name in self.columns)}"

    def run(self, state: BatchState) -> None:
        scan = self.relation.scan(self.columns, state.conf.time_zone)
        if scan.table is not None:
            state.register(self.name, scan.table)
            return
        state.inline[self.name] = str(scan.sql)
        if scan.fallback_sql is not None:
            state.fallbacks = {**state.fallbacks, str(scan.sql): scan.fallback_sql}


@dataclass(frozen=True)
class MeasureEventTime:
    """Keep the rows that reach a withWatermark under `name`, and note their event times."""

    index: int
    delay_ms: int
    name: str
    segment: Segment
    column: str

    def __str__(self) -> str:
        return f"{self.name} := event times of {self.column} over {self.segment.sql}"

    def run(self, state: BatchState) -> None:
        state.create_table(self.name, self.segment.text(state.inline))
        row = state.query(Segment(f"SELECT {event_time_columns(self.column)} FROM {self.name}"))
        note_event_times(state, self.index, self.delay_ms, row)


def event_time_columns(column: str) -> str:
    """The aggregates from which event-time figures are made, over a TIMESTAMP column."""
    time = f"epoch_us({column})"
    return (
        f"max({time}) AS event_time_max, min({time}) AS event_time_min, "
        f"sum({time}::DOUBLE) AS event_time_sum, count({column}) AS event_time_count"
    )


EVENT_TIME_COLUMNS = ("event_time_max", "event_time_min", "event_time_sum", "event_time_count")


def note_event_times(state: BatchState, index: int, delay_ms: int, rows: pa.Table) -> None:
    """Fold the event-time columns of `rows` (one or many partial ones) into the batch's figures."""
    count = pc.sum(rows.column("event_time_count")).as_py() or 0
    if not count:
        return
    state.event_times[index] = EventTimeStats(
        delay_ms=delay_ms,
        max_ms=pc.max(rows.column("event_time_max")).as_py() // 1000,
        min_ms=pc.min(rows.column("event_time_min")).as_py() // 1000,
        avg_ms=int(pc.sum(rows.column("event_time_sum")).as_py() / count / 1000),
        count=count,
    )


@dataclass(frozen=True)
class RunOperator:
    """Feed a segment's rows to a stateful operator and register what it gives under `name`.

    `measures` is the (index, delay in ms) of a withWatermark whose event times the segment brings along as extra
    columns.
    With `needs_rows` an input without rows still has to be run (a global aggregate answers with one row; an operator
    below gives rows without new ones).  lag_ms: see `watermark_flow`.
    """

    operator: StatefulOperator
    segment: Segment
    name: str
    empty: pa.Table
    sources: frozenset[int]
    needs_rows: bool
    measures: tuple[int, int] | None = None
    lag_ms: int | None = 0

    def __str__(self) -> str:
        return f"{self.name} := {self.operator.name} over {self.segment.sql}"

    def run(self, state: BatchState) -> None:
        if self.needs_rows or any(state.row_counts[i] for i in self.sources):
            rows = state.query(self.segment)
            if self.measures is not None:
                note_event_times(state, *self.measures, rows)
        else:
            rows = self.empty
        state.register(self.name, self.operator.process(rows, *state.watermarks_us(self.lag_ms)))

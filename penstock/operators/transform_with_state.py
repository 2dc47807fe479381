"""transformWithState: a StatefulProcessor of the user's over the keys of a batch, then over timers that have expired.

Semantics: Spark's TransformWithStateInPySparkExec.  A batch costs what its rows and expired timers touch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.core.config import Conf
from penstock.core.errors import RUNTIME, SparkError
from penstock.operators.base import OperatorFigures
from penstock.operators.groups import Grouped, HashKeys, Times, group
from penstock.operators.late import without_late
from penstock.operators.merging import RunSql
from penstock.operators.processor_state import ProcessorState
from penstock.plan.types import StructType
from penstock.pyfn.calls import Call, argument_columns
from penstock.pyfn.errors import user_code
from penstock.pyfn.processor import Handle, ParseSchema, Phase, load_processor
from penstock.pyfn.state_cells import Chunk
from penstock.pyfn.state_rows import FrameResults, PandasForm, Results, RowLikeFrames, RowLists, RowResults


@dataclass(frozen=True)
class ProcessorPlan:
    """How the processor runs.

    call: its arguments are the columns of the rows that it gets, the grouping key first; initial: the same for the
    initial state's rows; columns: the positions of a frame's columns (rows have all); pandas: whether it takes frames;
    event_time: the column by which rows are late, or None; emitted_event_time: the result column that is an event time.
    """

    call: Call
    initial: Call | None
    key_columns: tuple[str, ...]
    initial_key_columns: tuple[str, ...]
    key_schema: pa.Schema
    key_type: StructType
    frame_columns: tuple[int, ...]
    pandas: bool
    time_mode: str
    event_time: str | None
    result: StructType
    emitted_event_time: str | None = None


class TransformWithStateOperator:
    """transformWithState(InPandas)."""

    name = "transformWithStateInPySparkExec"

    def __init__(
        self, plan: ProcessorPlan, state: ProcessorState, hash_keys: HashKeys, run_sql: RunSql, conf: Conf,
        parse: ParseSchema,
    ) -> None:  # fmt: skip
        self.store = state
        self.figures = OperatorFigures()
        self._plan, self._hash_keys, self.run_sql = plan, hash_keys, run_sql
        self._conf, self._parse = conf, parse
        self._form = PandasForm(conf) if plan.pandas else None

    def process(self, batch: pa.Table, initial: pa.Table | None, times: Times) -> pa.Table:
        """The rows that the processor gives for one batch; `initial`: the initial state, in the first batch."""
        started = time.perf_counter_ns()
        rows, dropped = without_late(batch, self._plan.event_time, times.late_us)
        run = _Run(self, self._plan, times)
        with user_code():
            run.begin(load_processor(self._plan.call), self._parse)
            run.data(self._grouped(rows, initial), self._hash_keys)
            run.expired(self._hash_keys)
            run.end()
        ended = sum(cells.expire(times.now_ms) for cells in self.store.cells.values())
        self.figures = OperatorFigures(
            rows_updated=run.updated,
            rows_removed=run.removed + ended,
            rows_dropped_by_watermark=dropped,
            update_ms=(time.perf_counter_ns() - started) // 1_000_000,
            custom={**run.counts, **self.store.variable_counts, "numValuesRemovedDueToTTLExpiry": ended},
        )
        made = run.results.table()
        self._check_event_times(made, times)
        return made

    def _check_event_times(self, made: pa.Table, times: Times) -> None:
        """Operators above take rows behind the watermark for late: emitting such rows is an error."""
        column = self._plan.emitted_event_time
        if column is None or times.late_us <= 0 or not made.num_rows:
            return
        earliest = pc.min(made.column(column).cast(pa.int64())).as_py()
        if earliest is not None and earliest <= times.late_us:
            raise _too_old(earliest, times.watermark_ms)

    @property
    def evicts(self) -> bool:
        """Whether the watermark ends state."""
        return self._plan.time_mode.lower() == "eventtime"

    @property
    def has_clock(self) -> bool:
        """Whether timers and times to live end by the clock."""
        return self._plan.time_mode.lower() == "processingtime"

    def due(self, now_ms: int) -> bool:
        """Whether a timer or a time to live has ended by the clock."""
        timers = self.store.timers
        if timers is not None and len(timers.rows.store.expired("expiryTimestampMs", now_ms)):
            return True
        return any(cells.ended(now_ms) for cells in self.store.cells.values())

    def _grouped(self, rows: pa.Table, initial: pa.Table | None) -> Grouped:
        plan = self._plan
        tables, keys = [rows], [plan.key_columns]
        if initial is not None:
            tables.append(initial)
            keys.append(plan.initial_key_columns)
        return group(tables, keys, plan.key_schema, self.run_sql)

    def make_results(self) -> Results:
        """Where the processor's rows go."""
        if self._form is not None:
            return FrameResults(self._plan.call, self._form, self._plan.result)
        return RowResults(self._plan.call, self._plan.result)

    def given(self, rows: pa.RecordBatch, call: Call) -> pa.RecordBatch:
        """Rows as the user gets them: Spark's types, names and time zone."""
        table = argument_columns(call, pa.Table.from_batches([rows]), self._conf)
        return table.combine_chunks().to_batches()[0] if rows.num_rows else _no_rows(table.schema)

    def side(self, rows: pa.RecordBatch, call: Call) -> _Side:
        """Rows of data or of the initial state, by position."""
        given, width = self.given(rows, call), len(self._plan.key_columns)
        if self._form is None:
            return _RowSide(given, width)
        columns = list(self._plan.frame_columns) if call is self._plan.call else list(range(given.num_columns))
        return _FrameSide(given, width, self._form, columns)


def _too_old(event_time_us: int, watermark_ms: int) -> SparkError:
    message = (
        f"The StatefulProcessor has emitted a row with event time {event_time_us} (microseconds), which is behind the "
        f"watermark {watermark_ms} (milliseconds): operators after it would drop the row. Emit later event times."
    )
    params = {"currentWatermark": watermark_ms, "emittedRowEventTime": event_time_us}
    condition = "EMITTING_ROWS_OLDER_THAN_WATERMARK_NOT_ALLOWED"
    return SparkError(condition, message, params, sqlstate="42815", classes=RUNTIME)


class _Run:
    """One batch."""

    def __init__(self, operator: TransformWithStateOperator, plan: ProcessorPlan, times: Times) -> None:
        self._operator, self._plan, self._times = operator, plan, times
        self._state = operator.store
        self.results = operator.make_results()
        self.updated = self.removed = 0
        self.counts: dict[str, int] = {}

    def begin(self, processor: Any, parse: ParseSchema) -> None:
        """`init`."""
        from pyspark.sql.streaming.stateful_processor import TimerValues

        plan, times = self._plan, self._times
        self._processor = processor
        self._handle = Handle(plan.time_mode, parse, self._state.cells, self._state.timers)
        timed = plan.time_mode.lower() != "none"
        self._timer_values = TimerValues(times.now_ms, times.watermark_ms) if timed else TimerValues(-1, -1)
        if self._state.timers is not None:
            self._state.timers.registered = self._state.timers.deleted = 0
        self._processor.init(self._handle)
        self._handle.phase = Phase.INITIALIZED

    def data(self, grouped: Grouped, hash_keys: HashKeys) -> None:
        """`handleInitialState` and `handleInputRows` for every key that has rows."""
        if not grouped.keys.num_rows:
            return
        operator, plan = self._operator, self._plan
        rows = operator.side(grouped.sides[0].rows, plan.call)
        initial = None
        if len(grouped.sides) > 1 and plan.initial is not None:
            initial = operator.side(grouped.sides[1].rows, plan.initial)
        bounds = [side.bounds.tolist() for side in grouped.sides]
        for start, chunk in grouped.chunks(hash_keys):
            self._begin(chunk)
            for position in range(chunk.keys.num_rows):
                self._key(position, start + position, rows, initial, bounds)
            self._flush()

    def _key(self, position: int, number: int, rows: _Side, initial: _Side | None, bounds: list[list[int]]) -> None:
        self._handle.position = position
        first, last = bounds[0][number], bounds[0][number + 1]
        if initial is not None:
            begin, end = bounds[1][number], bounds[1][number + 1]
            for item in initial.parts(begin, end) if begin < end else ():
                self._processor.handleInitialState(initial.key(begin), item, self._timer_values)
        if first == last:
            return
        add = self.results.add
        made = self._processor.handleInputRows(rows.key(first), rows.parts(first, last), self._timer_values)
        for item in made:
            add(item)

    def expired(self, hash_keys: HashKeys) -> None:
        """`handleExpiredTimer` for every timer that has expired, the earliest first."""
        from pyspark.sql.streaming.stateful_processor import ExpiredTimerInfo

        self._handle.phase = Phase.DATA_PROCESSED
        self.counts["numExpiredTimers"] = 0
        mode, timers = self._plan.time_mode.lower(), self._state.timers
        if timers is None or mode == "none":
            return
        until = self._times.now_ms if mode == "processingtime" else self._times.watermark_ms
        keys, ends = timers.expired(until)
        self.counts["numExpiredTimers"] = len(ends)
        if not ends:
            return
        chunk, positions = self._distinct(keys, hash_keys)
        names = self._key_rows(chunk.keys)
        self._begin(chunk)
        add = self.results.add
        for position, at_ms in zip(positions, ends, strict=True):
            self._handle.position = position
            made = self._processor.handleExpiredTimer(
                key=names[position], timerValues=self._timer_values, expiredTimerInfo=ExpiredTimerInfo(at_ms)
            )
            for item in made:
                add(item)
            timers.delete(position, at_ms)
        self._flush()

    def end(self) -> None:
        """`close`."""
        timers = self._state.timers
        self.counts["numRegisteredTimers"] = timers.registered if timers is not None else 0
        self.counts["numDeletedTimers"] = timers.deleted if timers is not None else 0
        self._handle.phase, self._handle.position = Phase.TIMER_PROCESSED, -1
        self._processor.close()
        self._handle.phase = Phase.CLOSED

    def _distinct(self, keys: pa.RecordBatch, hash_keys: HashKeys) -> tuple[Chunk, list[int]]:
        """The different keys among those of timers, and of each timer the position of its key."""
        table = pa.Table.from_batches([keys])
        grouped = group([table.append_column("#", pa.array(np.arange(table.num_rows)))], [keys.schema.names],
                        self._plan.key_schema, self._operator.run_sql)  # fmt: skip
        side = grouped.sides[0]
        positions = np.empty(table.num_rows, np.int64)
        rows = side.rows.column(side.rows.num_columns - 1).to_numpy()
        positions[rows] = np.repeat(np.arange(grouped.keys.num_rows), np.diff(side.bounds))
        return Chunk(grouped.keys, hash_keys(grouped.keys)), positions.tolist()

    def _key_rows(self, keys: pa.RecordBatch) -> list[Any]:
        """Grouping keys as a timer's handler gets them: Row."""
        from pyspark.sql.types import Row, _create_row

        from penstock.pyfn.state_values import Codec

        make = Row(*self._plan.key_type.names)
        return [_create_row(make, values) for values in Codec(self._plan.key_type, "").tuples(keys)]

    def _begin(self, chunk: Chunk) -> None:
        for cells in self._all_cells():
            cells.begin(chunk, self._times.now_ms)

    def _flush(self) -> None:
        for cells in self._all_cells():
            updated, removed = cells.flush()
            if cells is not self._state.timers:
                self.updated += updated
                self.removed += removed

    def _all_cells(self) -> Iterator[Any]:
        yield from self._state.cells.values()
        if self._state.timers is not None:
            yield self._state.timers


class _RowSide:
    """Rows as Row."""

    def __init__(self, rows: pa.RecordBatch, width: int) -> None:
        self._lists = RowLists(rows)
        self._keys = [column.to_pylist() for column in rows.columns[:width]]

    def key(self, position: int) -> tuple[Any, ...]:
        """The key of a row."""
        return tuple(column[position] for column in self._keys)

    def parts(self, start: int, end: int) -> Iterator[Any]:
        """The rows start to end."""
        return self._lists.rows(start, end)


class _FrameSide:
    """Rows as frames."""

    def __init__(self, rows: pa.RecordBatch, width: int, form: PandasForm, columns: list[int]) -> None:
        self._frames = RowLikeFrames(rows, form, columns)
        self._keys = self._frames.keys(width)

    def key(self, position: int) -> tuple[Any, ...]:
        """The key of a row."""
        return self._keys[position]

    def parts(self, start: int, end: int) -> Iterator[Any]:
        """The rows start to end, in frames."""
        return self._frames.parts(start, end)


_Side = _RowSide | _FrameSide


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)

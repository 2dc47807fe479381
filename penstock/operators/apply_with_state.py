"""applyInPandasWithState: the user's function over the keys of a batch, then over the keys that have timed out.

State is a row a key: the user's value (NULL once removed) and the time at which the key times out.  Semantics: Spark's
FlatMapGroupsInPandasWithStateExec.  A batch costs what its rows and the keys that time out touch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.core.config import Conf
from penstock.operators.base import OperatorFigures
from penstock.operators.groups import HashKeys, Times, group
from penstock.operators.late import without_late
from penstock.operators.merging import RunSql
from penstock.plan.types import StructType
from penstock.pyfn.calls import Argument, Call, argument_columns
from penstock.pyfn.errors import user_code
from penstock.pyfn.group_state import NO_TIMESTAMP, GroupRun, StateFunction, checked_frame
from penstock.pyfn.state_cells import Chunk
from penstock.pyfn.state_rows import FrameResults
from penstock.pyfn.state_values import Codec, State
from penstock.state import KeyedStore
from penstock.state.base import Slots

DEFINED = pa.field("defined", pa.bool_())
TIMEOUT = pa.field("timeoutTimestamp", pa.int64())
NO_TIMEOUT, PROCESSING_TIME, EVENT_TIME = "NoTimeout", "ProcessingTimeTimeout", "EventTimeTimeout"


@dataclass(frozen=True)
class FunctionPlan:
    """How the function runs.

    call: its arguments are the columns of the rows that it gets, the grouping key first; columns: the positions of
    those that its frames have; event_time: the column by which rows are late, or None; has_watermark: whether there is
    one at all.
    """

    call: Call
    key_columns: tuple[str, ...]
    key_schema: pa.Schema
    columns: tuple[int, ...]
    timeout: str
    event_time: str | None
    has_watermark: bool
    state: StructType
    result: StructType


def value_schema(codec: Codec) -> pa.Schema:
    """The value columns of the store."""
    return pa.schema([*codec.arrow, DEFINED, TIMEOUT])


class ApplyWithStateOperator:
    """applyInPandasWithState in append or update mode (they are the same for it)."""

    name = "applyInPandasWithState"

    def __init__(
        self, plan: FunctionPlan, codec: Codec, store: KeyedStore, hash_keys: HashKeys, run_sql: RunSql, conf: Conf
    ) -> None:
        self.store = store
        self.figures = OperatorFigures()
        self._plan, self._codec, self._hash_keys, self._run_sql, self._conf = plan, codec, hash_keys, run_sql, conf
        self._function = StateFunction(
            plan.call, len(plan.key_columns), list(plan.columns), plan.state, plan.result, conf
        )

    @property
    def evicts(self) -> bool:
        """Whether the watermark ends state."""
        return self._plan.timeout == EVENT_TIME

    @property
    def has_clock(self) -> bool:
        """Whether keys time out by the clock."""
        return self._plan.timeout == PROCESSING_TIME

    def due(self, now_ms: int) -> bool:
        """Whether a key has timed out by the clock."""
        return bool(len(self._expired(now_ms)))

    def process(self, batch: pa.Table, times: Times) -> pa.Table:
        """The frames that the function gives for one batch."""
        started = time.perf_counter_ns()
        rows, dropped = without_late(batch, self._plan.event_time, times.late_us)
        results = self._function.results()
        figures = OperatorFigures(rows_dropped_by_watermark=dropped)
        self._new_rows(rows, times, results, figures)
        updated_at = time.perf_counter_ns()
        self._timed_out(times, results, figures)
        figures.update_ms = (updated_at - started) // 1_000_000
        figures.remove_ms = (time.perf_counter_ns() - updated_at) // 1_000_000
        self.figures = figures
        return results.table()

    def _new_rows(self, rows: pa.Table, times: Times, results: FrameResults, figures: OperatorFigures) -> None:
        if not rows.num_rows:
            return
        grouped = group([rows], [self._plan.key_columns], self._plan.key_schema, self._run_sql)
        side = grouped.sides[0]
        run = self._function.over(self._given(side.rows, self._plan.call))
        bounds = side.bounds.tolist()
        for start, chunk in grouped.chunks(self._hash_keys):
            slots = self.store.locate(chunk.hashes, chunk.keys)

            def call(position: int, state: Any, start: int = start) -> Iterator[Any]:
                return run.rows(bounds[start + position], bounds[start + position + 1], state)

            self._call(chunk, slots, run, call, times, False, results, figures)

    def _timed_out(self, times: Times, results: FrameResults, figures: OperatorFigures) -> None:
        mode = self._plan.timeout
        slots = self._expired(times.now_ms if mode == PROCESSING_TIME else times.watermark_ms)
        if mode == NO_TIMEOUT or not len(slots):
            return
        keys = self.store.keys(slots)
        run = self._function.over(self._given(self._key_rows(keys), self._plan.call))
        self._call(Chunk(keys, self._hash_keys(keys)), slots, run, run.timed_out, times, True, results, figures)

    def _expired(self, until_ms: int) -> Slots:
        """The keys whose time is before `until_ms`; keys without a time have none."""
        return self.store.expired(TIMEOUT.name, until_ms - 1)

    def _call(
        self,
        chunk: Chunk,
        slots: Slots,
        run: GroupRun,
        call: Callable[[int, Any], Iterator[Any]],
        times: Times,
        timed_out: bool,
        results: FrameResults,
        figures: OperatorFigures,
    ) -> None:
        plan, width = self._plan, len(self._plan.result)
        watermark_ms = times.watermark_ms if plan.has_watermark else NO_TIMESTAMP
        changes = _Changes()
        with user_code():
            for position, value in enumerate(self._values(slots)):
                state = run.state(
                    value, times.now_ms, watermark_ms, plan.timeout,
                    timed_out=timed_out, has_watermark=plan.has_watermark,
                )  # fmt: skip
                for frame in call(position, state):
                    results.add(checked_frame(frame, width))
                changes.note(position, state, self._codec)
        figures.rows_updated += self._put(chunk, changes)
        figures.rows_removed += self._remove(slots[np.array(changes.removed, np.int64)])

    def _values(self, slots: Slots) -> list[State | None]:
        values: list[State | None] = [None] * len(slots)
        found = np.flatnonzero(slots >= 0)
        stored = self.store.values(slots[found])
        width = len(self._codec.arrow)
        defined = stored.column(width).to_pylist()
        tuples = self._codec.tuples(stored.select(list(range(width))))
        for position, value, is_defined in zip(found.tolist(), tuples, defined, strict=True):
            values[position] = value if is_defined else None
        return values

    def _put(self, chunk: Chunk, changes: _Changes) -> int:
        if not changes.put:
            return 0
        own = chunk.take(changes.put)
        slots, _ = self.store.locate_or_add(own.hashes, own.keys)
        empty = (None,) * len(self._codec.arrow)
        rows = self._codec.batch([empty if value is None else value for value in changes.values])
        columns = [
            *rows.columns,
            pa.array([value is not None for value in changes.values]),
            pa.array(changes.timeouts, pa.int64()),
        ]
        self.store.put(slots, pa.RecordBatch.from_arrays(columns, schema=value_schema(self._codec)))
        return len(changes.put)

    def _remove(self, slots: Slots) -> int:
        present = slots[slots >= 0]
        if len(present):
            self.store.remove(present)
        return len(slots)

    def _given(self, rows: pa.RecordBatch, call: Call) -> pa.RecordBatch:
        table = argument_columns(call, pa.Table.from_batches([rows]), self._conf)
        return table.combine_chunks().to_batches()[0]

    def _key_rows(self, keys: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of keys that have timed out: all other columns are NULL."""
        count = keys.num_rows
        columns, width = list(keys.columns), keys.num_columns
        names = list(self._plan.key_columns)
        for argument in self._plan.call.arguments[width:]:
            columns.append(pa.nulls(count, _null_type(argument)))
            names.append(argument.column)
        return pa.RecordBatch.from_arrays(columns, names=names)


class _Changes:
    """What the function did to the states of a chunk's keys."""

    def __init__(self) -> None:
        self.put: list[int] = []
        self.values: list[State | None] = []
        self.timeouts: list[int | None] = []
        self.removed: list[int] = []

    def note(self, position: int, state: Any, codec: Codec) -> None:
        """Take in a GroupState after the function: a time that is not set anew is kept only if nothing else is."""
        timeout = state._timeout_timestamp
        has_timeout = timeout != NO_TIMESTAMP
        if state._removed and not has_timeout:
            self.removed.append(position)
        elif state._updated or state._removed or has_timeout:
            self.put.append(position)
            self.values.append(codec.clean(tuple(state._value)) if state._defined else None)
            self.timeouts.append(int(timeout) if has_timeout else None)


def _null_type(argument: Argument) -> pa.DataType:
    from penstock.engine.types import engine_type

    return engine_type(argument.type)

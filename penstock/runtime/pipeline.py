"""A compiled streaming query: its steps, its operators and its last segment (the implementation of Execution)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import pyarrow as pa

from penstock.core.config import Conf
from penstock.engine import EngineCursor
from penstock.engine.types import to_spark_arrow
from penstock.operators.base import HasClock, KeepsState
from penstock.plan.expressions import Attribute
from penstock.plan.nodes import Node, Read
from penstock.plan.types import StructType
from penstock.runtime.execution import BatchInput, BatchResult, OperatorMetrics
from penstock.runtime.finish import Finish
from penstock.runtime.late_rows import LateRowKeeper
from penstock.runtime.steps import BatchState, Segment, Step
from penstock.runtime.watermark_flow import redefined, seen_by


@dataclass(frozen=True)
class CompiledQuery:
    """What the planner made of a plan; everything in it is done once per query."""

    plan: Node
    sources: tuple[Read, ...]
    needed: tuple[tuple[tuple[str, str], ...], ...]
    steps: tuple[Step, ...]
    operators: tuple[KeepsState, ...]
    watermark_delays_ms: tuple[int, ...]
    last: Segment
    finish: Finish | None
    output: tuple[Attribute, ...]
    tables: dict[str, pa.Table]
    fallbacks: dict[str, str]
    output_mode: str
    describe: Callable[[bool], str]
    lags_ms: tuple[int | None, ...] = ()  # by operator: see `watermark_flow`
    from_the_top: tuple[int, ...] = ()  # the operators as Spark reports them: whoever is above comes first
    redefines_watermark: bool = False


class Pipeline:
    """Runs a CompiledQuery batch by batch on one cursor.  See `runtime.execution.Execution`."""

    def __init__(
        self, query: CompiledQuery, cursor: EngineCursor, conf: Conf, late_rows: LateRowKeeper | None = None
    ) -> None:
        self._late_rows = late_rows
        self._query = query
        self._cursor = cursor
        self._conf = conf
        for name, table in query.tables.items():
            cursor.register(name, table)

    @property
    def sources(self) -> tuple[Read, ...]:
        return self._query.sources

    @property
    def schema(self) -> StructType:
        return self._query.plan.schema

    @property
    def has_state(self) -> bool:
        return bool(self._query.operators)

    @property
    def operator_names(self) -> tuple[str, ...]:
        return tuple(operator.name for operator in self._query.operators)

    @property
    def watermark_delays_ms(self) -> tuple[int, ...]:
        return self._query.watermark_delays_ms

    def needed_columns(self, source: int) -> tuple[tuple[str, str], ...]:
        return self._query.needed[source]

    def restore(self, version: int) -> None:
        for operator in self._query.operators:
            operator.store.load(version)

    def run(self, batch: BatchInput) -> BatchResult:
        if self._query.redefines_watermark and batch.watermark_ms > 0:
            raise redefined()
        self._cursor.at(batch.batch_time_ms)
        state = BatchState(batch, self._cursor, self._conf, self._query.fallbacks)
        try:
            with self._late_rows.batch() if self._late_rows is not None else nullcontext():
                self._run_steps(state)
            finish = self._query.finish
            rows = state.query(self._query.last) if finish is None else finish.rows(state.tables)
        finally:
            state.release()
        query = self._query
        return BatchResult(
            table=to_spark_arrow(rows, query.output),
            source_rows=tuple(state.row_counts[i] for i in range(len(query.sources))),
            event_times=tuple(state.event_times.get(i) for i in range(len(query.watermark_delays_ms))),
            observed=state.observed,
        )

    def _run_steps(self, state: BatchState) -> None:
        for step in self._query.steps:
            if self._late_rows is not None and (operator := getattr(step, "operator", None)) is not None:
                self._late_rows.enter(self._query.operators.index(operator))
            step.run(state)

    def commit_state(self, batch_id: int) -> None:
        if self._late_rows is not None:
            self._late_rows.write(batch_id)
        for operator in self._query.operators:
            operator.store.commit(batch_id + 1)

    def operator_metrics(self) -> tuple[OperatorMetrics, ...]:
        return tuple(_metrics(self._query.operators[i]) for i in self._query.from_the_top)

    def wants_no_data_batch(self, previous_watermark_ms: int, watermark_ms: int) -> bool:
        query = self._query
        lags = [lag for operator, lag in zip(query.operators, query.lags_ms, strict=True) if operator.evicts]
        return any(seen_by(watermark_ms, lag) > seen_by(previous_watermark_ms, lag) for lag in lags)

    def due(self, now_ms: int) -> bool:
        return any(operator.due(now_ms) for operator in self._clocked)

    @property
    def has_clock(self) -> bool:
        return bool(self._clocked)

    @property
    def _clocked(self) -> list[HasClock]:
        return [operator for operator in self._query.operators if isinstance(operator, HasClock) and operator.has_clock]

    def explain(self, extended: bool) -> str:
        return self._query.describe(extended)

    def purge(self, oldest_version: int) -> None:
        for operator in self._query.operators:
            operator.store.purge(oldest_version)

    def stop(self) -> None:
        for operator in self._query.operators:
            operator.store.close()
        self._cursor.close()


def _metrics(operator: KeepsState) -> OperatorMetrics:
    state, figures = operator.store.metrics(), operator.figures
    return OperatorMetrics(
        name=operator.name,
        rows_total=state.rows_total,
        rows_updated=figures.rows_updated,
        rows_removed=figures.rows_removed,
        rows_dropped_by_watermark=figures.rows_dropped_by_watermark,
        custom={**figures.custom, **({"spilledBytes": state.spilled_bytes} if state.spilled_bytes else {})},
        memory_used_bytes=state.memory_used_bytes,
        update_ms=figures.update_ms,
        remove_ms=figures.remove_ms,
        commit_ms=state.commit_ms,
        partitions=state.partitions,
        stores=getattr(operator, "stores", 1),
    )

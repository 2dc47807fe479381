"""A compiled streaming query: its steps, its operators and its last segment (the implementation of Execution)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from penstock.core.config import Conf
from penstock.engine import EngineCursor
from penstock.engine.types import to_spark_arrow
from penstock.operators.base import KeepsState
from penstock.plan.expressions import Attribute
from penstock.plan.nodes import Node, Read
from penstock.plan.types import StructType
from penstock.runtime.execution import BatchInput, BatchResult, OperatorMetrics
from penstock.runtime.steps import BatchState, Segment, Step


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
    output: tuple[Attribute, ...]
    tables: dict[str, pa.Table]
    fallbacks: dict[str, str]
    output_mode: str
    describe: Callable[[bool], str]
    evicts: bool = True  # whether an operator's state has an end that the watermark brings


class Pipeline:
    """Runs a CompiledQuery batch by batch on one cursor.  See `runtime.execution.Execution`."""

    def __init__(self, query: CompiledQuery, cursor: EngineCursor, conf: Conf) -> None:
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
        state = BatchState(batch, self._cursor, self._conf, self._query.fallbacks)
        try:
            for step in self._query.steps:
                step.run(state)
            rows = state.query(self._query.last)
        finally:
            state.release()
        query = self._query
        return BatchResult(
            table=to_spark_arrow(rows, query.output),
            source_rows=tuple(state.row_counts[i] for i in range(len(query.sources))),
            event_times=tuple(state.event_times.get(i) for i in range(len(query.watermark_delays_ms))),
        )

    def commit_state(self, batch_id: int) -> None:
        for operator in self._query.operators:
            operator.store.commit(batch_id + 1)

    def operator_metrics(self) -> tuple[OperatorMetrics, ...]:
        return tuple(_metrics(operator) for operator in self._query.operators)

    def wants_no_data_batch(self, previous_watermark_ms: int, watermark_ms: int) -> bool:
        uses_watermark = self.has_state and self._query.evicts and self._query.output_mode != "complete"
        return uses_watermark and watermark_ms > previous_watermark_ms

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
        memory_used_bytes=state.memory_used_bytes,
        update_ms=figures.update_ms,
        remove_ms=figures.remove_ms,
        commit_ms=state.commit_ms,
        partitions=1,
    )

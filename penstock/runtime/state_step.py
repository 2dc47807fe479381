"""The steps of a batch that run functions with state of their own."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from penstock.operators.apply_with_state import ApplyWithStateOperator
from penstock.operators.groups import Times
from penstock.operators.transform_with_state import TransformWithStateOperator
from penstock.runtime.steps import BatchState, Segment


@dataclass(frozen=True)
class StateInput:
    """The rows of a step: its segment, what it gives without rows, the sources that feed it, and whether it has to be
    run without new rows of these; lag_ms: see `watermark_flow`."""

    segment: Segment
    empty: pa.Table
    sources: frozenset[int]
    needs_rows: bool
    lag_ms: int | None

    def rows(self, state: BatchState) -> pa.Table:
        """The batch's rows."""
        has_rows = self.needs_rows or any(state.row_counts[i] for i in self.sources)
        return state.query(self.segment) if has_rows else self.empty

    def times(self, state: BatchState) -> Times:
        """The batch's times."""
        late_us, evict_us = state.watermarks_us(self.lag_ms)
        batch = state.batch
        return Times(batch.batch_id, batch.batch_time_ms, late_us, evict_us // 1000)


@dataclass(frozen=True)
class RunApplyWithState:
    """applyInPandasWithState."""

    operator: ApplyWithStateOperator
    input: StateInput
    name: str

    def __str__(self) -> str:
        return f"{self.name} := {self.operator.name} over {self.input.segment.sql}"

    def run(self, state: BatchState) -> None:
        rows = self.input.rows(state)
        state.register(self.name, self.operator.process(rows, self.input.times(state)))


@dataclass(frozen=True)
class RunTransformWithState:
    """transformWithState; `initial` gives the rows of the initial state, which the first batch reads."""

    operator: TransformWithStateOperator
    input: StateInput
    initial: Segment | None
    name: str

    def __str__(self) -> str:
        return f"{self.name} := {self.operator.name} over {self.input.segment.sql}"

    def run(self, state: BatchState) -> None:
        rows = self.input.rows(state)
        reads_initial = self.initial is not None and state.batch.batch_id == 0
        initial = state.query(self.initial) if reads_initial and self.initial is not None else None
        state.register(self.name, self.operator.process(rows, initial, self.input.times(state)))

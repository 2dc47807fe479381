"""The step of a batch that joins two streams."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from penstock.operators.join import JoinOperator
from penstock.runtime.steps import BatchState, Segment


@dataclass(frozen=True)
class JoinInput:
    """One side: its segment, what it gives without rows, and the sources that feed it."""

    segment: Segment
    empty: pa.Table
    sources: frozenset[int]

    def rows(self, state: BatchState) -> pa.Table:
        """The batch's rows of this side."""
        return state.query(self.segment) if any(state.row_counts[i] for i in self.sources) else self.empty


@dataclass(frozen=True)
class RunJoin:
    """Feed both sides' rows to a join and register what it gives under `name`."""

    operator: JoinOperator
    left: JoinInput
    right: JoinInput
    name: str

    def __str__(self) -> str:
        return f"{self.name} := {self.operator.name} over {self.left.segment.sql} and {self.right.segment.sql}"

    def run(self, state: BatchState) -> None:
        batch = state.batch
        left, right = self.left.rows(state), self.right.rows(state)
        result = self.operator.process(left, right, batch.late_watermark_ms * 1000, batch.watermark_ms * 1000)
        state.register(self.name, result)

"""The step of a batch that joins two streams."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from penstock.operators.join import JoinOperator
from penstock.runtime.steps import BatchState, Segment


@dataclass(frozen=True)
class JoinInput:
    """One side: its segment, what it gives without rows, the sources that feed it, and whether it gives rows without
    new ones of theirs."""

    segment: Segment
    empty: pa.Table
    sources: frozenset[int]
    needs_rows: bool = False

    def rows(self, state: BatchState) -> pa.Table:
        """The batch's rows of this side."""
        runs = self.needs_rows or any(state.row_counts[i] for i in self.sources)
        return state.query(self.segment) if runs else self.empty


@dataclass(frozen=True)
class RunJoin:
    """Feed both sides' rows to a join and register what it gives under `name`.  lag_ms: see `watermark_flow`."""

    operator: JoinOperator
    left: JoinInput
    right: JoinInput
    name: str
    lag_ms: int | None = 0

    def __str__(self) -> str:
        return f"{self.name} := {self.operator.name} over {self.left.segment.sql} and {self.right.segment.sql}"

    def run(self, state: BatchState) -> None:
        left, right = self.left.rows(state), self.right.rows(state)
        state.register(self.name, self.operator.process(left, right, *state.watermarks_us(self.lag_ms)))

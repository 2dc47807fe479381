"""What a stateful operator is: Arrow and state in, Arrow out; no clock, no I/O but its state store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from penstock.state import KeyedStore


@dataclass
class OperatorFigures:
    """What an operator did in the last batch (for progress)."""

    rows_updated: int = 0
    rows_removed: int = 0
    rows_dropped_by_watermark: int = 0
    update_ms: int = 0
    remove_ms: int = 0


class StatefulOperator(Protocol):
    """One stateful node of a query."""

    name: str
    store: KeyedStore
    figures: OperatorFigures

    def process(self, batch: pa.Table, late_us: int, evict_us: int) -> pa.Table:
        """Take the rows of one batch and give the rows that go on.  Rows at or before `late_us` are late (dropped and
        counted); state at or before `evict_us` is complete (emitted, as the output mode says, and removed)."""

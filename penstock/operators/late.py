"""Which rows are too late: Spark drops those whose event time is at or before the previous batch's watermark."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc


class KeepsLateRows(Protocol):
    """Whoever wants to know which rows were dropped."""

    def take(self, rows: pa.Table, column: str, late_us: int) -> None:
        """These rows were dropped, for their `column` was at or before `late_us`."""


#: Set for the time of a batch by a query that keeps its late rows.
LATE_ROWS: ContextVar[KeepsLateRows | None] = ContextVar("late_rows", default=None)


def without_late(batch: pa.Table, column: str | None, late_us: int) -> tuple[pa.Table, int]:
    """The rows later than `late_us` by `column` (a timestamp; NULL is never late), and how many were dropped.  As in
    Spark the watermark is 1970 before anything has been seen: earlier rows are late from the first batch on."""
    if column is None or not batch.num_rows:
        return batch, 0
    times = batch.column(column)
    if pa.types.is_struct(times.type):  # a window is as late as its end
        times = pc.struct_field(times, [times.type.num_fields - 1])
    times = times.cast(pa.int64())
    stays = pc.fill_null(pc.greater(times, late_us), True)
    kept = batch.filter(stays)
    dropped = batch.num_rows - kept.num_rows
    if dropped and (keeper := LATE_ROWS.get()) is not None:
        keeper.take(batch.filter(pc.invert(stays)), column, late_us)
    return kept, dropped

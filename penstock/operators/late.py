"""Which rows are too late: Spark drops those whose event time is at or before the previous batch's watermark."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def without_late(batch: pa.Table, column: str | None, late_us: int) -> tuple[pa.Table, int]:
    """The rows later than `late_us` by `column` (a timestamp; NULL is never late), and how many were dropped."""
    if column is None or not batch.num_rows or late_us <= 0:
        return batch, 0
    times = batch.column(column).cast(pa.int64())
    kept = batch.filter(pc.fill_null(pc.greater(times, late_us), True))
    return kept, batch.num_rows - kept.num_rows

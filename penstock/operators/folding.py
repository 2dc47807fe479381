"""Many buffers of one group folded into one: neighbours merge in pairs, so that a group of n takes log2(n) rounds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.operators.merging import Merge, RunSql, merge_buffers
from penstock.state.bridge import arrow_flags, arrow_ints


def fold(merges: Sequence[Merge], rows: pa.RecordBatch, sizes: NDArray[np.int64], run_sql: RunSql) -> pa.RecordBatch:
    """One row a group of `rows`' buffers (columns as in `merges`); groups stand one behind the other, `sizes[i]` >= 1
    rows each, and merge from left to right."""
    while len(sizes) and int(sizes.max()) > 1:
        rows, sizes = _round(merges, rows, sizes, run_sql)
    return rows


def _round(
    merges: Sequence[Merge], rows: pa.RecordBatch, sizes: NDArray[np.int64], run_sql: RunSql
) -> tuple[pa.RecordBatch, NDArray[np.int64]]:
    """Rows 0 and 1, 2 and 3, ... of each group merged; an odd last one stays."""
    begins = np.cumsum(sizes) - sizes
    rank = np.arange(int(sizes.sum())) - np.repeat(begins, sizes)
    left = np.flatnonzero(rank % 2 == 0)
    paired = rank[left] + 1 < np.repeat(sizes, sizes)[left]
    pairs = left[paired]
    merged = rows.take(arrow_ints(left))
    if len(merges) and len(pairs):
        none_new = arrow_flags(np.zeros(len(pairs), np.bool_))
        both = merge_buffers(merges, rows.take(arrow_ints(pairs)), rows.take(arrow_ints(pairs + 1)), none_new, run_sql)
        place = np.arange(len(left))
        place[paired] = len(left) + np.arange(len(pairs))
        columns = [
            pa.concat_arrays([alone, pair]).take(arrow_ints(place))
            for alone, pair in zip(merged.columns, both.columns, strict=True)
        ]
        merged = pa.RecordBatch.from_arrays(columns, schema=rows.schema)
    return merged, (sizes + 1) // 2

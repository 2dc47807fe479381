"""Rows by group: numbered by DuckDB (keys compare as in its GROUP BY), then sorted and sliced without copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def group_numbers(keys: Sequence[pa.Table], query: Callable[[str, Mapping[str, pa.Table]], pa.Table]) -> list[Numbers]:
    """For tables of key columns the number of each row's group, counted from 0 in the order of the keys (NULL first);
    rows of different tables with equal keys have one number."""
    if not keys[0].num_columns:
        return [np.zeros(table.num_rows, dtype=np.int64) for table in keys]
    sizes = [table.num_rows for table in keys]
    tables, start = {}, 0
    for index, table in enumerate(keys):
        named = table.rename_columns([f"k{i}" for i in range(table.num_columns)])
        row = pa.array(np.arange(start, start + table.num_rows, dtype=np.int64))
        tables[f"python_groups_{index}"] = named.append_column("row", row)
        start += table.num_rows
    names = ", ".join(f"k{i}" for i in range(keys[0].num_columns))
    order = ", ".join(f"k{i} NULLS FIRST" for i in range(keys[0].num_columns))
    rows = " UNION ALL ".join(f"SELECT {names}, row FROM {name}" for name in tables)
    found = query(f"SELECT row, dense_rank() OVER (ORDER BY {order}) - 1 AS number FROM ({rows})", tables)
    numbers = np.empty(sum(sizes), dtype=np.int64)
    numbers[found.column("row").to_numpy()] = found.column("number").to_numpy()
    return np.split(numbers, np.cumsum(sizes)[:-1])


class Groups:
    """A table's rows by group number; within a group they keep their order."""

    def __init__(self, rows: pa.Table, numbers: Numbers) -> None:
        order = np.argsort(numbers, kind="stable")
        self._sorted = numbers[order]
        self._starts = np.flatnonzero(np.diff(self._sorted, prepend=-1))
        self._ends = np.append(self._starts, len(order))[1:]
        self._rows = _one_batch(rows.take(pa.array(order)))
        self.first_rows = pa.array(order[self._starts])
        self.last = int(self._sorted[-1]) if len(order) else -1

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for start, end in zip(self._starts.tolist(), self._ends.tolist(), strict=True):
            yield self._rows.slice(start, end - start)

    def __getitem__(self, number: int) -> pa.RecordBatch:
        """The group of this number, which may have no rows."""
        start, end = np.searchsorted(self._sorted, [number, number + 1])
        return self._rows.slice(int(start), int(end - start))


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    columns = [column.combine_chunks() for column in table.columns]
    flat = [c.chunk(0) if isinstance(c, pa.ChunkedArray) else c for c in columns]
    return pa.RecordBatch.from_arrays(flat, schema=table.schema)

"""The rows of a batch by grouping key, for operators that hand each key's rows to a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.operators.merging import RunSql
from penstock.pyfn.groups import group_numbers
from penstock.pyfn.state_cells import Chunk
from penstock.state.grouped import one_batch

#: How many keys are processed at a time: their state is in memory as Python values.
KEYS_AT_A_TIME = 1 << 16

HashKeys = Callable[[pa.RecordBatch], NDArray[np.uint64]]


@dataclass(frozen=True)
class Times:
    """The times of a batch: rows at or before `late_us` are late, `watermark_ms` is the batch's watermark, `now_ms` its
    processing time; `batch_id` its number."""

    batch_id: int
    now_ms: int
    late_us: int
    watermark_ms: int


@dataclass(frozen=True)
class Side:
    """Rows sorted by key; `bounds[i]` to `bounds[i + 1]` are those of key i."""

    rows: pa.RecordBatch
    bounds: NDArray[np.int64]


@dataclass(frozen=True)
class Grouped:
    """Keys in ascending order (NULL first), and of each side (data, initial state) the rows of each key."""

    keys: pa.RecordBatch
    sides: tuple[Side, ...]

    def chunks(self, hash_keys: HashKeys) -> Iterator[tuple[int, Chunk]]:
        """The keys a chunk at a time, with the number of the first."""
        for start in range(0, self.keys.num_rows, KEYS_AT_A_TIME):
            keys = self.keys.slice(start, KEYS_AT_A_TIME)
            yield start, Chunk(keys, hash_keys(keys))


def group(tables: Sequence[pa.Table], keys: Sequence[Sequence[str]], key_schema: pa.Schema, run_sql: RunSql) -> Grouped:
    """Sort tables by their key columns, the rows of a key in their order."""
    selected = [table.select(list(names)) for table, names in zip(tables, keys, strict=True)]
    numbers = group_numbers(selected, run_sql)
    count = max((int(own.max()) + 1 for own in numbers if len(own)), default=0)
    sides = tuple(_side(table, own, count) for table, own in zip(tables, numbers, strict=True))
    return Grouped(_keys(sides, keys, key_schema, count), sides)


def _side(table: pa.Table, numbers: NDArray[np.int64], count: int) -> Side:
    order = np.argsort(numbers, kind="stable")
    bounds = np.searchsorted(numbers[order], np.arange(count + 1))
    rows = table.take(pa.array(order)).combine_chunks()
    columns = [column.chunk(0) if column.num_chunks else pa.array([], column.type) for column in rows.columns]
    return Side(pa.RecordBatch.from_arrays(columns, schema=rows.schema), bounds)


def _keys(sides: Sequence[Side], names: Sequence[Sequence[str]], key_schema: pa.Schema, count: int) -> pa.RecordBatch:
    """The key of each group, from the first side that has rows of it."""
    source = np.full(count, -1)
    position = np.zeros(count, np.int64)
    offset, parts = 0, []
    for side, own in zip(sides, names, strict=True):
        has = (np.diff(side.bounds) > 0) & (source < 0)
        source[has], position[has] = 0, side.bounds[:-1][has] + offset
        offset += side.rows.num_rows
        columns = [side.rows.column(side.rows.schema.get_field_index(name)) for name in own]
        cast = [c if c.type == f.type else c.cast(f.type) for c, f in zip(columns, key_schema, strict=True)]
        parts.append(one_batch(cast, key_schema, side.rows.num_rows))
    together = parts[0] if len(parts) == 1 else pa.concat_batches(parts)
    return together.take(pa.array(position))

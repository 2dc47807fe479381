"""Arrow columns as Python values for encoders that go row by row: dates and times as numbers, structs as lists."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.types as pat


def rows(table: pa.Table) -> list[list[Any]]:
    """The rows: dates are days, timestamps microseconds since 1970, structs lists, maps lists of pairs."""
    columns = [values(column.combine_chunks()) for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in range(table.num_rows)]


def values(array: Any) -> list[Any]:
    """One column's values, as in `rows`."""
    if isinstance(array, pa.ChunkedArray):
        return [value for chunk in array.chunks for value in values(chunk)]
    t = array.type
    if pat.is_timestamp(t):
        return list(array.cast(pa.timestamp("us", tz=t.tz)).cast(pa.int64()).to_pylist())
    if pat.is_duration(t):
        return list(array.cast(pa.duration("us")).cast(pa.int64()).to_pylist())
    if pat.is_date32(t):
        return list(array.cast(pa.int32()).to_pylist())
    if pat.is_struct(t):
        children = [values(array.field(i)) for i in range(t.num_fields)]
        valid = array.is_valid().to_pylist()
        return [[child[i] for child in children] if ok else None for i, ok in enumerate(valid)]
    if pat.is_map(t):
        return [None if one is None else _pairs(one) for one in array]
    if pat.is_list(t) or pat.is_large_list(t):
        return [values(one.values) if one.is_valid else None for one in array]
    return list(array.to_pylist())


def _pairs(scalar: Any) -> Any:
    if not scalar.is_valid:
        return None
    entries = scalar.values
    return list(zip(values(entries.field(0)), values(entries.field(1)), strict=True))

"""State whose value columns have changed since it was written: fields behind the old ones, and wider types.

By position, as files hold columns: what the old rows do not have is NULL.  Spark's rules for wider types are Avro's.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from penstock.state.bridge import record_batch

_WIDER = {
    "int8": ("int16", "int32", "int64", "float", "double"),
    "int16": ("int32", "int64", "float", "double"),
    "int32": ("int64", "float", "double"),
    "int64": ("float", "double"),
    "float": ("double",),
}


def may_become(stored: Sequence[str], ours: Sequence[str]) -> bool:
    """Whether values of the types `stored` can be read as the types `ours`."""
    if len(ours) < len(stored):
        return False
    return all(old == new or new in _WIDER.get(old, ()) for old, new in zip(stored, ours, strict=False))


def fitted(columns: Sequence[pa.Array], schema: pa.Schema, rows: int) -> pa.RecordBatch:
    """Stored value columns as those of `schema`."""
    made = []
    for place, field in enumerate(schema):
        column = columns[place] if place < len(columns) else pa.nulls(rows, field.type)
        made.append(column if column.type.equals(field.type) else column.cast(field.type))
    return record_batch(made, schema, rows)

"""A dict that behaves as a state store should, and the schemas and hash functions the store is tried with."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from numpy.typing import NDArray

Row = tuple[Any, ...]

SMALL = st.integers(0, 6)
TEXT = st.sampled_from(["", "a", "b", "ä", "long " * 20])
MONEY = st.sampled_from([decimal.Decimal("0.00"), decimal.Decimal("-1.50"), decimal.Decimal("9999999.99")])
TIMES = st.sampled_from([dt.datetime(2024, 1, 1, 0, 0, s, tzinfo=dt.UTC) for s in range(4)])
FLOATS = st.sampled_from([0.0, 1.5, -2.0, math.nan, math.inf])
TYPES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "bool": (pa.bool_(), st.booleans()),
    "byte": (pa.int8(), SMALL),
    "long": (pa.int64(), SMALL),
    "double": (pa.float64(), FLOATS),
    "decimal": (pa.decimal128(10, 2), MONEY),
    "date": (pa.date32(), st.sampled_from([dt.date(2024, 1, d) for d in (1, 2, 3)])),
    "timestamp": (pa.timestamp("us", "UTC"), TIMES),
    "string": (pa.string(), TEXT),
    "binary": (pa.binary(), TEXT.map(str.encode)),
    "list": (pa.list_(pa.string()), st.lists(st.none() | TEXT, max_size=3)),
    "struct": (pa.struct([("x", pa.float64()), ("y", pa.string())]),
               st.fixed_dictionaries({"x": st.none() | FLOATS, "y": st.none() | TEXT})),
    "map": (pa.map_(pa.string(), pa.int32()), st.dictionaries(TEXT, SMALL, max_size=2).map(lambda d: list(d.items()))),
    "void": (pa.null(), st.none()),
}  # fmt: skip

#: (key columns, value columns) by the names above.
LAYOUTS = (
    (("long",), ("long", "double")),
    (("string",), ("long", "string")),
    (("long", "string", "timestamp"), ("decimal", "list")),
    (("bool", "double", "decimal"), ("struct", "map", "void")),
    (("list", "date"), ("bool", "byte", "binary")),
    (("struct",), ("timestamp",)),
    ((), ("long",)),
)


def schema(prefix: str, names: tuple[str, ...]) -> pa.Schema:
    """An Arrow schema of these types."""
    return pa.schema([(f"{prefix}{i}_{name}", TYPES[name][0]) for i, name in enumerate(names)])


def rows(names: tuple[str, ...]) -> st.SearchStrategy[Row]:
    """Rows of these types, with NULLs."""
    return st.tuples(*[st.none() | TYPES[name][1] for name in names])


def batch(data: list[Row], of: pa.Schema) -> pa.RecordBatch:
    """Rows as Arrow."""
    if not of.names:
        return pa.RecordBatch.from_struct_array(pa.array([{}] * len(data), pa.struct([])))
    return pa.RecordBatch.from_arrays(
        [pa.array([row[i] for row in data], field.type) for i, field in enumerate(of)], schema=of
    )


def canonical(value: Any) -> Any:
    """A hashable form in which NaN equals NaN."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, dict):
        return tuple(canonical(value[name]) for name in sorted(value))
    if isinstance(value, list | tuple):
        return tuple(canonical(v) for v in value)
    return value


def tuples(data: pa.RecordBatch) -> list[Row]:
    """Arrow as rows in canonical form."""
    columns = [[canonical(v) for v in column.to_pylist()] for column in data.columns]
    return [tuple(row) for row in zip(*columns, strict=True)] if columns else [()] * data.num_rows


Hash = Callable[[pa.RecordBatch], NDArray[np.uint64]]


def good_hash(keys: pa.RecordBatch) -> NDArray[np.uint64]:
    """A hash without obvious faults."""
    words = [zlib.crc32(repr(row).encode()) * 0x9E3779B97F4A7C15 % 2**64 for row in tuples(keys)]
    return np.array(words, np.uint64)


def constant_hash(keys: pa.RecordBatch) -> NDArray[np.uint64]:
    """Every key collides with every other."""
    return np.zeros(keys.num_rows, np.uint64)


def mod_4_hash(keys: pa.RecordBatch) -> NDArray[np.uint64]:
    """Four hashes for all keys."""
    return good_hash(keys) % np.uint64(4)


HASHES: tuple[Hash, ...] = (good_hash, constant_hash, mod_4_hash)

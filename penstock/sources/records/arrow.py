"""Rows of Python values as Arrow arrays of the types that DuckDB takes for Spark's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from penstock.core.errors import unsupported
from penstock.plan.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CharType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
)

_SIMPLE: dict[type[DataType], pa.DataType] = {
    BooleanType: pa.bool_(),
    ByteType: pa.int8(),
    ShortType: pa.int16(),
    IntegerType: pa.int32(),
    LongType: pa.int64(),
    FloatType: pa.float32(),
    DoubleType: pa.float64(),
    StringType: pa.string(),
    CharType: pa.string(),
    VarcharType: pa.string(),
    BinaryType: pa.binary(),
    DateType: pa.date32(),
    TimestampType: pa.timestamp("us", tz="UTC"),
    TimestampNTZType: pa.timestamp("us"),
    NullType: pa.int32(),
}


def arrow_type(t: DataType) -> pa.DataType:
    """The Arrow type of a Spark type."""
    if (simple := _SIMPLE.get(type(t))) is not None:
        return simple
    if isinstance(t, DecimalType):
        return pa.decimal128(t.precision, t.scale)
    if isinstance(t, ArrayType):
        return pa.list_(arrow_type(t.elementType))
    if isinstance(t, MapType):
        return pa.map_(arrow_type(t.keyType), arrow_type(t.valueType))
    if isinstance(t, StructType):
        return pa.struct([pa.field(f.name, arrow_type(f.dataType)) for f in t.fields])
    raise unsupported(f"the type {t.simpleString()} in text data")


def array(values: Sequence[Any], t: DataType) -> pa.Array:
    """Python values as one array: structs are lists in the order of their fields, maps are lists of pairs, dates are
    days and timestamps microseconds since 1970."""
    if isinstance(t, StructType):
        children = [
            array([None if row is None else row[i] for row in values], f.dataType) for i, f in enumerate(t.fields)
        ]
        missing = pa.array([row is None for row in values], pa.bool_())
        fields = [pa.field(f.name, arrow_type(f.dataType)) for f in t.fields]
        if not fields:
            return pa.array([None if row is None else {} for row in values], pa.struct([]))
        return pa.StructArray.from_arrays(children, fields=fields, mask=missing)
    if isinstance(t, ArrayType):
        flat = [element for one in values if one is not None for element in one]
        return pa.ListArray.from_arrays(_offsets(values), array(flat, t.elementType))
    if isinstance(t, MapType):
        keys = [pair[0] for one in values if one is not None for pair in one]
        items = [pair[1] for one in values if one is not None for pair in one]
        return pa.MapArray.from_arrays(_offsets(values), array(keys, t.keyType), array(items, t.valueType))
    if isinstance(t, DateType):
        return pa.array(values, pa.int32()).cast(pa.date32())
    return pa.array(values, arrow_type(t))


def _offsets(values: Sequence[Any]) -> pa.Array:
    """Where each list begins; NULL for a list that is NULL."""
    offsets: list[int | None] = []
    at = 0
    for one in values:
        offsets.append(None if one is None else at)
        at += 0 if one is None else len(one)
    return pa.array([*offsets, at], pa.int32())

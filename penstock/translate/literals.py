"""Constants as DuckDB SQL: exact, and of exactly the type that the plan says."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from penstock.core.errors import unsupported
from penstock.engine.types import duckdb_type
from penstock.functions.markers import quote
from penstock.plan.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    CalendarIntervalType,
    CharType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    MapType,
    NullType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    TimeType,
    VarcharType,
)


def literal_sql(value: Any, data_type: DataType) -> str:
    """SQL of one constant (see `Literal` for the representation of its value)."""
    if value is None or isinstance(data_type, NullType):
        return f"CAST(NULL AS {duckdb_type(data_type)})"
    if isinstance(data_type, (ArrayType, MapType, StructType)):
        return _nested_sql(value, data_type)
    if isinstance(data_type, (StringType, CharType, VarcharType)):
        return string_sql(value)
    if isinstance(data_type, BooleanType):
        return "true" if value else "false"
    if isinstance(data_type, (FloatType, DoubleType)):
        return _floating_sql(value, data_type)
    if isinstance(data_type, DecimalType):
        return f"CAST('{Decimal(value):f}' AS {duckdb_type(data_type)})"
    if isinstance(data_type, BinaryType):
        return f"from_hex('{bytes(value).hex()}')"
    return _temporal_sql(value, data_type) or f"CAST({value} AS {duckdb_type(data_type)})"


def string_sql(text: str) -> str:
    """A string constant; a zero character cannot stand in SQL text."""
    if "\0" not in text:
        return quote(text)
    return "(" + " || chr(0) || ".join(quote(part) for part in text.split("\0")) + ")"


def _floating_sql(value: float, data_type: DataType) -> str:
    if math.isnan(value) or math.isinf(value):
        text = quote(str(value))
    else:
        text = repr(float(value))
        text = text if "e" in text else text + "e0"
    return f"CAST({text} AS {duckdb_type(data_type)})"


def _temporal_sql(value: Any, data_type: DataType) -> str | None:
    if isinstance(data_type, DateType):
        return f"(DATE '1970-01-01' + CAST({value} AS INTEGER))"
    if isinstance(data_type, TimestampType):
        return f"make_timestamptz(CAST({value} AS BIGINT))"
    if isinstance(data_type, TimestampNTZType):
        return f"make_timestamp(CAST({value} AS BIGINT))"
    if isinstance(data_type, TimeType):
        seconds, nanos = divmod(value, 1_000_000_000)
        return f"CAST('{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{nanos:09d}' AS TIME_NS)"
    if isinstance(data_type, CalendarIntervalType):
        months, days, micros = value
        return f"(to_months({months}) + to_days({days}) + to_microseconds({micros}))"
    return None


def _nested_sql(value: Any, data_type: DataType) -> str:
    if isinstance(data_type, ArrayType):
        text = f"[{', '.join(literal_sql(v, data_type.elementType) for v in value)}]"
    elif isinstance(data_type, MapType):
        keys = ", ".join(literal_sql(k, data_type.keyType) for k, _ in value)
        values = ", ".join(literal_sql(v, data_type.valueType) for _, v in value)
        text = f"map([{keys}], [{values}])"
    elif isinstance(data_type, StructType):
        if not len(data_type):
            raise unsupported("a struct without fields")
        text = f"row({', '.join(literal_sql(v, f.dataType) for v, f in zip(value, data_type, strict=True))})"
    return f"CAST({text} AS {duckdb_type(data_type)})"

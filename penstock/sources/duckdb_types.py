"""Spark's types and names as DuckDB spells them, for the scans that sources write."""

from __future__ import annotations

from collections.abc import Callable

from penstock.core.errors import unsupported
from penstock.core.sql_text import identifier, quoted
from penstock.plan.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CharType,
    DataType,
    DateType,
    DayTimeIntervalType,
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
    YearMonthIntervalType,
)

__all__ = ["duckdb_type", "file_list", "identifier", "quoted"]

_SIMPLE: dict[type[DataType], str] = {
    BooleanType: "BOOLEAN",
    ByteType: "TINYINT",
    ShortType: "SMALLINT",
    IntegerType: "INTEGER",
    LongType: "BIGINT",
    FloatType: "FLOAT",
    DoubleType: "DOUBLE",
    StringType: "VARCHAR",
    CharType: "VARCHAR",
    VarcharType: "VARCHAR",
    BinaryType: "BLOB",
    DateType: "DATE",
    TimestampType: "TIMESTAMPTZ",
    TimestampNTZType: "TIMESTAMP",
    DayTimeIntervalType: "BIGINT",
    YearMonthIntervalType: "INTEGER",
    NullType: "INTEGER",
}


def file_list(paths: list[str]) -> str:
    """A list of paths for a `read_...` function.  DuckDB would expand `*`, `?` and `[` in them: they are put into
    brackets, which makes them plain characters."""
    return "[" + ", ".join(quoted(_without_glob(path)) for path in paths) + "]"


def _without_glob(path: str) -> str:
    if not any(character in path for character in "*?["):
        return path
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def duckdb_type(data_type: DataType) -> str:
    """The DuckDB type that holds a Spark type's values."""
    if (simple := _SIMPLE.get(type(data_type))) is not None:
        return simple
    if isinstance(data_type, DecimalType):
        return f"DECIMAL({data_type.precision},{data_type.scale})"
    nested = _NESTED.get(type(data_type))
    if nested is None:
        raise unsupported(f"the type {data_type.simpleString()} in a data source")
    return nested(data_type)


def _array(t: DataType) -> str:
    assert isinstance(t, ArrayType)
    return duckdb_type(t.elementType) + "[]"


def _map(t: DataType) -> str:
    assert isinstance(t, MapType)
    return f"MAP({duckdb_type(t.keyType)}, {duckdb_type(t.valueType)})"


def _struct(t: DataType) -> str:
    assert isinstance(t, StructType)
    return "STRUCT(" + ", ".join(f"{identifier(f.name)} {duckdb_type(f.dataType)}" for f in t.fields) + ")"


_NESTED: dict[type[DataType], Callable[[DataType], str]] = {ArrayType: _array, MapType: _map, StructType: _struct}

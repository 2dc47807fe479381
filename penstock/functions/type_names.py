"""Types as Spark writes them in SQL and in error messages."""

from __future__ import annotations

import re

from penstock.plan.types import (
    ArrayType,
    ByteType,
    CharType,
    DataType,
    DayTimeIntervalType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StructType,
    VarcharType,
    YearMonthIntervalType,
)

_PLAIN = {ByteType: "TINYINT", ShortType: "SMALLINT", IntegerType: "INT", LongType: "BIGINT", NullType: "VOID"}


def type_sql(t: DataType) -> str:
    """As in `CAST(x AS ...)`: `BIGINT`, `DECIMAL(10,2)`, `ARRAY<INT>`, `STRUCT<a: INT NOT NULL>`."""
    if isinstance(t, ArrayType):
        return f"ARRAY<{type_sql(t.elementType)}>"
    if isinstance(t, MapType):
        return f"MAP<{type_sql(t.keyType)}, {type_sql(t.valueType)}>"
    if isinstance(t, StructType):
        parts = (f"{_name(f.name)}: {type_sql(f.dataType)}" + ("" if f.nullable else " NOT NULL") for f in t.fields)
        return f"STRUCT<{', '.join(parts)}>"
    return _PLAIN.get(type(t)) or t.simpleString().upper()


def _name(name: str) -> str:
    """A field's name, in backquotes where it is no identifier."""
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) is not None
    return name if plain else "`" + name.replace("`", "``") + "`"


def quoted_type(t: DataType) -> str:
    """As in error parameters: `"BIGINT"`."""
    return f'"{type_sql(t)}"'


_DUCK = {
    "boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "int": "INTEGER", "bigint": "BIGINT",
    "float": "FLOAT", "double": "DOUBLE", "string": "VARCHAR", "binary": "BLOB", "date": "DATE",
    "timestamp": "TIMESTAMPTZ", "timestamp_ntz": "TIMESTAMP", "void": "INTEGER", "interval": "INTERVAL",
    "variant": "STRUCT(value BLOB, metadata BLOB)",
}  # fmt: skip


def duck_type(t: DataType) -> str:
    """The DuckDB type in which values of `t` are kept."""
    if isinstance(t, ArrayType):
        return f"{duck_type(t.elementType)}[]"
    if isinstance(t, MapType):
        return f"MAP({duck_type(t.keyType)}, {duck_type(t.valueType)})"
    if isinstance(t, StructType):
        quoted = (f'"{f.name.replace(chr(34), chr(34) * 2)}" {duck_type(f.dataType)}' for f in t.fields)
        return f"STRUCT({', '.join(quoted)})"
    if isinstance(t, DayTimeIntervalType):
        return "BIGINT"
    if isinstance(t, YearMonthIntervalType):
        return "INTEGER"
    if isinstance(t, (CharType, VarcharType)):
        return "VARCHAR"
    return _DUCK.get(t.simpleString()) or t.simpleString().upper()

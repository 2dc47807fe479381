"""Types as Spark writes them in SQL and in error messages."""

from __future__ import annotations

from penstock.plan.types import (
    ArrayType, ByteType, DataType, IntegerType, LongType, MapType, NullType, ShortType, StructType,
)  # fmt: skip

_PLAIN = {ByteType: "TINYINT", ShortType: "SMALLINT", IntegerType: "INT", LongType: "BIGINT", NullType: "VOID"}


def type_sql(t: DataType) -> str:
    """As in `CAST(x AS ...)`: `BIGINT`, `DECIMAL(10,2)`, `ARRAY<INT>`, `STRUCT<a: INT NOT NULL>`."""
    if isinstance(t, ArrayType):
        return f"ARRAY<{type_sql(t.elementType)}>"
    if isinstance(t, MapType):
        return f"MAP<{type_sql(t.keyType)}, {type_sql(t.valueType)}>"
    if isinstance(t, StructType):
        parts = (f"{f.name}: {type_sql(f.dataType)}" + ("" if f.nullable else " NOT NULL") for f in t.fields)
        return f"STRUCT<{', '.join(parts)}>"
    return _PLAIN.get(type(t)) or t.simpleString().upper()


def quoted_type(t: DataType) -> str:
    """As in error parameters: `"BIGINT"`."""
    return f'"{type_sql(t)}"'

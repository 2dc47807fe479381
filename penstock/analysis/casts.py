"""Explicit CASTs: their mode and their types."""

from __future__ import annotations

from dataclasses import replace

from penstock.analysis.context import AnalysisContext
from penstock.functions.cast_checks import check_cast
from penstock.plan.expressions import Cast, Expression
from penstock.plan.types import (
    STRING,
    ArrayType,
    CharType,
    DataType,
    MapType,
    StructField,
    StructType,
    VarcharType,
)


def resolve_cast(cast: Cast, child: Expression, context: AnalysisContext) -> Expression:
    """The cast with its mode set: "ansi" or "legacy" by the session; "try" stays."""
    mode = cast.mode or ("ansi" if context.conf.ansi else "legacy")
    resolved = replace(cast, child=child, mode=mode, data_type=without_lengths(cast.data_type))
    check_cast(resolved)
    return resolved


def without_lengths(t: DataType) -> DataType:
    """CHAR(n) and VARCHAR(n) as STRING: their lengths matter in tables only."""
    if isinstance(t, (CharType, VarcharType)):
        return STRING
    if isinstance(t, ArrayType):
        return ArrayType(without_lengths(t.elementType), t.containsNull)
    if isinstance(t, MapType):
        return MapType(without_lengths(t.keyType), without_lengths(t.valueType), t.valueContainsNull)
    if isinstance(t, StructType):
        return StructType([StructField(f.name, without_lengths(f.dataType), f.nullable, f.metadata) for f in t])
    return t

"""Explicit CASTs: their mode, and which are refused."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql.types import NumericType

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_expr, sql_type
from penstock.functions.coercion import can_cast
from penstock.plan.expressions import Cast, Expression
from penstock.plan.types import (
    STRING,
    ArrayType,
    CharType,
    DataType,
    DateType,
    MapType,
    StructField,
    StructType,
    VarcharType,
)

_ANSI = "spark.sql.ansi.enabled"


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


def check_cast(cast: Cast) -> None:
    """DATATYPE_MISMATCH.CAST_*, if Spark has no such cast in this mode."""
    source, target = cast.child.type, cast.data_type
    ansi = cast.mode != "legacy"
    nested = isinstance(source, (ArrayType, MapType, StructType)) and isinstance(target, type(source))
    if can_cast(source, target, ansi and not (nested and cast.mode == "try")):
        return
    shown = {"sqlExpr": sql_expr(cast), "srcType": sql_type(source), "targetType": sql_type(target)}
    if ansi and (functions := _instead(source, target)):
        raise fail("DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION", **shown, functionNames=functions)
    if cast.mode == "ansi" and can_cast(source, target, False):
        raise fail("DATATYPE_MISMATCH.CAST_WITH_CONF_SUGGESTION", **shown, config=f'"{_ANSI}"', configVal="'false'")
    raise fail("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", **shown)


def _instead(source: DataType, target: DataType) -> str:
    """The functions that Spark recommends instead of an ANSI cast."""
    if isinstance(source, NumericType) and isinstance(target, DateType):
        return "`DATE_FROM_UNIX_DATE`"
    if isinstance(source, DateType) and isinstance(target, NumericType):
        return "`UNIX_DATE`"
    return ""

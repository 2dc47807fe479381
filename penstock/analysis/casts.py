"""Explicit CASTs: their mode, and which are refused."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql.types import NumericType

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_expr, sql_type
from penstock.functions.coercion import can_cast
from penstock.plan.expressions import Cast, Expression
from penstock.plan.types import DataType, DateType

_ANSI = "spark.sql.ansi.enabled"


def resolve_cast(cast: Cast, child: Expression, context: AnalysisContext) -> Expression:
    """The cast with its mode set: "ansi" or "legacy" by the session; "try" stays."""
    mode = cast.mode or ("ansi" if context.conf.ansi else "legacy")
    resolved = replace(cast, child=child, mode=mode)
    check_cast(resolved)
    return resolved


def check_cast(cast: Cast) -> None:
    """DATATYPE_MISMATCH.CAST_*, if Spark has no such cast in this mode."""
    source, target = cast.child.type, cast.data_type
    ansi = cast.mode != "legacy"
    if can_cast(source, target, ansi):
        return
    shown = {"sqlExpr": sql_expr(cast), "srcType": sql_type(source), "targetType": sql_type(target)}
    if cast.mode == "ansi" and (functions := _instead(source, target)):
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

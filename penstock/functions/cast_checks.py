"""Casts that Spark does not have: DATATYPE_MISMATCH.CAST_*, with what it recommends instead."""

from __future__ import annotations

from pyspark.sql.types import NumericType

from penstock.core.errors import SparkError, analysis_error
from penstock.functions.coercion import can_cast
from penstock.functions.names import display_name
from penstock.functions.type_names import quoted_type
from penstock.plan.expressions import Cast
from penstock.plan.types import ArrayType, DataType, DateType, MapType, StructType

_ANSI = "spark.sql.ansi.enabled"


def check_cast(cast: Cast) -> None:
    """Raise unless Spark has the cast in its mode."""
    source, target = cast.child.type, cast.data_type
    ansi = cast.mode != "legacy"
    nested = isinstance(source, (ArrayType, MapType, StructType)) and isinstance(target, type(source))
    if can_cast(source, target, ansi and not (nested and cast.mode == "try")):
        return
    shown = {"sqlExpr": f'"{display_name(cast)}"', "srcType": quoted_type(source), "targetType": quoted_type(target)}
    message = f"{shown['sqlExpr']}: cannot cast {shown['srcType']} to {shown['targetType']}"
    kind = "DATATYPE_MISMATCH.CAST_WITH"
    if ansi and (function := _instead(source, target)):
        raise analysis_error(f"{kind}_FUNC_SUGGESTION", f"{message}; use {function}.", "42K09", **shown,
                             functionNames=function)  # fmt: skip
    if cast.mode == "ansi" and can_cast(source, target, False):
        message += f" in ANSI mode; \"{_ANSI}\" = 'false' permits it."
        raise analysis_error(f"{kind}_CONF_SUGGESTION", message, "42K09", **shown, config=f'"{_ANSI}"',
                             configVal="'false'")  # fmt: skip
    raise analysis_error(f"{kind}OUT_SUGGESTION", f"{message}.", "42K09", **shown)


def void_cast(expression: str, source: DataType) -> SparkError:
    """What the cast of `expression` to VOID raises."""
    shown = {"sqlExpr": expression, "srcType": quoted_type(source), "targetType": '"VOID"'}
    message = f'{expression}: cannot cast {shown["srcType"]} to "VOID".'
    return analysis_error("DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION", message, "42K09", **shown)


def _instead(source: DataType, target: DataType) -> str:
    """The function that Spark recommends instead of an ANSI cast."""
    if isinstance(source, NumericType) and isinstance(target, DateType):
        return "`DATE_FROM_UNIX_DATE`"
    if isinstance(source, DateType) and isinstance(target, NumericType):
        return "`UNIX_DATE`"
    return ""

"""Decimal arithmetic as DuckDB SQL with Spark's result types and rounding (half up).

DuckDB's own rules give other scales, and its division is a double.  Division is done on unscaled HUGEINTs.
A result that Spark would compute and that does not fit into 38 digits on the way raises an overflow error.
"""

from __future__ import annotations

from penstock.functions.markers import raise_sql
from penstock.plan.expressions import FunctionCall
from penstock.plan.types import DecimalType

_TOO_LARGE = raise_sql(
    "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
    "A decimal result does not fit its type. Set \"spark.sql.ansi.enabled\" to \"false\" to get NULL instead.",
    sqlstate="22003", kind="arithmetic", config='"spark.sql.ansi.enabled"',
)  # fmt: skip


def decimal_name(t: DecimalType) -> str:
    """The DuckDB name of a decimal type."""
    return f"DECIMAL({t.precision},{t.scale})"


def fitted(value: str, t: DecimalType, ansi: bool) -> str:
    """`value` cast to decimal type `t`: an overflow raises Spark's error, or is NULL when ANSI is off."""
    cast = f"TRY_CAST({value} AS {decimal_name(t)})"
    if not ansi:
        return cast
    return f"CASE WHEN {cast} IS NULL AND ({value}) IS NOT NULL THEN {_TOO_LARGE} ELSE {cast} END"


def unscaled(value: str, t: DecimalType) -> str:
    """The decimal without its point, as a HUGEINT."""
    if t.scale == 0:
        return f"CAST({value} AS HUGEINT)"
    if t.precision + t.scale <= 38:
        return f"CAST({value} * CAST({10**t.scale} AS DECIMAL({t.scale + 1},0)) AS HUGEINT)"
    return f"CAST(replace(CAST({value} AS VARCHAR), '.', '') AS HUGEINT)"


def scaled(value: str, t: DecimalType) -> str:
    """A HUGEINT of units of 10^-scale as a decimal of type `t`."""
    if t.scale == 0:
        return f"CAST({value} AS {decimal_name(t)})"
    power = f"{10**t.scale}::HUGEINT"
    whole = f"CAST({value} // {power} AS {decimal_name(t)})"
    rest = f"CAST({value} % {power} AS DECIMAL(38,0))"
    # the remainder has at most `scale` digits; shifting it right goes by text, which is exact at every scale
    digits = f"lpad(CAST(abs({rest}) AS VARCHAR), {t.scale}, '0')"
    part = f"CAST('0.' || {digits} AS {decimal_name(t)})"
    return f"(CASE WHEN {value} < 0 THEN {whole} - {part} ELSE {whole} + {part} END)"


def decimal_sql(op: str, args: list[str], call: FunctionCall, ansi: bool) -> str:
    """`args[0] op args[1]` of decimals; zero divisors are the caller's business."""
    left, right = call.args[0].type, call.args[1].type
    assert isinstance(left, DecimalType) and isinstance(right, DecimalType)
    if op == "div":
        return f"CAST({_quotient(args, left, right, 0, half_up=False)} AS BIGINT)"
    assert isinstance(call.type, DecimalType)
    if op in ("+", "-"):
        return fitted(_sum(op, args, left, right, call.type), call.type, ansi)
    if op == "*":
        return fitted(f"({args[0]} * {args[1]})", call.type, ansi)
    if op == "/":
        return _division(args, left, right, call.type)
    return _modulo(op, args, left, right, call.type)


def _sum(op: str, args: list[str], left: DecimalType, right: DecimalType, result: DecimalType) -> str:
    scale = max(left.scale, right.scale)
    wide = f"DECIMAL({min(38, result.precision + scale - result.scale)},{scale})"
    return f"(CAST({args[0]} AS {wide}) {op} CAST({args[1]} AS {wide}))"


def _quotient(args: list[str], left: DecimalType, right: DecimalType, scale: int, *, half_up: bool) -> str:
    shift = scale + right.scale - left.scale
    n, d = unscaled(args[0], left), unscaled(args[1], right)
    if shift >= 0:
        n = f"({n} * {10**shift}::HUGEINT)"
    else:
        d = f"({d} * {10**-shift}::HUGEINT)"
    if not half_up:
        return f"({n} // {d})"
    up = f"CASE WHEN abs({n} % {d}) * 2 >= abs({d}) THEN sign({n}) * sign({d}) ELSE 0 END"
    return f"({n} // {d} + {up})"


def _division(args: list[str], left: DecimalType, right: DecimalType, result: DecimalType) -> str:
    return scaled(_quotient(args, left, right, result.scale, half_up=True), result)


def _modulo(op: str, args: list[str], left: DecimalType, right: DecimalType, result: DecimalType) -> str:
    scale = max(left.scale, right.scale)
    wide = f"DECIMAL({min(38, max(left.precision - left.scale, right.precision - right.scale) + scale)},{scale})"
    a, b = f"CAST({args[0]} AS {wide})", f"CAST({args[1]} AS {wide})"
    rest = f"({a} % {b})"
    if op == "pmod":
        rest = f"CASE WHEN {rest} < 0 THEN ({rest} + {b}) % {b} ELSE {rest} END"
    return f"CAST({rest} AS {decimal_name(result)})"


def decimal_average(total: str, total_type: DecimalType, count: str, result: DecimalType) -> str:
    """A decimal sum divided by a row count, rounded half up to `result`'s scale; NULL for no rows."""
    n = f"({unscaled(total, total_type)} * {10 ** (result.scale - total_type.scale)}::HUGEINT)"
    d = f"CAST({count} AS HUGEINT)"
    up = f"CASE WHEN abs({n} % {d}) * 2 >= {d} THEN sign({n}) ELSE 0 END"
    return f"CASE WHEN {count} = 0 THEN NULL ELSE {scaled(f'({n} // {d} + {up})', result)} END"

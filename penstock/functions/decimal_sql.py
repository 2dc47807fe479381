"""Decimal arithmetic as DuckDB SQL with Spark's result types and rounding (half up).

DuckDB's own rules give other scales, and its division is a double.  Division is done on unscaled HUGEINTs.
Rows that need more than 38 digits on the way go through `penstock.functions.kernels.decimals`.
"""

from __future__ import annotations

from penstock.core.row_functions import define
from penstock.functions.markers import overflow
from penstock.plan.expressions import FunctionCall
from penstock.plan.types import DecimalType

_SUM_OVERFLOW = overflow("Overflow in sum of decimals", "try_sum")


def decimal_name(t: DecimalType) -> str:
    """The DuckDB name of a decimal type."""
    return f"DECIMAL({t.precision},{t.scale})"


def checked_total(value: str, t: DecimalType, ansi: bool) -> str:
    """A sum of type `t`, of 38 digits: DuckDB lets it grow a little beyond them (to 1.7e38) unnoticed."""
    digits = "9" * (38 - t.scale) + ("." + "9" * t.scale if t.scale else "")
    limit = f"CAST('{digits}' AS {decimal_name(t)})"
    inside = f"{value} BETWEEN -{limit} AND {limit}"
    return f"CASE WHEN {inside} THEN CAST({value} AS {decimal_name(t)}) {_otherwise(value, ansi)}END"


def _otherwise(value: str, ansi: bool) -> str:
    return f"WHEN {value} IS NOT NULL THEN {_SUM_OVERFLOW} " if ansi else ""


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
    result = DecimalType(18, 0) if op == "div" else call.type
    assert isinstance(result, DecimalType)
    quick, digits = _quick(op, args, left, right, result)
    fits = digits - _scale_before_rounding(op, left, right, result) <= result.precision - result.scale
    if quick is not None and digits <= 38 and fits:
        return quick
    exact = _exact(op, args, left, right, result, ansi)
    if quick is None or not _may_try(args):
        return exact
    return f"coalesce(TRY({quick}), {exact})"


def _quick(
    op: str, args: list[str], left: DecimalType, right: DecimalType, result: DecimalType
) -> tuple[str | None, int]:
    """The operation in DuckDB's own decimals and HUGEINTs, and the most digits that it may need on the way."""
    scale = max(left.scale, right.scale)
    whole = max(left.precision - left.scale, right.precision - right.scale)
    if op in ("+", "-"):
        wide = f"DECIMAL({min(38, whole + scale + 1)},{scale})"
        text = f"(CAST({args[0]} AS {wide}) {op} CAST({args[1]} AS {wide}))"
        return f"CAST({text} AS {decimal_name(result)})", whole + scale + 1
    if op == "*":
        digits = left.precision + right.precision  # of two narrow ones DuckDB's product has 18 digits at most
        wide = decimal_name(DecimalType(min(38, digits), left.scale))
        product = f"CAST((CAST({args[0]} AS {wide}) * {args[1]}) AS {decimal_name(result)})"
        return product if left.scale + right.scale <= 38 else None, digits
    if op in ("/", "div"):
        target = 0 if op == "div" else result.scale
        shift = target + right.scale - left.scale
        digits = max(left.precision + max(shift, 0), right.precision + max(-shift, 0) + 1)
        if abs(shift) > 38:
            return None, digits
        quotient = _quotient(args, left, right, target, half_up=op == "/")
        return f"CAST({quotient} AS BIGINT)" if op == "div" else scaled(quotient, result), digits
    return _modulo(op, args, left, right, result), whole + scale + (op == "pmod")


def _scale_before_rounding(op: str, left: DecimalType, right: DecimalType, result: DecimalType) -> int:
    """Digits behind the point in what `_quick` counts: the rest of them stand before it."""
    p1, s1, s2 = int(left.precision), int(left.scale), int(right.scale)
    if op == "*":
        return s1 + s2
    if op in ("/", "div"):  # the quotient has at most the dividend's digits and those of the divisor's fraction
        return p1 + max(int(result.scale) + s2 - s1, 0) - (p1 - s1 + s2)
    if op == "pmod":
        return max(s1, s2) + 1
    return max(s1, s2) if op in ("+", "-") else 38


def _exact(op: str, args: list[str], left: DecimalType, right: DecimalType, result: DecimalType, ansi: bool) -> str:
    from penstock.functions.kernels import decimals as kernels

    name = define(
        f"decimal {op} {ansi}", lambda: kernels.operation(op, result.precision, result.scale, ansi),
        (decimal_name(left), decimal_name(right)), "BIGINT" if op == "div" else decimal_name(result),
    )  # fmt: skip
    a, b = (f"CAST({arg} AS {decimal_name(t)})" for arg, t in zip(args, (left, right), strict=True))
    return f"{name}({a}, {b})"


def _may_try(args: list[str]) -> bool:
    """DuckDB's TRY takes neither subqueries nor random numbers."""
    return not any("SELECT" in arg or "rand" in arg for arg in args)


def _quotient(args: list[str], left: DecimalType, right: DecimalType, scale: int, *, half_up: bool) -> str:
    shift = scale + right.scale - left.scale
    n, d = unscaled(args[0], left), unscaled(args[1], right)
    if shift >= 0:
        n = f"({n} * {10**shift}::HUGEINT)"
    else:
        d = f"({d} * {10**-shift}::HUGEINT)"
    d = f"nullif({d}, 0)"  # constants are divided before anybody looks for zero
    if not half_up:
        return f"({n} // {d})"
    up = f"CASE WHEN abs({n} % {d}) * 2 >= abs({d}) THEN sign({n}) * sign({d}) ELSE 0 END"
    return f"({n} // {d} + {up})"


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

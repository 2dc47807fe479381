"""Sums of decimals that may have more than 38 digits on the way, where DuckDB's own sum raises."""

from __future__ import annotations

from penstock.functions.decimal_sql import scaled, unscaled
from penstock.functions.table import TAIL
from penstock.plan.types import DecimalType

_HALF = f"{10**19}::HUGEINT"


def wide_sum(value: str, t: DecimalType) -> str:
    """SUM in units of 10^-scale, a HUGEINT; NULL when it has more than 38 digits.  The upper and the lower halves of
    the numbers are summed apart, which does not overflow."""
    units = unscaled(value, t)
    high, low = f"sum({units} // {_HALF}){TAIL}", f"sum({units} % {_HALF}){TAIL}"
    carried = f"({high} + {low} // {_HALF})"
    return f"(CASE WHEN abs({carried}) < {_HALF} THEN {carried} * {_HALF} + {low} % {_HALF} END)"


def wide_average(value: str, t: DecimalType, count: str, result: DecimalType) -> str:
    """AVG rounded half up to `result`; NULL for no rows, and where the sum or the mean does not fit 38 digits."""
    total, shift = wide_sum(value, t), f"{10 ** (result.scale - t.scale)}::HUGEINT"
    n = f"CAST({count} AS HUGEINT)"
    rest = f"(abs({total}) % {n} * {shift})"
    digits = f"(abs({total}) // {n} * {shift} + {rest} // {n} + CASE WHEN {rest} % {n} * 2 >= {n} THEN 1 ELSE 0 END)"
    fits = f"{count} > 0 AND abs({total}) // {n} < {10 ** (38 - result.scale + t.scale)}::HUGEINT"
    return f"CASE WHEN {fits} THEN {scaled(f'(CAST(sign({total}) AS HUGEINT) * {digits})', result)} END"

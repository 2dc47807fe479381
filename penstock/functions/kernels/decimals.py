"""Decimal arithmetic through more than 38 digits: exact, rounded half up, then fitted into the result's type.

DuckDB stops at 38 digits on the way, where Spark does not.  Queries reach these functions only where the types allow
such numbers, and of their rows only those that DuckDB cannot compute.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from typing import Any

import pyarrow as pa

from penstock.functions.kernels.rows import raised

_WIDE = Context(prec=160, rounding=ROUND_HALF_UP)
_CUT = Context(prec=160, rounding=ROUND_DOWN)


def _divide(a: Decimal, b: Decimal) -> Decimal | None:
    return _WIDE.divide(a, b) if b else None


def _whole(a: Decimal, b: Decimal) -> Decimal | None:
    return _CUT.divide(a, b).to_integral_value(ROUND_DOWN) if b else None


def _remainder(a: Decimal, b: Decimal) -> Decimal | None:
    return _WIDE.remainder(a, b) if b else None


def _positive_remainder(a: Decimal, b: Decimal) -> Decimal | None:
    rest = _remainder(a, b)
    return _WIDE.remainder(_WIDE.add(rest, b), b) if rest is not None and rest < 0 else rest


_OPERATIONS: dict[str, Callable[[Decimal, Decimal], Decimal | None]] = {
    "+": _WIDE.add, "-": _WIDE.subtract, "*": _WIDE.multiply, "/": _divide, "%": _remainder,
    "pmod": _positive_remainder, "div": _whole,
}  # fmt: skip


def operation(op: str, precision: int, scale: int, ansi: bool) -> Callable[[Any, Any], pa.Array]:
    """`a op b` for decimals; a result that does not fit raises NUMERIC_VALUE_OUT_OF_RANGE, or is NULL without ANSI.
    A zero divisor gives NULL (whoever writes the SQL looks for it first).  Of `div` the result is a BIGINT."""
    compute, unit = _OPERATIONS[op], Decimal(1).scaleb(-scale)
    limit = Decimal(1 << 63) if op == "div" else Decimal(10) ** (precision - scale)
    kind = pa.int64() if op == "div" else pa.decimal128(precision, scale)

    def one(a: Decimal | None, b: Decimal | None) -> Decimal | int | None:
        exact = compute(a, b) if a is not None and b is not None else None
        if exact is None:
            return None
        value = exact.quantize(unit, ROUND_HALF_UP, _WIDE)
        if abs(value) < limit:
            return int(value) if op == "div" else value
        if not ansi:
            return None
        raise too_large(exact, precision, scale)

    def kernel(left: Any, right: Any) -> pa.Array:
        return pa.array([one(a, b) for a, b in zip(left.to_pylist(), right.to_pylist(), strict=True)], kind)

    return kernel


def too_large(value: Decimal, precision: int, scale: int) -> ValueError:
    return raised(
        "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION",
        f"The value {value:f} cannot be represented as Decimal({precision}, {scale})."
        ' Set "spark.sql.ansi.enabled" to "false" to get NULL instead.',
        sqlstate="22003", kind="arithmetic", value=f"{value:f}", precision=precision, scale=scale,
        config='"spark.sql.ansi.enabled"',
    )  # fmt: skip

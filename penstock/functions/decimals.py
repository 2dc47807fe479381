"""Precision and scale of decimal arithmetic, by Spark's rules (precision loss allowed, its default)."""

from __future__ import annotations

from decimal import Decimal

from penstock.plan.expressions import Cast, Expression, Literal
from penstock.plan.types import ByteType, DataType, DecimalType, IntegerType, LongType, ShortType

MAX = 38
_DIGITS = {ByteType: 3, ShortType: 5, IntegerType: 10, LongType: 20}


def for_type(t: DataType) -> DecimalType | None:
    """The decimal that holds every value of an integral type; a decimal itself; None for others."""
    if isinstance(t, DecimalType):
        return t
    digits = _DIGITS.get(type(t))
    return DecimalType(digits, 0) if digits else None


def for_expression(e: Expression) -> DecimalType | None:
    """As `for_type`, but an integer literal takes only the digits it has."""
    bare = e.child if isinstance(e, Cast) and e.implicit else e
    if isinstance(bare, Literal) and type(e.type) in _DIGITS and isinstance(bare.value, int):
        return DecimalType(max(1, len(str(abs(bare.value)))), 0)
    return for_type(e.type)


def for_value(value: Decimal) -> DecimalType:
    """The smallest decimal type of a value."""
    _, digits, exponent = value.as_tuple()
    scale = max(0, -int(exponent))
    return DecimalType(max(len(digits) + max(0, int(exponent)), scale, 1), scale)


def adjust(precision: int, scale: int) -> DecimalType:
    """Fit into 38 digits: the integral part is kept, the scale may shrink to 6."""
    if precision <= MAX:
        return DecimalType(precision, scale)
    integral = precision - scale
    return DecimalType(MAX, max(MAX - integral, min(scale, 6)))


def bounded(precision: int, scale: int) -> DecimalType:
    """Both capped at 38 without further adjustment."""
    return DecimalType(min(precision, MAX), min(scale, MAX))


def wider(a: DecimalType, b: DecimalType) -> DecimalType:
    """The type that holds both without loss if 38 digits are enough, or else their whole parts."""
    scale = max(a.scale, b.scale)
    integral = max(a.precision - a.scale, b.precision - b.scale)
    excess = max(0, integral + scale - MAX)  # digits behind the point give way
    return DecimalType(min(integral + scale, MAX), max(0, scale - excess))


def arithmetic(op: str, a: DecimalType, b: DecimalType) -> DecimalType:
    """The result type of `a op b` for + - * / % and div."""
    p1, s1, p2, s2 = a.precision, a.scale, b.precision, b.scale
    if op in ("+", "-"):
        scale = max(s1, s2)
        return adjust(max(p1 - s1, p2 - s2) + scale + 1, scale)
    if op == "*":
        return adjust(p1 + p2 + 1, s1 + s2)
    if op == "/":
        scale = max(6, s1 + p2 + 1)
        return adjust(p1 - s1 + s2 + scale, scale)
    if op == "%":
        scale = max(s1, s2)
        return adjust(min(p1 - s1, p2 - s2) + scale, scale)
    return adjust(max(p1 - s1 + s2, 1), 0)


def exact_arithmetic(op: str, a: DecimalType, b: DecimalType) -> DecimalType:
    """As `arithmetic`, with `spark.sql.decimalOperations.allowPrecisionLoss` off: digits are cut off at 38 only."""
    p1, s1, p2, s2 = a.precision, a.scale, b.precision, b.scale
    scale = max(s1, s2)
    if op in ("+", "-"):
        return bounded(max(p1 - s1, p2 - s2) + scale + 1, scale)
    if op == "*":
        return bounded(p1 + p2 + 1, s1 + s2)
    if op == "%":
        return bounded(min(p1 - s1, p2 - s2) + scale, scale)
    integral = min(MAX, p1 - s1 + s2)
    if op != "/":
        return bounded(max(integral, 1), 0)
    fraction = min(MAX, max(6, s1 + p2 + 1))
    excess = integral + fraction - MAX
    if excess > 0:
        fraction -= excess // 2 + 1
        integral = MAX - fraction
    return bounded(integral + fraction, fraction)


def holds(to: DecimalType, from_type: DataType) -> bool:
    """Whether every value of `from_type` fits into `to` (Spark's canNullSafeCastToDecimal)."""
    source = for_type(from_type)
    if source is None:
        return False
    return bool(to.precision - to.scale >= source.precision - source.scale and to.scale >= source.scale)

"""Which casts may give NULL for a value that is not NULL, by declaration (Spark's Cast.forceNullable).

A schema says so even where ANSI raises an error instead: `CAST('1' AS INT)` is a nullable column.
"""

from __future__ import annotations

from penstock.plan.types import (
    ArrayType,
    BinaryType,
    ByteType,
    CalendarIntervalType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    ShortType,
    StringType,
    TimestampType,
    VariantType,
)

_DIGITS = {ByteType: 3, ShortType: 5, IntegerType: 10, LongType: 20}


def forces_null(source: DataType, target: DataType) -> bool:
    """Whether a cast from `source` to `target` is declared nullable whatever its input."""
    if isinstance(source, NullType) or source == target:
        return False
    if isinstance(source, VariantType):
        return True
    if isinstance(source, StringType):
        return not isinstance(target, (BinaryType, StringType))
    if isinstance(target, (StringType, ArrayType)):
        return False
    return _forces(source, target)


def _forces(source: DataType, target: DataType) -> bool:
    if isinstance(target, DecimalType):
        return not _holds(target, source)
    if isinstance(source, TimestampType):
        return isinstance(target, (ByteType, ShortType, IntegerType))
    if isinstance(source, (FloatType, DoubleType)):
        return isinstance(target, (TimestampType, *_DIGITS))
    if isinstance(source, DecimalType):
        return isinstance(target, tuple(_DIGITS))
    if isinstance(source, DateType):
        return not isinstance(target, TimestampType)
    return isinstance(target, (DateType, CalendarIntervalType))


def _holds(target: DecimalType, source: DataType) -> bool:
    digits, scale = _DIGITS.get(type(source), 99), 0
    if isinstance(source, DecimalType):
        digits, scale = source.precision, source.scale
    return bool(target.precision - target.scale >= digits - scale and target.scale >= scale)

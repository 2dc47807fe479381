"""Which casts may give NULL for a value that is not NULL, by declaration (Spark's Cast.forceNullable).

A schema says so even where ANSI raises an error instead: `CAST('1' AS INT)` is a nullable column.
"""

from __future__ import annotations

from penstock.plan.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CalendarIntervalType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    VariantType,
)

_INTEGER_DIGITS = {ByteType: 3, ShortType: 5, IntegerType: 10, LongType: 20}
_DIGITS = {BooleanType: 1, **_INTEGER_DIGITS}


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


_NUMBERS = (ByteType, ShortType, IntegerType, LongType, FloatType, DoubleType)
_NESTED = (ArrayType, MapType, StructType, VariantType)


def can_up_cast(source: DataType, target: DataType) -> bool:
    """Whether no value is lost or refused on the way (Spark's Cast.canUpCast): a try_cast then gives no new NULL."""
    if source == target or isinstance(source, NullType):
        return True
    if isinstance(target, StringType):
        return not isinstance(source, _NESTED)
    if isinstance(target, DecimalType):
        return not isinstance(source, (FloatType, DoubleType, BooleanType)) and not forces_null(source, target)
    if isinstance(source, LongType) and isinstance(target, TimestampType):
        return True
    if isinstance(source, _NUMBERS) and isinstance(target, _NUMBERS):
        return _NUMBERS.index(type(source)) <= _NUMBERS.index(type(target))
    if isinstance(source, DateType) or (isinstance(source, TimestampType) and isinstance(target, LongType)):
        return isinstance(target, (TimestampType, TimestampNTZType, LongType)) and source != target
    if isinstance(source, ArrayType) and isinstance(target, ArrayType):
        return can_up_cast(source.elementType, target.elementType)
    return {type(source), type(target)} == {TimestampType, TimestampNTZType} or (
        isinstance(source, StringType) and isinstance(target, BinaryType)
    )


def _forces(source: DataType, target: DataType) -> bool:
    if isinstance(target, DecimalType):
        return not _holds(target, source)
    if isinstance(source, TimestampType):
        return isinstance(target, (ByteType, ShortType, IntegerType))
    if isinstance(source, (FloatType, DoubleType)):
        return isinstance(target, (TimestampType, *_INTEGER_DIGITS))
    if isinstance(source, DecimalType):
        return isinstance(target, tuple(_INTEGER_DIGITS))
    if isinstance(source, DateType):
        return not isinstance(target, TimestampType)
    return isinstance(target, (DateType, CalendarIntervalType))


def _holds(target: DecimalType, source: DataType) -> bool:
    whole = target.precision - target.scale
    if isinstance(source, DecimalType):  # one digit to spare is enough, whatever is cut off behind the point
        fits = whole >= source.precision - source.scale and target.scale >= source.scale
        return bool(fits or whole > source.precision - source.scale)
    return bool(whole >= _DIGITS.get(type(source), 99))

"""Implicit type conversion by Spark 4.2's ANSI rules (and, where they differ, the rules of ANSI off)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from penstock.core.config import Conf
from penstock.functions import decimals
from penstock.plan.cast_rules import forces_null
from penstock.plan.expressions import Cast, Expression, Literal
from penstock.plan.types import (
    DATE,
    DOUBLE,
    FLOAT,
    LONG,
    NULL,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CalendarIntervalType,
    CharType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    TimeType,
    VarcharType,
    VariantType,
    YearMonthIntervalType,
)  # fmt: skip

INTEGRAL = (ByteType, ShortType, IntegerType, LongType)
FRACTIONAL = (FloatType, DoubleType, DecimalType)
NUMERIC = (*INTEGRAL, *FRACTIONAL)
INTERVALS = (DayTimeIntervalType, YearMonthIntervalType)
DATETIME = (DateType, TimestampType, TimestampNTZType)
STRINGS = (StringType, CharType, VarcharType)
_COMPLEX = (ArrayType, MapType, StructType)


def default_timestamp(conf: Conf) -> DataType:
    """What TIMESTAMP means by `spark.sql.timestampType`."""
    return TIMESTAMP_NTZ if conf.timestamps_are_local else TIMESTAMP


def is_numeric(t: DataType) -> bool:
    return isinstance(t, NUMERIC)


def is_integral(t: DataType) -> bool:
    return isinstance(t, INTEGRAL)


def is_string(t: DataType) -> bool:
    return isinstance(t, STRINGS)


def is_atomic(t: DataType) -> bool:
    """Neither nested, nor void, nor a calendar interval."""
    return not isinstance(t, (*_COMPLEX, NullType, CalendarIntervalType, VariantType))


# ---------------------------------------------------------------- the least common type


def common_type(types: Iterable[DataType], conf: Conf) -> DataType | None:
    """The type that all of `types` widen to, or None: set operations, CASE, IN, coalesce, array, comparisons."""
    found: DataType | None = NULL
    listed = list(types)
    if not conf.ansi and any(is_string(t) for t in listed):  # a string makes all atomic types strings
        listed.sort(key=lambda t: not is_string(t))
    for t in listed:
        found = wider(found, t, conf) if found is not None else None
    return found


def wider(a: DataType, b: DataType, conf: Conf) -> DataType | None:
    """The common type of two."""
    if a == b:
        return a
    return _tightest(a, b, conf) or _decimal(a, b) or _with_string(a, b, conf) or _nested(a, b, conf)


def _tightest(a: DataType, b: DataType, conf: Conf) -> DataType | None:
    if isinstance(a, NullType):
        return b
    if isinstance(b, NullType):
        return a
    if is_integral(a) and is_integral(b):
        return max(a, b, key=lambda t: INTEGRAL.index(type(t)))
    if is_numeric(a) and is_numeric(b):
        return _fractional(a, b, conf)
    if isinstance(a, DATETIME) and isinstance(b, DATETIME):
        return _datetime(a, b)
    for family in INTERVALS:
        if isinstance(a, family) and isinstance(b, family):
            return family(min(a.startField, b.startField), max(a.endField, b.endField))
    return None


def _fractional(a: DataType, b: DataType, conf: Conf) -> DataType | None:
    kinds = {type(a), type(b)}
    if DoubleType in kinds:
        return DOUBLE
    if FloatType in kinds:
        return FLOAT if kinds == {FloatType} or (not conf.ansi and DecimalType not in kinds) else DOUBLE
    return None


def _datetime(a: DataType, b: DataType) -> DataType:
    if isinstance(a, TimestampType) or isinstance(b, TimestampType):
        return TIMESTAMP
    return TIMESTAMP_NTZ if isinstance(a, TimestampNTZType) or isinstance(b, TimestampNTZType) else DATE


def _decimal(a: DataType, b: DataType) -> DataType | None:
    if not (isinstance(a, DecimalType) or isinstance(b, DecimalType)):
        return None
    x, y = decimals.for_type(a), decimals.for_type(b)
    return decimals.wider(x, y) if x and y else None


def _with_string(a: DataType, b: DataType, conf: Conf) -> DataType | None:
    if is_string(a) and is_string(b):
        return STRING
    if not is_string(a) and not is_string(b):
        return None
    other = b if is_string(a) else a
    if not conf.ansi:
        return STRING if is_atomic(other) and not isinstance(other, (BinaryType, BooleanType)) else None
    return string_promotes_to(other)


def string_promotes_to(other: DataType) -> DataType | None:
    """What a string becomes beside `other` (ANSI): numbers win over strings."""
    if is_integral(other):
        return LONG
    if isinstance(other, FRACTIONAL):
        return DOUBLE
    return other if is_atomic(other) and not isinstance(other, INTERVALS) else None


def _nested(a: DataType, b: DataType, conf: Conf) -> DataType | None:
    if isinstance(a, ArrayType) and isinstance(b, ArrayType):
        element = wider(a.elementType, b.elementType, conf)
        return element and ArrayType(element, a.containsNull or b.containsNull)
    if isinstance(a, MapType) and isinstance(b, MapType):
        key, value = wider(a.keyType, b.keyType, conf), wider(a.valueType, b.valueType, conf)
        return MapType(key, value, a.valueContainsNull or b.valueContainsNull) if key and value else None
    if isinstance(a, StructType) and isinstance(b, StructType) and len(a.fields) == len(b.fields):
        return _struct(a, b, conf)
    return None


def _struct(a: StructType, b: StructType, conf: Conf) -> DataType | None:
    fields: list[StructField] = []
    for x, y in zip(a.fields, b.fields, strict=True):
        kind = wider(x.dataType, y.dataType, conf)
        if kind is None or x.name.lower() != y.name.lower():
            return None
        fields.append(StructField(x.name, kind, x.nullable or y.nullable))
    return StructType(fields)


def merge_nullability(types: Iterable[DataType], conf: Conf) -> DataType:
    """The common type of types that differ at most in nullability."""
    return reduce(lambda a, b: wider(a, b, conf) or a, types)


# ---------------------------------------------------------------- casts


def same_type(a: DataType, b: DataType) -> bool:
    """Equal but for the nullability of nested values and collations."""
    if isinstance(a, ArrayType) and isinstance(b, ArrayType):
        return same_type(a.elementType, b.elementType)
    if isinstance(a, MapType) and isinstance(b, MapType):
        return same_type(a.keyType, b.keyType) and same_type(a.valueType, b.valueType)
    if isinstance(a, StructType) and isinstance(b, StructType):
        return len(a.fields) == len(b.fields) and all(
            x.name.lower() == y.name.lower() and same_type(x.dataType, y.dataType)
            for x, y in zip(a.fields, b.fields, strict=True)
        )
    return a == b or (is_string(a) and is_string(b))


def cast_if_needed(e: Expression, to: DataType, conf: Conf) -> Expression:
    """`e` as type `to`, by an implicit cast unless it is that type already."""
    if same_type(e.type, to):
        return e
    if isinstance(e, Cast) and e.implicit and isinstance(e.child, Literal) and e.child.value is None:
        e = e.child
    return Cast(e, to, "ansi" if conf.ansi else "legacy", implicit=True)


def can_cast(source: DataType, to: DataType, ansi: bool = True) -> bool:
    """Whether an explicit CAST between the types exists."""
    if same_type(source, to) or isinstance(source, NullType):
        return True
    if isinstance(source, _COMPLEX) or isinstance(to, _COMPLEX):
        return is_string(to) or isinstance(source, VariantType) or _can_cast_nested(source, to, ansi)
    if is_string(to) or isinstance(source, VariantType):
        return True
    if is_string(source):
        return not isinstance(to, (NullType, VariantType))
    return _can_cast_atomic(source, to, ansi)


def _can_cast_atomic(source: DataType, to: DataType, ansi: bool) -> bool:
    number = (*NUMERIC, BooleanType)
    if isinstance(source, number) and isinstance(to, number):
        return True
    if isinstance(source, DATETIME) and isinstance(to, DATETIME):
        return True
    if isinstance(source, TimestampType) and isinstance(to, number):
        return is_numeric(to) if ansi else True
    if isinstance(source, DateType) and isinstance(to, number):
        return not ansi
    if isinstance(source, number) and isinstance(to, TimestampType):
        return is_numeric(source) if ansi else True
    if isinstance(source, INTERVALS):
        return isinstance(to, type(source)) or is_integral(to) or isinstance(to, DecimalType)
    if isinstance(to, INTERVALS):
        return is_integral(source) or isinstance(source, DecimalType)
    if isinstance(source, TimeType) or isinstance(to, TimeType):
        return type(source) is type(to) or is_integral(to) or isinstance(to, DecimalType)
    if isinstance(to, BinaryType):
        return is_integral(source) and not ansi
    return False


def _can_cast_nested(source: DataType, to: DataType, ansi: bool) -> bool:
    if isinstance(source, ArrayType) and isinstance(to, ArrayType):
        return can_cast(source.elementType, to.elementType, ansi)
    if isinstance(source, MapType) and isinstance(to, MapType):
        keeps_keys = ansi or not forces_null(source.keyType, to.keyType)  # no key may become NULL
        return (
            keeps_keys and can_cast(source.keyType, to.keyType, ansi) and can_cast(source.valueType, to.valueType, ansi)
        )
    if isinstance(source, StructType) and isinstance(to, StructType):
        return len(source.fields) == len(to.fields) and all(
            can_cast(x.dataType, y.dataType, ansi) for x, y in zip(source.fields, to.fields, strict=True)
        )
    return False


def can_store(source: DataType, to: DataType) -> bool:
    """Whether ANSI converts implicitly (function arguments, as in INSERT): any number to any number, all to string."""
    if same_type(source, to) or isinstance(source, NullType):
        return True
    if (is_numeric(source) and is_numeric(to)) or (isinstance(source, DATETIME) and isinstance(to, DATETIME)):
        return True
    if is_string(to):
        return is_atomic(source) or isinstance(source, CalendarIntervalType)
    if isinstance(source, INTERVALS):
        return type(source) is type(to)
    if isinstance(source, ArrayType) and isinstance(to, ArrayType):
        return can_store(source.elementType, to.elementType)
    if isinstance(source, MapType) and isinstance(to, MapType):
        return can_store(source.keyType, to.keyType) and can_store(source.valueType, to.valueType)
    return False

"""Spark's casts as DuckDB SQL.

Modes: "ansi" raises, "try" gives NULL where "ansi" raises, "legacy" (ANSI off) gives NULL for malformed input and wraps
integers around.  Widening a number is a plain CAST; the rest follows Spark's own rules, in macros of the engine.
"""

from __future__ import annotations

from collections.abc import Callable

from penstock.core.errors import analysis_error, unsupported
from penstock.engine.types import duckdb_type
from penstock.functions.type_names import quoted_type
from penstock.plan.types import (
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
    StructType,
    TimestampNTZType,
    TimestampType,
    TimeType,
    VarcharType,
    VariantType,
    YearMonthIntervalType,
)
from penstock.translate import cast_numbers, cast_text, cast_times
from penstock.translate.context import TranslateContext

_INTEGERS = (ByteType, ShortType, IntegerType, LongType)
_FLOATS = (FloatType, DoubleType)
_NUMBERS = (*_INTEGERS, *_FLOATS, DecimalType)
_STRINGS = (StringType, CharType, VarcharType)
_INTERVALS = (DayTimeIntervalType, YearMonthIntervalType)
_TIMES = (DateType, TimestampType, TimestampNTZType)
_WIDTH: dict[type[DataType], int] = {
    ByteType: 1, ShortType: 2, IntegerType: 3, LongType: 4, FloatType: 5, DoubleType: 6,
}  # fmt: skip


def cast_sql(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """SQL of `sql`, of type `source`, as `target`.  Raises DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION for casts that
    Spark does not have."""
    if is_plain_cast(source, target, mode):
        return sql if duckdb_type(source) == duckdb_type(target) else f"CAST({sql} AS {duckdb_type(target)})"
    if isinstance(target, (ArrayType, MapType, StructType)):
        return _nested(sql, source, target, mode, context)
    convert = _converter(source, target)
    if convert is None:
        raise _no_such_cast(source, target)
    return convert(sql, source, target, mode, context)


def is_plain_cast(source: DataType, target: DataType, mode: str) -> bool:
    """Whether DuckDB's own CAST does exactly what Spark does, and cannot fail."""
    if isinstance(source, NullType) or source == target:
        return True
    if isinstance(source, _INTERVALS) or isinstance(target, _INTERVALS):
        return False
    if type(source) is type(target) and duckdb_type(source) == duckdb_type(target):
        return True
    if isinstance(source, _STRINGS) and isinstance(target, _STRINGS):
        return True
    return _WIDTH.get(type(source), 9) < _WIDTH.get(type(target), 0)


Converter = Callable[[str, DataType, DataType, str, TranslateContext], str]


def _converter(source: DataType, target: DataType) -> Converter | None:
    for sources, targets, convert in _MATRIX:
        if isinstance(source, sources) and isinstance(target, targets):
            return convert
    return None


def _nested(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    if isinstance(source, VariantType):
        return _variant_parts(sql, target, mode, context)
    if isinstance(source, ArrayType) and isinstance(target, ArrayType):
        return _list(sql, source.elementType, target.elementType, mode, context)
    if isinstance(source, MapType) and isinstance(target, MapType):
        keys = _list(f"map_keys({sql})", source.keyType, target.keyType, mode, context)
        values = _list(f"map_values({sql})", source.valueType, target.valueType, mode, context)
        return f"(CASE WHEN {sql} IS NOT NULL THEN map({keys}, {values}) END)"
    if isinstance(source, StructType) and isinstance(target, StructType) and len(source) == len(target):
        return _struct(sql, source, target, mode, context)
    raise _no_such_cast(source, target)


def _variant_parts(sql: str, target: DataType, mode: str, context: TranslateContext) -> str:
    """The members of a variant, each cast; a variant of another shape raises INVALID_VARIANT_CAST, or is NULL."""
    shape = "array" if isinstance(target, ArrayType) else "object"
    name = context.unique("m")
    quiet = mode == "try"
    if isinstance(target, StructType):
        fields = [
            cast_sql(f"kernel_variant_field({name}, {_quoted(f.name)})", VariantType(), f.dataType, mode, context)
            for f in target
        ]
        value = f"CAST(row({', '.join(fields)}) AS {duckdb_type(target)})"
    else:
        kind = target.elementType if isinstance(target, ArrayType) else target.valueType
        member = context.unique("e")
        each = cast_sql(f"{member}.g2", VariantType(), kind, mode, context)
        value = f"list_transform(kernel_variant_members({name}), lambda {member}: {each})"
        if isinstance(target, MapType):
            if not isinstance(target.keyType, StringType):
                raise unsupported("a variant as a map whose keys are no strings")
            keys = f"list_transform(kernel_variant_members({name}), lambda {member}: {member}.g1)"
            value = f"map({keys}, {value})"
    shaped = f"kernel_variant_shaped({sql}, '{shape}', '{target.simpleString()}', {quiet})"
    return f"list_transform([{shaped}], lambda {name}: CASE WHEN {name} IS NOT NULL THEN {value} END)[1]"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _list(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    if is_plain_cast(source, target, mode):
        return f"CAST({sql} AS {duckdb_type(target)}[])"
    name = context.unique("e")
    return f"list_transform({sql}, lambda {name}: {cast_sql(name, source, target, mode, context)})"


def _struct(sql: str, source: StructType, target: StructType, mode: str, context: TranslateContext) -> str:
    """By position: DuckDB's own struct cast goes by name."""
    if not len(target):
        raise unsupported("a struct without fields")
    fields = [
        cast_sql(f"struct_extract_at({sql}, {i})", a.dataType, b.dataType, mode, context)
        for i, (a, b) in enumerate(zip(source, target, strict=True), start=1)
    ]
    return f"(CASE WHEN {sql} IS NOT NULL THEN CAST(row({', '.join(fields)}) AS {duckdb_type(target)}) END)"


def _no_such_cast(source: DataType, target: DataType) -> Exception:
    return analysis_error(
        "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION",
        f"Cannot cast {quoted_type(source)} to {quoted_type(target)}.", "42K09",
        srcType=quoted_type(source), targetType=quoted_type(target), sqlExpr="CAST",
    )  # fmt: skip


_MATRIX: tuple[tuple[tuple[type[DataType], ...], tuple[type[DataType], ...], Converter], ...] = (
    (_NUMBERS, _STRINGS, cast_text.number_text),
    ((BooleanType,), _STRINGS, cast_text.plain_text),
    ((BinaryType,), _STRINGS, cast_text.binary_text),
    (_TIMES, _STRINGS, cast_text.time_text),
    ((DayTimeIntervalType, YearMonthIntervalType), _STRINGS, cast_text.interval_text),
    ((CalendarIntervalType,), _STRINGS, cast_text.calendar_text),
    ((VariantType,), _STRINGS, cast_text.variant_text),
    ((VariantType,), (*_NUMBERS, *_TIMES, BooleanType, BinaryType), cast_text.variant_scalar),
    ((TimeType,), _STRINGS, cast_text.plain_text),
    ((ArrayType, MapType, StructType), _STRINGS, cast_text.nested_text),
    (_STRINGS, _INTEGERS, cast_numbers.string_to_integer),
    (_STRINGS, _FLOATS, cast_numbers.string_to_floating),
    (_STRINGS, (DecimalType,), cast_numbers.string_to_decimal),
    (_STRINGS, (BooleanType,), cast_numbers.string_to_boolean),
    (_STRINGS, (BinaryType,), cast_text.text_binary),
    (_STRINGS, (DateType,), cast_times.string_to_date),
    (_STRINGS, (TimestampType,), cast_times.string_to_timestamp),
    (_STRINGS, (TimestampNTZType,), cast_times.string_to_timestamp_ntz),
    (_STRINGS, _INTERVALS, cast_times.string_to_interval),
    (_NUMBERS, (BooleanType,), cast_numbers.number_to_boolean),
    ((BooleanType,), _NUMBERS, cast_numbers.boolean_to_number),
    (_INTEGERS, _INTEGERS, cast_numbers.integer_to_integer),
    (_FLOATS, _INTEGERS, cast_numbers.floating_to_integer),
    ((DecimalType,), _INTEGERS, cast_numbers.decimal_to_integer),
    (_NUMBERS, _FLOATS, cast_numbers.number_to_floating),
    (_FLOATS, (DecimalType,), cast_numbers.floating_to_decimal),
    ((*_INTEGERS, DecimalType), (DecimalType,), cast_numbers.exact_to_decimal),
    (_INTEGERS, (BinaryType,), cast_text.integer_binary),
    (_TIMES, _TIMES, cast_times.time_to_time),
    ((DateType,), (*_NUMBERS, BooleanType), cast_numbers.date_to_number),
    ((TimestampType,), _NUMBERS, cast_times.timestamp_to_number),
    ((TimestampType,), (BooleanType,), cast_times.timestamp_to_boolean),
    ((*_NUMBERS, BooleanType), (TimestampType,), cast_times.number_to_timestamp),
    ((DayTimeIntervalType,), (DayTimeIntervalType,), cast_times.interval_to_interval),
    ((YearMonthIntervalType,), (YearMonthIntervalType,), cast_times.interval_to_interval),
    ((DayTimeIntervalType, YearMonthIntervalType), (*_INTEGERS, DecimalType), cast_times.interval_to_number),
    ((*_INTEGERS, DecimalType), (DayTimeIntervalType, YearMonthIntervalType), cast_times.number_to_interval),
)

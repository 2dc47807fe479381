"""Casts to strings and to binary, in Spark's notation."""

from __future__ import annotations

from penstock.engine.types import duckdb_type
from penstock.plan.types import (
    STRING,
    ArrayType,
    BinaryType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    MapType,
    StructType,
    TimestampNTZType,
    TimestampType,
    YearMonthIntervalType,
)
from penstock.translate.context import TranslateContext


def plain_text(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """As DuckDB writes it."""
    return f"CAST({sql} AS VARCHAR)"


def number_text(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """Integers and decimals plainly; floating point as Java writes it (1.0, 1.0E10, NaN, Infinity)."""
    if isinstance(source, (FloatType, DoubleType)):
        return f"spark_floating_text({sql})"
    if isinstance(source, DecimalType) and source.scale == source.precision:  # DuckDB writes .5
        return f"regexp_replace(CAST({sql} AS VARCHAR), '^(-?)[.]', '\\10.')"
    return f"CAST({sql} AS VARCHAR)"


def binary_text(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """The bytes as UTF-8."""
    return f"spark_utf8({sql})"


def text_binary(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """The UTF-8 bytes."""
    return f"encode({sql})"


def integer_binary(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """Big-endian two's complement, as wide as the type."""
    digits = {"TINYINT": 2, "SMALLINT": 4, "INTEGER": 8, "BIGINT": 16}[duckdb_type(source)]
    padding = f"CASE WHEN {sql} < 0 THEN 'F' ELSE '0' END"
    return f"from_hex(right(lpad(to_hex(CAST({sql} AS BIGINT)), 16, {padding}), {digits}))"


def time_text(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """ISO with a space, in the session's zone, without trailing zeros of the fraction."""
    if isinstance(source, DateType):
        return f"spark_year_text(CAST({sql} AS VARCHAR))"
    naive = f"CAST({sql} AS TIMESTAMP)" if isinstance(source, TimestampType) else sql
    return f"spark_year_text(CAST({naive} AS VARCHAR))"


def variant_text(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """A text bare, anything else as JSON."""
    return f"kernel_variant_text({sql})"


def variant_scalar(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """A variant as a number, boolean, date, timestamp or bytes."""
    value = f"kernel_variant_scalar({sql}, '{target.simpleString()}', {mode == 'try'})"
    if isinstance(target, BinaryType):
        return f"from_hex({value})"
    if isinstance(target, TimestampNTZType):  # an instant shows the session's clock
        value = f"CAST({value} AS TIMESTAMPTZ)"
    return f"{'TRY_CAST' if mode == 'try' else 'CAST'}({value} AS {duckdb_type(target)})"


_CALENDAR = ("years", "months", "days", "hours", "minutes")


def calendar_text(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """`1 years -2 days 1.5 seconds`: the parts that are not zero."""
    x = context.unique("i")
    parts = [f"nullif(datepart('{unit}', {x}), 0) || ' {unit}'" for unit in _CALENDAR]
    us = f"datepart('microseconds', {x})"
    seconds = f"rtrim(rtrim(CAST(CAST({us} AS DECIMAL(18,0)) * 0.000001::DECIMAL(6,6) AS VARCHAR), '0'), '.')"
    parts.append(f"CASE WHEN {us} <> 0 THEN {seconds} || ' seconds' END")
    text = f"coalesce(nullif(concat_ws(' ', {', '.join(parts)}), ''), '0 seconds')"
    return f"list_transform([{sql}], lambda {x}: CASE WHEN {x} IS NOT NULL THEN {text} END)[1]"


def nested_text(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """[a, b], {k -> v} and {a, b}, with null for NULL."""
    if isinstance(source, ArrayType):
        return f"('[' || {_joined(sql, source.elementType, mode, context)} || ']')"
    if isinstance(source, MapType):
        name = context.unique("e")
        key = _element(f"{name}.key", source.keyType, mode, context)
        value = _element(f"{name}.value", source.valueType, mode, context)
        entries = f"list_transform(map_entries({sql}), lambda {name}: {key} || ' -> ' || {value})"
        return f"('{{' || array_to_string({entries}, ', ') || '}}')"
    assert isinstance(source, StructType)
    fields = [
        _element(f"struct_extract_at({sql}, {i})", f.dataType, mode, context) for i, f in enumerate(source, start=1)
    ]
    inside = " || ', ' || ".join(fields) if fields else "''"
    return f"(CASE WHEN {sql} IS NOT NULL THEN '{{' || {inside} || '}}' END)"


def _joined(sql: str, element: DataType, mode: str, context: TranslateContext) -> str:
    name = context.unique("e")
    return f"array_to_string(list_transform({sql}, lambda {name}: {_element(name, element, mode, context)}), ', ')"


def _element(sql: str, source: DataType, mode: str, context: TranslateContext) -> str:
    from penstock.translate.casts import cast_sql  # casts of elements are casts again

    return f"coalesce({cast_sql(sql, source, STRING, mode, context)}, 'null')"


_DAY_TIME_UNITS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000)
_DAY_TIME_NAMES = ("DAY", "HOUR", "MINUTE", "SECOND")


def interval_text(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """INTERVAL '1 02:03:04.5' DAY TO SECOND, by the fields that the type has."""
    name = context.unique("i")
    body = _day_time_text(name, source) if isinstance(source, DayTimeIntervalType) else _year_month_text(name, source)
    return f"list_transform([{sql}], lambda {name}: {body})[1]"


def _day_time_text(x: str, source: DayTimeIntervalType) -> str:
    start, end = source.startField or 0, source.endField if source.endField is not None else 3
    parts = []
    for field in range(start, end + 1):
        unit = _DAY_TIME_UNITS[field]
        whole = f"abs({x}) // {unit}" if field == start else f"abs({x}) % {_DAY_TIME_UNITS[field - 1]} // {unit}"
        parts.append(f"spark_pad({whole})" if field > 0 else f"CAST({whole} AS VARCHAR)")
        if field == 3:
            fraction = f"rtrim(lpad(CAST(abs({x}) % 1000000 AS VARCHAR), 6, '0'), '0')"
            parts[-1] += f" || CASE WHEN {x} % 1000000 <> 0 THEN '.' || {fraction} ELSE '' END"
    text = parts[0]
    for offset, part in enumerate(parts[1:]):
        text += f" || '{' ' if start + offset == 0 else ':'}' || {part}"
    names = _DAY_TIME_NAMES[start] if start == end else f"{_DAY_TIME_NAMES[start]} TO {_DAY_TIME_NAMES[end]}"
    return f"'INTERVAL ''' || spark_sign({x}) || {text} || ''' {names}'"


def _year_month_text(x: str, source: DataType) -> str:
    assert isinstance(source, YearMonthIntervalType)
    start, end = source.startField or 0, source.endField if source.endField is not None else 1
    if start == end:
        number, name = (f"abs({x}) // 12", "YEAR") if start == 0 else (f"abs({x})", "MONTH")
        return f"'INTERVAL ''' || spark_sign({x}) || CAST({number} AS VARCHAR) || ''' {name}'"
    years = f"CAST(abs({x}) // 12 AS VARCHAR) || '-' || CAST(abs({x}) % 12 AS VARCHAR)"
    return f"'INTERVAL ''' || spark_sign({x}) || {years} || ''' YEAR TO MONTH'"

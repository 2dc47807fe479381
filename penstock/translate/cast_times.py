"""Casts to and between dates, timestamps and intervals."""

from __future__ import annotations

import re

from penstock.core.row_functions import define
from penstock.engine.engine import engine_zone
from penstock.engine.types import duckdb_type
from penstock.functions.markers import quote
from penstock.plan.types import (
    BooleanType,
    DataType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    LongType,
    TimestampType,
    YearMonthIntervalType,
)
from penstock.translate.cast_numbers import (
    cast_overflow,
    checked,
    exact_to_decimal,
    integer_to_integer,
    malformed,
    number_to_floating,
)
from penstock.translate.context import TranslateContext

_FIXED = re.compile(r"^(UTC|GMT|Etc/.*|GMT[+-].*)$")
#: Seconds beyond this are not microseconds of 64 bits; Spark stops there too.
_MOST_SECONDS = 9_223_372_036_854
_DAY_TIME_UNITS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000)


def has_clock_changes(zone: str) -> bool:
    """Whether local times of the zone may occur twice or not at all."""
    return _FIXED.match(engine_zone(zone)) is None


def string_to_date(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """yyyy, yyyy-[m]m, yyyy-[m]m-[d]d, the last with anything after a blank or T."""
    return checked(f"spark_date({sql})", sql, malformed(sql, target, "date_time"), mode)


def string_to_timestamp(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """A date, perhaps a time of up to nanoseconds (cut to micros), perhaps a zone; else the session's zone."""
    zone = context.conf.time_zone
    macro = "spark_timestamp" if has_clock_changes(zone) else "spark_timestamp_fixed"
    attempt = f"{macro}({sql}, {quote(engine_zone(zone))})"
    return checked(attempt, sql, malformed(sql, target, "date_time"), mode)


def string_to_timestamp_ntz(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """As a timestamp; a zone is read and ignored."""
    return checked(f"spark_timestamp_ntz({sql})", sql, malformed(sql, target, "date_time"), mode)


def time_to_time(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """Between DATE, TIMESTAMP and TIMESTAMP_NTZ, in the session's zone."""
    zone = context.conf.time_zone
    if isinstance(target, TimestampType) and has_clock_changes(zone):
        return f"spark_to_instant({quote(engine_zone(zone))}, CAST({sql} AS TIMESTAMP))"
    return f"CAST({sql} AS {duckdb_type(target)})"


def timestamp_to_number(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """Seconds since 1970: whole ones (rounded down) as an integer, with the fraction otherwise."""
    micros = f"epoch_us({sql})"
    if isinstance(target, DecimalType):
        exact = f"(CAST({micros} AS DECIMAL(19,0)) * CAST(0.000001 AS DECIMAL(6,6)))"
        return exact_to_decimal(exact, DecimalType(25, 6), target, mode, context)
    if isinstance(target, (FloatType, DoubleType)):
        return number_to_floating(f"({micros} / 1e6)", DoubleType(), target, mode, context)
    seconds = f"spark_floor_div({micros}, 1000000)"
    if isinstance(target, LongType):
        return seconds
    # Also without ANSI too many seconds are NULL here: they do not wrap around.
    return integer_to_integer(seconds, LongType(), target, "try" if mode == "legacy" else mode, context)


def timestamp_to_boolean(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """False at 1970-01-01 alone."""
    return f"(epoch_us({sql}) <> 0)"


def number_to_timestamp(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """Seconds since 1970, cut to microseconds; true is 1 microsecond."""
    if isinstance(source, BooleanType):
        return f"make_timestamptz(CAST({sql} AS BIGINT))"
    if isinstance(source, (FloatType, DoubleType)):
        return _floating_to_timestamp(sql, source, target, mode)
    if isinstance(source, DecimalType):
        micros = f"trunc(CAST({sql} AS DECIMAL(38,{min(source.scale, 12)})) * 1000000)"
        attempt = f"make_timestamptz(TRY_CAST({micros} AS BIGINT))"
        return checked(attempt, sql, cast_overflow(sql, source, target), mode)
    return f"make_timestamptz(greatest(-{_MOST_SECONDS}, least({_MOST_SECONDS}, CAST({sql} AS BIGINT))) * 1000000)"


def _floating_to_timestamp(sql: str, source: DataType, target: DataType, mode: str) -> str:
    micros = f"(CAST({sql} AS DOUBLE) * 1e6)"
    attempt = f"make_timestamptz(TRY_CAST(trunc({micros}) AS BIGINT))"
    if mode == "legacy":  # clamped: DuckDB's infinities are the ends of the range
        ends = " ".join(
            f"WHEN {micros} {beyond} THEN CAST('{end}' AS TIMESTAMPTZ)"
            for beyond, end in ((">= 9223372036854775807", "infinity"), ("<= -9223372036854775807", "-infinity"))
        )
        return f"CASE WHEN NOT isfinite({sql}) THEN NULL {ends} ELSE {attempt} END"
    text = malformed(f"spark_floating_text({sql})", target, "date_time")
    error = f"CASE WHEN isfinite({sql}) THEN {cast_overflow(sql, source, target)} ELSE {text} END"
    return checked(attempt, sql, error, mode)


def interval_to_interval(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """To other fields: what is finer than the last field is cut off."""
    unit = _unit(target)
    return sql if unit == 1 else f"({sql} - {sql} % {unit})"


def string_to_interval(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """`1 02:03:04` or `INTERVAL '1 02:03:04' DAY TO SECOND`: a malformed text raises, also with ANSI off."""
    from penstock.functions.kernels import intervals

    assert isinstance(target, (DayTimeIntervalType, YearMonthIntervalType))
    fields, name = intervals.fields_of(target), target.simpleString()
    quiet = mode == "try"
    kernel = define(f"{name} {quiet}", lambda: intervals.reader(fields, name, quiet), ("VARCHAR",), duckdb_type(target))
    return f"{kernel}({sql})"


def interval_to_number(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """How many of the interval's last field."""
    if isinstance(target, DecimalType):
        if isinstance(source, DayTimeIntervalType) and source.endField == 3:
            exact = f"(CAST({sql} AS DECIMAL(19,0)) * CAST(0.000001 AS DECIMAL(6,6)))"
            return exact_to_decimal(exact, DecimalType(25, 6), target, mode, context)
        return exact_to_decimal(f"({sql} // {_last_unit(source)})", LongType(), target, mode, context)
    whole = f"(CAST({sql} AS BIGINT) // {_last_unit(source)})"
    return whole if isinstance(target, LongType) else integer_to_integer(whole, LongType(), target, mode, context)


def number_to_interval(sql: str, source: DataType, target: DataType, mode: str, context: TranslateContext) -> str:
    """So many of the interval's last field."""
    unit = _last_unit(target)
    product = f"CAST({sql} AS HUGEINT) * {unit}"
    if isinstance(source, DecimalType):
        product = f"trunc(CAST({sql} AS DECIMAL(38,6)) * {unit})"
    error = cast_overflow(sql, source, target)
    return checked(f"TRY_CAST({product} AS {duckdb_type(target)})", sql, error, mode)


def _unit(target: DataType) -> int:
    if isinstance(target, YearMonthIntervalType):
        return 12 if target.endField == 0 else 1
    assert isinstance(target, DayTimeIntervalType)
    return 1 if target.endField in (None, 3) else _DAY_TIME_UNITS[target.endField]


def _last_unit(interval: DataType) -> int:
    if isinstance(interval, DayTimeIntervalType) and interval.endField in (None, 3):
        return 1_000_000
    return _unit(interval)

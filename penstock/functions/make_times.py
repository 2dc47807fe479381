"""Timestamps and intervals made of their parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from penstock.core.errors import unsupported
from penstock.functions.coercion import cast_if_needed, default_timestamp
from penstock.functions.datetime import BAD_DATE, valid_date
from penstock.functions.errors import wrong_input
from penstock.functions.markers import overflow, quote
from penstock.functions.resolve import call_of, null_on_failure
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, any_nullable, register
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
    DATE,
    INTEGER,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    CalendarIntervalType,
    DataType,
    DayTimeIntervalType,
    DecimalType,
    TimestampNTZType,
    TimeType,
    YearMonthIntervalType,
)  # fmt: skip

_DAY, _HOUR, _MINUTE = 86_400_000_000, 3_600_000_000, 60_000_000


# ---------------------------------------------------------------- timestamps


def _timestamp_input(args: Args, request: Request) -> Args:
    """Six or seven fields, or a date, a time and a zone (the last two may be missing)."""
    if len(args) >= 6:
        kinds: tuple[DataType, ...] = (INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, DecimalType(16, 6), STRING)
        return tuple(cast_if_needed(arg, kind, request.conf) for arg, kind in zip(args, kinds, strict=False))
    if len(args) > 3:
        raise unsupported(f"{request.name} of {len(args)} arguments")
    if len(args) > 1 and not isinstance(args[1].type, TimeType):
        raise wrong_input(request.name, args, 1, "TIME")
    zone = tuple(cast_if_needed(arg, STRING, request.conf) for arg in args[2:])
    return (cast_if_needed(args[0], DATE, request.conf), *args[1:2], *zone)


def _timestamp(strict: bool) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        if len(args) < 6:
            return _of_date_and_time(args, call, quote(context.conf.time_zone))
        y, mo, d, h, mi, s = args[:6]
        bad = BAD_DATE if strict and context.conf.ansi else "NULL"
        # second 60 is the next minute's second 0 (as PostgreSQL has it)
        local = (
            f"(make_timestamp({y}, {mo}, {d}, {h}, {mi}, 0::DOUBLE) + to_microseconds(CAST({s} * 1000000 AS BIGINT)))"
        )
        value = _zoned(local, args[6:], call, quote(context.conf.time_zone))
        clock = f"{h} NOT BETWEEN 0 AND 23 OR {mi} NOT BETWEEN 0 AND 59 OR {s} < 0 OR {s} > 60"
        checked = valid_date(y, mo, d, f"CASE WHEN {clock} THEN {bad} ELSE {value} END", bad)
        null = " OR ".join(f"{arg} IS NULL" for arg in args)
        return f"CASE WHEN {null} THEN NULL ELSE {checked} END"

    return sql


def _of_date_and_time(args: list[str], call: FunctionCall, session_zone: str) -> str:
    local = f"CAST({args[0]} AS TIMESTAMP)"
    if len(args) > 1:
        local = f"({local} + to_microseconds(epoch_us({args[1]})))"
    return _zoned(local, args[2:], call, session_zone)


def _zoned(local: str, zone: list[str], call: FunctionCall, session_zone: str) -> str:
    if isinstance(call.type, TimestampNTZType):
        return local
    return f"spark_to_instant({zone[0] if zone else session_zone}, {local})"


def _timestamp_name(call: FunctionCall, texts: Sequence[str]) -> str:
    """As Spark's rewrites show."""
    name = call.display
    if len(texts) >= 6:
        return f"{name}({', '.join(texts[:6] if name == 'try_make_timestamp' else texts)})"
    if name.endswith("_ltz"):
        name = "make_timestamp"
    if name == "try_make_timestamp_ntz":
        return f"try_make_timestamp_ntz(make_timestamp_ntz({', '.join(texts)}))"
    return f"{name}({', '.join(texts)})"


def _timestamp_row(name: str, kind: DataType, strict: bool) -> Function:
    nullable: Any = True if not strict else any_nullable
    return row(name, "any any? any? any? any? any? any?", kind, _timestamp(strict), coerce=_timestamp_input,
               nullable=nullable, display=_timestamp_name, build=_timestamp_build)  # fmt: skip


def _timestamp_build(args: Args, request: Request) -> Expression:
    """A date and a time always fit, fields may not; only of fields the functions without a suffix make what TIMESTAMP
    means."""
    if len(args) < 6:
        call = call_of(request.function, args, request)
        return call if call.name == "try_make_timestamp_ntz" else replace(call, is_nullable=any_nullable(call.args))
    call = null_on_failure(args, request)
    return call if call.name.endswith("tz") else replace(call, data_type=default_timestamp(request.conf))


# ---------------------------------------------------------------- intervals

_ZERO = Literal(0, INTEGER)
_NO_SECONDS = Literal(Decimal("0.000000"), DecimalType(18, 6))


def _dt_interval(args: list[str], call: FunctionCall, context: Any) -> str:
    days, hours, minutes, seconds = args
    us = f"({days}::BIGINT * {_DAY} + {hours}::BIGINT * {_HOUR} + {minutes}::BIGINT * {_MINUTE})"
    return f"({us} + CAST({seconds} * 1000000 AS BIGINT))"


def _dt_interval_input(args: Args, request: Request) -> Args:
    kinds: tuple[DataType, ...] = (INTEGER, INTEGER, INTEGER, DecimalType(18, 6))
    return tuple(cast_if_needed(arg, kind, request.conf) for arg, kind in zip(args, kinds, strict=True))


def _interval_input(args: Args, request: Request) -> Args:
    kinds: tuple[DataType, ...] = (*[INTEGER] * 6, DecimalType(18, 6))
    return tuple(cast_if_needed(arg, kind, request.conf) for arg, kind in zip(args, kinds, strict=True))


def _as_int(value: str, word: str) -> str:
    if word == "TRY_CAST":
        return f"TRY_CAST({value} AS INTEGER)"
    fits = f"{value} BETWEEN -2147483648 AND 2147483647"
    return f"CASE WHEN {fits} THEN CAST({value} AS INTEGER) WHEN {value} IS NOT NULL THEN {overflow('integer')} END"


def _interval(cast: str) -> Any:
    """`cast` is CAST, which raises an overflow, or TRY_CAST, which gives NULL."""

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        years, months, weeks, days, hours, minutes, seconds = args
        word = cast if context.conf.ansi else "TRY_CAST"
        total_months = _as_int(f"({years}::BIGINT * 12 + {months})", word)
        total_days = _as_int(f"({weeks}::BIGINT * 7 + {days})", word)
        us = f"{hours}::HUGEINT * {_HOUR} + {minutes}::HUGEINT * {_MINUTE} + CAST({seconds} * 1000000 AS HUGEINT)"
        return f"(to_months({total_months}) + to_days({total_days}) + to_microseconds({word}({us} AS BIGINT)))"

    return sql


def _interval_build(raises: bool) -> Any:
    """NULL where the parts do not fit, unless that raises."""

    def build(args: Args, request: Request) -> Expression:
        call = null_on_failure(args, request)
        return call if raises else replace(call, is_nullable=True)

    return build


def _interval_row(name: str, cast: str) -> Function:
    return row(name, "any? any? any? any? any? any? any?", CalendarIntervalType(), _interval(cast),
               coerce=_interval_input, build=_interval_build(cast == "CAST"),
               defaults={**dict.fromkeys(range(6), _ZERO), 6: _NO_SECONDS})  # fmt: skip


register(
    _timestamp_row("make_timestamp", TIMESTAMP, True),
    _timestamp_row("make_timestamp_ltz", TIMESTAMP, True),
    _timestamp_row("make_timestamp_ntz", TIMESTAMP_NTZ, True),
    _timestamp_row("try_make_timestamp", TIMESTAMP, False),
    _timestamp_row("try_make_timestamp_ltz", TIMESTAMP, False),
    _timestamp_row("try_make_timestamp_ntz", TIMESTAMP_NTZ, False),
    row(
        "make_dt_interval",
        "int? int? int? any?",
        DayTimeIntervalType(0, 3),
        _dt_interval,
        coerce=_dt_interval_input,
        defaults={0: _ZERO, 1: _ZERO, 2: _ZERO, 3: _NO_SECONDS},
    ),
    row(
        "make_ym_interval", "int? int?", YearMonthIntervalType(0, 1), "({0} * 12 + {1})", defaults={0: _ZERO, 1: _ZERO}
    ),
    _interval_row("make_interval", "CAST"),
    _interval_row("try_make_interval", "TRY_CAST"),
)

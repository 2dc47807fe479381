"""Fields of dates, timestamps and intervals: year(), hour(), extract(), date_part()."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.errors import analysis_error
from penstock.functions.coercion import DATETIME, INTERVALS, cast_if_needed, is_string
from penstock.functions.errors import not_foldable, wrong_input
from penstock.functions.interval_arithmetic import wall_clock
from penstock.functions.literals import constant
from penstock.functions.names import display_name
from penstock.functions.resolve import coerce_inputs
from penstock.functions.rows import row
from penstock.functions.table import Args, Request, register
from penstock.functions.times import refuse_time
from penstock.functions.type_names import type_sql
from penstock.plan.expressions import Expression, FunctionCall
from penstock.plan.types import (
    BYTE,
    INTEGER,
    STRING,
    TIMESTAMP,
    DataType,
    DayTimeIntervalType,
    DecimalType,
    NullType,
)  # fmt: skip

_SECONDS = DecimalType(8, 6)
# field names -> function that gives it
_DATE_FIELDS = {
    "YEAR": "year", "Y": "year", "YEARS": "year", "YR": "year", "YRS": "year", "YEAROFWEEK": "$yearofweek",
    "QUARTER": "quarter", "QTR": "quarter", "MONTH": "month", "MON": "month", "MONS": "month", "MONTHS": "month",
    "WEEK": "weekofyear", "W": "weekofyear", "WEEKS": "weekofyear", "DAY": "dayofmonth", "D": "dayofmonth",
    "DAYS": "dayofmonth", "DAYOFWEEK": "dayofweek", "DOW": "dayofweek", "DAYOFWEEK_ISO": "$isodow",
    "DOW_ISO": "$isodow",
    "DOY": "dayofyear",
}  # fmt: skip
_TIME_FIELDS = {
    "HOUR": "hour", "H": "hour", "HOURS": "hour", "HR": "hour", "HRS": "hour", "MINUTE": "minute", "M": "minute",
    "MIN": "minute", "MINS": "minute", "MINUTES": "minute", "SECOND": "$seconds", "S": "$seconds", "SEC": "$seconds",
    "SECONDS": "$seconds", "SECS": "$seconds",
}  # fmt: skip
_HOUR_US, _MINUTE_US = 3_600_000_000, 60_000_000
# field names -> (type, SQL of a day-time interval in microseconds)
_DAY_TIME: dict[str, tuple[DataType, str]] = {
    "dayofmonth": (INTEGER, f"CAST({{0}} // {24 * _HOUR_US} AS INTEGER)"),
    "hour": (BYTE, f"CAST(({{0}} // {_HOUR_US}) % 24 AS TINYINT)"),
    "minute": (BYTE, f"CAST(({{0}} // {_MINUTE_US}) % 60 AS TINYINT)"),
    "$seconds": (_SECONDS, f"CAST(CAST({{0}} % {_MINUTE_US} AS DECIMAL(18,0)) * 0.000001 AS DECIMAL(8,6))"),
}
_YEAR_MONTH: dict[str, tuple[DataType, str]] = {
    "year": (INTEGER, "({0} // 12)"),
    "month": (BYTE, "CAST({0} % 12 AS TINYINT)"),
}


def _extract(args: Args, request: Request) -> Expression:
    """extract(field FROM source): arrives as (field, source), the field a string constant."""
    field = constant(args[0])
    if field is None:
        raise not_foldable(request.name, args, 0, "field")
    word, source = str(field.value).upper(), args[1]
    if isinstance(source.type, INTERVALS):
        return _from_interval(word, args, request)
    refuse_time(args)
    if not (isinstance(source.type, (*DATETIME, NullType)) or is_string(source.type)):
        raise wrong_input(request.name, args[1:], 0, "DATE")
    if not isinstance(source.type, DATETIME):
        source = cast_if_needed(source, TIMESTAMP, request.conf)
    name = _DATE_FIELDS.get(word) or _TIME_FIELDS.get(word)
    if name is None:
        raise _invalid(word, args, request)
    from penstock.functions.resolve import resolve

    call = resolve(name, (source,), conf=request.conf)
    return FunctionCall("$extract", (call, args[0], args[1]), call.type, call.nullable, request.name)


def _from_interval(word: str, args: Args, request: Request) -> Expression:
    source = args[1]
    name = _DATE_FIELDS.get(word) or _TIME_FIELDS.get(word) or ""
    fields = _DAY_TIME if isinstance(source.type, DayTimeIntervalType) else _YEAR_MONTH
    if name not in fields:
        raise _invalid(word, args, request)
    family = "dt" if isinstance(source.type, DayTimeIntervalType) else "ym"
    kind = fields[name][0]
    call = FunctionCall(f"$interval_{family}_{name.strip('$')}", (source,), kind, source.nullable, name)
    return FunctionCall("$extract", (call, args[0], args[1]), kind, source.nullable, request.name)


def _invalid(word: str, args: Args, request: Request) -> Exception:
    kind = type_sql(args[1].type)
    return analysis_error(
        "INVALID_EXTRACT_FIELD", f"Cannot extract `{word}` from \"{display_name(args[1])}\" of type {kind}.", "42601",
        field=f"`{word}`", expr=f'"{display_name(args[1])}"',
    )  # fmt: skip


def _show_extract(call: FunctionCall, texts: Sequence[str]) -> str:
    if call.display == "date_part":
        return f"date_part({texts[1]}, {texts[2]})"
    return f"{call.display}({texts[1]} FROM {texts[2]})"


def _clock(function: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        return f"CAST({function}({wall_clock(args[0], call.args[0].type)}) AS INTEGER)"

    return sql


def _seconds(args: list[str], call: FunctionCall, context: Any) -> str:
    local = wall_clock(args[0], call.args[0].type)
    us = f"(second({local}) * 1000000 + microsecond({local}) % 1000000)"
    return f"CAST(CAST({us} AS DECIMAL(18,0)) * 0.000001 AS DECIMAL(8,6))"


def _moment(args: Args, request: Request) -> Args:
    refuse_time(args)
    return coerce_inputs(args, request)


def _date_field(names: str, sql: str, kind: DataType = INTEGER, **extra: Any) -> Any:
    return row(names, "date", kind, sql, **extra)


register(
    _date_field("year", "CAST(year({0}) AS INTEGER)"),
    _date_field("quarter", "CAST(quarter({0}) AS INTEGER)"),
    _date_field("month", "CAST(month({0}) AS INTEGER)"),
    _date_field("dayofmonth day", "CAST(day({0}) AS INTEGER)"),
    _date_field("dayofyear", "CAST(dayofyear({0}) AS INTEGER)"),
    _date_field("dayofweek", "CAST(dayofweek({0}) + 1 AS INTEGER)"),
    _date_field("weekday", "CAST(isodow({0}) - 1 AS INTEGER)"),
    _date_field("weekofyear", "CAST(weekofyear({0}) AS INTEGER)"),
    _date_field("$yearofweek", "CAST(isoyear({0}) AS INTEGER)"),
    _date_field("$isodow", "CAST(isodow({0}) AS INTEGER)"),
    _date_field("dayname", "strftime({0}, '%a')", STRING),
    _date_field("monthname", "strftime({0}, '%b')", STRING),
    row("hour", "anytime", INTEGER, _clock("hour"), coerce=_moment),
    row("minute", "anytime", INTEGER, _clock("minute"), coerce=_moment),
    row("second", "anytime", INTEGER, _clock("second"), coerce=_moment),
    row("$seconds", "anytime", _SECONDS, _seconds),
    row("extract date_part datepart", "any any", INTEGER, "", build=_extract),
    row("$extract", "any any any", 0, "{0}", display=_show_extract),
    *(row(f"$interval_dt_{name.strip('$')}", "any", kind, sql) for name, (kind, sql) in _DAY_TIME.items()),
    *(row(f"$interval_ym_{name}", "any", kind, sql) for name, (kind, sql) in _YEAR_MONTH.items()),
)

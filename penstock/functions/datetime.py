"""Dates and timestamps: the current time, moving, truncating, counting and making them."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import unsupported
from penstock.core.sql_text import CURRENT_TIME
from penstock.functions.coercion import DATETIME, cast_if_needed, is_string
from penstock.functions.errors import wrong_input
from penstock.functions.interval_arithmetic import wall_clock
from penstock.functions.literals import constant_value
from penstock.functions.markers import raise_sql
from penstock.functions.resolve import coerce_inputs, null_on_failure
from penstock.functions.rows import row
from penstock.functions.shifting import by_days, by_micros, by_months
from penstock.functions.table import Args, Request, register
from penstock.functions.zones import has_changes, hour_of, seconds_of_day
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    LONG,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    DecimalType,
    DoubleType,
    FloatType,
    NullType,
    TimestampNTZType,
    TimestampType,
)  # fmt: skip

_US = {
    "MICROSECOND": 1, "MILLISECOND": 1000, "SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000,
    "DAY": 86_400_000_000, "DAYOFYEAR": 86_400_000_000, "WEEK": 604_800_000_000,
}  # fmt: skip
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}


def _zone(args: list[str], call: FunctionCall, context: Any) -> str:
    from penstock.functions.markers import quote

    return quote(context.conf.time_zone)


# ---------------------------------------------------------------- adding days and months


def _days(args: Args, request: Request) -> Args:
    days = args[1]
    if not (
        days.type == INTEGER or is_string(days.type) or days.type.simpleString() in ("smallint", "tinyint", "void")
    ):
        raise wrong_input(request.name, args, 1, '("INT" or "SMALLINT" or "TINYINT")')
    if not (isinstance(args[0].type, (*DATETIME, NullType)) or is_string(args[0].type)):
        raise wrong_input(request.name, args, 0, "DATE")
    return cast_if_needed(args[0], DATE, request.conf), cast_if_needed(days, INTEGER, request.conf)


def _date_add(args: Args, request: Request) -> Expression:
    """date_add(date, days), and date_add(unit, count, time), which is timestampadd."""
    from penstock.functions.resolve import call_of, resolve

    if len(args) == 3:
        return resolve("timestampadd", args, conf=request.conf)
    return call_of(request.function, args, request)


def _months(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"CAST({args[0]} + to_months({args[1]}) AS DATE)"


_WEEKDAYS = {
    "mo": 1, "mon": 1, "monday": 1, "tu": 2, "tue": 2, "tuesday": 2, "we": 3, "wed": 3, "wednesday": 3, "th": 4,
    "thu": 4, "thursday": 4, "fr": 5, "fri": 5, "friday": 5, "sa": 6, "sat": 6, "saturday": 6, "su": 7, "sun": 7,
    "sunday": 7,
}  # fmt: skip
_BAD_DAY = raise_sql(
    "ILLEGAL_DAY_OF_WEEK", "The day of week is not known.", sqlstate="22009", kind="illegal_argument", string=""
)


def _next_day(args: list[str], call: FunctionCall, context: Any) -> str:
    name = constant_value(call.args[1])
    if name is None:
        cases = " ".join(f"WHEN '{word}' THEN {day}" for word, day in _WEEKDAYS.items())
        day = f"(CASE lower({args[1]}) {cases} END)"
        wrong = (
            f"WHEN {args[0]} IS NOT NULL AND {args[1]} IS NOT NULL AND {day} IS NULL THEN {_BAD_DAY} "
            if context.conf.ansi
            else ""
        )
        return f"CASE {wrong}ELSE {args[0]} + CAST((({day} - isodow({args[0]}) + 6) % 7) + 1 AS INTEGER) END"
    number = _WEEKDAYS.get(str(name).lower())
    if number is None:
        return _BAD_DAY if context.conf.ansi else "CAST(NULL AS DATE)"
    return f"({args[0]} + CAST((({number} - isodow({args[0]}) + 6) % 7) + 1 AS INTEGER))"


def _months_between(args: list[str], call: FunctionCall, context: Any) -> str:
    a, b = (wall_clock(sql, arg.type) for sql, arg in zip(args[:2], call.args[:2], strict=True))
    zone = context.conf.time_zone
    months = f"((year({a}) - year({b})) * 12 + month({a}) - month({b}))"
    last = f"(day({a}) = day(last_day({a})) AND day({b}) = day(last_day({b})))"
    seconds = "(day({0}) * 86400 + hour({0}) * 3600 + minute({0}) * 60 + second({0}))"
    rest = " - ".join(
        f"(day({clock}) * 86400 + {seconds_of_day(sql, zone)})"
        if isinstance(arg.type, TimestampType) and has_changes(zone)
        else seconds.format(clock)
        for clock, sql, arg in zip((a, b), args, call.args, strict=False)
    )
    rest = f"({rest})"
    exact = f"(({months} * 2678400 + {rest}) / 2678400::DOUBLE)"
    value = (
        f"CASE WHEN {args[2]} THEN round({exact}, 8) ELSE {exact} END"
        if constant_value(call.args[2]) is not True
        else f"round({exact}, 8)"
    )
    return f"CASE WHEN day({a}) = day({b}) OR {last} THEN CAST({months} AS DOUBLE) ELSE {value} END"


# ---------------------------------------------------------------- truncating

_UNITS = {
    "year": "year", "yyyy": "year", "yy": "year", "quarter": "quarter", "month": "month", "mm": "month", "mon": "month",
    "week": "week",
}  # fmt: skip
_FINER_UNITS = {
    **_UNITS, "day": "day", "dd": "day", "hour": "hour", "minute": "minute", "second": "second",
    "millisecond": "milliseconds", "microsecond": "microseconds",
}  # fmt: skip


def _unit_case(format_sql: str, value: str, units: dict[str, str], wrap: str) -> str:
    cases = " ".join(
        f"WHEN '{word}' THEN {wrap.format(f'date_trunc({chr(39)}{unit}{chr(39)}, {value})')}"
        for word, unit in units.items()
    )
    return f"CASE lower({format_sql}) {cases} END"


def _trunc(args: list[str], call: FunctionCall, context: Any) -> str:
    return _truncated(args[0], args[1], call.args[1], _UNITS, "CAST({} AS DATE)", "CAST(NULL AS DATE)")


def _date_trunc(args: list[str], call: FunctionCall, context: Any) -> str:
    null = "CAST(NULL AS TIMESTAMP)" if isinstance(call.type, TimestampNTZType) else "CAST(NULL AS TIMESTAMPTZ)"
    zone = context.conf.time_zone
    hour = hour_of(args[1], zone) if isinstance(call.type, TimestampType) and has_changes(zone) else None
    name = constant_value(call.args[0])
    if hour is not None and name is not None and str(name).lower() == "hour":
        return hour
    truncated = _truncated(args[1], args[0], call.args[0], _FINER_UNITS, "{}", null)
    return (
        f"CASE WHEN lower({args[0]}) = 'hour' THEN {hour} ELSE {truncated} END" if hour and name is None else truncated
    )


def _truncated(value: str, unit_sql: str, unit: Expression, units: dict[str, str], wrap: str, null: str) -> str:
    name = constant_value(unit)
    if name is None:
        return _unit_case(unit_sql, value, units, wrap)
    found = units.get(str(name).lower())
    return null if found is None else wrap.format(f"date_trunc('{found}', {value})")


# ---------------------------------------------------------------- units: timestampadd, timestampdiff


def _unit(call_or_args: Any, name: str) -> str:
    unit = str(constant_value(call_or_args)).upper()
    return unit[:-1] if unit.endswith("S") and unit[:-1] in (*_US, *_MONTHS) else unit


def _timestampadd(args: Args, request: Request) -> Expression:
    unit = _unit(args[0], request.name)
    if unit not in _US and unit not in _MONTHS:
        raise unsupported(f"the unit {unit} in {request.name}")
    amount = cast_if_needed(args[1], LONG if unit in _US else INTEGER, request.conf)
    time = args[2] if isinstance(args[2].type, TimestampNTZType) else cast_if_needed(args[2], TIMESTAMP, request.conf)
    return FunctionCall(
        "timestampadd", (args[0], amount, time), time.type, amount.nullable or time.nullable, "timestampadd"
    )


def _timestampadd_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    unit, (_, count, time), t = _unit(call.args[0], "timestampadd"), args, call.args[2].type
    if unit in _MONTHS:
        return by_months(time, t, f"{count} * {_MONTHS[unit]}", context.conf.time_zone)
    if unit in ("DAY", "WEEK", "DAYOFYEAR"):
        return by_days(time, t, f"CAST({count} * {_US[unit] // _US['DAY']} AS INTEGER)", context.conf.time_zone)
    return by_micros(time, t, f"{count} * {_US[unit]}")


def _timestampdiff(args: Args, request: Request) -> Expression:
    unit = _unit(args[0], request.name)
    if unit not in _US and unit not in _MONTHS:
        raise unsupported(f"the unit {unit} in {request.name}")
    times = tuple(
        arg if isinstance(arg.type, TimestampNTZType) else cast_if_needed(arg, TIMESTAMP, request.conf)
        for arg in args[1:]
    )
    return FunctionCall("timestampdiff", (args[0], *times), LONG, any(t.nullable for t in times), "timestampdiff")


def _timestampdiff_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    unit = _unit(call.args[0], "timestampdiff")
    a, b = (wall_clock(sql, arg.type) for sql, arg in zip(args[1:], call.args[1:], strict=True))
    if unit in _US:
        return f"((epoch_us({b}) - epoch_us({a})) // {_US[unit]})"
    return f"(spark_months({a}, {b}) // {_MONTHS[unit]})"


def _date_diff(args: Args, request: Request) -> Expression:
    from penstock.functions.resolve import call_of, resolve

    if len(args) == 3:
        return resolve("timestampdiff", args, conf=request.conf)
    return call_of(request.function, args, request)


# ---------------------------------------------------------------- making


def _seconds_input(args: Args, request: Request) -> Args:
    (value,) = args
    if isinstance(value.type, (DecimalType, FloatType, DoubleType)):
        return args
    return coerce_inputs(args, request)


def _timestamp_seconds(args: list[str], call: FunctionCall, context: Any) -> str:
    t = call.args[0].type
    if isinstance(t, DecimalType):
        return f"make_timestamptz(CAST(CAST({args[0]} AS DECIMAL(38,6)) * 1000000 AS BIGINT))"
    if isinstance(t, (FloatType, DoubleType)):
        return f"CASE WHEN isfinite({args[0]}) THEN make_timestamptz(CAST(trunc({args[0]} * 1000000) AS BIGINT)) END"
    return f"make_timestamptz({args[0]} * 1000000)"


BAD_DATE = raise_sql(
    "DATETIME_FIELD_OUT_OF_BOUNDS.WITH_SUGGESTION", "A field of the date or time is out of range.", sqlstate="22023",
    kind="date_time", rangeMessage="a field is out of range", ansiConfig='"spark.sql.ansi.enabled"',
)  # fmt: skip


def valid_date(y: str, mo: str, d: str, value: str, bad: str) -> str:
    """`value` when the fields are a date; no field may be NULL here."""
    last = f"day(last_day(make_date({y}, {mo}, 1)))"
    return f"CASE WHEN {mo} NOT BETWEEN 1 AND 12 OR {d} < 1 THEN {bad} WHEN {d} > {last} THEN {bad} ELSE {value} END"


def _make_date(args: list[str], call: FunctionCall, context: Any) -> str:
    y, mo, d = args
    bad = BAD_DATE if context.conf.ansi else "NULL"
    value = valid_date(y, mo, d, f"make_date({y}, {mo}, {d})", bad)
    return f"CASE WHEN {y} IS NULL OR {mo} IS NULL OR {d} IS NULL THEN NULL ELSE {value} END"


# ---------------------------------------------------------------- zones


def _to_zone(direction: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        if direction == "from_utc":
            return f"timezone('UTC', timezone({args[1]}, {args[0]}))"
        return f"spark_to_instant({args[1]}, timezone('UTC', {args[0]}))"

    return sql


def _convert_timezone(args: Args, request: Request) -> Expression:
    if len(args) == 2:
        args = (FunctionCall("current_timezone", (), STRING, False, "current_timezone"), *args)
    texts = tuple(cast_if_needed(arg, STRING, request.conf) for arg in args[:2])
    time = cast_if_needed(args[2], TIMESTAMP_NTZ, request.conf)
    full = (*texts, time)
    return FunctionCall("convert_timezone", full, TIMESTAMP_NTZ, any(a.nullable for a in full), "convert_timezone")


register(
    row("current_date curdate", "", DATE, f"CAST({CURRENT_TIME} AS DATE)", nullable=False,
        shows={"curdate": "current_date"}),
    row("current_timestamp", "", TIMESTAMP, CURRENT_TIME, nullable=False),
    row("now", "", TIMESTAMP, CURRENT_TIME, nullable=False),
    row("localtimestamp", "", TIMESTAMP_NTZ, f"CAST({CURRENT_TIME} AS TIMESTAMP)", nullable=False),
    row("current_timezone", "", STRING, _zone, nullable=False),
    row("date_add dateadd", "any any any?", DATE, "({0} + {1})", coerce=_days, build=_date_add,
        shows={"dateadd": "date_add"}),
    row("date_sub", "any any", DATE, "({0} - {1})", coerce=_days),
    row("datediff date_diff", "date date any?", INTEGER, "CAST({0} - {1} AS INTEGER)", build=_date_diff),
    row("add_months", "date int", DATE, _months),
    row("last_day", "date", DATE, "last_day({0})"),
    row("next_day", "date string", DATE, _next_day, nullable=True),
    row("months_between", "timestamp timestamp boolean?", DOUBLE, _months_between,
        defaults={2: Literal(True, BOOLEAN)}),
    row("trunc", "date string", DATE, _trunc, nullable=True),
    row("date_trunc", "string timestamp", 1, _date_trunc, nullable=True),
    row("timestampadd", "any any any", 2, _timestampadd_sql, build=_timestampadd),
    row("timestampdiff", "any any any", LONG, _timestampdiff_sql, build=_timestampdiff),
    row("timestamp_seconds", "long", TIMESTAMP, _timestamp_seconds, coerce=_seconds_input,
        nullable=lambda args: args[0].nullable or isinstance(args[0].type, (FloatType, DoubleType))),
    row("timestamp_millis", "long", TIMESTAMP, "make_timestamptz({0} * 1000)"),
    row("timestamp_micros", "long", TIMESTAMP, "make_timestamptz({0})"),
    row("unix_seconds", "timestamp", LONG, "spark_floor_div(epoch_us({0}), 1000000)"),
    row("unix_millis", "timestamp", LONG, "spark_floor_div(epoch_us({0}), 1000)"),
    row("unix_micros", "timestamp", LONG, "epoch_us({0})"),
    row("unix_date", "date", INTEGER, "CAST({0} - DATE '1970-01-01' AS INTEGER)"),
    row("date_from_unix_date", "int", DATE, "(DATE '1970-01-01' + {0})"),
    row("make_date", "int int int", DATE, _make_date, build=null_on_failure),
    row("window_time", "struct", TIMESTAMP, "(struct_extract({0}, 'end') - to_microseconds(1))"),
    row("from_utc_timestamp", "timestamp string", TIMESTAMP, _to_zone("from_utc")),
    row("to_utc_timestamp", "timestamp string", TIMESTAMP, _to_zone("to_utc")),
    row("convert_timezone", "any any any?", TIMESTAMP_NTZ, "timezone({1}, spark_to_instant({0}, {2}))",
        build=_convert_timezone),
)  # fmt: skip

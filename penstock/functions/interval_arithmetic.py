"""Arithmetic of dates, timestamps and intervals: what `+ - * / div` mean when an operand is one of them.

A day-time interval is a BIGINT of microseconds, a year-month interval an INTEGER of months, and a calendar interval a
DuckDB INTERVAL.  Whole days are added on the session's wall clock, as Spark does, the rest on the time line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.functions.cast_checks import void_cast
from penstock.functions.coercion import (
    DATETIME,
    INTERVALS,
    cast_if_needed,
    is_integral,
    is_numeric,
    is_string,
    same_type,
    wider,
)  # fmt: skip
from penstock.functions.errors import different_types, shown, wrong_input, wrong_operand
from penstock.functions.literals import constant_value
from penstock.functions.markers import INTERVAL_BY_ZERO
from penstock.functions.rows import row
from penstock.functions.shifting import DAY_US, by_days, by_micros, by_months
from penstock.functions.table import Args, Request, any_nullable, register
from penstock.functions.zones import has_changes
from penstock.plan.expressions import Expression, FunctionCall
from penstock.plan.types import (
    DATE,
    DOUBLE,
    LONG,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
    CalendarIntervalType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    NullType,
    TimestampNTZType,
    TimestampType,
    YearMonthIntervalType,
)  # fmt: skip

_ANY_INTERVAL = (*INTERVALS, CalendarIntervalType)


def interval_operation(op: str, args: Args, request: Request) -> Expression | None:
    """The call for `left op right` when a date, timestamp or interval takes part; None for plain numbers."""
    if not any(isinstance(a.type, (*DATETIME, *_ANY_INTERVAL)) for a in args):
        return None
    left = _typed(args[0], args[1], op, request, is_left=True)
    right = _typed(args[1], args[0], op, request, is_left=False)
    found = _STEPS[op](left, right, request) if op in _STEPS else None
    if found is None:
        raise _refused(op, (left, right), request)
    return found


def _refused(op: str, args: Args, request: Request) -> Exception:
    """By the call that Spark turns the operator into before it looks at types."""
    left, right = args
    times = [isinstance(e.type, DATETIME) for e in args]
    days = [isinstance(e.type, DayTimeIntervalType) for e in args]
    if op in ("+", "-") and (days[1] or (op == "+" and days[0])):
        return wrong_input(request.name, args, 0 if days[1] else 1, _A_TIME)
    calendar = [isinstance(e.type, CalendarIntervalType) for e in args]
    if sum(isinstance(e.type, _ANY_INTERVAL) for e in args) == 1 and (
        (op == "+" and any(calendar)) or (op == "-" and calendar[1])
    ):
        return wrong_input(request.name, (left, right) if calendar[1] else (right, left), 0, _A_TIME)
    if op == "-" and any(isinstance(e.type, (TimestampType, TimestampNTZType)) for e in args):
        return wrong_input(request.name, args, int(times[0]), _A_TIME)
    if op == "-" and isinstance(right.type, DateType):
        return wrong_input(request.name, args, 0, "DATE")
    dates = [isinstance(e.type, DateType) for e in args]
    if any(dates) and any(is_string(e.type) for e in args) and (op == "+" or (op == "-" and dates[0])):
        return wrong_input(request.name, args, 1, _DAYS)
    if op in ("+", "-") and any(dates) and not any(is_string(e.type) for e in args):
        return wrong_input(request.name, args, int(dates[0]), _DAYS)
    if op in ("*", "/") and any(isinstance(e.type, _ANY_INTERVAL) for e in (args if op == "*" else args[:1])):
        return wrong_input(request.name, args, int(isinstance(left.type, _ANY_INTERVAL)), "NUMERIC")
    if same_type(left.type, right.type) or (any(times) and any(is_string(e.type) for e in args)):
        required = "NUMERIC" if op not in ("+", "-") else _ADDABLE
        return wrong_operand(request.name, args, required, left.type if times[0] else right.type)
    return different_types(request.name, args)


_DAYS = '("INT" or "SMALLINT" or "TINYINT")'
_A_TIME = "(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)"
_ADDABLE = '("NUMERIC" or "INTERVAL DAY TO SECOND" or "INTERVAL YEAR TO MONTH" or "INTERVAL")'


def _typed(e: Expression, partner: Expression, op: str, request: Request, *, is_left: bool) -> Expression:
    """An untyped NULL beside a date, timestamp or interval as what Spark takes it for; another operand as it is.
    Moved by a calendar interval it is a timestamp, which Spark then fails to cast back to VOID."""
    if not isinstance(e.type, NullType):
        return e
    kind: DataType | None = partner.type
    if isinstance(partner.type, DATETIME):
        kind = {"+": DayTimeIntervalType(), "-": partner.type}.get(op)
    elif op in ("*", "/"):
        kind = DOUBLE
    elif isinstance(partner.type, CalendarIntervalType) and op in _STEPS and (op == "+" or is_left):
        name = "$add_interval" if op == "+" else "$subtract_interval"
        raise void_cast(shown(name, (e, partner)), TIMESTAMP)
    return e if kind is None or op not in _STEPS else cast_if_needed(e, kind, request.conf)


def _call(name: str, args: Args, kind: DataType, nullable: bool | None = None) -> FunctionCall:
    return FunctionCall(name, args, kind, any_nullable(args) if nullable is None else nullable, name)


def _add(left: Expression, right: Expression, request: Request) -> Expression | None:
    if _is_duration(left) and is_string(right.type):
        left, right = right, left
    if (isinstance(left.type, _ANY_INTERVAL) and isinstance(right.type, DATETIME)) or (
        isinstance(right.type, DateType) and is_integral(left.type)
    ):
        left, right = right, left
    if isinstance(left.type, DateType) and is_integral(right.type):
        return _function("date_add", (left, right), request)
    if isinstance(left.type, DATETIME) and isinstance(right.type, _ANY_INTERVAL):
        return _shifted("$add_interval", left, right, request)
    if is_string(left.type) and _is_duration(right):
        return _shifted_text("$add_interval", left, right, request)
    return _both_intervals("$interval_plus", left, right, request)


def _is_duration(e: Expression) -> bool:
    return isinstance(e.type, (DayTimeIntervalType, CalendarIntervalType))


def _subtract(left: Expression, right: Expression, request: Request) -> Expression | None:
    if isinstance(left.type, DateType) and is_integral(right.type):
        return _function("date_sub", (left, right), request)
    if isinstance(left.type, DATETIME) and isinstance(right.type, _ANY_INTERVAL):
        return _shifted("$subtract_interval", left, right, request)
    if is_string(left.type) and _is_duration(right):
        return _shifted_text("$subtract_interval", left, right, request)
    if _difference(left, right, request):
        return _time_difference(left, right, request)
    return _both_intervals("$interval_minus", left, right, request)


def _difference(left: Expression, right: Expression, request: Request) -> bool:
    """Of two times, one of which may be a string: with ANSI off only one from which a date is taken."""
    times = (isinstance(left.type, DATETIME), isinstance(right.type, DATETIME))
    text = is_string(left.type) or (is_string(right.type) and request.conf.ansi)
    return all(times) or (any(times) and text and (request.conf.ansi or isinstance(right.type, DateType)))


def _time_difference(left: Expression, right: Expression, request: Request) -> Expression:
    kinds = {type(e.type) for e in (left, right) if isinstance(e.type, DATETIME)}
    if kinds == {DateType}:
        pair = tuple(cast_if_needed(e, DATE, request.conf) for e in (left, right))
        return _call("$subtract_dates", pair, DayTimeIntervalType(0, 0))
    kind = TIMESTAMP_NTZ if TimestampNTZType in kinds else TIMESTAMP
    pair = tuple(cast_if_needed(e, kind, request.conf) for e in (left, right))
    return _call("$subtract_timestamps", pair, DayTimeIntervalType(0, 3))


def _shifted(name: str, left: Expression, right: Expression, request: Request) -> Expression:
    t, interval = left.type, right.type
    if isinstance(t, DateType) and isinstance(interval, DayTimeIntervalType):
        if (interval.startField, interval.endField) == (0, 0):
            return _call(name, (left, right), DATE)
        return _call(name, (cast_if_needed(left, TIMESTAMP, request.conf), right), TIMESTAMP)
    return _call(name, (left, right), t)


def _shifted_text(name: str, text: Expression, interval: Expression, request: Request) -> Expression:
    """A string is read as a timestamp, and the moved timestamp becomes a string again."""
    time = cast_if_needed(text, TIMESTAMP, request.conf)
    return cast_if_needed(_call(name, (time, interval), TIMESTAMP), STRING, request.conf)


def _both_intervals(name: str, left: Expression, right: Expression, request: Request) -> Expression | None:
    if not (isinstance(left.type, _ANY_INTERVAL) and isinstance(right.type, _ANY_INTERVAL)):
        return None
    kind = wider(left.type, right.type, request.conf)
    return _call(name, (left, right), kind) if kind is not None else None


def _multiply(left: Expression, right: Expression, request: Request) -> Expression | None:
    if isinstance(right.type, _ANY_INTERVAL):
        return _multiply(right, left, request) if not isinstance(left.type, _ANY_INTERVAL) else None
    return _scaled("$interval_times", left, right, request)


def _divide(left: Expression, right: Expression, request: Request) -> Expression | None:
    return _scaled("$interval_divided", left, right, request)


def _scaled(name: str, interval: Expression, number: Expression, request: Request) -> Expression | None:
    if is_string(number.type):
        number = cast_if_needed(number, DOUBLE, request.conf)
    if not is_numeric(number.type) or not isinstance(interval.type, _ANY_INTERVAL):
        return None
    if isinstance(interval.type, CalendarIntervalType):
        factor = cast_if_needed(number, DOUBLE, request.conf)
        return _call(name.replace("interval", "calendar"), (interval, factor), interval.type, True)
    nullable = any_nullable((interval, number))
    full = DayTimeIntervalType(0, 3) if isinstance(interval.type, DayTimeIntervalType) else YearMonthIntervalType(0, 1)
    return _call(name, (interval, number), full, nullable)


def _whole(left: Expression, right: Expression, request: Request) -> Expression | None:
    if type(left.type) is not type(right.type) or not isinstance(left.type, INTERVALS):
        return None
    return FunctionCall("div", (left, right), LONG, True, "div")


def _function(name: str, args: Args, request: Request) -> Expression:
    from penstock.functions.resolve import resolve

    return resolve(name, args, conf=request.conf)


_STEPS = {"+": _add, "-": _subtract, "*": _multiply, "/": _divide, "div": _whole}


# ---------------------------------------------------------------- SQL


def _by_day_time(time: str, t: DataType, interval: str, sign: str, constant: Any, zone: str) -> str:
    """By the interval's days on the clock, then by what remains on the time line."""
    days = f"{sign}CAST({interval} // {DAY_US} AS INTEGER)"
    if isinstance(constant, int) and constant % DAY_US == 0:
        return by_days(time, t, days, zone)
    if (isinstance(constant, int) and abs(constant) < DAY_US) or not (
        isinstance(t, TimestampType) and has_changes(zone)
    ):
        return by_micros(time, t, f"{sign}{interval}")
    return by_micros(by_days(time, t, days, zone), t, f"{sign}({interval} % {DAY_US})")


def _shift_template(sign: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        (time, interval), t, zone = args, call.args[0].type, context.conf.time_zone
        if isinstance(call.args[1].type, CalendarIntervalType):
            text = f"spark_shifted({time}, {interval}, {sign}1)"  # DuckDB takes the clock time off first
        elif isinstance(call.args[1].type, YearMonthIntervalType):
            text = by_months(time, t, f"{sign}CAST({interval} AS INTEGER)", zone)
        else:
            text = _by_day_time(time, t, interval, sign, constant_value(call.args[1]), zone)
        return f"CAST({text} AS DATE)" if isinstance(call.type, DateType) else text

    return sql


def wall_clock(sql: str, t: DataType) -> str:
    """A timestamp as local time (DuckDB TIMESTAMP) in the session's zone."""
    return f"CAST({sql} AS TIMESTAMP)" if isinstance(t, TimestampType) else sql


def _timestamps(args: list[str], call: FunctionCall, context: Any) -> str:
    a, b = (wall_clock(sql, arg.type) for sql, arg in zip(args, call.args, strict=True))
    return f"(epoch_us({a}) - epoch_us({b}))"


def _interval_type(call: FunctionCall) -> str:
    return "BIGINT" if isinstance(call.type, DayTimeIntervalType) else "INTEGER"


def _times(args: list[str], call: FunctionCall, context: Any) -> str:
    number = call.args[1].type
    if is_integral(number):
        return f"CAST({args[0]} * {args[1]} AS {_interval_type(call)})"
    if isinstance(number, DecimalType):
        return f"CAST(round(CAST({args[0]} AS DECIMAL(19,0)) * {args[1]}) AS {_interval_type(call)})"
    return f"CAST(round({args[0]} * CAST({args[1]} AS DOUBLE)) AS {_interval_type(call)})"


def _divided(args: list[str], call: FunctionCall, context: Any) -> str:
    value = f"CAST(round({args[0]} / CAST({args[1]} AS DOUBLE)) AS {_interval_type(call)})"
    return f"CASE WHEN {args[1]} = 0 THEN {INTERVAL_BY_ZERO} ELSE {value} END"


def _calendar_divided(args: list[str], call: FunctionCall, context: Any) -> str:
    failed = INTERVAL_BY_ZERO if context.conf.ansi else "NULL"
    return f"CASE WHEN {args[1]} = 0 THEN {failed} ELSE spark_calendar_times({args[0]}, 1 / {args[1]}) END"


def _named(name: str) -> Any:
    return lambda call, texts: f"{name}({', '.join(texts)})"


def _infix(symbol: str, parentheses: bool = True) -> Any:
    def show(call: FunctionCall, args: Sequence[str]) -> str:
        text = f"{args[0]} {symbol} {args[1]}"
        return f"({text})" if parentheses else text

    return show


def _add_name(call: FunctionCall, texts: Sequence[str]) -> str:
    """Whole days added to a date show as Spark's rewrite."""
    if isinstance(call.type, DateType) and isinstance(call.args[1].type, DayTimeIntervalType):
        return f"date_add({texts[0]}, extractansiintervaldays({texts[1]}))"
    return f"{texts[0]} + {texts[1]}"


def _subtract_name(call: FunctionCall, texts: Sequence[str]) -> str:
    if isinstance(call.type, DateType) and isinstance(call.args[1].type, DayTimeIntervalType):
        return f"date_add({texts[0]}, (- extractansiintervaldays({texts[1]})))"
    return f"{texts[0]} - {texts[1]}"


register(
    row("$add_interval", "any any", 0, _shift_template("+"), display=_add_name),
    row("$subtract_interval", "any any", 0, _shift_template("-"), display=_subtract_name),
    row("$subtract_dates", "any any", 0, f"(CAST({{0}} - {{1}} AS BIGINT) * {DAY_US})", display=_infix("-")),
    row("$subtract_timestamps", "any any", 0, _timestamps, display=_infix("-")),
    row("$interval_plus", "any any", 0, "({0} + {1})", display=_infix("+")),
    row("$interval_minus", "any any", 0, "({0} - {1})", display=_infix("-")),
    row("$interval_times", "any any", 0, _times, display=_infix("*")),
    row("$interval_divided", "any any", 0, _divided, display=_infix("/")),
    row("$calendar_times", "any any", 0, "spark_calendar_times({0}, {1})", display=_named("multiply_interval")),
    row("$calendar_divided", "any any", 0, _calendar_divided, display=_named("divide_interval")),
)

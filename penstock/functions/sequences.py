"""sequence(start, stop, step): integers, dates and timestamps."""

from __future__ import annotations

from typing import Any

from penstock.functions.coercion import cast_if_needed, is_integral
from penstock.functions.errors import mismatch
from penstock.functions.markers import raise_sql
from penstock.functions.rows import same_types
from penstock.functions.table import Args, Request
from penstock.functions.type_names import duck_type
from penstock.plan.expressions import FunctionCall
from penstock.plan.types import (
    CalendarIntervalType,
    DataType,
    DateType,
    DayTimeIntervalType,
    TimestampNTZType,
    TimestampType,
    YearMonthIntervalType,
)


def sequence_input(args: Args, request: Request) -> Args:
    """Start and end of one type, integers or times; SEQUENCE_WRONG_INPUT_TYPES otherwise."""
    first, last = same_types(args[:2], request)
    if is_integral(first.type):
        step = (cast_if_needed(args[2], first.type, request.conf),) if len(args) > 2 else ()
        return (first, last, *step)
    if not isinstance(first.type, (DateType, TimestampType, TimestampNTZType)):
        raise mismatch(
            "SEQUENCE_WRONG_INPUT_TYPES", request.name, args, "sequence counts integers, dates and timestamps.",
            functionName="`sequence`", startType='("TIMESTAMP" or "TIMESTAMP_NTZ" or "DATE")',
            stepType='("INTERVAL" or "INTERVAL YEAR TO MONTH" or "INTERVAL DAY TO SECOND")',
            otherStartType='"INTEGRAL"',
        )  # fmt: skip
    return (first, last, *args[2:])


_BAD_SEQUENCE = raise_sql(
    "_LEGACY_ERROR_TEMP_3242", "Illegal sequence boundaries: the step does not lead from the start to the end.",
    kind="illegal_argument", sqlstate="XXKD0",
)  # fmt: skip


def sequence_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    """From the first to the last, both included; days and months are those of the calendar."""
    first, last = args[:2]
    t, kind = call.args[0].type, duck_type(call.type).removesuffix("[]")
    if len(args) == 2:
        step = f"CASE WHEN {first} <= {last} THEN 1 ELSE -1 END"
        step = step if is_integral(t) else f"to_days(CAST({step} AS INTEGER))"
        return f"CAST(generate_series({first}, {last}, {step}) AS {kind}[])"
    length, interval = args[2], call.args[2].type
    if isinstance(interval, YearMonthIntervalType):
        series = _by_months(first, last, length, kind)
    elif isinstance(interval, CalendarIntervalType):
        length = _length(args[2])
        series = _by_calendar(first, last, args[2], length, kind)
    else:
        series = f"CAST(generate_series({first}, {last}, {_step(length, interval)}) AS {kind}[])"
    wrong = " OR ".join(
        f"({length} {sign} 0 AND {first} {order} {last})" for sign, order in (("=", "<>"), (">", ">"), ("<", "<"))
    )
    return f"CASE WHEN {wrong} THEN {_BAD_SEQUENCE} WHEN {first} = {last} THEN [{first}] ELSE {series} END"


def _by_months(first: str, last: str, months: str, kind: str) -> str:
    """Each element counts from the first one: the last days of months stay last days."""
    most = f"CAST(abs(datediff('month', {first}, {last})) // greatest(abs({months}), 1) + 1 AS BIGINT)"
    steps = f"generate_series(0, {most}) "
    moved = f"list_transform({steps}, lambda n: CAST({first} + to_months(CAST({months} * n AS INTEGER)) AS {kind}))"
    return f"list_filter({moved}, lambda t: CASE WHEN {months} > 0 THEN t <= {last} ELSE t >= {last} END)"


def _length(interval: str) -> str:
    """Of a calendar interval about how many microseconds it has, at least: a month is 28 days here."""
    month = f"(datepart('year', i) * 12 + datepart('month', i)) * {28 * _DAY_US}"
    clock = "datepart('hour', i) * 3600000000 + datepart('minute', i) * 60000000 + datepart('microsecond', i)"
    return f"list_transform([{interval}], lambda i: {month} + datepart('day', i) * {_DAY_US} + {clock})[1]"


def _by_calendar(first: str, last: str, interval: str, length: str, kind: str) -> str:
    """As by months, for an interval of months, days and microseconds."""
    most = f"abs(epoch_us({last}) - epoch_us({first})) // greatest(abs({length}), 1) + 1"
    one = f"CAST(spark_shifted({first}, {interval}, n) AS {kind})"
    moved = f"list_transform(generate_series(0, {most}), lambda n: {one})"
    return f"list_filter({moved}, lambda t: CASE WHEN {length} > 0 THEN t <= {last} ELSE t >= {last} END)"


_DAY_US = 86_400_000_000


def _step(sql: str, t: DataType) -> str:
    if isinstance(t, DayTimeIntervalType):
        return f"(to_days(CAST({sql} // {_DAY_US} AS INTEGER)) + to_microseconds({sql} % {_DAY_US}))"
    return sql if is_integral(t) else f"CAST({sql} AS INTERVAL)"

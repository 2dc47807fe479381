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
    t = call.args[0].type
    if len(args) == 2:
        step = f"CASE WHEN {first} <= {last} THEN 1 ELSE -1 END"
        step = step if is_integral(t) else f"to_days(CAST({step} AS INTEGER))"
    else:
        step = _step(args[2], call.args[2].type)
        if isinstance(call.args[2].type, YearMonthIntervalType):
            return _by_months(first, last, args[2], duck_type(call.type).removesuffix("[]"))
    series = f"CAST(generate_series({first}, {last}, {step}) AS {duck_type(call.type)})"
    if len(args) == 2 or not is_integral(t):
        return series
    bad = (
        f"({step} = 0 AND {first} <> {last}) OR ({step} > 0 AND {first} > {last}) OR ({step} < 0 AND {first} < {last})"
    )
    return f"CASE WHEN {bad} THEN {_BAD_SEQUENCE} WHEN {first} = {last} THEN [{first}] ELSE {series} END"


def _by_months(first: str, last: str, months: str, kind: str) -> str:
    """Each element counts from the first one: the last days of months stay last days."""
    most = f"CAST(abs(datediff('month', {first}, {last})) // greatest(abs({months}), 1) + 1 AS BIGINT)"
    steps = f"generate_series(0, {most}) "
    moved = f"list_transform({steps}, lambda n: CAST({first} + to_months(CAST({months} * n AS INTEGER)) AS {kind}))"
    return f"list_filter({moved}, lambda t: CASE WHEN {months} > 0 THEN t <= {last} ELSE t >= {last} END)"


_DAY_US = 86_400_000_000


def _step(sql: str, t: DataType) -> str:
    if isinstance(t, DayTimeIntervalType):
        return f"(to_days(CAST({sql} // {_DAY_US} AS INTEGER)) + to_microseconds({sql} % {_DAY_US}))"
    if isinstance(t, YearMonthIntervalType):
        return f"to_months({sql})"
    return sql if is_integral(t) or isinstance(t, CalendarIntervalType) else f"CAST({sql} AS INTERVAL)"

"""TIME values: Spark 4.2 has the type switched off, and says so."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import analysis_error
from penstock.core.sql_text import CURRENT_TIME
from penstock.functions.errors import mismatch, not_foldable
from penstock.functions.literals import constant
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, register
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import INTEGER, NULL, TimeType


def no_time_type() -> Exception:
    """UNSUPPORTED_TIME_TYPE."""
    return analysis_error("UNSUPPORTED_TIME_TYPE", "The data type TIME is not supported.", "0A000")


def refuse_time(args: Args) -> None:
    """Raise when an argument is a TIME."""
    if any(isinstance(arg.type, TimeType) for arg in args):
        raise no_time_type()


def _current_time(args: Args, request: Request) -> Expression:
    found = constant(args[0])
    if found is None or not isinstance(found.value, int):
        raise not_foldable(request.name, args, 0, "precision")
    if not 0 <= found.value <= 6:
        raise mismatch("VALUE_OUT_OF_RANGE", request.name, args, "the precision is between 0 and 6.",
                       exprName="precision", valueRange="[0, 6]", currentValue=found.value)  # fmt: skip
    return FunctionCall("current_time", args, TimeType(found.value), False, "current_time")


def _current_time_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    """The session's wall clock, cut off (not rounded) at the precision."""
    assert isinstance(call.type, TimeType)
    unit = 10 ** (6 - call.type.precision)
    us = f"(epoch_us(CAST({CURRENT_TIME} AS TIMESTAMP)) % 86400000000) // {unit} * {unit}"
    return f"CAST(TIME '00:00:00' + to_microseconds({us}) AS TIME_NS)"


def _row(name: str) -> Function:
    def build(args: Args, request: Request) -> Expression:
        raise no_time_type()

    return row(name, "any*", NULL, "", build=build)


register(row("current_time", "int?", TimeType(6), _current_time_sql, build=_current_time, nullable=False,
             defaults={0: Literal(6, INTEGER)}))  # fmt: skip
register(*(_row(name) for name in (
    "make_time", "time_diff", "time_from_micros", "time_from_millis", "time_from_seconds", "time_to_micros",
    "time_to_millis", "time_to_seconds", "time_trunc", "to_time", "try_to_time",
)))  # fmt: skip

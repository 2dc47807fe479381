"""TIME values: Spark 4.2 has the type switched off, and says so."""

from __future__ import annotations

from penstock.core.errors import analysis_error
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, register
from penstock.plan.expressions import Expression
from penstock.plan.types import NULL, TimeType


def no_time_type() -> Exception:
    """UNSUPPORTED_TIME_TYPE."""
    return analysis_error("UNSUPPORTED_TIME_TYPE", "The data type TIME is not supported.", "0A000")


def refuse_time(args: Args) -> None:
    """Raise when an argument is a TIME."""
    if any(isinstance(arg.type, TimeType) for arg in args):
        raise no_time_type()


def _row(name: str) -> Function:
    def build(args: Args, request: Request) -> Expression:
        raise no_time_type()

    return row(name, "any*", NULL, "", build=build)


register(*(_row(name) for name in (
    "make_time", "time_diff", "time_from_micros", "time_from_millis", "time_from_seconds", "time_to_micros",
    "time_to_millis", "time_to_seconds", "time_trunc", "to_time", "try_to_time",
)))  # fmt: skip

"""time_bucket: the start of the bucket that a timestamp is in."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import unsupported
from penstock.functions.coercion import INTERVALS, cast_if_needed
from penstock.functions.errors import mismatch, not_foldable, wrong_input
from penstock.functions.literals import constant
from penstock.functions.rows import row
from penstock.functions.table import Args, Request, register
from penstock.plan.expressions import FunctionCall, Literal
from penstock.plan.types import (
    TIMESTAMP,
    TIMESTAMP_NTZ,
    DataType,
    DayTimeIntervalType,
    TimestampNTZType,
    TimestampType,
)

_DAY = 86_400_000_000


def _input(args: Args, request: Request) -> Args:
    width, time = args[:2]
    if not isinstance(width.type, INTERVALS):
        raise wrong_input(request.name, args, 0, '("INTERVAL DAY TO SECOND" or "INTERVAL YEAR TO MONTH")')
    if not isinstance(time.type, (TimestampType, TimestampNTZType)):
        raise wrong_input(request.name, args, 1, '("TIMESTAMP" or "TIMESTAMP_NTZ")')
    found = constant(width)
    if found is None:
        raise not_foldable(request.name, args, 0, "bucketSize")
    if found.value is not None and found.value <= 0:
        raise mismatch(
            "VALUE_OUT_OF_RANGE", request.name, args, "the bucket size must be positive.", exprName="bucketSize",
            valueRange="(0, ...]", currentValue=found.value,
        )  # fmt: skip
    kind: DataType = TIMESTAMP_NTZ if isinstance(time.type, TimestampNTZType) else TIMESTAMP
    origin = args[2] if len(args) > 2 else Literal(0, kind)
    return width, time, cast_if_needed(origin, kind, request.conf)


def _sql(args: list[str], call: FunctionCall, context: Any) -> str:
    width, found = args[0], constant(call.args[0])
    local = isinstance(call.type, TimestampNTZType)
    months = not isinstance(call.args[0].type, DayTimeIntervalType)
    days = months or (found is not None and found.value is not None and found.value >= _DAY)
    if days and not local and context.conf.time_zone not in ("UTC", "Etc/UTC", "GMT", "Z"):
        raise unsupported(f"time_bucket by days or months in the time zone {context.conf.time_zone}")
    if months:
        return _by_months(args, local)
    time, origin = (f"epoch_us({arg})" for arg in args[1:])
    make = "make_timestamp" if local else "make_timestamptz"
    return f"{make}({origin} + spark_floor_div({time} - {origin}, {width}) * {width})"


def _by_months(args: list[str], local: bool) -> str:
    """Whole months from the origin; a day that a month lacks is its last."""
    width, time, origin = args
    apart = f"((year({time}) - year({origin})) * 12 + month({time}) - month({origin}))"
    start = f"CAST(spark_floor_div({apart}, {width}) * {width} AS INTEGER)"
    kind = "TIMESTAMP" if local else "TIMESTAMPTZ"
    late = f"{origin} + to_months(k) > {time}"
    moved = f"CASE WHEN {late} THEN {origin} + to_months(k - {width}) ELSE {origin} + to_months(k) END"
    return f"CAST(list_transform([{start}], lambda k: {moved})[1] AS {kind})"


register(row("time_bucket", "any any any?", 1, _sql, coerce=_input))

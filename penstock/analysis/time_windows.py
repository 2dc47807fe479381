"""`window(time, duration, slide, start)`, `session_window(time, gap)` and `window_time(window)`.

A window call multiplies rows when windows overlap, so it becomes a node, ExpandWindows, below the expressions; the call
itself becomes that node's `window` column.  Rows without a time are in no window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_expr
from penstock.analysis.metadata import TIME_WINDOW, metadata_of
from penstock.analysis.session_windows import check_count, is_session, refuse_time, session_call, session_node
from penstock.core.errors import illegal_argument
from penstock.functions.coercion import cast_if_needed
from penstock.functions.errors import not_foldable, wrong_count, wrong_input
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall, Literal, fresh_id
from penstock.plan.nodes import ExpandWindows, Node
from penstock.plan.session_nodes import ExpandSessions
from penstock.plan.types import (
    LONG,
    TIMESTAMP,
    DataType,
    DateType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)
from penstock.sql.intervals import MICROS_PER_DAY, parse_interval

_NAMES = ("windowDuration", "slideDuration", "startTime")


def window_call(args: tuple[Expression, ...], context: AnalysisContext) -> Expression:
    """`window(...)` with its durations as LONG literals of microseconds; a placeholder until `expand_windows`."""
    if not 2 <= len(args) <= 4:
        raise wrong_count("window", 2, 4, len(args))
    time = _time(args, context)
    if time is None:
        raise wrong_input("window", args, 0, '("TIMESTAMP" or "TIMESTAMP WITHOUT TIME ZONE")')
    duration = _microseconds(args, 1)
    slide = _microseconds(args, 2) if len(args) > 2 else duration
    start = _microseconds(args, 3) if len(args) > 3 else 0
    literals = tuple(Literal(us, LONG) for us in (duration, slide, start))
    _check((args[0], *literals), duration, slide, start)
    fields = [StructField("start", time.type), StructField("end", time.type)]
    return FunctionCall("window", (time, *literals), StructType(fields), slide != duration, "window")


def session_window_call(args: tuple[Expression, ...], context: AnalysisContext) -> Expression:
    """`session_window(...)`; a placeholder until `expand_windows`."""
    check_count(args)
    time = _time(args, context)
    if time is None:
        raise refuse_time(args)
    return session_call(time, args)


def window_time(args: tuple[Expression, ...], context: AnalysisContext) -> Expression:
    """`window_time(window)`: the last microsecond of the window, as an event time."""
    if len(args) != 1:
        raise wrong_count("window_time", 1, 1, len(args))
    kind = _window_struct(args[0].type)
    if kind is None:
        raise wrong_input("window_time", args, 0, "STRUCT")
    return FunctionCall("window_time", args, kind, True, "window_time")


def expand_windows(columns: Sequence[Expression], child: Node) -> tuple[list[Expression], Node]:
    """The columns with their window call replaced by a column of a new ExpandWindows over `child`."""
    calls = dict.fromkeys(e for column in columns for e in column.walk() if _is_window(e))
    if not calls:
        return list(columns), child
    if len(calls) > 1:
        raise fail("_LEGACY_ERROR_TEMP_1039")
    (call,) = calls
    assert isinstance(call, FunctionCall)
    node = session_node(call, child) if is_session(call) else _existing(call, child) or _node(call, child)
    return [_replaced(column, call, node.window) for column in columns], node


def _existing(call: FunctionCall, child: Node) -> ExpandWindows | None:
    """The node that GROUP BY made of the same call, when the select list repeats it."""
    if isinstance(child, ExpandSessions):
        raise fail("_LEGACY_ERROR_TEMP_1039")
    if not isinstance(child, ExpandWindows):
        return None
    spans = tuple(Literal(us, LONG) for us in (child.duration_us, child.slide_us, child.start_us))
    if call.args != (child.time, *spans):
        raise fail("_LEGACY_ERROR_TEMP_1039")
    return child


def _is_window(e: Expression) -> bool:
    return isinstance(e, FunctionCall) and e.name in ("window", "session_window")


def _node(call: FunctionCall, child: Node) -> ExpandWindows:
    time, *durations = call.args
    duration, slide, start = (d.value for d in durations if isinstance(d, Literal))
    metadata = {**metadata_of(time), TIME_WINDOW: True}
    window = Attribute("window", call.type, call.nullable, fresh_id(), (), metadata)
    return ExpandWindows(child, time, duration, slide, start, window)


def _replaced(column: Expression, call: Expression, window: Attribute) -> Expression:
    if isinstance(column, Alias) and column.child == call:
        return window if column.generated else replace(column, child=window, metadata=column.metadata or None)
    return column.transform(lambda e: window if e == call else e)


def _window_struct(kind: DataType) -> DataType | None:
    """The time type of a window column's struct."""
    if isinstance(kind, StructType) and [f.name for f in kind.fields] == ["start", "end"]:
        return kind.fields[0].dataType
    return None


def _time(args: tuple[Expression, ...], context: AnalysisContext) -> Expression | None:
    """The event time that the first argument is; None when it is none."""
    kind = args[0].type
    if isinstance(kind, (TimestampType, TimestampNTZType)):
        return args[0]
    if isinstance(kind, (StringType, DateType)):
        return cast_if_needed(args[0], TIMESTAMP, context.conf)
    if _window_struct(kind) is not None:
        return window_time(args[:1], context)
    return None


def _microseconds(args: tuple[Expression, ...], index: int) -> int:
    value = args[index]
    if not isinstance(value, Literal) or value.value is None:
        raise not_foldable("window", args, index, _NAMES[index - 1])
    if isinstance(value.type, (IntegerType, LongType)):
        return int(value.value)
    if not isinstance(value.type, StringType):
        raise wrong_input("window", args, index, "STRING")
    interval = parse_interval(value.value)
    if interval.months:
        message = f"A window cannot be measured in months or years: {value.value!r}."
        raise illegal_argument("_LEGACY_ERROR_TEMP_3231", message, interval=value.value)
    return interval.days * MICROS_PER_DAY + interval.microseconds


def _check(args: tuple[Expression, ...], duration: int, slide: int, start: int) -> None:
    shown = f'"{sql_expr(FunctionCall("window", args, LONG, True)).strip(chr(34))}"'
    for name, value in (("window_duration", duration), ("slide_duration", slide)):
        if value <= 0:
            raise fail(
                "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE",
                sqlExpr=shown,
                exprName=f"`{name}`",
                valueRange="(0, 9223372036854775807]",
                currentValue=f"{value}L",
            )
    _at_most(shown, "slide_duration", slide, "<=", "window_duration", duration, slide <= duration)
    _at_most(shown, "abs(start_time)", abs(start), "<", "slide_duration", slide, abs(start) < slide)


def _at_most(shown: str, left: str, value: int, constraint: str, right: str, limit: int, holds: bool) -> None:
    if not holds:
        raise fail(
            "DATATYPE_MISMATCH.PARAMETER_CONSTRAINT_VIOLATION",
            sqlExpr=shown,
            leftExprName=f"`{left}`",
            leftExprValue=f"{value}L",
            constraint=constraint,
            rightExprName=f"`{right}`",
            rightExprValue=f"{limit}L",
        )

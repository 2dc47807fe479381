"""`session_window(time, gap)`: windows that last until nothing came for `gap`.

The call becomes an ExpandSessions node below the expressions, as `window()` becomes ExpandWindows; where its column is
grouped by, MergeSessions makes whole sessions of the rows of the other keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock.analysis.errors import fail
from penstock.analysis.metadata import SESSION_WINDOW, metadata_of
from penstock.core.errors import unsupported
from penstock.functions.errors import wrong_count, wrong_input
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall, Literal, fresh_id
from penstock.plan.nodes import Aggregate, Node
from penstock.plan.session_nodes import ExpandSessions, MergeSessions
from penstock.plan.types import CalendarIntervalType, NullType, StringType, StructField, StructType
from penstock.sql.intervals import interval_of


def session_call(time: Expression, args: tuple[Expression, ...]) -> Expression:
    """`session_window(...)` over an event time; a placeholder until its node is made."""
    gap = args[1]
    if isinstance(gap, Literal) and isinstance(gap.type, StringType) and gap.value is not None:
        gap = Literal(_interval(gap.value), CalendarIntervalType())
    elif not isinstance(gap.type, (CalendarIntervalType, StringType, NullType)):
        raise fail("_LEGACY_ERROR_TEMP_1040", dt=repr(gap.type).replace(", ", ",").removesuffix("()"))
    fields = [StructField("start", time.type), StructField("end", time.type)]
    return FunctionCall("session_window", (time, gap), StructType(fields), False, "session_window")


def _interval(text: str) -> tuple[int, int, int] | None:
    """A text that denotes no interval is a gap of NULL, which leaves no rows."""
    try:
        interval = interval_of(text)
    except ValueError:
        return None
    return interval.months, interval.days, interval.microseconds


def check_count(args: tuple[Expression, ...]) -> None:
    """session_window takes a time and a gap."""
    if len(args) != 2:
        raise wrong_count("session_window", 2, 2, len(args))


def refuse_time(args: tuple[Expression, ...]) -> Exception:
    """The error for a first argument that is no time."""
    windows = (f"STRUCT<start: {kind}, end: {kind}>" for kind in ("TIMESTAMP", "TIMESTAMP_NTZ"))
    required = " or ".join(f'"{kind}"' for kind in ("(TIMESTAMP OR TIMESTAMP WITHOUT TIME ZONE)", *windows))
    return wrong_input("sessionwindow", args, 0, f"({required})")


def session_node(call: FunctionCall, child: Node) -> ExpandSessions:
    """The node that a call stands for, over `child`; or that very node, when GROUP BY has made it already."""
    time, gap = call.args
    if isinstance(child, ExpandSessions):
        if (child.time, child.gap) != (time, gap):
            raise fail("_LEGACY_ERROR_TEMP_1039")
        return child
    metadata = {**metadata_of(time), SESSION_WINDOW: True}
    window = Attribute("session_window", call.type, call.nullable, fresh_id(), (), metadata)
    return ExpandSessions(child, time, gap, window)


def merged_sessions(node: Aggregate) -> Aggregate:
    """The Aggregate over whole sessions, if it groups by a session window."""
    found = [key for key in node.grouping if isinstance(key, Attribute) and SESSION_WINDOW in key.metadata]
    if not found:
        return node
    if len(found) > 1:
        raise fail("_LEGACY_ERROR_TEMP_1039")
    if node.kind != "groupby":
        raise unsupported(f"{node.kind} over session_window")
    (window,) = found
    keys = tuple(key for key in node.grouping if key != window)
    return replace(node, child=MergeSessions(node.child, keys, window))


def is_session(e: Expression) -> bool:
    """Whether it is a `session_window` call."""
    return isinstance(e, FunctionCall) and e.name == "session_window"


def session_alias(columns: Sequence[Expression]) -> bool:
    """Whether one of these columns is a session window of its own."""
    return any(is_session(column.child if isinstance(column, Alias) else column) for column in columns)

"""OVER clauses and ORDER BY keys."""

from __future__ import annotations

import re
from collections.abc import Callable

from penstock.functions.nested_order import sort_key
from penstock.functions.table import lookup
from penstock.plan.expressions import Expression, FrameBound, FunctionCall, Literal, SortOrder, WindowExpression
from penstock.plan.types import DateType, DayTimeIntervalType, TimestampNTZType, TimestampType, YearMonthIntervalType

_FIXED_BOUNDS = {
    "unbounded_preceding": "UNBOUNDED PRECEDING",
    "unbounded_following": "UNBOUNDED FOLLOWING",
    "current_row": "CURRENT ROW",
}
#: Window functions that look at their frame; for the others Spark fixes the frame itself.
_FRAMED = frozenset(("first_value", "last_value", "nth_value", "first", "last", "any_value"))
#: SQL that DuckDB takes for the place of a column, or refuses, where it is the key of an ORDER BY.
_LITERAL = re.compile(r"'(?:[^']|'')*'|[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?|NULL|TRUE|FALSE", re.IGNORECASE)


def sort_sql(sql: str, order: SortOrder) -> str:
    """One key of an ORDER BY, with Spark's place for NULL said explicitly."""
    direction = "ASC" if order.ascending else "DESC"
    key = f"CASE WHEN TRUE THEN {sql} END" if _LITERAL.fullmatch(sql) else sort_key(sql, order.child.type)
    return f"{key} {direction} NULLS {'FIRST' if order.puts_nulls_first else 'LAST'}"


def over_sql(window: WindowExpression, sql: Callable[[Expression], str]) -> str:
    """The text between the parentheses of OVER."""
    parts = []
    if window.partition_by:
        parts.append("PARTITION BY " + ", ".join(sql(key) for key in window.partition_by))
    if window.order_by:
        by_number = _is_span_of_time(window)
        keys = (f"epoch_us({sql(key.child)})" if by_number else sql(key.child) for key in window.order_by)
        parts.append("ORDER BY " + ", ".join(map(sort_sql, keys, window.order_by)))
    if window.frame_type and _heeds_frame(window.function):
        parts.append(_frame(window, sql))
    return " ".join(parts)


def _heeds_frame(function: Expression) -> bool:
    if not isinstance(function, FunctionCall):
        return True
    return lookup(function.name).kind != "window" or function.name in _FRAMED


def _frame(window: WindowExpression, sql: Callable[[Expression], str]) -> str:
    lower = _bound(window.lower or FrameBound("unbounded_preceding"), window, sql)
    upper = _bound(window.upper or FrameBound("current_row"), window, sql)
    return f"{window.frame_type.upper()} BETWEEN {lower} AND {upper}"


def _bound(bound: FrameBound, window: WindowExpression, sql: Callable[[Expression], str]) -> str:
    if bound.value is None:
        return _FIXED_BOUNDS[bound.kind]
    kind, value = bound.kind, bound.value
    if isinstance(value, Literal) and isinstance(value.value, (int, float)):
        if value.value == 0:
            return "CURRENT ROW"
        if value.value < 0:  # Spark allows `-1 FOLLOWING`
            kind = "preceding" if kind == "following" else "following"
            value = Literal(-value.value, value.data_type)
    return f"{_offset(sql(value), value, window)} {kind.upper()}"


def _is_span_of_time(window: WindowExpression) -> bool:
    """Whether the frame is a RANGE of days or less around a date or a timestamp.  These are taken as numbers: DuckDB
    takes a frame of 30 days and one of a month for the same."""
    offsets = [b.value for b in (window.lower, window.upper) if b is not None and b.value is not None]
    if window.frame_type != "range" or not offsets or not _heeds_frame(window.function):
        return False
    is_time = isinstance(window.order_by[0].child.type, (DateType, TimestampType, TimestampNTZType))
    return is_time and not any(isinstance(offset.type, YearMonthIntervalType) for offset in offsets)


def _offset(text: str, value: Expression, window: WindowExpression) -> str:
    """A RANGE offset in DuckDB's type for the order key: intervals are numbers with us."""
    if window.frame_type != "range":
        return text
    key = window.order_by[0].child.type if window.order_by else None
    is_time = isinstance(key, (DateType, TimestampType, TimestampNTZType))
    if isinstance(value.type, YearMonthIntervalType):
        return f"to_months({text})" if is_time else text
    if isinstance(value.type, DayTimeIntervalType):
        return text if _is_span_of_time(window) or not is_time else f"to_microseconds({text})"
    if isinstance(key, DateType):
        return f"(CAST({text} AS BIGINT) * 86400000000)"
    return f"(CAST({text} AS BIGINT) * 1000000)" if is_time else text

"""Window expressions: which functions may stand before OVER, default frames, and what they need."""

from __future__ import annotations

import math
from dataclasses import replace

from penstock.analysis.errors import fail, sql_expr, sql_type
from penstock.analysis.kinds import is_aggregate, is_window_function
from penstock.functions.coercion import DATETIME, INTERVALS, is_numeric
from penstock.functions.literals import constant_value
from penstock.plan.expressions import FrameBound, FunctionCall, WindowExpression
from penstock.plan.types import MapType, VariantType

_START, _END, _CURRENT = FrameBound("unbounded_preceding"), FrameBound("unbounded_following"), FrameBound("current_row")


def check_window(window: WindowExpression) -> WindowExpression:
    """The window with Spark's frame where the user gave none.

    An aggregate sees the rows up to the current one and its peers if there is an order, else the whole partition.
    Ranking and offset functions have no frame of their own (`frame_type` stays "") but need an order."""
    function = window.function
    _check_partitions(window)
    _check_frame(window)
    if is_window_function(function):
        assert isinstance(function, FunctionCall)
        if not window.order_by:
            shown = sql_expr(function).strip('"').upper()
            raise fail("WINDOW_FUNCTION_FRAME_NOT_ORDERED", wf_name=function.name, wf_expr=shown)
        _check_arguments(function)
        fixed = FrameBound("unbounded_preceding"), FrameBound("current_row")
        if window.frame_type and (window.lower, window.upper) != fixed and function.name not in _FRAMED:
            raise fail("_LEGACY_ERROR_TEMP_1036", wf=sql_expr(window), required="its own frame")
        return window
    if not is_aggregate(function):
        raise fail("UNSUPPORTED_EXPR_FOR_WINDOW", sqlExpr=sql_expr(function))
    if isinstance(function, FunctionCall) and function.distinct:
        raise fail("DISTINCT_WINDOW_FUNCTION_UNSUPPORTED", windowExpr=sql_expr(window))
    return _with_frame(window)


_FRAMED = frozenset(("nth_value", "first_value", "last_value"))
_RANGE_KEYS = (*INTERVALS, *DATETIME)


def _check_arguments(function: FunctionCall) -> None:
    """ntile's buckets and nth_value's offset are positive."""
    at = {"ntile": (0, "buckets", 2**31 - 1), "nth_value": (1, "offset", 2**63 - 1)}.get(function.name)
    if at is None:
        return
    index, name, most = at
    value = constant_value(function.args[index])
    if value is not None and value < 1:
        shown = {"exprName": name, "valueRange": f"(0, {most}]", "currentValue": value}
        raise fail("DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE", sqlExpr=sql_expr(function), **shown)


def _check_partitions(window: WindowExpression) -> None:
    for key in window.partition_by:
        if isinstance(key.type, (MapType, VariantType)):
            raise fail("EXPRESSION_TYPE_IS_NOT_ORDERABLE", expr=sql_expr(key), exprType=sql_type(key.type))


def _check_frame(window: WindowExpression) -> None:
    """A RANGE with offsets has one key, a number or a time; a frame does not end before it begins."""
    places = [_place(bound) for bound in (window.lower, window.upper)]
    if None not in places and window.frame_type and places[0] > places[1]:  # type: ignore[operator]
        shown = {"comparison": "less than or equal"}
        raise fail("DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_WRONG_COMPARISON", sqlExpr=sql_expr(window), **shown)
    offsets = [b for b in (window.lower, window.upper) if b is not None and b.value is not None]
    if window.frame_type != "range" or not offsets or not window.order_by:
        return
    if len(window.order_by) > 1:
        keys = ",".join(sql_expr(key) for key in window.order_by)
        raise fail("DATATYPE_MISMATCH.RANGE_FRAME_MULTI_ORDER", sqlExpr=sql_expr(window), orderSpec=keys)
    kind = window.order_by[0].child.type
    if not (is_numeric(kind) or isinstance(kind, _RANGE_KEYS)):
        shown = {"location": "lower", "exprType": sql_type(kind), "expectedType": "a number or a time"}
        raise fail("DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE", sqlExpr=sql_expr(window), **shown)


def _place(bound: FrameBound | None) -> float | None:
    """Where a bound lies from the current row, if it is a constant."""
    if bound is None:
        return None
    if bound.value is None:
        return {"unbounded_preceding": -math.inf, "current_row": 0, "unbounded_following": math.inf}[bound.kind]
    value = constant_value(bound.value)
    if not isinstance(value, (int, float)):
        return None
    return -value if bound.kind == "preceding" else value


def _with_frame(window: WindowExpression) -> WindowExpression:
    if not window.frame_type:
        kind, upper = ("range", _CURRENT) if window.order_by else ("rows", _END)
        return replace(window, frame_type=kind, lower=_START, upper=upper)
    offsets = [b for b in (window.lower, window.upper) if b is not None and b.value is not None]
    if window.frame_type == "range" and offsets and not window.order_by:
        raise fail("DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER", sqlExpr=sql_expr(window))
    return window

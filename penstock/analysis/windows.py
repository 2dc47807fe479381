"""Window expressions: which functions may stand before OVER, default frames, and what they need."""

from __future__ import annotations

from dataclasses import replace

from penstock.analysis.errors import fail, sql_expr
from penstock.analysis.kinds import is_aggregate, is_window_function
from penstock.plan.expressions import FrameBound, FunctionCall, WindowExpression

_START, _END, _CURRENT = FrameBound("unbounded_preceding"), FrameBound("unbounded_following"), FrameBound("current_row")


def check_window(window: WindowExpression) -> WindowExpression:
    """The window with Spark's frame where the user gave none.

    An aggregate sees the rows up to the current one and its peers if there is an order, else the whole partition.
    Ranking and offset functions have no frame of their own (`frame_type` stays "") but need an order."""
    function = window.function
    if is_window_function(function):
        assert isinstance(function, FunctionCall)
        if not window.order_by:
            shown = sql_expr(function).strip('"').upper()
            raise fail("WINDOW_FUNCTION_FRAME_NOT_ORDERED", wf_name=function.name, wf_expr=shown)
        return window
    if not is_aggregate(function):
        raise fail("UNSUPPORTED_EXPR_FOR_WINDOW", sqlExpr=sql_expr(function))
    if isinstance(function, FunctionCall) and function.distinct:
        raise fail("DISTINCT_WINDOW_FUNCTION_UNSUPPORTED", windowExpr=sql_expr(window))
    return _with_frame(window)


def _with_frame(window: WindowExpression) -> WindowExpression:
    if not window.frame_type:
        kind, upper = ("range", _CURRENT) if window.order_by else ("rows", _END)
        return replace(window, frame_type=kind, lower=_START, upper=upper)
    offsets = [b for b in (window.lower, window.upper) if b is not None and b.value is not None]
    if window.frame_type == "range" and offsets and not window.order_by:
        raise fail("DATATYPE_MISMATCH.RANGE_FRAME_WITHOUT_ORDER", sqlExpr=sql_expr(window))
    return window

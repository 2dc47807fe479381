"""Functions that concern the analyzer itself: time windows change the plan, grouping() asks about GROUP BY."""

from __future__ import annotations

from collections.abc import Callable

from penstock.analysis import time_windows
from penstock.analysis.scope import Scope
from penstock.core.errors import unsupported
from penstock.functions.errors import wrong_count
from penstock.plan.expressions import Expression, FunctionCall
from penstock.plan.types import BYTE, LONG


def _window(args: tuple[Expression, ...], scope: Scope) -> Expression:
    return time_windows.window_call(args, scope.context)


def _window_time(args: tuple[Expression, ...], scope: Scope) -> Expression:
    return time_windows.window_time(args, scope.context)


def _session_window(args: tuple[Expression, ...], scope: Scope) -> Expression:
    raise unsupported("session_window", "Use window(), or keep sessions with transformWithState.")


def _grouping(args: tuple[Expression, ...], scope: Scope) -> Expression:
    if len(args) != 1:
        raise wrong_count("grouping", 1, 1, len(args))
    return FunctionCall("grouping", args, BYTE, False, "grouping")


def _grouping_id(args: tuple[Expression, ...], scope: Scope) -> Expression:
    return FunctionCall("grouping_id", args, LONG, False, "grouping_id")


HANDLERS: dict[str, Callable[[tuple[Expression, ...], Scope], Expression]] = {
    "window": _window,
    "window_time": _window_time,
    "session_window": _session_window,
    "grouping": _grouping,
    "grouping_id": _grouping_id,
}

"""Functions that concern the analyzer itself: time windows change the plan, grouping() asks about GROUP BY."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from penstock.analysis import time_windows
from penstock.analysis.scope import Scope
from penstock.core.errors import unsupported
from penstock.functions import resolve
from penstock.functions.errors import wrong_count
from penstock.plan.expressions import Cast, Expression, FunctionCall, Literal, WindowExpression
from penstock.plan.nodes import Read
from penstock.plan.types import BYTE, LONG, STRING


def _window(args: tuple[Expression, ...], scope: Scope) -> Expression:
    return time_windows.window_call(args, scope.context)


def _window_time(args: tuple[Expression, ...], scope: Scope) -> Expression:
    return time_windows.window_time(args, scope.context)


def _session_window(args: tuple[Expression, ...], scope: Scope) -> Expression:
    return time_windows.session_window_call(args, scope.context)


def _grouping(args: tuple[Expression, ...], scope: Scope) -> Expression:
    if len(args) != 1:
        raise wrong_count("grouping", 1, 1, len(args))
    return FunctionCall("grouping", args, BYTE, False, "grouping")


def _grouping_id(args: tuple[Expression, ...], scope: Scope) -> Expression:
    return FunctionCall("grouping_id", args, LONG, False, "grouping_id")


def _distributed_sequence_id(args: tuple[Expression, ...], scope: Scope) -> Expression:
    """The rows' numbers from 0 on: what zipWithIndex asks for."""
    number = WindowExpression(resolve("row_number", (), conf=scope.context.conf))
    return resolve("-", (Cast(number, LONG, "ansi"), Literal(1, LONG)), conf=scope.context.conf)


def _input_file(name: str) -> Callable[[tuple[Expression, ...], Scope], Expression]:
    """Nothing (or -1) where no file is read; over files it is refused rather than answered with nothing."""

    def handler(args: tuple[Expression, ...], scope: Scope) -> Expression:
        reads = (node for plan in scope.plans for node in plan.walk() if isinstance(node, Read))
        if any(not hasattr(read.relation, "scan_files") for read in reads):
            raise unsupported(f"{name} over a data source that is not of files")
        return resolve(name, args, conf=scope.context.conf)

    return handler


def _current_schema(args: tuple[Expression, ...], scope: Scope) -> Expression:
    call = resolve("current_schema", args, conf=scope.context.conf)
    assert isinstance(call, FunctionCall)
    return replace(call, args=(Literal(scope.context.catalog.current_database, STRING),))


_INPUT_FILE = ("input_file_name", "input_file_block_start", "input_file_block_length")

HANDLERS: dict[str, Callable[[tuple[Expression, ...], Scope], Expression]] = {
    "window": _window,
    "window_time": _window_time,
    "session_window": _session_window,
    "distributed_sequence_id": _distributed_sequence_id,
    "grouping": _grouping,
    "grouping_id": _grouping_id,
    "current_schema": _current_schema,
    "current_database": _current_schema,
    **{name: _input_file(name) for name in _INPUT_FILE},
}

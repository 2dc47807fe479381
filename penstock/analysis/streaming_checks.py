"""What a query may do with a stream (Spark's UnsupportedOperationChecker)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from penstock.analysis.errors import fail
from penstock.analysis.metadata import WATERMARK_DELAY
from penstock.analysis.streaming_joins import can_forget_unmatched
from penstock.core.config import Conf
from penstock.core.errors import analysis_error
from penstock.functions.names import display_name
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall, SubqueryExpression, WindowExpression
from penstock.plan.nodes import (
    Aggregate,
    Deduplicate,
    Join,
    Limit,
    Node,
    Offset,
    Project,
    Sample,
    SetOperation,
    Sort,
    Tail,
)
from penstock.plan.python_nodes import ApplyInPandasWithState, TransformWithState
from penstock.plan.session_nodes import MergeSessions

_JOIN_NAMES = {
    "inner": "Inner", "cross": "Cross", "left": "LeftOuter", "right": "RightOuter", "full": "FullOuter",
    "semi": "LeftSemi", "anti": "LeftAnti",
}  # fmt: skip
_ALL_CHECKS = "spark.sql.streaming.unsupportedOperationCheck"
_CORRECTNESS_CHECK = "spark.sql.streaming.statefulOperator.checkCorrectness.enabled"
_CORRECTNESS = (
    "Detected pattern of possible 'correctness' issue due to global watermark: a stateful operation stands over "
    "another whose rows may be older than the watermark, so that they would be lost. Use output mode append, or set "
    "spark.sql.streaming.statefulOperator.checkCorrectness.enabled to false to run it all the same."
)


def check_batch(plan: Node) -> None:
    """Raise if a stream is used where only static data can be (show, collect, write)."""
    if _streams_anywhere(plan):
        raise _refused("Queries with streaming sources must be executed with writeStream.start()")


def check_streaming(plan: Node, output_mode: str, conf: Conf | None = None) -> None:
    """Raise Spark's error if `plan` cannot run as a stream in `output_mode` (append, update, complete).  `conf` may
    turn off the check of rows that could be lost between stateful operators, or all checks."""
    mode, settings = output_mode.lower(), conf or Conf()
    if settings.get(_ALL_CHECKS, "true") == "false":
        return
    if not plan.is_streaming:
        raise _refused("Queries without streaming sources cannot be executed with writeStream.start()")
    nodes = list(_bottom_up(plan))
    functions = [n for n in nodes if isinstance(n, ApplyInPandasWithState) and n.is_streaming]
    if len(functions) > 1:
        raise _refused("Multiple applyInPandasWithStates are not supported on streaming DataFrames/Datasets")
    aggregates = [n for n in nodes if isinstance(n, Aggregate) and n.is_streaming]
    _check_mode(aggregates, mode)
    for function in functions:
        _check_function_with_state(function, mode, bool(aggregates))
    for node in nodes:
        if node.is_streaming:
            _check_node(node, mode)
    if settings.get(_CORRECTNESS_CHECK, "true") != "false":
        _check_chain(nodes, mode)


def _bottom_up(plan: Node) -> Iterator[Node]:
    order, todo = [], [plan]
    while todo:
        node = todo.pop()
        order.append(node)
        todo.extend(node.children)
    return reversed(order)


def _streams_anywhere(plan: Node) -> bool:
    """Also in subqueries, which are not inputs of their nodes."""
    if plan.is_streaming:
        return True
    subqueries = (e for node in plan.walk() for x in _expressions(node) for e in x.walk())
    return any(isinstance(e, SubqueryExpression) and _streams_anywhere(e.plan) for e in subqueries)


def _expressions(node: Node) -> Iterator[Expression]:
    for value in vars(node).values():
        for e in value if isinstance(value, tuple) else (value,):
            if isinstance(e, Expression):
                yield e


def _refused(message: str) -> Exception:
    return fail("_LEGACY_ERROR_TEMP_3102", msg=message)


# ---------------------------------------------------------------- output mode


def _check_mode(aggregates: list[Aggregate], mode: str) -> None:
    if mode == "complete" and not aggregates:
        raise _wrong_mode(mode, "no streaming aggregations")
    if mode == "append" and aggregates and not _has_event_time(aggregates[-1]):
        raise _wrong_mode(mode, "streaming aggregations without watermark")
    if mode == "update" and aggregates and isinstance(aggregates[-1].child, MergeSessions):
        raise _wrong_mode(mode, "session window streaming aggregations")


def _has_event_time(aggregate: Aggregate) -> bool:
    """Whether a key bears a watermark: only then is a group ever finished."""
    keys = (key.child if isinstance(key, Alias) else key for key in aggregate.grouping)
    return any(isinstance(key, Attribute) and WATERMARK_DELAY in key.metadata for key in keys)


def _wrong_mode(mode: str, operation: str) -> Exception:
    return fail("STREAMING_OUTPUT_MODE.UNSUPPORTED_OPERATION", outputMode=mode, operation=operation)


# ---------------------------------------------------------------- node by node


def _check_node(node: Node, mode: str) -> None:
    for e in (x for top in _expressions(node) for x in top.walk()):
        if isinstance(e, FunctionCall) and e.name == "monotonically_increasing_id":
            name = "monotonically_increasing_id()"
            raise _refused(f"Expression(s): {name} is not supported with streaming DataFrames/Datasets")
    check = _CHECKS.get(type(node))
    if check is not None:
        check(node, mode)


def _aggregate(node: Aggregate, mode: str) -> None:
    calls = (e for column in node.aggregates for e in column.walk())
    if any(isinstance(e, FunctionCall) and e.distinct for e in calls):
        raise _refused(
            "Distinct aggregations are not supported on streaming DataFrames/Datasets. "
            "Consider using approx_count_distinct() instead."
        )


def _project(node: Project, mode: str) -> None:
    for column in node.expressions:
        for e in column.walk():
            if isinstance(e, WindowExpression):
                raise _window(column, e)


def _window(column: Expression, window: WindowExpression) -> Exception:
    function, _, spec = display_name(window).partition(" OVER ")
    name = column.name if isinstance(column, Alias) else display_name(column)
    return analysis_error(
        "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
        f"Window function {function.upper()} of column {name} does not run on a stream; use window() and an aggregate.",
        "42KDE",
        windowFunc=function.upper(),
        columnName=f"`{name}`",
        windowSpec=spec.upper(),
    )


def _sort(node: Sort, mode: str) -> None:
    if mode != "complete" or not any(isinstance(n, Aggregate) and n.is_streaming for n in node.walk()):
        raise _refused(
            "Sorting is not supported on streaming DataFrames/Datasets, unless it is on aggregated DataFrame/Dataset "
            "in Complete output mode"
        )


def _limit(node: Limit, mode: str) -> None:
    if mode == "update":
        raise _refused("Limits are not supported on streaming DataFrames/Datasets in Update output mode")


def _never(what: str) -> Callable[[Any, str], None]:
    def check(node: Node, mode: str) -> None:
        raise _refused(f"{what} is not supported on streaming DataFrames/Datasets")

    return check


def _deduplicate(node: Deduplicate, mode: str) -> None:
    has_watermark = any(WATERMARK_DELAY in a.metadata for a in node.child.output)
    if node.within_watermark and not has_watermark:
        raise _refused(
            "dropDuplicatesWithinWatermark is not supported on streaming DataFrames/DataSets without watermark"
        )


def _set_operation(node: SetOperation, mode: str) -> None:
    left, right = node.left.is_streaming, node.right.is_streaming
    if node.kind == "union" and left != right:
        raise _refused("Union between streaming and batch DataFrames/Datasets is not supported")
    if node.kind == "except" and right:
        raise _refused("Except on a streaming DataFrame/Dataset on the right is not supported")
    if node.kind == "intersect":
        raise _refused("Intersect of streaming DataFrames/Datasets is not supported")


# ---------------------------------------------------------------- joins


def _join(node: Join, mode: str) -> None:
    left, right = node.left.is_streaming, node.right.is_streaming
    name = _JOIN_NAMES[node.kind]
    if node.kind == "anti" and right:
        raise _refused("LeftAnti joins with a streaming DataFrame/Dataset on the right are not supported")
    if left and right:
        _join_of_streams(node, name, mode)
    elif node.kind == "full":
        raise _one_sided("FullOuter joins", left)
    elif (node.kind in ("left", "semi") and right) or (node.kind == "right" and left):
        raise _one_sided(f"{name} join", left)


def _one_sided(join: str, stream_on_left: bool) -> Exception:
    stream, static = ("left", "right") if stream_on_left else ("right", "left")
    return _refused(
        f"{join} with a streaming DataFrame/Dataset on the {stream} and a static DataFrame/Dataset on the {static} "
        "is not supported"
    )


def _join_of_streams(node: Join, name: str, mode: str) -> None:
    is_inner = node.kind in ("inner", "cross", "semi")
    if mode == "complete" or (mode == "update" and not is_inner):
        modes = "Append and Update output modes" if is_inner else "Append output mode"
        raise _refused(
            f"{name} join between two streaming DataFrames/Datasets is not supported in {mode.capitalize()} "
            f"output mode, only in {modes}"
        )
    if node.kind not in ("inner", "cross") and not can_forget_unmatched(node):
        raise _refused(
            f"Stream-stream {name} join between two streaming DataFrame/Datasets is not supported without a watermark "
            "in the join keys, or a watermark on the nullable side and an appropriate range condition"
        )


# ---------------------------------------------------------------- Python functions with state


def _check_function_with_state(node: ApplyInPandasWithState, mode: str, has_aggregates: bool) -> None:
    """With aggregations it runs in append mode alone, and below them; without any in the query's mode."""
    own = node.output_mode.lower()
    above = any(isinstance(n, Aggregate) and n.is_streaming for n in node.child.walk())
    if has_aggregates and (own != "append" or above):
        where = "after" if own == "append" else "with"
        raise _refused(
            f"applyInPandasWithState in {own} mode is not supported {where} aggregation on a streaming "
            "DataFrame/Dataset"
        )
    if not has_aggregates and own != mode:
        raise _refused(
            f"applyInPandasWithState in {own} mode is not supported with {mode.capitalize()} output mode on a "
            "streaming DataFrame/Dataset"
        )


def _with_state(node: ApplyInPandasWithState, mode: str) -> None:
    has_watermark = any(WATERMARK_DELAY in a.metadata for a in node.child.output)
    if node.timeout == "EventTimeTimeout" and not has_watermark:
        raise _refused("Event-time timeout of applyInPandasWithState needs withWatermark: Watermark must be specified")


# ---------------------------------------------------------------- stateful over stateful


def _check_chain(nodes: list[Node], mode: str) -> None:
    """Outside append mode nothing stateful may stand over a streaming aggregation."""
    if mode == "append":
        return
    for node in nodes:
        if _is_stateful(node):
            below = (n for child in node.children for n in child.walk())
            if any(isinstance(n, Aggregate) and n.is_streaming for n in below):
                raise _refused(_CORRECTNESS)


def _is_stateful(node: Node) -> bool:
    if isinstance(node, Join):
        return node.left.is_streaming and node.right.is_streaming
    if isinstance(node, Deduplicate):
        timed = node.within_watermark or any(WATERMARK_DELAY in key.metadata for key in node.keys)
        return timed and node.is_streaming
    return isinstance(node, (Aggregate, ApplyInPandasWithState, TransformWithState)) and node.is_streaming


_CHECKS: dict[type[Node], Callable[[Any, str], None]] = {
    Aggregate: _aggregate,
    ApplyInPandasWithState: _with_state,
    Deduplicate: _deduplicate,
    Join: _join,
    Limit: _limit,
    Offset: _never("Offset"),
    Project: _project,
    Sample: _never("Sampling"),
    SetOperation: _set_operation,
    Sort: _sort,
    Tail: _never("Tail"),
}

"""What an expression contains: aggregates, window functions, generators, randomness."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.functions.table import exists, lookup
from penstock.plan.expressions import Expression, FunctionCall, PythonFunction, SubqueryExpression, WindowExpression

# PythonEvalType codes of functions that fold a group into one value
_GROUPED_AGGREGATE_EVAL_TYPES = frozenset({202, 203, 217, 252, 253, 254})


def _kind(name: str) -> str:
    """The function's kind; the analyzer's own calls (`grouping`, `window_time`) are scalar."""
    return lookup(name).kind if exists(name) else "scalar"


def is_aggregate(e: Expression) -> bool:
    """Whether `e` itself is a call of an aggregate function."""
    if isinstance(e, FunctionCall):
        return _kind(e.name) == "aggregate"
    return isinstance(e, PythonFunction) and e.eval_type in _GROUPED_AGGREGATE_EVAL_TYPES


def is_generator(e: Expression) -> bool:
    """Whether `e` itself is a call of the explode family."""
    return isinstance(e, FunctionCall) and _kind(e.name) == "generator"


def is_window_function(e: Expression) -> bool:
    """Whether `e` itself is a call that only makes sense under OVER."""
    return isinstance(e, FunctionCall) and _kind(e.name) == "window"


def group_aggregates(e: Expression) -> Iterator[Expression]:
    """The aggregate calls in `e` that fold a group of rows: those directly under OVER do not."""
    if is_aggregate(e):
        yield e
        return
    children = e.children
    if isinstance(e, WindowExpression):
        children = (*e.function.children, *e.partition_by, *e.order_by)
    for child in children:
        yield from group_aggregates(child)


def contains_aggregate(e: Expression) -> bool:
    """Whether `e` folds a group of rows somewhere."""
    return next(group_aggregates(e), None) is not None


def contains_window(e: Expression) -> bool:
    """Whether there is an OVER in `e`."""
    return any(isinstance(x, WindowExpression) for x in e.walk())


def contains_generator(e: Expression) -> bool:
    """Whether the explode family occurs in `e`."""
    return any(is_generator(x) for x in e.walk())


def contains_subquery(e: Expression) -> bool:
    """Whether a query stands in `e`."""
    return any(isinstance(x, SubqueryExpression) for x in e.walk())


def is_deterministic(e: Expression) -> bool:
    """Whether evaluating `e` twice over one row gives the same."""
    return all(_deterministic_itself(x) for x in e.walk())


def _deterministic_itself(e: Expression) -> bool:
    if isinstance(e, PythonFunction):
        return e.deterministic
    return not isinstance(e, FunctionCall) or not exists(e.name) or lookup(e.name).deterministic

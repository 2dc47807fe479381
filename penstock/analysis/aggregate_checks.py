"""What an Aggregate's keys and columns may be (Spark's CheckAnalysis)."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.analysis.errors import fail, sql_expr
from penstock.analysis.kinds import contains_aggregate, contains_window, is_aggregate, is_deterministic
from penstock.analysis.scope import Scope
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall
from penstock.plan.types import VariantType


def check_keys(keys: Sequence[Expression]) -> None:
    """No aggregates and no window functions in GROUP BY."""
    for key in keys:
        if contains_aggregate(key):
            raise fail("GROUP_BY_AGGREGATE", sqlExpr=sql_expr(key))
        if contains_window(key):
            raise fail("WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE", clauseName="GROUP BY")
        if isinstance(key.type, VariantType):
            raise fail("GROUP_EXPRESSION_TYPE_IS_NOT_ORDERABLE", sqlExpr=sql_expr(key), dataType='"VARIANT"')


def check_columns(
    columns: Sequence[Expression],
    keys: Sequence[Expression],
    kind: str,
    scope: Scope,
    grouping: Sequence[Expression] | None = None,
) -> None:
    """Every column must be made of keys, aggregates and constants.  `grouping`: what grouping() may ask about, if those
    are not all the keys."""
    for column in columns:
        for call in _grouping_calls(column):
            _check_grouping(call, keys if grouping is None else grouping, kind)
        _check(column.child if isinstance(column, Alias) else column, keys, scope)


def _grouping_calls(e: Expression) -> list[FunctionCall]:
    return [x for x in e.walk() if isinstance(x, FunctionCall) and x.name in ("grouping", "grouping_id")]


def _check(e: Expression, keys: Sequence[Expression], scope: Scope) -> None:
    if isinstance(e, FunctionCall) and e.name in ("grouping", "grouping_id"):
        return
    if is_aggregate(e) and not any(contains_aggregate(child) for child in e.children):
        _check_repeatable(e)
        return
    if any(e == key for key in keys):
        return
    if isinstance(e, Attribute):
        if _is_outer(e, scope):
            return
        if not keys:
            raise fail("MISSING_GROUP_BY")
        shown = sql_expr(e)
        raise fail("MISSING_AGGREGATION", expression=shown, expressionAnyValue=f'"any_value({shown.strip(chr(34))})"')
    for child in e.children:
        _check(child, keys, scope)


def _check_repeatable(call: Expression) -> None:
    """Spark takes no random values as an aggregate's input: it may evaluate them several times."""
    for child in call.children:
        if isinstance(call, FunctionCall) and not is_deterministic(child):
            raise fail("AGGREGATE_FUNCTION_WITH_NONDETERMINISTIC_EXPRESSION", sqlExpr=sql_expr(call))


def _is_outer(e: Attribute, scope: Scope) -> bool:
    """Whether the column belongs to an enclosing query: constant for this one."""
    outer = scope.context.outer
    while outer is not None:
        if outer.attribute(e.id) is not None:
            return True
        outer = outer.context.outer
    return False


def _check_grouping(e: FunctionCall, keys: Sequence[Expression], kind: str) -> None:
    if kind == "groupby":
        raise fail("UNSUPPORTED_GROUPING_EXPRESSION")
    shown_keys = ", ".join(sql_expr(key) for key in keys)
    if e.name == "grouping" and not any(e.args[0] == key for key in keys):
        raise fail("GROUPING_COLUMN_MISMATCH", grouping=sql_expr(e.args[0]), groupingColumns=shown_keys)
    if e.name == "grouping_id" and tuple(e.args) != tuple(keys):
        shown = ", ".join(sql_expr(arg) for arg in e.args)
        raise fail("GROUPING_ID_COLUMN_MISMATCH", groupingIdColumn=shown, groupByColumns=shown_keys)

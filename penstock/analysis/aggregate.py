"""GROUP BY: the keys, the output columns over them, and what stands above (windows and generators over aggregates)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock.analysis.aggregate_checks import check_columns, check_keys
from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_expr
from penstock.analysis.expressions import resolve_expression
from penstock.analysis.group_by import resolve_keys
from penstock.analysis.grouping_sets import expand_sets, with_nullable_keys
from penstock.analysis.hidden import expose
from penstock.analysis.kinds import contains_generator, contains_window
from penstock.analysis.lift import Lift
from penstock.analysis.pivot import resolve_pivot
from penstock.analysis.scope import Scope
from penstock.analysis.select_list import name_column, resolve_select_list, without_repeats
from penstock.analysis.session_windows import merged_sessions
from penstock.analysis.time_windows import expand_windows
from penstock.plan.expressions import Alias, Attribute, Expression, UnresolvedFunction
from penstock.plan.nodes import Aggregate, Node


def resolve_aggregate(node: Aggregate, context: AnalysisContext) -> Node:
    """Spark's GROUP BY: keys may be expressions, positions, aliases of the select list, or ALL."""
    if any(_is_window(e) for key in node.grouping for e in key.walk()):
        node = _with_windows(node, context)
    scope = Scope(context, node.child)
    columns = resolve_select_list(node.aggregates, scope)
    keys = resolve_keys(node, columns, scope)
    for key in keys:
        if contains_generator(key):
            raise fail("UNSUPPORTED_EXPR_FOR_OPERATOR", invalidExprSqls=sql_expr(key))
    if node.include_grouping and context.conf.get("spark.sql.retainGroupColumns", "true") == "true":
        keys = [name_column(original, key) for original, key in zip(node.grouping, keys, strict=True)]
        columns = [*keys, *columns]
    if node.pivot is not None:
        return resolve_pivot(node, keys, columns[len(columns) - len(node.aggregates) :], scope)
    return aggregate_of(keys, columns, scope, node.child, node.kind, node.sets)


def _is_window(e: Expression) -> bool:
    return isinstance(e, UnresolvedFunction) and e.name.lower() in ("window", "session_window")


def _with_windows(node: Aggregate, context: AnalysisContext) -> Aggregate:
    """GROUP BY window(...): the windows become a column of the input, which the select list may name `window`."""
    scope = Scope(context, node.child)
    grouping = [name_column(key, resolve_expression(key, scope)) if _has_window(key) else key for key in node.grouping]
    resolved = [key for key in grouping if not _is_unresolved(key)]
    placed, child = expand_windows(resolved, expose(node.child, tuple(scope.missing.values())))
    after = iter(placed)
    keys = tuple(key if _is_unresolved(key) else next(after) for key in grouping)
    return replace(node, grouping=keys, child=child)


def _has_window(key: Expression) -> bool:
    return any(_is_window(e) for e in key.walk())


def _is_unresolved(key: Expression) -> bool:
    return not isinstance(key, Attribute) and not (isinstance(key, Alias) and key.id)


def aggregate_of(
    keys: Sequence[Expression],
    columns: Sequence[Expression],
    scope: Scope,
    child: Node,
    kind: str = "groupby",
    sets: tuple[tuple[int, ...], ...] = (),
) -> Node:
    """An Aggregate of resolved keys and columns over `child`; a Project on top holds windows and generators."""
    if scope.used_laterals:
        columns = _inline_laterals(columns, scope.used_laterals)
    both, child = expand_windows([*keys, *columns], expose(child, tuple(scope.missing.values())))
    grouping = tuple(_bare(key) for key in both[: len(keys)])
    columns = both[len(keys) :]
    check_keys(grouping)
    if kind != "groupby":
        sets = expand_sets(kind, len(grouping), sets)
        grouping, columns = with_nullable_keys(grouping, columns, sets)
    check_columns(columns, grouping, kind, scope)
    node = merged_sessions(Aggregate(grouping, (), child, kind, sets))
    if any(contains_window(c) or contains_generator(c) for c in columns):
        return _with_project(node, columns, scope)
    return replace(node, aggregates=without_repeats(columns))


def _with_project(node: Aggregate, columns: Sequence[Expression], scope: Scope) -> Node:
    from penstock.analysis.project import project_of  # a Project may turn into an Aggregate, and the other way round

    lift = Lift(node)
    upper = [_lifted(column, lift) for column in columns]
    lower = lift.node()
    return project_of(upper, Scope(scope.context, lower), lower)


def _lifted(column: Expression, lift: Lift) -> Expression:
    if not (contains_window(column) or contains_generator(column)) and isinstance(column, (Alias, Attribute)):
        return lift.add(column)
    return column.map_children(lift.lift)


def _inline_laterals(columns: Sequence[Expression], laterals: set[int]) -> list[Expression]:
    """References to aliases of the same list replaced by what they stand for."""
    meaning: dict[int, Expression] = {}
    inlined: list[Expression] = []
    for column in columns:
        column = column.transform(lambda e: meaning.get(e.id, e) if isinstance(e, Attribute) else e)
        if isinstance(column, Alias) and column.id in laterals:
            meaning[column.id] = column.child
        inlined.append(column)
    return inlined


def _bare(e: Expression) -> Expression:
    return e.child if isinstance(e, Alias) else e

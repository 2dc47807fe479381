"""SELECT without GROUP BY."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.analysis.aggregate import aggregate_of
from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_expr, sql_id
from penstock.analysis.generators import place_generators
from penstock.analysis.hidden import expose
from penstock.analysis.kinds import contains_aggregate, contains_generator, is_window_function
from penstock.analysis.scope import Scope
from penstock.analysis.select_list import resolve_select_list, without_repeats
from penstock.analysis.time_windows import expand_windows
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall, WindowExpression
from penstock.plan.nodes import Node, Project


def resolve_project(node: Project, context: AnalysisContext) -> Node:
    """Spark's rules for a select list: stars, names, lateral aliases, one generator, time windows; aggregate functions
    make it a global Aggregate."""
    scope = Scope(context, node.child)
    columns = resolve_select_list(node.expressions, scope)
    if any(contains_aggregate(c) for c in columns):
        return aggregate_of((), columns, scope, node.child)
    if any(isinstance(e, FunctionCall) and e.name in _OF_GROUPS for c in columns for e in c.walk()):
        raise fail("UNSUPPORTED_GROUPING_EXPRESSION")
    return project_of(columns, scope, expose(node.child, tuple(scope.missing.values())))


_OF_GROUPS = ("grouping", "grouping_id")


def project_of(columns: Sequence[Expression], scope: Scope, child: Node) -> Node:
    """A Project of resolved columns over `child`, with what their generators and time windows need below it."""
    for column in columns:
        check_window_functions(column)
        _check_laterals(column, scope)
    columns, child = expand_windows(columns, child)
    if any(contains_generator(c) for c in columns):
        columns, child = place_generators(columns, child)
    if scope.used_laterals:
        return _in_layers(columns, child, scope.used_laterals)
    return Project(without_repeats(columns), child)


def check_window_functions(e: Expression, under_over: bool = False) -> None:
    """WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE for rank() and its like on their own."""
    if is_window_function(e) and not under_over:
        assert isinstance(e, FunctionCall)
        raise fail("WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE", funcName=f'"{e.display}()"')
    for child in e.children:
        check_window_functions(child, isinstance(e, WindowExpression) and child is e.function)


def _check_laterals(column: Expression, scope: Scope) -> None:
    """An alias of the same list cannot be used inside OVER."""
    if not scope.used_laterals:
        return
    for window in (e for e in column.walk() if isinstance(e, WindowExpression)):
        for e in window.walk():
            if isinstance(e, Attribute) and e.id in scope.used_laterals:
                shown = {"lca": sql_id([e.name]), "windowExpr": sql_expr(window)}
                raise fail("UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_WINDOW", **shown)


def _in_layers(columns: Sequence[Expression], child: Node, laterals: set[int]) -> Node:
    """Columns that refer to aliases of the same list stand in a Project above those aliases."""
    level: dict[int, int] = {}
    layers: list[list[Expression]] = []
    for column in columns:
        if not isinstance(column, Alias):
            continue
        used = {e.id for e in column.child.walk() if isinstance(e, Attribute) and e.id in laterals}
        level[column.id] = 1 + max((level[i] for i in used), default=-1)
        while len(layers) <= level[column.id]:
            layers.append([])
        layers[level[column.id]].append(column)
    for layer in layers:
        child = Project((*child.output, *layer), child)
    final = tuple(c.to_attribute() if isinstance(c, Alias) else c for c in columns)
    return Project(without_repeats(final), child)

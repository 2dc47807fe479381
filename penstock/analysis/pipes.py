"""The operators of the pipe syntax that no other node stands for."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.analysis.columns import resolve_with_columns
from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail
from penstock.analysis.scope import Scope
from penstock.functions.names import display_name
from penstock.functions.table import exists, lookup
from penstock.plan.expressions import Expression, UnresolvedAttribute, UnresolvedFunction, WindowExpression
from penstock.plan.nodes import Node, SubqueryAlias, WithColumns
from penstock.plan.pipe_nodes import PipeInput, PipeSet


def resolve_input(node: PipeInput, context: AnalysisContext) -> Node:
    """The same columns, with the same qualifiers; what they hide stays hidden."""
    for e in node.expressions:
        if node.clause == "AGGREGATE" and not _aggregates(e):
            raise fail("PIPE_OPERATOR_AGGREGATE_EXPRESSION_CONTAINS_NO_AGGREGATE_FUNCTION", expr=display_name(e))
        if node.clause != "AGGREGATE" and _aggregates(e):
            raise fail("PIPE_OPERATOR_CONTAINS_AGGREGATE_FUNCTION", expr=display_name(e), clause=node.clause)
    return SubqueryAlias("", node.child, (), node.child.output)


def _aggregates(e: Expression) -> bool:
    """Whether an unresolved expression calls an aggregate function other than under OVER."""
    if isinstance(e, UnresolvedFunction) and exists(e.name) and lookup(e.name).kind == "aggregate":
        return True
    if isinstance(e, WindowExpression):
        return any(_aggregates(child) for child in e.function.children)
    return any(_aggregates(child) for child in e.children)


def resolve_set(node: PipeSet, context: AnalysisContext) -> Node:
    """As withColumns; a column that is not there is an error."""
    _check_names([a.name for a in node.aliases], node.child, context)
    return resolve_with_columns(WithColumns(node.aliases, node.child), context)


def _check_names(names: Sequence[str], child: Node, context: AnalysisContext) -> None:
    scope = Scope(context, child)
    for name in names:
        wanted = UnresolvedAttribute((name,))
        if scope.resolve_here(wanted) is None:
            raise scope.unresolved(wanted)

"""PIVOT and UNPIVOT clauses behind a table or a subquery."""

from __future__ import annotations

from sqlglot import exp

from penstock.plan import nodes
from penstock.plan.expressions import Expression
from penstock.plan.statistic_nodes import SqlPivot, SqlUnpivot
from penstock.sql.expressions import Scope, expression
from penstock.sql.syntax import syntax_error
from penstock.sql.tree import Tree, identifier, part, table_alias


def with_pivots(plan: nodes.Node, clauses: list[exp.Pivot] | None, scope: Scope) -> nodes.Node:
    """`plan` with one clause after the other applied."""
    for clause in clauses or ():
        plan = (_unpivot if part(clause, "unpivot") else _pivot)(plan, clause, scope)
        name, columns = table_alias(clause)
        if name or columns:
            plan = nodes.SubqueryAlias(name, plan, columns)
    return plan


def _pivot(plan: nodes.Node, clause: exp.Pivot, scope: Scope) -> nodes.Node:
    listed = _values(clause)
    aggregates = tuple(expression(e, scope) for e in clause.expressions)
    columns = tuple(expression(e, scope) for e in _members(listed.this))
    return SqlPivot(plan, aggregates, columns, _groups(listed, scope))


def _unpivot(plan: nodes.Node, clause: exp.Pivot, scope: Scope) -> nodes.Node:
    listed = _values(clause)
    if len(clause.expressions) != 1:
        raise syntax_error("UNPIVOT")
    names = tuple(identifier(e) for e in _members(clause.expressions[0]))
    return SqlUnpivot(plan, names, identifier(listed.this), _groups(listed, scope), bool(part(clause, "include_nulls")))


def _values(clause: exp.Pivot) -> exp.In:
    fields = part(clause, "fields") or []
    if len(fields) != 1 or not isinstance(fields[0], exp.In):
        raise syntax_error("PIVOT")
    return fields[0]


def _groups(listed: exp.In, scope: Scope) -> tuple[tuple[str, tuple[Expression, ...]], ...]:
    found = []
    for item in listed.expressions:
        name = identifier(item.args["alias"]) if isinstance(item, (exp.PivotAlias, exp.Alias)) else ""
        value = item.this if isinstance(item, (exp.PivotAlias, exp.Alias)) else item
        found.append((name, tuple(expression(e, scope) for e in _members(value))))
    return tuple(found)


def _members(node: Tree) -> list[Tree]:
    """What stands in parentheses, or the one thing that stands without."""
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    return [node.this if isinstance(node, exp.Paren) else node]

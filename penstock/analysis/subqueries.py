"""Queries used as values: scalar, EXISTS and IN.  Names not found inside are looked up in the enclosing query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock.analysis.errors import fail, sql_expr, sql_type
from penstock.analysis.nodes import resolve_node
from penstock.analysis.scope import Scope
from penstock.functions.coercion import cast_if_needed, common_type
from penstock.plan.expressions import Alias, Attribute, Expression, SubqueryExpression, fresh_id
from penstock.plan.nodes import Node, Project
from penstock.plan.types import DataType


def resolve_subquery(e: SubqueryExpression, values: tuple[Expression, ...], scope: Scope) -> SubqueryExpression:
    """The subquery with its plan resolved; for IN, both sides cast to common types."""
    plan = resolve_node(e.plan, replace(scope.context, outer=scope))
    if plan.is_streaming:
        raise fail("INVALID_SUBQUERY_EXPRESSION.STREAMING_QUERY")
    resolved = SubqueryExpression(e.kind, plan, values)
    if e.kind == "scalar" and len(plan.output) != 1:
        raise fail(
            "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN", number=len(plan.output)
        )
    if e.kind == "scalar":
        return replace(resolved, outer=_outer_names(plan))
    return _with_common_types(resolved, scope) if e.kind == "in" else resolved


def _outer_names(plan: Node) -> tuple[str, ...]:
    """The columns of enclosing queries that a plan uses, in the order in which they come."""
    from penstock.analysis.recursive_tables import node_expressions

    nodes = list(plan.walk())
    own = {a.id for node in nodes for a in node.output}
    used = (e for node in nodes for top in node_expressions(node) for e in top.walk())
    names = {e.id: e.name for e in used if isinstance(e, Attribute) and e.id not in own}
    return tuple(names.values())


def _with_common_types(e: SubqueryExpression, scope: Scope) -> SubqueryExpression:
    columns = e.plan.output
    if len(columns) != len(e.values):
        raise fail(
            "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH",
            sqlExpr=sql_expr(e),
            leftLength=len(e.values),
            rightLength=len(columns),
            leftColumns=", ".join(sql_expr(v) for v in e.values),
            rightColumns=", ".join(sql_expr(c) for c in columns),
        )
    conf = scope.context.conf
    types = [common_type((v.type, c.type), conf) for v, c in zip(e.values, columns, strict=True)]
    if any(t is None for t in types):
        raise _incomparable(e, columns, types)
    wanted = [t for t in types if t is not None]
    values = tuple(cast_if_needed(v, t, conf) for v, t in zip(e.values, wanted, strict=True))
    return replace(e, values=values, plan=cast_output(e.plan, wanted, scope))


def _incomparable(e: SubqueryExpression, columns: tuple[Attribute, ...], types: Sequence[DataType | None]) -> Exception:
    wrong = [
        f"({sql_expr(v)}:{sql_type(v.type)}, {sql_expr(c)}:{sql_type(c.type)})"
        for v, c, t in zip(e.values, columns, types, strict=True)
        if t is None
    ]
    return fail(
        "DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH",
        sqlExpr=sql_expr(e),
        mismatchedColumns=", ".join(wrong),
        leftType=", ".join(sql_type(v.type) for v in e.values),
        rightType=", ".join(sql_type(c.type) for c in columns),
    )


def cast_output(plan: Node, types: Sequence[DataType], scope: Scope) -> Node:
    """`plan` under a Project that casts its columns where they are of another type."""
    conf = scope.context.conf
    casts = [cast_if_needed(a, t, conf) for a, t in zip(plan.output, types, strict=True)]
    if all(c is a for c, a in zip(casts, plan.output, strict=True)):
        return plan
    named = (
        c if isinstance(c, Attribute) else Alias(c, (a.name,), fresh_id())
        for c, a in zip(casts, plan.output, strict=True)
    )
    return Project(tuple(named), plan)

"""Joins: conditions over both sides, USING and NATURAL keys."""

from __future__ import annotations

from dataclasses import replace

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_expr, sql_id, sql_type
from penstock.analysis.expressions import resolve_value
from penstock.analysis.hidden import expose, keep_only
from penstock.analysis.kinds import contains_aggregate, contains_window
from penstock.analysis.scope import Scope
from penstock.functions import resolve
from penstock.plan.expressions import Alias, Attribute, Expression, UnresolvedAttribute, fresh_id
from penstock.plan.nodes import Join, Node, Project
from penstock.plan.types import BooleanType


def resolve_join(node: Join, context: AnalysisContext) -> Node:
    """A join with its condition resolved.  USING and NATURAL become an equality on each key and a Project that shows
    each key once; the Join keeps `using`, by which qualified names still find the hidden keys."""
    if node.natural:
        node = replace(node, natural=False, using=_common_names(node, context))
    if node.using:
        return _using(node, context)
    if node.condition is None:
        return node
    scope = Scope(context, node.left, node.right)
    scope.operator = "Join"
    condition = resolve_value(node.condition, scope)
    _check(condition)
    missing = tuple(scope.missing.values())
    if not missing:
        return replace(node, condition=condition)
    sides = expose(replace(node, condition=condition), missing)
    return keep_only(sides, node.output)


def _check(condition: Expression) -> None:
    if not isinstance(condition.type, BooleanType):
        raise fail(
            "JOIN_CONDITION_IS_NOT_BOOLEAN_TYPE",
            joinCondition=sql_expr(condition),
            conditionType=sql_type(condition.type),
        )
    if contains_aggregate(condition) or contains_window(condition):
        shown = sql_expr(condition)
        raise fail("INVALID_WHERE_CONDITION", condition=shown, expressionList=shown.strip('"'))


def _common_names(node: Join, context: AnalysisContext) -> tuple[str, ...]:
    right = {context.key(a.name) for a in node.right.output}
    return tuple(a.name for a in node.left.output if context.key(a.name) in right)


def _using(node: Join, context: AnalysisContext) -> Node:
    left = [_key(name, node.left, "left", context) for name in node.using]
    right = [_key(name, node.right, "right", context) for name in node.using]
    condition: Expression | None = None
    for a, b in zip(left, right, strict=True):
        equal = resolve("==", (a, b), conf=context.conf)
        condition = equal if condition is None else resolve("and", (condition, equal), conf=context.conf)
    kind = "inner" if node.kind == "cross" else node.kind
    join = replace(node, kind=kind, condition=condition, plan_id=None)
    return Project(_shown(join, left, right, context), join)


def _key(name: str, side: Node, which: str, context: AnalysisContext) -> Attribute:
    found = Scope(replace(context, outer=None), side).resolve_here(UnresolvedAttribute((name,)))
    if not isinstance(found, Attribute):
        suggestion = ", ".join(sorted(sql_id([a.name]) for a in side.output))
        raise fail("UNRESOLVED_USING_COLUMN_FOR_JOIN", colName=sql_id([name]), side=which, suggestion=suggestion)
    return found


def _shown(
    join: Join, left: list[Attribute], right: list[Attribute], context: AnalysisContext
) -> tuple[Expression, ...]:
    """The keys first (right's of a right join, coalesced of a full join), then the rest of left and right."""
    output = {a.id: a for a in join.output}
    keys: tuple[Expression, ...]
    if join.kind == "right":
        keys = tuple(output[a.id] for a in right)
    elif join.kind == "full":
        keys = tuple(_coalesced(output[a.id], output[b.id], context) for a, b in zip(left, right, strict=True))
    else:
        keys = tuple(output[a.id] for a in left)
    hidden = {a.id for a in (*left, *right)}
    return (*keys, *(a for a in join.output if a.id not in hidden))


def _coalesced(a: Attribute, b: Attribute, context: AnalysisContext) -> Expression:
    return Alias(resolve("coalesce", (a, b), conf=context.conf), (a.name,), fresh_id())

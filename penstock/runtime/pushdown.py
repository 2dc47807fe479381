"""Filters move below withWatermark when they do not look at its column (Spark's PushPredicateThroughNonJoin).

It matters for more than speed: rows that a filter removes must not move the watermark, exactly where they do not in
Spark.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from penstock.functions.table import lookup
from penstock.plan.expressions import (
    Alias,
    Attribute,
    Expression,
    FunctionCall,
    PythonFunction,
    SubqueryExpression,
    WindowExpression,
)
from penstock.plan.nodes import Filter, Hint, Node, Project, Repartition, SubqueryAlias, Watermark


def push_filters(plan: Node) -> Node:
    """The plan with every filter below the watermarks that it may pass."""
    return plan.transform(_push)


def _push(node: Node) -> Node:
    """A filter moved down as far as it may go towards a withWatermark, and below it."""
    if not isinstance(node, Filter):
        return node
    child = node.child
    if isinstance(child, Watermark):
        return _below_watermark(node, child)
    if isinstance(child, (SubqueryAlias, Hint, Repartition)) and _leads_to_watermark(child):
        renamed = {outer.id: inner for outer, inner in zip(child.output, child.child.output, strict=True)}
        return replace(child, child=_push(Filter(substitute(node.condition, renamed), child.child)))
    if isinstance(child, Project) and _leads_to_watermark(child):
        return _below_project(node, child)
    return node


def _leads_to_watermark(node: Node) -> bool:
    while isinstance(node, (SubqueryAlias, Hint, Repartition, Project, Filter)):
        node = node.child
    return isinstance(node, Watermark)


def _below_project(node: Filter, project: Project) -> Node:
    made = {e.id: e.child for e in project.expressions if isinstance(e, Alias)}
    used = [made[e.id] for e in node.condition.walk() if isinstance(e, Attribute) and e.id in made]
    if not all(is_movable(e) for e in (node.condition, *used)):
        return node
    return replace(project, child=_push(Filter(substitute(node.condition, made), project.child)))


def _below_watermark(node: Filter, watermark: Watermark) -> Node:
    column = watermark.column
    assert column is not None, "analysis resolves the column"
    parts = conjuncts(node.condition)
    stay = [p for p in parts if not is_movable(p) or column in p.walk()]
    down = [p for p in parts if p not in stay]
    if not down:
        return node
    renamed = {outer.id: inner for outer, inner in zip(watermark.output, watermark.child.output, strict=True)}
    pushed = replace(watermark, child=_push(Filter(substitute(conjunction(down), renamed), watermark.child)))
    return Filter(conjunction(stay), pushed) if stay else pushed


def substitute(expression: Expression, by_id: Mapping[int, Expression]) -> Expression:
    """The expression with other expressions in place of columns."""
    return expression.transform(lambda e: by_id.get(e.id, e) if isinstance(e, Attribute) else e)


def conjuncts(condition: Expression) -> list[Expression]:
    """The conditions that an AND of any depth joins."""
    if isinstance(condition, FunctionCall) and condition.name == "and":
        return [part for arg in condition.args for part in conjuncts(arg)]
    return [condition]


def conjunction(parts: list[Expression]) -> Expression:
    """The inverse of `conjuncts`."""
    result, *rest = parts
    for part in rest:
        result = FunctionCall("and", (result, part), result.type, result.nullable or part.nullable, "and")
    return result


def is_movable(expression: Expression) -> bool:
    """Whether it gives the same for a row wherever it is evaluated, and may be evaluated for other rows too."""
    return all(
        lookup(e.name).deterministic and lookup(e.name).kind == "scalar" if isinstance(e, FunctionCall) else True
        for e in expression.walk()
    ) and not any(isinstance(e, (WindowExpression, SubqueryExpression, PythonFunction)) for e in expression.walk())

"""Filters move below withWatermark when they do not look at its column (Spark's PushPredicateThroughNonJoin).

It matters for more than speed: rows that a filter removes must not move the watermark, exactly where they do not in Spark.
"""

from __future__ import annotations

from dataclasses import replace

from penstock.functions.table import lookup
from penstock.plan.expressions import Expression, FunctionCall
from penstock.plan.nodes import Filter, Node, Watermark


def push_filters(plan: Node) -> Node:
    """The plan with every filter below the watermarks that it may pass."""
    return plan.transform(_push)


def _push(node: Node) -> Node:
    if not (isinstance(node, Filter) and isinstance(node.child, Watermark)):
        return node
    watermark = node.child
    column = watermark.column
    assert column is not None, "analysis resolves the column"
    parts = _conjuncts(node.condition)
    stay = [p for p in parts if not _is_deterministic(p) or column in p.walk()]
    down = [p for p in parts if p not in stay]
    if not down:
        return node
    pushed = replace(watermark, child=_push(Filter(_conjunction(down), watermark.child)))
    return Filter(_conjunction(stay), pushed) if stay else pushed


def _conjuncts(condition: Expression) -> list[Expression]:
    if isinstance(condition, FunctionCall) and condition.name == "and":
        return [part for arg in condition.args for part in _conjuncts(arg)]
    return [condition]


def _conjunction(parts: list[Expression]) -> Expression:
    result, *rest = parts
    for part in rest:
        result = FunctionCall("and", (result, part), result.type, result.nullable or part.nullable, "and")
    return result


def _is_deterministic(expression: Expression) -> bool:
    return all(lookup(e.name).deterministic for e in expression.walk() if isinstance(e, FunctionCall))

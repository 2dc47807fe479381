"""Filters move down a stream's plan: below GROUP BY, windows and unions, and below withWatermark when they do not look
at its column (Spark's PushPredicateThroughNonJoin).

It matters for more than speed: rows that a filter removes must not move the watermark, nor stand in state, exactly
where they do not in Spark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from penstock.plan.nodes import (
    Aggregate,
    ExpandWindows,
    Filter,
    Hint,
    Node,
    Project,
    Repartition,
    SetOperation,
    SubqueryAlias,
    Watermark,
)
from penstock.plan.session_nodes import ExpandSessions, MergeSessions
from penstock.translate.pruning import ids_of


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
    if node.is_streaming and (pushed := _below_streaming(node, child)) is not None:
        return pushed
    if isinstance(child, (SubqueryAlias, Hint, Repartition)) and _leads_on(child):
        renamed = {outer.id: inner for outer, inner in zip(child.output, child.child.output, strict=True)}
        return replace(child, child=_push(Filter(substitute(node.condition, renamed), child.child)))
    if isinstance(child, Project) and _leads_on(child):
        return _below_project(node, child)
    return node


def _below_streaming(node: Filter, child: Node) -> Node | None:
    """The filter below a node that works on rows one by one or by keys; None if `child` is no such node."""
    if isinstance(child, Filter):
        return _push(Filter(conjunction([*conjuncts(child.condition), *conjuncts(node.condition)]), child.child))
    if isinstance(child, Aggregate) and child.kind == "groupby" and child.grouping:
        return _below_aggregate(node, child)
    if isinstance(child, (ExpandWindows, ExpandSessions, MergeSessions)):
        return _below_window(node, child)
    if isinstance(child, SetOperation) and child.kind == "union" and child.is_all:
        return _into_union(node, child)
    return None


def _leads_on(node: Node) -> bool:
    """Whether something comes below that a filter may pass."""
    while isinstance(node, (SubqueryAlias, Hint, Repartition, Project, Filter)):
        node = node.child
    return isinstance(node, (Watermark, Aggregate, ExpandWindows, ExpandSessions, SetOperation))


def _below_aggregate(node: Filter, aggregate: Aggregate) -> Node:
    """What a filter asks of the keys alone can be asked of the rows; of a session only once it is whole."""
    made = {
        e.id: e.child if isinstance(e, Alias) else e for e in aggregate.aggregates if isinstance(e, (Alias, Attribute))
    }
    whole = {aggregate.child.window.id} if isinstance(aggregate.child, MergeSessions) else set()
    keys = {id_: e for id_, e in made.items() if e in aggregate.grouping and not whole & ids_of([e])}
    stay, down = _parted(node, lambda part: ids_of([part]) <= keys.keys())
    if not down:
        return node
    pushed = replace(aggregate, child=_push(Filter(substitute(conjunction(down), keys), aggregate.child)))
    return Filter(conjunction(stay), pushed) if stay else pushed


def _below_window(node: Filter, window: ExpandWindows | ExpandSessions | MergeSessions) -> Node:
    """What a filter asks of other columns than the window; below whole sessions, of their keys."""
    allowed = ids_of(window.keys) if isinstance(window, MergeSessions) else {a.id for a in window.child.output}
    stay, down = _parted(node, lambda part: ids_of([part]) <= allowed)
    if not down:
        return node
    pushed = replace(window, child=_push(Filter(conjunction(down), window.child)))
    return Filter(conjunction(stay), pushed) if stay else pushed


def _into_union(node: Filter, union: SetOperation) -> Node:
    stay, down = _parted(node, lambda part: True)
    if not down:
        return node

    def side(child: Node) -> Node:
        renamed = {outer.id: inner for outer, inner in zip(union.output, child.output, strict=True)}
        return _push(Filter(substitute(conjunction(down), renamed), child))

    pushed = replace(union, left=side(union.left), right=side(union.right))
    return Filter(conjunction(stay), pushed) if stay else pushed


def _parted(node: Filter, allows: Callable[[Expression], bool]) -> tuple[list[Expression], list[Expression]]:
    """The conditions of a filter that stay, and those that may be moved."""
    parts = conjuncts(node.condition)
    down = [part for part in parts if is_movable(part) and ids_of([part]) and allows(part)]
    return [part for part in parts if part not in down], down


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

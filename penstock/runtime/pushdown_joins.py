"""Conditions move into and below a join of two streams, as Spark's optimizer moves them.

It decides more than speed: what a row must satisfy before the join is never buffered, does not move the watermark where
it can go below withWatermark (`push_filters`, afterwards), and a range condition above an inner join limits its state.
Spark's rules: PushPredicateThroughJoin and the not-NULL conditions of InferFiltersFromConstraints.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from penstock.plan.expressions import Alias, Attribute, Cast, Expression, FunctionCall, Literal
from penstock.plan.nodes import ExpandWindows, Filter, Hint, Join, Node, Project, Repartition, SubqueryAlias
from penstock.plan.session_nodes import ExpandSessions
from penstock.plan.types import BOOLEAN
from penstock.runtime.pushdown import conjunction, conjuncts, is_movable, substitute
from penstock.translate.pruning import Ids, references

_INNER = ("inner", "cross", "semi")
_RENAMING = (SubqueryAlias, Hint, Repartition)
_COMPARISONS = ("==", "<", "<=", ">", ">=")
_STRICT = ("+", "-", "negative", "$add_interval", "$subtract_interval")


def push_into_joins(plan: Node) -> Node:
    """The plan with conditions as low as the joins of two streams let them go."""
    return plan.transform(_push)


def joins_streams(node: Node) -> bool:
    """Whether it is a join of two streams."""
    return isinstance(node, Join) and node.left.is_streaming and node.right.is_streaming


def produced(node: Node) -> Ids:
    """The ids of a node's columns."""
    return frozenset(a.id for a in node.output)


def reads_only(expression: Expression, ids: Ids) -> bool:
    """Whether an expression needs no other columns than these."""
    return all(id_ in ids for id_ in references(expression))


def _push(node: Node) -> Node:
    if isinstance(node, Filter) and node.is_streaming:
        return _sink(node)
    if isinstance(node, (ExpandWindows, ExpandSessions)) and isinstance(node.time, Attribute):
        if not _leads_to_join(node.child):
            return node
        return replace(node, child=_sink(Filter(_is_not_null(node.time), node.child)))  # no time, no window
    return _narrow(node) if isinstance(node, Join) and joins_streams(node) else node


# ---------------------------------------------------------------- a filter above a join


def _sink(node: Filter) -> Node:
    child = node.child
    if isinstance(child, Join) and joins_streams(child):
        return _into_join(node, child)
    if not _leads_to_join(child):
        return node
    if isinstance(child, Filter):
        return _sink(Filter(conjunction([*conjuncts(child.condition), *conjuncts(node.condition)]), child.child))
    if isinstance(child, _RENAMING):
        renamed = {outer.id: inner for outer, inner in zip(child.output, child.child.output, strict=True)}
        return replace(child, child=_sink(Filter(substitute(node.condition, renamed), child.child)))
    if isinstance(child, Project):
        made = {e.id: e.child for e in child.expressions if isinstance(e, Alias)}
        condition = substitute(node.condition, made)
        if is_movable(condition):
            return replace(child, child=_sink(Filter(condition, child.child)))
    return node


def _leads_to_join(node: Node) -> bool:
    while isinstance(node, (*_RENAMING, Project, Filter)):
        node = node.child
    return joins_streams(node)


def _into_join(node: Filter, join: Join) -> Node:
    parts = conjuncts(node.condition)
    join = _without_padding(join, parts)
    if join.kind in ("inner", "cross"):
        down = [p for p in parts if is_movable(p)]
        conditions = ([join.condition] if join.condition is not None else []) + down
        pushed = _narrow(replace(join, kind="inner", condition=conjunction(conditions))) if down else join
    else:
        left, right = produced(join.left), produced(join.right)
        side = {"left": left, "semi": left, "right": right}.get(join.kind, frozenset())
        down = [p for p in parts if is_movable(p) and reads_only(p, side)]
        changed = {"right" if join.kind == "right" else "left": down}
        pushed = _filtered(join, changed.get("left", []), changed.get("right", []))
    stay = [p for p in parts if p not in down]
    return Filter(conjunction(stay), pushed) if stay else pushed


def _without_padding(join: Join, parts: list[Expression]) -> Join:
    """An outer join whose NULL-padded rows the conditions would all remove, as a lesser one (EliminateOuterJoin)."""
    tested = {a.id for a in [*_never_null(parts), *_asked_for(parts)]}
    kind = join.kind
    if kind in ("right", "full") and tested & produced(join.left):
        kind = "inner" if kind == "right" else "left"
    if kind in ("left", "full") and tested & produced(join.right):
        kind = "inner" if kind == "left" else "right"
    return replace(join, kind=kind)


def _asked_for(parts: Iterable[Expression]) -> Iterable[Attribute]:
    """The columns of `isnotnull(column)`."""
    for part in parts:
        if isinstance(part, FunctionCall) and part.name == "isnotnull" and isinstance(part.args[0], Attribute):
            yield part.args[0]


# ---------------------------------------------------------------- a join's own condition


def _narrow(join: Join) -> Node:
    """Conditions on one side alone become filters of it, unless that side's rows must come out anyway."""
    if join.condition is None:
        return join
    left, right = produced(join.left), produced(join.right)
    parts = conjuncts(join.condition)
    to_left: list[Expression] = []
    to_right: list[Expression] = []
    if join.kind in (*_INNER, "right"):
        to_left = [p for p in parts if is_movable(p) and reads_only(p, left)]
    if join.kind in (*_INNER, "left"):
        to_right = [p for p in parts if is_movable(p) and p not in to_left and reads_only(p, right)]
    rest = [p for p in parts if p not in to_left and p not in to_right]
    tested = list(_never_null(rest))
    if join.kind in (*_INNER, "right"):
        to_left += [_is_not_null(a) for a in join.left.output if a in tested and a.nullable]
    if join.kind in (*_INNER, "left"):
        to_right += [_is_not_null(a) for a in join.right.output if a in tested and a.nullable]
    return _filtered(replace(join, condition=conjunction(rest) if rest else None), to_left, to_right)


def _filtered(join: Join, to_left: list[Expression], to_right: list[Expression]) -> Join:
    left = _sink(Filter(conjunction(to_left), join.left)) if to_left else join.left
    right = _sink(Filter(conjunction(to_right), join.right)) if to_right else join.right
    return replace(join, left=left, right=right)


def _never_null(parts: Iterable[Expression]) -> Iterable[Attribute]:
    """The columns that are not NULL where all these conditions hold."""
    for part in parts:
        if isinstance(part, FunctionCall) and part.name in _COMPARISONS:
            for arg in part.args:
                yield from _strict_columns(arg)


def _strict_columns(e: Expression) -> Iterable[Attribute]:
    if isinstance(e, Attribute):
        yield e
    elif isinstance(e, Cast) or (isinstance(e, FunctionCall) and e.name in _STRICT):
        for child in e.children:
            yield from _strict_columns(child)


def _is_not_null(column: Attribute) -> Expression:
    return FunctionCall("isnotnull", (column,), BOOLEAN, False, "isnotnull")


def is_constant(e: Expression) -> bool:
    """Whether an expression reads no column."""
    return isinstance(e, Literal) or next(references(e), None) is None

"""Columns that a plan computes but does not show: found for ORDER BY, WHERE and qualified names, and brought back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock.plan.expressions import Alias, Attribute
from penstock.plan.nodes import (
    Aggregate,
    Filter,
    Generate,
    Hint,
    Join,
    Limit,
    Node,
    Offset,
    Project,
    Repartition,
    Sort,
    SubqueryAlias,
    Tail,
    Watermark,
)

_TRANSPARENT = (Project, Filter, Sort, Aggregate, Generate, Hint, Repartition, Limit, Offset, Tail)


def below(plan: Node) -> Node | None:
    """The input through which columns dropped by `plan` can be seen, or None where they are lost."""
    if isinstance(plan, _TRANSPARENT):
        return plan.children[0]
    return None


def hidden_columns(plan: Node) -> tuple[Attribute, ...]:
    """The keys that a USING or NATURAL join left out of its result; qualified names may still mean them."""
    if isinstance(plan, Project) and isinstance(plan.child, (Filter, Sort)) and _only_columns(plan):
        shown = {a.id for a in plan.output}
        return tuple(a for a in _using_keys(plan.child) if a.id not in shown)
    if isinstance(plan, Project) and isinstance(plan.child, Join) and plan.child.using:
        shown = {a.id for a in plan.output}
        inherited = hidden_columns(plan.child)
        return (*(a for a in plan.child.output if a.id not in shown), *inherited)
    if isinstance(plan, (Filter, Sort, Hint, Repartition, Limit, Watermark)):
        return hidden_columns(plan.children[0])
    if isinstance(plan, Join):
        right = () if plan.kind in ("semi", "anti") else hidden_columns(plan.right)
        return (*hidden_columns(plan.left), *right)
    return ()


def _only_columns(plan: Project) -> bool:
    return all(isinstance(e, Attribute) for e in plan.expressions)


def _using_keys(plan: Node) -> tuple[Attribute, ...]:
    """Both sides' keys of the USING join that a chain of filters and sorts stands over."""
    while isinstance(plan, (Filter, Sort)) or (
        isinstance(plan, Project) and isinstance(plan.child, (Filter, Sort)) and _only_columns(plan)
    ):
        plan = plan.child
    if not (isinstance(plan, Project) and isinstance(plan.child, Join) and plan.child.using):
        return ()
    names = {name.lower() for name in plan.child.using}
    return tuple(a for a in plan.child.output if a.name.lower() in names)


def duplicate_of(plan: Node, column_id: int) -> int | None:
    """The id of the column that `column_id` merely repeats under the same name, if `plan` is where it does so."""
    node: Node = plan
    while True:
        if isinstance(node, (Project, Aggregate)):
            expressions = node.expressions if isinstance(node, Project) else node.aggregates
            for e in expressions:
                if isinstance(e, Alias) and e.id == column_id:
                    return e.child.id if e.generated and isinstance(e.child, Attribute) else None
        if isinstance(node, SubqueryAlias) or len(node.children) != 1:
            return None
        node = node.children[0]


def expose(plan: Node, wanted: Sequence[Attribute]) -> Node:
    """`plan` with `wanted` (columns of something below it) added to its output."""
    shown = {a.id for a in plan.output}
    missing = tuple(a for a in wanted if a.id not in shown)
    if not missing:
        return plan
    if isinstance(plan, Project):
        return replace(plan, expressions=(*plan.expressions, *missing), child=expose(plan.child, missing))
    if isinstance(plan, Aggregate):
        return replace(plan, aggregates=(*plan.aggregates, *missing))
    if isinstance(plan, Join):
        return replace(plan, left=_expose_side(plan.left, missing), right=_expose_side(plan.right, missing))
    (child,) = plan.children
    return plan.map_children(lambda _: expose(child, missing))


def _expose_side(side: Node, missing: tuple[Attribute, ...]) -> Node:
    reachable = {a.id for node in side.walk() for a in node.output}
    return expose(side, [a for a in missing if a.id in reachable])


def keep_only(plan: Node, output: tuple[Attribute, ...]) -> Node:
    """A Project back to `output`, where the plan has more."""
    return plan if plan.output == output else Project(output, plan)

"""Which columns a plan really needs, top-down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from penstock.plan.expressions import Attribute, Expression, SubqueryExpression
from penstock.plan.nodes import (
    Aggregate,
    Deduplicate,
    Filter,
    Generate,
    Join,
    Node,
    Project,
    SetOperation,
    Sort,
)
from penstock.plan.python_nodes import python_inputs
from penstock.plan.recursive_nodes import RecursiveUnion
from penstock.plan.session_nodes import ExpandSessions, MergeSessions
from penstock.plan.table_functions import EvalTable

Ids: TypeAlias = frozenset[int]


def references(expression: Expression) -> Iterator[int]:
    """The ids of the columns that an expression reads; for a subquery those it takes from outside."""
    if type(expression) is Attribute:  # most of a SELECT list: walking them costs more than all the rest
        yield expression.id
        return
    for part in expression.walk():
        if isinstance(part, Attribute):
            yield part.id
        elif isinstance(part, SubqueryExpression):
            yield from free_attributes(part.plan)


def outer_references(expression: Expression) -> Ids:
    """The ids that subqueries inside `expression` take from it."""
    found: set[int] = set()
    for part in expression.walk():
        if isinstance(part, SubqueryExpression):
            found |= free_attributes(part.plan)
    return frozenset(found)


def free_attributes(plan: Node) -> Ids:
    """The ids that a plan reads and does not produce: its references to an enclosing query."""
    read: set[int] = set()
    made: set[int] = set()
    for node in plan.walk():
        made.update(attribute.id for attribute in node.output)
        for expression in node_expressions(node):
            read.update(references(expression))
    return frozenset(read - made)


def node_expressions(node: Node) -> tuple[Expression, ...]:
    """The expressions that a node evaluates over its input (not the attributes that it defines)."""
    if isinstance(node, Project):
        return node.expressions
    if isinstance(node, Filter):
        return (node.condition,)
    if isinstance(node, Aggregate):
        return (*node.grouping, *node.aggregates)
    if isinstance(node, Sort):
        return tuple(node.order)
    if isinstance(node, Generate):
        return (node.generator,)
    if isinstance(node, Deduplicate):
        return tuple(node.keys)
    if isinstance(node, Join):
        return (node.condition,) if node.condition is not None else ()
    if isinstance(node, ExpandSessions):
        return (node.time, node.gap)
    if isinstance(node, MergeSessions):
        return (*node.keys, node.window)
    if isinstance(node, EvalTable):
        return node.args
    for name in ("time", "column"):  # ExpandWindows, Watermark
        if isinstance(value := getattr(node, name, None), Expression):
            return (value,)
    if isinstance(metrics := getattr(node, "metrics", None), tuple):  # CollectMetrics
        return metrics
    return python_inputs(node)


def ids_of(expressions: Iterable[Expression]) -> Ids:
    """All references of some expressions."""
    return frozenset(id_ for expression in expressions for id_ in references(expression))


def child_needs(node: Node, needed: Ids) -> tuple[Ids, ...]:
    """For each input of `node`, the columns it must yield when `needed` are wanted of the node."""
    if isinstance(node, Project):
        kept = [e for e in node.expressions if getattr(e, "id", 0) in needed]
        return (ids_of(kept),)
    if isinstance(node, Aggregate):
        kept = [e for e in node.aggregates if getattr(e, "id", 0) in needed]
        return (ids_of((*node.grouping, *kept)),)
    if isinstance(node, SetOperation):
        return _set_operation_needs(node, needed)
    if isinstance(node, RecursiveUnion):
        return _produced(node.first), _produced(node.step)
    if isinstance(node, Join):
        wanted = (
            needed | ids_of(node_expressions(node)) | (free_attributes(node.right) if node.lateral else frozenset())
        )
        return tuple(wanted & _produced(child) for child in (node.left, node.right))
    wanted = _through_renaming(node, needed) | ids_of(node_expressions(node))
    return tuple(wanted & _produced(child) for child in node.children)


def referenced_attributes(plan: Node) -> set[int]:
    """Every column id that is needed somewhere in the plan to compute its output."""
    found: set[int] = set()
    _collect(plan, frozenset(attribute.id for attribute in plan.output), found)
    return found


def _collect(node: Node, needed: Ids, found: set[int]) -> None:
    found |= needed
    for child, child_needed in zip(node.children, child_needs(node, needed), strict=True):
        _collect(child, child_needed, found)
    for expression in node_expressions(node):
        for part in expression.walk():
            if isinstance(part, SubqueryExpression):
                found |= free_attributes(part.plan)
                _collect(part.plan, frozenset(a.id for a in part.plan.output), found)


def _produced(node: Node) -> Ids:
    return frozenset(attribute.id for attribute in node.output)


def _through_renaming(node: Node, needed: Ids) -> Ids:
    """`needed` in terms of the only input, for nodes that give their input's columns new ids by position."""
    columns = getattr(node, "columns", ())
    if not columns or len(node.children) != 1:
        return needed
    pairs = zip(columns, node.children[0].output, strict=False)
    return needed | frozenset(inner.id for outer, inner in pairs if outer.id in needed)


def _set_operation_needs(node: SetOperation, needed: Ids) -> tuple[Ids, ...]:
    positions = needed_positions(node, needed)
    return tuple(frozenset(side.output[i].id for i in positions) for side in (node.left, node.right))


def needed_positions(node: SetOperation, needed: Ids) -> tuple[int, ...]:
    """The positions of the columns that a set operation must carry: all of them unless it is UNION ALL."""
    if node.kind != "union" or not node.is_all:
        return tuple(range(len(node.output)))
    return tuple(i for i, attribute in enumerate(node.output) if attribute.id in needed) or (
        (0,) if node.output else ()
    )

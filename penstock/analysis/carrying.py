"""A column that a leaf makes for a function far above it: carried up through the nodes between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from penstock.plan.expressions import Attribute, Expression, FunctionCall, field_names
from penstock.plan.nodes import Filter, Generate, Hint, Node, Project, Sample, SubqueryAlias, Watermark

#: Nodes that keep rows or drop them, and change nothing about where they come from.
KEEPING = (Filter, Generate, Hint, Project, Sample, SubqueryAlias, Watermark)


def carried(node: Node, below: Node, column: Attribute) -> Node:
    """A KEEPING node over `below`, which offers `column`, offering it too."""
    above = node.map_children(lambda _: below)
    if isinstance(above, Project):
        return replace(above, expressions=(*above.expressions, column))
    if isinstance(above, (SubqueryAlias, Watermark)) and above.columns:
        return replace(above, columns=(*above.columns, column))
    return above


def calls(node: Node, names: frozenset[str]) -> bool:
    """Whether the node's own expressions call one of these functions."""
    for name in field_names(type(node)):
        value = getattr(node, name)
        for e in value if isinstance(value, tuple) else (value,):
            if isinstance(e, Expression) and any(is_call(part, names) for part in e.walk()):
                return True
    return False


def is_call(e: Expression, names: frozenset[str]) -> bool:
    """Whether an expression is a call of one of these functions."""
    return isinstance(e, FunctionCall) and e.name in names


def with_calls_replaced(node: Node, below: Node, replacement: Callable[[Expression], Expression]) -> Node:
    """The node over `below`, `replacement` applied to every part of its expressions; its output is what it was."""
    changed: dict[str, Any] = {}
    above = node.map_children(lambda _: below)
    for name in field_names(type(above)):
        value = getattr(above, name)
        if isinstance(value, Expression):
            changed[name] = value.transform(replacement)
        elif isinstance(value, tuple) and any(isinstance(v, Expression) for v in value):
            changed[name] = tuple(v.transform(replacement) if isinstance(v, Expression) else v for v in value)
    done = replace(above, **changed)
    return done if len(done.output) == len(node.output) else Project(node.output, done)

"""Nodes of `session_window()`: each row's own session, and the sessions that the rows of a group make together."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.plan.expressions import Attribute, Expression
from penstock.plan.nodes import Node


@dataclass(frozen=True, eq=False)
class ExpandSessions(Node):
    """Each row with the session that it would be alone: [time, time + gap), a struct of start and end.  Rows whose time
    is NULL or whose session is empty (a gap of NULL, zero or less) drop out.  `gap` is an interval or a text of one.
    Output is the child's columns, then `window`."""

    child: Node
    time: Expression
    gap: Expression
    window: Attribute

    @property
    def output(self) -> tuple[Attribute, ...]:
        return (*self.child.output, self.window)


@dataclass(frozen=True, eq=False)
class MergeSessions(Node):
    """The same rows and columns with `window` grown to the whole session: sessions of equal `keys` that overlap or
    touch are one."""

    child: Node
    keys: tuple[Expression, ...]
    window: Attribute

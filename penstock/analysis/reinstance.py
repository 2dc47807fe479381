"""A resolved plan used again gets new column ids, so that ids stay unique across the sides of a join and between a
subquery and the query around it.  DataFrame numbers (`plan_id`) stay on their nodes."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from penstock.plan.expressions import Alias, Attribute, Expression, LambdaVariable, SubqueryExpression, fresh_id
from penstock.plan.nodes import Node


def with_fresh_ids(plan: Node) -> Node:
    """`plan` with a new id for every column that it defines."""
    return _Renumbering().node(plan)


class _Renumbering:
    """One id map for one plan; columns of enclosing queries, defined elsewhere, keep their ids."""

    def __init__(self) -> None:
        self._new: dict[int, int] = {}

    def node(self, plan: Node) -> Node:
        """Inputs first: they define what this node's expressions refer to."""
        plan = plan.map_children(self.node)
        self._define(plan)
        changed: dict[str, Any] = {}
        for f in fields(plan):
            value = getattr(plan, f.name)
            new = self._value(value)
            if new is not value:
                changed[f.name] = new
        return replace(plan, **changed) if changed else plan

    def _define(self, plan: Node) -> None:
        inputs = {a.id for child in plan.children for a in child.output}
        for a in plan.output:
            if a.id not in inputs and a.id not in self._new:
                self._new[a.id] = fresh_id()

    def _value(self, value: Any) -> Any:
        if isinstance(value, Expression):
            return self.expression(value)
        if isinstance(value, tuple) and value and any(isinstance(v, (Expression, tuple)) for v in value):
            return tuple(self._value(v) for v in value)
        return value

    def expression(self, e: Expression) -> Expression:
        """`e` under the new ids."""
        if isinstance(e, (Attribute, LambdaVariable)):
            new = self._new.get(e.id)
            return e if new is None else replace(e, id=new)
        if isinstance(e, SubqueryExpression):
            return replace(e, plan=self.node(e.plan), values=tuple(self.expression(v) for v in e.values))
        e = e.map_children(self.expression)
        if isinstance(e, Alias) and e.id in self._new:
            return replace(e, id=self._new[e.id])
        return e

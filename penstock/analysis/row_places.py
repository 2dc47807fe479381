"""Random functions with a seed need to know where each row stands: that becomes a column where SQL takes no window."""

from __future__ import annotations

from penstock.analysis.build import Build, named
from penstock.analysis.carrying import calls, is_call, with_calls_replaced
from penstock.analysis.context import AnalysisContext
from penstock.plan.nodes import Node, Project

_PLACE = frozenset(("$place",))


def place_rows(plan: Node, context: AnalysisContext) -> Node:
    """The plan with `$place` as a column of a Project below each filter, aggregate or sort that asks for it."""
    if not any(calls(node, _PLACE) for node in plan.walk()):
        return plan
    return plan.transform(lambda node: _placed(node, Build(context)))


def _placed(node: Node, build: Build) -> Node:
    if isinstance(node, Project) or len(node.children) != 1 or not calls(node, _PLACE):
        return node
    (child,) = node.children
    index = named(build.call("$place"), "place")
    below = Project((*child.output, index), child)
    return with_calls_replaced(node, below, lambda e: index.to_attribute() if is_call(e, _PLACE) else e)

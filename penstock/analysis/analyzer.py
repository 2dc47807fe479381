"""From an unresolved plan to a resolved one, by Spark's rules."""

from __future__ import annotations

from collections.abc import Callable

from penstock.analysis.checks import check_columns_exist
from penstock.analysis.context import AnalysisContext
from penstock.analysis.nodes import resolve_node
from penstock.plan.nodes import Node

Rule = Callable[[Node, AnalysisContext], Node]

RULES: tuple[Rule, ...] = (
    resolve_node,  # one pass from the leaves up; nodes.NODE_RULES names the rule of each kind of node
    check_columns_exist,  # every reference is to a column of an input or of an enclosing query
)


def analyze(plan: Node, context: AnalysisContext) -> Node:
    """`plan` with names, types and column ids resolved.  Raises Spark's AnalysisException."""
    for rule in RULES:
        plan = rule(plan, context)
    return plan

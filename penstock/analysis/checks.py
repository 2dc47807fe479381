"""What must hold of every resolved plan; a violation is a defect of the analyzer, not of the program."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from penstock.analysis.context import AnalysisContext
from penstock.core.errors import SparkError
from penstock.plan.expressions import Attribute, Expression
from penstock.plan.nodes import Generate, Join, Node, SetOperation, SubqueryAlias, Watermark


def check_columns_exist(plan: Node, context: AnalysisContext) -> Node:
    """Raise INTERNAL_ERROR if some expression refers to a column that none of its node's inputs has."""
    todo = [plan]
    while todo:
        node = todo.pop()
        _check_node(node)
        # what is on the right of a lateral join sees the left side's columns
        todo.extend(node.children[:1] if isinstance(node, Join) and node.lateral else node.children)
    return plan


def _check_node(node: Node) -> None:
    if isinstance(node, (SetOperation, SubqueryAlias, Watermark)) or not node.children:
        return
    available = {a.id for child in node.children for a in child.output}
    own = {a.id for a in node.generated} if isinstance(node, Generate) else set()
    for f in fields(node):
        if f.name in ("window", "columns"):
            continue
        for e in _expressions(getattr(node, f.name)):
            _check_expression(e, available | own, node)


def _expressions(value: Any) -> list[Expression]:
    if isinstance(value, Expression):
        return [value]
    return [v for v in value if isinstance(v, Expression)] if isinstance(value, tuple) else []


def _check_expression(e: Expression, available: set[int], node: Node) -> None:
    for x in e.walk():
        if isinstance(x, Attribute) and x.id not in available:
            message = f"{type(node).__name__} refers to column {x.name} (c{x.id}), which its input does not have."
            raise SparkError("INTERNAL_ERROR", message, sqlstate="XX000", classes=("org.apache.spark.SparkException",))

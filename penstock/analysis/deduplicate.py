"""SELECT DISTINCT and dropDuplicates."""

from __future__ import annotations

from penstock.analysis.context import AnalysisContext
from penstock.analysis.scope import Scope
from penstock.plan.expressions import Attribute, UnresolvedAttribute
from penstock.plan.nodes import Deduplicate, Distinct, Node


def resolve_distinct(node: Distinct, context: AnalysisContext) -> Node:
    """DISTINCT: duplicates over all columns."""
    return Deduplicate(node.child, keys=node.child.output)


def resolve_deduplicate(node: Deduplicate, context: AnalysisContext) -> Node:
    """dropDuplicates, also within a watermark's delay; no names means all columns."""
    keys = node.child.output if not node.column_names else _named(node, context)
    return Deduplicate(node.child, (), node.within_watermark, keys)


def _named(node: Deduplicate, context: AnalysisContext) -> tuple[Attribute, ...]:
    """Every column of each name: a name that occurs twice stands for both."""
    keys: dict[int, Attribute] = {}
    for name in node.column_names:
        found = [a for a in node.child.output if context.key(a.name) == context.key(name)]
        if not found:
            raise Scope(context, node.child).unresolved(UnresolvedAttribute((name,)))
        keys.update((a.id, a) for a in found)
    return tuple(keys.values())

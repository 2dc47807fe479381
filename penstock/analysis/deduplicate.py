"""SELECT DISTINCT and dropDuplicates."""

from __future__ import annotations

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail, sql_id, sql_type
from penstock.analysis.scope import Scope
from penstock.functions.aggregates import has_map
from penstock.plan.expressions import Attribute, UnresolvedAttribute
from penstock.plan.nodes import Aggregate, Deduplicate, Distinct, Node
from penstock.plan.types import VariantType


def refuse_maps(*plans: Node) -> None:
    """UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE: maps cannot be compared."""
    for a in (a for plan in plans for a in plan.output):
        if isinstance(a.type, VariantType):
            condition = "UNSUPPORTED_FEATURE.SET_OPERATION_ON_VARIANT_TYPE"
            raise fail(condition, colName=sql_id([a.name]), dataType=sql_type(a.type))
        if has_map(a.type):
            raise fail(
                "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE", colName=sql_id([a.name]), dataType=sql_type(a.type)
            )


def resolve_distinct(node: Distinct, context: AnalysisContext) -> Node:
    """DISTINCT: duplicates over all columns.  Over a stream it is GROUP BY, with the rules of its output modes."""
    refuse_maps(node.child)
    if node.child.is_streaming:
        return Aggregate(node.child.output, node.child.output, node.child)
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

"""WITH: each reference to a common table is analysed as if its query stood there."""

from __future__ import annotations

from dataclasses import replace

from penstock.analysis.context import AnalysisContext, CommonTable
from penstock.analysis.errors import fail, sql_id
from penstock.analysis.recursive_tables import names_itself
from penstock.plan.nodes import UnresolvedTable, With


def bind_common_tables(node: With, context: AnalysisContext) -> AnalysisContext:
    """The context of the query under WITH: later definitions see the earlier ones."""
    keys = [context.key(name) for name in node.names]
    twice = sorted({name for name, key in zip(node.names, keys, strict=True) if keys.count(key) > 1})
    if twice:
        raise fail("DUPLICATED_CTE_NAMES", duplicateNames=", ".join(sql_id([name]) for name in twice))
    tables = dict(context.common_tables)
    levels = node.max_levels or (None,) * len(node.names)
    for name, plan, level in zip(node.names, node.plans, levels, strict=True):
        recursive = node.recursive and names_itself(name, plan, context)
        tables[context.key(name)] = CommonTable(plan, dict(tables), name, recursive, level)
    return replace(context, common_tables=tables)


def common_table(node: UnresolvedTable, context: AnalysisContext) -> CommonTable | None:
    """The WITH definition that a table name means, if any: it hides temp views."""
    return context.common_tables.get(context.key(node.parts[0])) if len(node.parts) == 1 else None

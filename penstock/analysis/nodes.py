"""The one bottom-up pass over a plan: inputs first, then the rule of the node's kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from penstock.analysis import (
    aggregate,
    columns,
    deduplicate,
    filter_sort,
    joins,
    leaves,
    nearness,
    null_handling,
    pipes,
    project,
    python_functions,
    reshape,
    set_operations,
    sql_pivots,
    statistics,
    table_functions,
    values,
    watermark,
)
from penstock.analysis.context import AnalysisContext, CommonTable
from penstock.analysis.errors import fail
from penstock.analysis.expressions import resolve_value
from penstock.analysis.parse_text import resolve_parse_text
from penstock.analysis.recursive_tables import RecursiveTable, fresh_last_step
from penstock.analysis.samples import resolve_sample
from penstock.analysis.scope import Scope
from penstock.analysis.with_tables import bind_common_tables, common_table
from penstock.core.errors import unsupported
from penstock.plan import nodes, pipe_nodes, python_nodes, statistic_nodes
from penstock.plan import table_functions as table_nodes
from penstock.plan.nodes import Hint, Join, Node, Project, Repartition, UnresolvedTable, With
from penstock.plan.parse_nodes import ParseText
from penstock.plan.recursive_nodes import LastStep

NodeRule = Callable[[Any, AnalysisContext], Node]


def _as_it_is(node: Node, context: AnalysisContext) -> Node:
    return node


def _repartition(node: Repartition, context: AnalysisContext) -> Node:
    scope = Scope(context, node.child)
    return replace(node, expressions=tuple(resolve_value(e, scope) for e in node.expressions))


def _hint(node: Hint, context: AnalysisContext) -> Node:
    return replace(node, parameters=())


def _limit(node: Any, context: AnalysisContext) -> Node:
    if node.count < 0:
        name = "limit" if isinstance(node, nodes.Limit) else "offset"
        raise fail("INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE", name=name, expr=f'"{node.count}"', v=node.count)
    return node  # type: ignore[no-any-return]


NODE_RULES: dict[type[Node], NodeRule] = {
    python_nodes.ApplyInPandasWithState: python_functions.resolve_with_state,
    python_nodes.CoGroupMap: python_functions.resolve_co_group_map,
    python_nodes.GroupMap: python_functions.resolve_group_map,
    python_nodes.MapPartitions: python_functions.resolve_map,
    python_nodes.TransformWithState: python_functions.resolve_transform_with_state,
    table_nodes.CallTable: table_functions.resolve_call,
    statistic_nodes.AsOfJoin: nearness.resolve_as_of_join,
    statistic_nodes.CollectMetrics: statistics.resolve_metrics,
    statistic_nodes.Correlation: statistics.resolve_correlation,
    statistic_nodes.CrossTab: reshape.resolve_cross_tab,
    statistic_nodes.FrequentItems: statistics.resolve_frequent_items,
    statistic_nodes.NearestByJoin: nearness.resolve_nearest_by_join,
    statistic_nodes.Quantiles: statistics.resolve_quantiles,
    statistic_nodes.ReplaceNa: reshape.resolve_replace,
    statistic_nodes.SampleBy: statistics.resolve_sample_by,
    statistic_nodes.SqlPivot: sql_pivots.resolve_sql_pivot,
    statistic_nodes.SqlUnpivot: sql_pivots.resolve_sql_unpivot,
    statistic_nodes.Summary: statistics.resolve_summary,
    statistic_nodes.Transpose: reshape.resolve_transpose,
    statistic_nodes.Unpivot: reshape.resolve_unpivot,
    nodes.Aggregate: aggregate.resolve_aggregate,
    nodes.CachedRelation: leaves.resolve_cached,
    nodes.Deduplicate: deduplicate.resolve_deduplicate,
    nodes.Distinct: deduplicate.resolve_distinct,
    nodes.Drop: columns.resolve_drop,
    nodes.DropNa: null_handling.resolve_drop_na,
    nodes.FillNa: null_handling.resolve_fill,
    nodes.Filter: filter_sort.resolve_filter,
    nodes.Generate: table_functions.resolve_generate,
    nodes.Hint: _hint,
    nodes.Join: joins.resolve_join,
    nodes.Limit: _limit,
    LastStep: fresh_last_step,
    nodes.LocalData: leaves.resolve_local_data,
    ParseText: resolve_parse_text,
    nodes.Offset: _limit,
    nodes.OneRow: _as_it_is,
    pipe_nodes.PipeInput: pipes.resolve_input,
    pipe_nodes.PipeSet: pipes.resolve_set,
    nodes.Project: project.resolve_project,
    nodes.Range: leaves.resolve_range,
    nodes.Read: leaves.resolve_read,
    nodes.Repartition: _repartition,
    nodes.Sample: resolve_sample,
    nodes.SetOperation: set_operations.resolve_set_operation,
    nodes.ShowString: _as_it_is,
    nodes.Sort: filter_sort.resolve_sort,
    nodes.SubqueryAlias: leaves.resolve_alias,
    nodes.TableFunction: table_functions.resolve_table_function,
    nodes.Tail: _as_it_is,
    nodes.ToDF: columns.resolve_to_df,
    nodes.ToSchema: columns.resolve_to_schema,
    nodes.UnresolvedTable: leaves.resolve_table,
    nodes.Values: values.resolve_values,
    nodes.Watermark: watermark.resolve_watermark,
    nodes.WithColumns: columns.resolve_with_columns,
    nodes.WithColumnsRenamed: columns.resolve_renames,
}


def resolve_node(node: Node, context: AnalysisContext) -> Node:
    """`node` resolved.  Chains of one-input nodes are walked in a loop: programs build plans a thousand deep."""
    chain: list[Node] = []
    while not isinstance(node, (With, UnresolvedTable, Join)) and len(inputs := node.children) == 1:
        chain.append(node)
        node = inputs[0]
    resolved = _numbered(_resolve_end(node, context), node)
    for parent in reversed(chain):
        with_input = parent.map_children(lambda _, done=resolved: done)  # type: ignore[misc]
        resolved = _numbered(_apply(with_input, context), parent)
    return resolved


def _resolve_end(node: Node, context: AnalysisContext) -> Node:
    """A node with no input or several, or one that changes what its inputs see."""
    if isinstance(node, With):
        return resolve_node(node.child, bind_common_tables(node, context))
    if isinstance(node, UnresolvedTable) and (found := common_table(node, context)) is not None:
        within = replace(context, common_tables=found.visible, outer=None)
        plan = _recursive(found, within) if found.recursive else resolve_node(found.plan, within)
        return leaves.qualified(plan, node.parts[-1])
    if isinstance(node, Join) and node.lateral:
        return _lateral_join(node, context)
    return _apply(node.map_children(lambda child: resolve_node(child, context)), context)


def _recursive(table: CommonTable, context: AnalysisContext) -> Node:
    """The first query, then the step, in which the name stands for the rows of the step before."""
    parts = RecursiveTable(table, context)
    first = resolve_node(parts.first, context)
    last = parts.last_step(first)
    visible = {**context.common_tables, context.key(table.name): CommonTable(last, {})}
    return parts.union(first, resolve_node(parts.step, replace(context, common_tables=visible)), last)


def _lateral_join(node: Join, context: AnalysisContext) -> Node:
    """The right side sees the left side's columns as a subquery sees those around it."""
    if node.kind not in ("inner", "left", "cross"):
        raise fail("INVALID_LATERAL_JOIN_TYPE", joinType=node.kind.upper())
    left = resolve_node(node.left, context)
    right = resolve_node(node.right, replace(context, outer=Scope(context, left)))
    return joins.resolve_join(replace(node, left=left, right=right), context)


def _apply(node: Node, context: AnalysisContext) -> Node:
    rule = NODE_RULES.get(type(node))
    if rule is None:
        raise unsupported(f"the operator {type(node).__name__}")
    return rule(node, context)


def _numbered(resolved: Node, original: Node) -> Node:
    """The result bears the original's DataFrame number; a result that has another one already is wrapped."""
    number = original.plan_id
    if number is None or resolved.plan_id == number:
        return resolved
    if resolved.plan_id is not None:
        return Project(resolved.output, resolved, plan_id=number)
    return replace(resolved, plan_id=number)

"""Nodes that run a Python function: their arguments and keys resolved, their result columns given ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from penstock.analysis.context import AnalysisContext
from penstock.analysis.errors import fail
from penstock.analysis.expressions import resolve_expression, resolve_value
from penstock.analysis.leaves import attributes_of
from penstock.analysis.metadata import WATERMARK_DELAY
from penstock.analysis.scope import Scope
from penstock.analysis.select_list import name_column
from penstock.analysis.time_windows import expand_windows
from penstock.plan.expressions import Attribute, Expression, PythonFunction, SortOrder
from penstock.plan.nodes import Node, Project, named_output
from penstock.plan.python_nodes import ApplyInPandasWithState, CoGroupMap, GroupMap, MapPartitions, TransformWithState


def resolve_map(node: MapPartitions, context: AnalysisContext) -> Node:
    """mapInPandas, mapInArrow."""
    function = _function(node.function, Scope(context, node.child))
    return replace(node, function=function, columns=attributes_of(node.result_schema))


def resolve_group_map(node: GroupMap, context: AnalysisContext) -> Node:
    """applyInPandas, applyInArrow."""
    scope = Scope(context, node.child)
    function = _function(node.function, scope)
    order = tuple(SortOrder(resolve_value(o.child, scope), o.ascending, o.nulls_first) for o in node.order)
    keys, child = _keys(node.grouping, node.child, context)
    columns = attributes_of(node.result_schema)
    return replace(node, grouping=keys, function=function, child=child, order=order, columns=columns)


def resolve_co_group_map(node: CoGroupMap, context: AnalysisContext) -> Node:
    """cogroup(...).applyInPandas: the function's arguments are the left side's columns, then the right side's (the
    client names none)."""
    function = _function(node.function, Scope(context, node.left, node.right))
    function = replace(function, args=function.args or (*node.left.output, *node.right.output))
    left_keys, left = _keys(node.left_grouping, node.left, context)
    right_keys, right = _keys(node.right_grouping, node.right, context)
    return replace(
        node,
        left_grouping=left_keys,
        right_grouping=right_keys,
        function=function,
        left=left,
        right=right,
        columns=attributes_of(node.result_schema),
    )


def resolve_with_state(node: ApplyInPandasWithState, context: AnalysisContext) -> Node:
    """applyInPandasWithState."""
    function = _function(node.function, Scope(context, node.child))
    keys, child = _keys(node.grouping, node.child, context)
    return replace(node, grouping=keys, function=function, child=child, columns=attributes_of(node.result_schema))


def resolve_transform_with_state(node: TransformWithState, context: AnalysisContext) -> Node:
    """transformWithState; the result's event time column, where named, inherits the input's watermark."""
    function = _function(node.function, Scope(context, node.child))
    keys, child = _keys(node.grouping, node.child, context)
    initial, initial_keys = node.initial, node.initial_grouping
    if initial is not None:
        initial_keys, initial = _keys(initial_keys, initial, context)
    columns = _with_event_time(attributes_of(node.result_schema), node, context)
    return replace(
        node,
        grouping=keys,
        function=function,
        child=child,
        initial=initial,
        initial_grouping=initial_keys,
        columns=columns,
    )


def _function(function: PythonFunction, scope: Scope) -> PythonFunction:
    resolved = resolve_expression(function, scope)
    assert isinstance(resolved, PythonFunction)
    return resolved


def _keys(grouping: Sequence[Expression], child: Node, context: AnalysisContext) -> tuple[tuple[Expression, ...], Node]:
    """The keys as columns of the input; computed ones are added to it."""
    scope = Scope(context, child)
    columns = [name_column(key, resolve_expression(key, scope)) for key in grouping]
    columns, child = expand_windows(columns, child)
    computed = tuple(c for c in columns if not isinstance(c, Attribute))
    if computed:
        child = Project((*child.output, *computed), child)
    return named_output(tuple(columns)), child


def _with_event_time(
    columns: tuple[Attribute, ...], node: TransformWithState, context: AnalysisContext
) -> tuple[Attribute, ...]:
    if not node.event_time_column:
        return columns
    delay = next((a.metadata[WATERMARK_DELAY] for a in node.child.output if WATERMARK_DELAY in a.metadata), None)
    if delay is None:
        raise fail("CANNOT_ASSIGN_EVENT_TIME_COLUMN_WITHOUT_WATERMARK")
    wanted = context.key(node.event_time_column)
    return tuple(
        replace(a, metadata={**a.metadata, WATERMARK_DELAY: delay}) if context.key(a.name) == wanted else a
        for a in columns
    )

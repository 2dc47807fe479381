"""Protobuf relations that run a Python function over rows or groups -> `penstock.plan.python_nodes`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyspark.sql.connect.proto as pb

from penstock.connect.decode_context import DecodeContext
from penstock.connect.decode_expressions import expressions, python_function, sort_keys
from penstock.connect.decode_types import decode_type
from penstock.core.errors import unsupported
from penstock.plan import nodes, python_nodes
from penstock.plan.types import DataType, StructType
from penstock.sql import parse_schema

Decode = Callable[[pb.Relation, DecodeContext], nodes.Node]


def python_relations(relation: Decode) -> dict[str, Callable[[Any, DecodeContext], nodes.Node]]:
    """The decoders, given the one that decodes their inputs."""

    def map_partitions(message: pb.MapPartitions, context: DecodeContext) -> nodes.Node:
        function = python_function(message.func, context)
        child = relation(message.input, context)
        return python_nodes.MapPartitions(function, child, struct(function.data_type), barrier=message.is_barrier)

    def group_map(message: pb.GroupMap, context: DecodeContext) -> nodes.Node:
        if message.HasField("is_map_groups_with_state"):
            raise unsupported("(flat)MapGroupsWithState of Scala")
        function = python_function(message.func, context)
        grouping = expressions(message.grouping_expressions, context)
        child = relation(message.input, context)
        if message.HasField("transform_with_state_info"):
            return _transform_with_state(message, function, grouping, child, context)
        order = sort_keys(message.sorting_expressions, context)
        return python_nodes.GroupMap(grouping, function, child, struct(function.data_type), order)

    def _transform_with_state(
        message: pb.GroupMap, function: Any, grouping: Any, child: nodes.Node, context: DecodeContext
    ) -> nodes.Node:
        info = message.transform_with_state_info
        has_initial = message.HasField("initial_input")
        schema = decode_type(info.output_schema) if info.HasField("output_schema") else function.data_type
        return python_nodes.TransformWithState(
            grouping,
            function,
            child,
            struct(schema),
            message.output_mode,
            info.time_mode,
            info.event_time_column_name if info.HasField("event_time_column_name") else None,
            relation(message.initial_input, context) if has_initial else None,
            expressions(message.initial_grouping_expressions, context),
        )

    def co_group_map(message: pb.CoGroupMap, context: DecodeContext) -> nodes.Node:
        function = python_function(message.func, context)
        return python_nodes.CoGroupMap(
            expressions(message.input_grouping_expressions, context),
            expressions(message.other_grouping_expressions, context),
            function,
            relation(message.input, context),
            relation(message.other, context),
            struct(function.data_type),
        )

    def with_state(message: pb.ApplyInPandasWithState, context: DecodeContext) -> nodes.Node:
        return python_nodes.ApplyInPandasWithState(
            expressions(message.grouping_expressions, context),
            python_function(message.func, context),
            relation(message.input, context),
            parse_schema(message.output_schema),
            parse_schema(message.state_schema),
            message.output_mode,
            message.timeout_conf,
        )

    return {
        "map_partitions": map_partitions,
        "group_map": group_map,
        "co_group_map": co_group_map,
        "apply_in_pandas_with_state": with_state,
    }


def struct(data_type: DataType) -> StructType:
    """The columns that a function over frames yields."""
    if not isinstance(data_type, StructType):
        raise unsupported(f"a function over frames that yields {data_type.simpleString()} instead of columns")
    return data_type

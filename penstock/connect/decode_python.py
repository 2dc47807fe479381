"""Protobuf relations that run a Python function over rows or groups -> `penstock.plan.python_nodes`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pyspark.sql.connect.proto as pb

from penstock.connect.decode_context import DecodeContext
from penstock.connect.decode_expressions import expressions, python_function, sort_keys
from penstock.connect.decode_types import decode_type
from penstock.core.errors import analysis_error, illegal_argument, unsupported
from penstock.plan import nodes, python_nodes
from penstock.plan.table_functions import CallTable, PythonTableFunction
from penstock.plan.types import DataType, StructType
from penstock.sql import parse_schema

Decode = Callable[[pb.Relation, DecodeContext], nodes.Node]


def _map_partitions(relation: Decode, message: pb.MapPartitions, context: DecodeContext) -> nodes.Node:
    function = python_function(message.func, context)
    child = relation(message.input, context)
    return python_nodes.MapPartitions(function, child, struct(function.data_type), barrier=message.is_barrier)


def _group_map(relation: Decode, message: pb.GroupMap, context: DecodeContext) -> nodes.Node:
    if message.HasField("is_map_groups_with_state"):
        raise unsupported("(flat)MapGroupsWithState of Scala")
    function = python_function(message.func, context)
    grouping = expressions(message.grouping_expressions, context)
    child = relation(message.input, context)
    if message.HasField("transform_with_state_info"):
        return _transform_with_state(relation, message, function, grouping, child, context)
    order = sort_keys(message.sorting_expressions, context)
    return python_nodes.GroupMap(grouping, function, child, struct(function.data_type), order)


def _transform_with_state(
    relation: Decode, message: pb.GroupMap, function: Any, grouping: Any, child: nodes.Node, context: DecodeContext
) -> nodes.Node:
    import penstock.runtime.batch_with_state  # noqa: F401 (batch queries can run it from now on)

    info = message.transform_with_state_info
    check_modes(message.output_mode, info.time_mode)
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


def _co_group_map(relation: Decode, message: pb.CoGroupMap, context: DecodeContext) -> nodes.Node:
    function = python_function(message.func, context)
    return python_nodes.CoGroupMap(
        expressions(message.input_grouping_expressions, context),
        expressions(message.other_grouping_expressions, context),
        function,
        relation(message.input, context),
        relation(message.other, context),
        struct(function.data_type),
    )


def _with_state(relation: Decode, message: pb.ApplyInPandasWithState, context: DecodeContext) -> nodes.Node:
    import penstock.runtime.batch_with_state  # noqa: F401 (batch queries can run it from now on)

    if message.output_mode.lower() not in ("append", "update"):
        raise illegal_argument(
            "_LEGACY_ERROR_TEMP_3085",
            f"The function of applyInPandasWithState has the output mode {message.output_mode}: it can be append or "
            "update.",
            "XXKD0",
        )
    return python_nodes.ApplyInPandasWithState(
        expressions(message.grouping_expressions, context),
        python_function(message.func, context),
        relation(message.input, context),
        parse_schema(message.output_schema),
        parse_schema(message.state_schema),
        message.output_mode,
        message.timeout_conf,
    )


def _call_table(
    relation: Decode, message: pb.CommonInlineUserDefinedTableFunction, context: DecodeContext
) -> nodes.Node:
    return CallTable(table_function(message), expressions(message.arguments, context))


def python_relations(relation: Decode) -> dict[str, Callable[[Any, DecodeContext], nodes.Node]]:
    """The decoders, given the one that decodes their inputs."""
    functions = {
        "map_partitions": _map_partitions,
        "group_map": _group_map,
        "co_group_map": _co_group_map,
        "apply_in_pandas_with_state": _with_state,
        "common_inline_user_defined_table_function": _call_table,
    }
    return {name: partial(decode, relation) for name, decode in functions.items()}


def table_function(message: pb.CommonInlineUserDefinedTableFunction) -> PythonTableFunction:
    """A Python table function with its pickled class."""
    udtf = message.python_udtf
    schema = decode_type(udtf.return_type) if udtf.HasField("return_type") else None
    if schema is not None and not isinstance(schema, StructType):
        shown = schema.simpleString()
        text = f"The table function {message.function_name} has the return type {shown}: it has to be columns."
        params = {"name": message.function_name, "returnType": f'"{shown.upper()}"'}
        raise analysis_error("UDTF_RETURN_TYPE_MISMATCH", text, "42K0E", **params)
    return PythonTableFunction(message.function_name, udtf.command, udtf.eval_type, schema, message.deterministic)


def struct(data_type: DataType) -> StructType:
    """The columns that a function over frames yields."""
    if not isinstance(data_type, StructType):
        raise unsupported(f"a function over frames that yields {data_type.simpleString()} instead of columns")
    return data_type


def check_modes(output_mode: str, time_mode: str) -> None:
    """Refuse modes of transformWithState that do not exist."""
    if time_mode.lower() not in ("none", "processingtime", "eventtime"):
        message = f"There is no time mode {time_mode}: use None, ProcessingTime or EventTime."
        raise illegal_argument("STATEFUL_PROCESSOR_UNKNOWN_TIME_MODE", message, "42802", timeMode=time_mode)
    if output_mode.lower() not in ("append", "complete", "update"):
        message = f"There is no output mode {output_mode}: use Append, Complete or Update."
        raise illegal_argument("STREAMING_OUTPUT_MODE.INVALID", message, "42KDE", outputMode=output_mode)

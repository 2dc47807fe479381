"""ExecutePlan: a relation gives its rows, a command does its work and gives its own kind of result.

A handler is a generator of responses without ids; it yields None where it waits.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import pyspark.sql.connect.proto as pb

from penstock.connect import encode, write_commands
from penstock.connect.operations import Operation, Payloads
from penstock.connect.pipeline import resolve_relation, run
from penstock.connect.plans import open_plan
from penstock.connect.relations import run_relation
from penstock.core.errors import analysis_error, unsupported
from penstock.plan.nodes import LocalData
from penstock.sql import split_identifier

if TYPE_CHECKING:
    from penstock.connect.service import Peer, Service
    from penstock.connect.session import Session

_PART = r"(?:`(?:[^`]|``)+`|\w+)"
_NAME = re.compile(rf"{_PART}(?:\.{_PART})*")

Response: TypeAlias = pb.ExecutePlanResponse


@dataclass(frozen=True)
class Call:
    """One command on its way."""

    service: Service
    session: Session
    operation: Operation
    peer: Peer


Handler = Callable[[Call, Any], Payloads]


def payloads(
    service: Service, session: Session, operation: Operation, request: pb.ExecutePlanRequest, peer: Peer
) -> Payloads:
    """The responses of one ExecutePlan; nothing happens before the first is asked for."""
    plan = open_plan(request.plan)
    if plan.WhichOneof("op_type") == "root":
        result = run_relation(session, plan.root, operation)
        chunks = encode.chunking(list(request.request_options), peer.batch_bytes)
        yield from encode.encode_result(result, chunks)
        yield from encode.encode_observed(result.observed)
        return
    kind = plan.command.WhichOneof("command_type") or ""
    handler = _handler(kind)
    yield from handler(Call(service, session, operation, peer), getattr(plan.command, kind))


def _handler(kind: str) -> Handler:
    if kind in _LATE:  # streams need the runtime, which a batch program never imports
        from penstock.connect import stream_commands

        return stream_commands.HANDLERS[kind]
    handler = _HANDLERS.get(kind)
    if handler is None:
        raise unsupported(_REFUSED.get(kind, f"the command {kind}"))
    return handler


def _merge_into(call: Call, command: pb.MergeIntoTableCommand) -> Payloads:
    from penstock.connect.table_commands import rows_unchangeable
    from penstock.sql import split_identifier

    parts = split_identifier(command.target_table_name)
    raise rows_unchangeable(call.session, parts, "MERGE INTO TABLE")


def _sql_command(call: Call, command: pb.SqlCommand) -> Payloads:
    from penstock.connect.sql_commands import execute

    relation = execute(call.session, _sql_relation(command), call.operation)
    yield Response(sql_command_result=Response.SqlCommandResult(relation=relation))


def _sql_relation(command: pb.SqlCommand) -> pb.Relation:
    """The SQL relation; old clients send text and parameters in the command itself."""
    if command.HasField("input"):
        return command.input
    sql = pb.SQL(query=command.sql, pos_args=command.pos_args, pos_arguments=command.pos_arguments)
    for key, value in command.args.items():
        sql.args[key].CopyFrom(value)
    for key, expression in command.named_arguments.items():
        sql.named_arguments[key].CopyFrom(expression)
    return pb.Relation(sql=sql)


def _create_dataframe_view(call: Call, command: pb.CreateDataFrameViewCommand) -> Payloads:
    if not _NAME.fullmatch(command.name):
        message = f"{command.name} is no name for a view."
        raise analysis_error("_LEGACY_ERROR_TEMP_1321", message, "XXKD0", viewName=command.name)
    name = split_identifier(command.name)[-1]  # Spark overlooks a qualifier here
    plan = resolve_relation(call.session, command.input)
    call.session.catalog.create_view(name, plan, is_global=command.is_global, replace=command.replace)
    yield from ()


def _checkpoint(call: Call, command: pb.CheckpointCommand) -> Payloads:
    """`df.checkpoint()`, `df.localCheckpoint()`: the rows, kept in memory under an id."""
    plan = resolve_relation(call.session, command.relation)
    result = run(call.session, plan, call.operation)
    relation_id = str(uuid4())
    call.session.catalog.relations[relation_id] = kept(result)
    relation = pb.CachedRemoteRelation(relation_id=relation_id)
    yield Response(checkpoint_command_result=pb.CheckpointCommandResult(relation=relation))


def kept(result: Any) -> LocalData:
    """Rows as a leaf of later plans, with ids of its own."""
    from penstock.plan.expressions import Attribute, fresh_id

    columns = tuple(Attribute(f.name, f.dataType, f.nullable, fresh_id(), (), f.metadata or {}) for f in result.schema)
    return LocalData(result.table, result.schema, columns)


def _remove_cached(call: Call, command: pb.RemoveCachedRemoteRelationCommand) -> Payloads:
    call.session.catalog.relations.pop(command.relation.relation_id, None)
    yield from ()


def _get_resources(call: Call, command: pb.GetResourcesCommand) -> Payloads:
    yield Response(get_resources_command_result=pb.GetResourcesCommandResult())


def _ml_command(call: Call, command: pb.MlCommand) -> Payloads:
    """Every client cleans its ML cache when it exits: there is nothing in it."""
    if command.WhichOneof("command") not in ("clean_cache", "get_cache_info", "delete"):
        raise unsupported("Spark ML")
    yield Response(ml_command_result=pb.MlCommandResult())


def _register_function(call: Call, command: pb.CommonInlineUserDefinedFunction) -> Payloads:
    """`spark.udf.register`."""
    from penstock.connect.decode_context import DecodeContext
    from penstock.connect.decode_expressions import python_function

    if command.WhichOneof("function") == "java_udf":
        feature = f"functions of a JVM (registerJavaFunction and registerJavaUDAF: {command.function_name})"
        raise unsupported(feature, "Only Python functions run without a JVM.")
    call.session.catalog.register(python_function(command, DecodeContext(call.session)))
    yield from ()


def _register_table_function(call: Call, command: pb.CommonInlineUserDefinedTableFunction) -> Payloads:
    """`spark.udtf.register`."""
    from penstock.connect.decode_python import table_function

    call.session.catalog.register_table(table_function(command))
    yield from ()


def _register_data_source(call: Call, command: pb.CommonInlineUserDefinedDataSource) -> Payloads:
    """`spark.dataSource.register`."""
    from penstock.connect import data_sources

    data_sources.register(call.session, command)
    yield from ()


def _write(call: Call, command: pb.WriteOperation) -> Payloads:
    yield from encode.encode_observed(write_commands.write(call.session, command, call.operation))


def _write_v2(call: Call, command: pb.WriteOperationV2) -> Payloads:
    write_commands.write_v2(call.session, command)
    yield from ()


_LATE = frozenset(
    {
        "write_stream_operation_start",
        "streaming_query_command",
        "streaming_query_manager_command",
        "streaming_query_listener_bus_command",
    }
)

_HANDLERS: dict[str, Handler] = {
    "sql_command": _sql_command,
    "create_dataframe_view": _create_dataframe_view,
    "write_operation": _write,
    "write_operation_v2": _write_v2,
    "checkpoint_command": _checkpoint,
    "remove_cached_remote_relation_command": _remove_cached,
    "get_resources_command": _get_resources,
    "register_function": _register_function,
    "register_table_function": _register_table_function,
    "register_data_source": _register_data_source,
    "ml_command": _ml_command,
    "merge_into_table_command": _merge_into,
}

_REFUSED = {
    "create_resource_profile_command": "resource profiles",
    "execute_external_command": "external commands",
    "pipeline_command": "declarative pipelines",
}

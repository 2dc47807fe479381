"""Protobuf relations without inputs -> leaves of the logical plan: reads, local rows, ranges, SQL texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyspark.sql.connect.proto as pb

from penstock.connect.decode_context import DecodeContext
from penstock.connect.decode_expressions import expression, expressions
from penstock.core.errors import SparkError, unsupported
from penstock.engine.types import arrow_schema
from penstock.plan import nodes
from penstock.plan.expressions import Expression
from penstock.plan.types import StructType
from penstock.sql import parse_schema, parse_statement
from penstock.sql.identifiers import table_identifier
from penstock.sql.statements import Query, Statement


def read(message: pb.Read, context: DecodeContext) -> nodes.Node:
    """spark.read, spark.readStream, spark.table."""
    if message.WhichOneof("read_type") == "named_table":
        table = message.named_table
        return nodes.UnresolvedTable(
            table_identifier(table.unparsed_identifier), dict(table.options), message.is_streaming
        )
    source = message.data_source
    return nodes.Read(
        source.format if source.HasField("format") and source.format else None,
        dict(source.options),
        tuple(source.paths),
        parse_schema(source.schema) if source.HasField("schema") and source.schema else None,
        message.is_streaming,
        tuple(source.predicates),
        source.source_name if source.HasField("source_name") else None,
    )


def local_relation(message: pb.LocalRelation, context: DecodeContext) -> nodes.Node:
    """createDataFrame: an Arrow IPC stream, a schema (DDL or JSON), or both."""
    schema = parse_schema(message.schema) if message.HasField("schema") and message.schema else None
    return local_data([message.data] if message.HasField("data") else [], schema)


def local_data(streams: list[bytes], schema: StructType | None) -> nodes.LocalData:
    """Rows from Arrow IPC streams of one schema; without any the table is empty."""
    from pyspark.sql.pandas.types import from_arrow_schema

    tables = [pa.ipc.open_stream(pa.py_buffer(stream)).read_all() for stream in streams if stream]
    if not tables and schema is None:
        raise SparkError(
            "CONNECT_INVALID_PLAN.INPUT_DATA_NO_SCHEMA", "Schema for LocalRelation is required.", sqlstate="56K00"
        )
    if not tables:
        empty = schema or StructType()
        return nodes.LocalData(arrow_schema(empty).empty_table(), empty)
    table = pa.concat_tables(tables)
    return nodes.LocalData(table, schema or from_arrow_schema(table.schema))


def _cached_local(message: pb.CachedLocalRelation, context: DecodeContext) -> nodes.Node:
    """A large local relation, uploaded before: the artifact is a serialised LocalRelation."""
    return local_relation(pb.LocalRelation.FromString(context.hooks.artifact(message.hash)), context)


def _chunked_local(message: pb.ChunkedCachedLocalRelation, context: DecodeContext) -> nodes.Node:
    """A very large one: each artifact is an Arrow IPC stream, the schema an artifact of its own."""
    schema = None
    if message.HasField("schemaHash"):
        schema = parse_schema(context.hooks.artifact(message.schemaHash).decode())
    return local_data([context.hooks.artifact(content_hash) for content_hash in message.dataHashes], schema)


def _cached_remote(message: pb.CachedRemoteRelation, context: DecodeContext) -> nodes.Node:
    return nodes.CachedRelation(message.relation_id)


def _range(message: pb.Range, context: DecodeContext) -> nodes.Node:
    start = message.start if message.HasField("start") else 0
    partitions = message.num_partitions if message.HasField("num_partitions") else None
    return nodes.Range(start, message.end, message.step, partitions=partitions)


def _table_function(message: pb.UnresolvedTableValuedFunction, context: DecodeContext) -> nodes.Node:
    return nodes.TableFunction(message.function_name.lower(), expressions(message.arguments, context))


def sql_statement(message: pb.SQL, context: DecodeContext) -> Statement:
    """The statement of spark.sql, with its parameters in place."""
    return parse_statement(message.query, sql_arguments(message, context), time_zone=context.hooks.time_zone,
                           variable=context.hooks.variable)  # fmt: skip


def sql_arguments(message: pb.SQL, context: DecodeContext) -> dict[str, Expression] | list[Expression] | None:
    """Named parameters (:x) or positional ones (?); older clients send literals only."""
    named = {key: expression(value, context) for key, value in message.named_arguments.items()}
    named.update((key, expression(pb.Expression(literal=value), context)) for key, value in message.args.items())
    positional = list(expressions(message.pos_arguments, context))
    positional += [expression(pb.Expression(literal=value), context) for value in message.pos_args]
    return named or positional or None


def _sql(message: pb.SQL, context: DecodeContext) -> nodes.Node:
    statement = sql_statement(message, context)
    if not isinstance(statement, Query):
        raise unsupported(f"the command {type(statement).__name__} inside of a query")
    return statement.plan


SOURCES: dict[str, Callable[[Any, DecodeContext], nodes.Node]] = {
    "read": read,
    "local_relation": local_relation,
    "cached_local_relation": _cached_local,
    "chunked_cached_local_relation": _chunked_local,
    "cached_remote_relation": _cached_remote,
    "range": _range,
    "unresolved_table_valued_function": _table_function,
    "sql": _sql,
}

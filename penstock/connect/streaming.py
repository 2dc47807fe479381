"""A session's streaming queries: the manager, and what `writeStream.start()` makes of its many options."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import pyspark.sql.connect.proto as pb

from penstock.connect import data_sources, foreach
from penstock.connect.pipeline import resolve_relation
from penstock.connect.tables import CLUSTERING
from penstock.core.errors import SparkError, analysis_error, illegal_argument, unsupported
from penstock.engine.types import arrow_schema
from penstock.plan.expressions import Attribute, fresh_id
from penstock.plan.nodes import LocalData, Node, Read
from penstock.plan.types import StructType
from penstock.pyfn.data_source_writers import PythonSink
from penstock.runtime.async_progress import async_progress
from penstock.runtime.manager import StreamingQueryManager
from penstock.runtime.query import StreamingQuery
from penstock.runtime.refused_settings import check_settings
from penstock.runtime.spec import ONE_TIME_SINKS, QuerySpec
from penstock.runtime.trigger import AvailableNow, Continuous, Once, ProcessingTime, RealTime, Trigger
from penstock.sinks import registry
from penstock.sinks.base import Sink, SinkContext
from penstock.sinks.errors import unsupported_output_mode
from penstock.sinks.formats import FILE_FORMATS
from penstock.sinks.memory import MemorySink
from penstock.sources.naming import check_names
from penstock.sql import parse_interval
from penstock.sql.identifiers import table_identifier

if TYPE_CHECKING:
    from penstock.connect.service import Service
    from penstock.connect.session import Session

_MODES = ("append", "complete", "update")


def make_manager(session: Session) -> StreamingQueryManager:
    """The queries of a session; each has a cursor of its own."""
    manager = StreamingQueryManager(session.query_cursor)
    manager.add_listener(session.listeners)
    return manager


def start(service: Service, session: Session, command: pb.WriteStreamOperationStart) -> StreamingQuery:
    """Start what a WriteStreamOperationStart describes."""
    from penstock.analysis.continuous_checks import check_continuous
    from penstock.analysis.real_time_checks import async_progress_refused, check_real_time
    from penstock.analysis.streaming_checks import check_streaming

    plan = resolve_relation(session, command.input)
    if not plan.is_streaming:
        message = "`writeStream` is for streams; a batch is written with `write`."
        raise analysis_error("WRITE_STREAM_NOT_ALLOWED", message, "42601")
    _check_clustering(command, plan)
    mode = output_mode(command.output_mode)
    if command.WhichOneof("sink_destination") == "table_name":
        command = _into_table(session, command, plan)
    _check_partitions(command, plan)
    sink_format, make_sink = _sink(service, session, command)
    if sink_format in FILE_FORMATS and mode != "append":
        raise unsupported_output_mode(sink_format, mode)
    _check_trigger(trigger(command), sink_format)
    check_streaming(plan, mode, session.conf)
    check_settings(plan, session.conf)
    check_names([node for node in plan.walk() if isinstance(node, Read) and node.is_streaming], session.conf)
    match trigger(command):
        case Continuous():
            check_continuous(plan)
        case RealTime(duration_ms):
            if async_progress(_options(command), sink_format, ProcessingTime()) is not None:
                raise async_progress_refused()
            check_real_time(plan, mode, sink_format, duration_ms, session.conf)
    _watch(session)
    return session.streams.start(_spec(session, command, plan, mode, sink_format, make_sink))


def _watch(session: Session) -> None:
    """Feed the metrics with what happens to the session's queries, where somebody wants them."""
    if session.conf.get("penstock.metrics.port") or "PENSTOCK_METRICS_PORT" in os.environ:
        from penstock.connect import metrics_endpoint  # an HTTP server: only where it is asked for

        if (metrics := metrics_endpoint.serve(session.conf)) is not None:
            session.streams.add_listener(metrics)


def _into_table(session: Session, command: pb.WriteStreamOperationStart, plan: Node) -> pb.WriteStreamOperationStart:
    """`toTable`: the same stream into the table's directory; a table that is not there is made."""
    from penstock.connect import table_writes

    parts = table_identifier(command.table_name)
    if session.catalog.table(parts) is None:
        keys = tuple(command.partitioning_column_names)
        clusters = [[name] for name in command.clustering_column_names]
        properties = {CLUSTERING: json.dumps(clusters, separators=(",", ":"))} if clusters else {}
        table = table_writes.define(
            session, parts, plan.schema, command.format or None, partition_by=keys, properties=properties,
            take_over=True,
        )  # fmt: skip
    else:
        table = table_writes.writable(session, parts)
    given, wanted = ([(f.name.lower(), f.dataType) for f in schema] for schema in (plan.schema, table.schema))
    if sorted(given, key=str) != sorted(wanted, key=str):
        raise unsupported(f"a stream of other columns than those of the table {command.table_name}", "Select them.")
    into = pb.WriteStreamOperationStart()
    into.CopyFrom(command)
    into.path, into.format = table.path, table.provider
    into.partitioning_column_names[:] = table.partition_by
    return into


def _spec(
    session: Session,
    command: pb.WriteStreamOperationStart,
    plan: Node,
    mode: str,
    sink_format: str,
    make_sink: Callable[[SinkContext], Sink],
) -> QuerySpec:
    options = _options(command)
    location = next((value for key, value in options.items() if key.lower() == "checkpointlocation"), None)
    return QuerySpec(
        plan=plan,
        make_sink=make_sink,
        output_mode=mode,
        trigger=trigger(command),
        name=command.query_name or None,
        checkpoint_location=location,
        conf=session.conf.snapshot(),
        clock=session.clock,
        sink_options=options,
        partition_by=tuple(command.partitioning_column_names),
        temporary_checkpoint=sink_format in ONE_TIME_SINKS,
        recoverable=sink_format != "memory" or mode == "complete",
        async_progress=async_progress(options, sink_format, trigger(command)),
    )


def _options(command: pb.WriteStreamOperationStart) -> dict[str, str]:
    options = dict(command.options)
    if command.path:
        options = {key: value for key, value in options.items() if key.lower() != "path"}
        options["path"] = command.path
    return options


def output_mode(text: str) -> str:
    """append where nothing is said; Spark's error for a mode that is none."""
    mode = (text or "append").lower()
    if mode not in _MODES:
        message = f"There is no output mode {text}: use append, complete or update."
        raise illegal_argument("STREAMING_OUTPUT_MODE.INVALID", message, "42KDE", outputMode=text)
    return mode


def trigger(command: pb.WriteStreamOperationStart) -> Trigger:
    """When batches run: as soon as possible where nothing is said."""
    match command.WhichOneof("trigger"):
        case "processing_time_interval":
            return ProcessingTime(_interval_ms(command.processing_time_interval))
        case "available_now":
            return AvailableNow()
        case "once":
            return Once()
        case "continuous_checkpoint_interval":
            return Continuous(_interval_ms(command.continuous_checkpoint_interval))
        case "real_time_batch_duration":
            return RealTime(_interval_ms(command.real_time_batch_duration))
    return ProcessingTime(0)


def _check_partitions(command: pb.WriteStreamOperationStart, plan: Node) -> None:
    keys, kind = command.partitioning_column_names, (command.format or "").lower()
    if not keys:
        return
    if kind == "memory" or command.HasField("foreach_batch") or command.HasField("foreach_writer"):
        kind = kind or ("foreachBatch" if command.HasField("foreach_batch") else "foreach")
        message = f"The sink {kind} has no directories to divide its rows into: leave out partitionBy."
        raise analysis_error("_LEGACY_ERROR_TEMP_1197", message, "XXKD0", operation=kind)
    for key in keys:
        if key.lower() not in {name.lower() for name in plan.schema.names}:
            shown = ", ".join(plan.schema.names)
            message = f"The partition column {key!r} is not among the columns {shown}."
            raise analysis_error(
                "_LEGACY_ERROR_TEMP_1196", message, "XXKD0", colType="Partition", colName=key, validColumns=shown
            )


def _check_clustering(command: pb.WriteStreamOperationStart, plan: Node) -> None:
    """clusterBy: a table keeps it among its properties; how the rows lie in files is not changed, as in Spark's own
    formats."""
    names = command.clustering_column_names
    if names and command.partitioning_column_names:
        message = "clusterBy and partitionBy exclude each other: give one of them."
        raise analysis_error("SPECIFY_CLUSTER_BY_WITH_PARTITIONED_BY_IS_NOT_ALLOWED", message, "42908")
    for name in names:
        if name.lower() not in {one.lower() for one in plan.schema.names}:
            shown = ", ".join(plan.schema.names)
            message = f"The clustering column {name!r} is not among the columns {shown}."
            raise analysis_error(
                "_LEGACY_ERROR_TEMP_1196", message, "XXKD0", colType="Clustering", colName=name, validColumns=shown
            )


def _check_trigger(chosen: Trigger, sink_format: str) -> None:
    if isinstance(chosen, Continuous) and sink_format == "foreachbatch":
        message = "'foreachBatch' is not supported with the continuous trigger: use foreach, or another trigger."
        raise analysis_error("_LEGACY_ERROR_TEMP_1195", message, "XXKD0", source="foreachBatch")


def _interval_ms(text: str) -> int:
    try:
        interval = parse_interval(text)
    except SparkError as error:
        kind = "INVALID_UNIT" if text.lstrip("+- ")[:1].isdigit() else "UNRECOGNIZED_NUMBER"
        message = f"The trigger interval '{text}' is none: write a number and a unit, as in '10 seconds'."
        raise illegal_argument(f"INVALID_INTERVAL_FORMAT.{kind}", message, "22006", input=text) from error
    if interval.months:
        message = f"The trigger interval '{text}' holds months, which differ in length: write days or less."
        raise illegal_argument("_LEGACY_ERROR_TEMP_3262", message, interval=text)
    return interval.duration_us // 1000


def _sink(
    service: Service, session: Session, command: pb.WriteStreamOperationStart
) -> tuple[str, Callable[[SinkContext], Sink]]:
    """The sink's format and what opens it."""
    if command.HasField("foreach_batch"):
        return "foreachbatch", foreach.foreach_batch(service, session, _python(command.foreach_batch))
    if command.HasField("foreach_writer"):
        return "foreach", foreach.foreach(service, session, _python(command.foreach_writer))
    sink_format = (command.format or session.conf["spark.sql.sources.default"]).lower()
    if sink_format == "memory":
        return sink_format, _memory_sink(session, command.query_name)
    if (source := data_sources.find(session, sink_format)) is not None:
        return sink_format, functools.partial(PythonSink, source)
    return sink_format, registry.find(sink_format, command.options)


def _python(function: pb.StreamingForeachFunction) -> bytes:
    if function.WhichOneof("function") != "python_function":
        raise unsupported("a Scala function as a sink")
    command: bytes = function.python_function.command
    return command


def _memory_sink(session: Session, name: str) -> Callable[[SinkContext], Sink]:
    """A memory sink whose rows are a temp view of the query's name."""
    if not name:
        message = "The memory sink needs a name for its table: give the query one with queryName."
        raise analysis_error("_LEGACY_ERROR_TEMP_1194", message, "XXKD0")

    def make(context: SinkContext) -> Sink:
        sink = MemorySink(context)
        session.catalog.create_view(name, _rows_of(sink, context.schema), is_global=False, replace=True)
        return sink

    return make


def _rows_of(sink: MemorySink, schema: StructType) -> Callable[[], Node]:
    empty = arrow_schema(schema).empty_table()
    columns = tuple(Attribute(f.name, f.dataType, f.nullable, fresh_id(), (), f.metadata or {}) for f in schema.fields)
    return lambda: LocalData(sink.snapshot() or empty, schema, columns)

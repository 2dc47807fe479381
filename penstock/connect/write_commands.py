"""`df.write` and `df.writeTo`: a batch result into files, another sink, or a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyspark.sql.connect.proto as pb

from penstock.connect import data_sources, table_commands, table_writes
from penstock.connect.catalog import not_found, quoted
from penstock.connect.operations import Operation
from penstock.connect.pipeline import Observed, Result, resolve_relation, run
from penstock.connect.tables import CATALOG, Buckets, Table, already_exists
from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError, analysis_error, unsupported
from penstock.plan.nodes import LocalData, Node
from penstock.plan.statistic_nodes import CollectMetrics
from penstock.sql.identifiers import table_identifier

if TYPE_CHECKING:
    from penstock.connect.session import Session
    from penstock.pyfn.data_sources import PythonDataSource

_MODES = ("error", "append", "overwrite", "error", "ignore")


def write(session: Session, command: pb.WriteOperation, operation: Operation) -> tuple[Observed, ...]:
    """Run the query and hand its rows to the writer of the format; returns what df.observe found."""
    from penstock.sinks import batch_writer

    _refuse(command)
    plan = resolve_relation(session, command.input)
    if plan.is_streaming:
        message = "The method `write` is for batches; a stream is written with `writeStream`."
        raise analysis_error("CALL_ON_STREAMING_DATASET_UNSUPPORTED", message, "42KDE", methodName="`write`")
    if command.WhichOneof("save_type") == "table":
        if any(isinstance(node, CollectMetrics) for node in plan.walk()):
            raise unsupported("DataFrame.observe with saveAsTable or insertInto", "Write to a path with save().")
        _write_table(session, command, plan, operation)
        return ()
    result = run(session, plan, operation)
    options = {key.lower(): value for key, value in command.options.items()}
    if (source := data_sources.find(session, command.source)) is not None:
        return _write_python(session, source, command, result)
    path = _path(command, options)
    batch_writer.write(
        result.table,
        result.schema,
        format=command.source or session.conf["spark.sql.sources.default"],
        path=path,
        mode=_MODES[command.mode],
        partition_by=tuple(command.partitioning_columns),
        options=options,
        conf=session.conf,
    )
    if path is not None:
        session.caches.forget_path(path)
    return result.observed


def _write_python(
    session: Session, source: PythonDataSource, command: pb.WriteOperation, result: Result
) -> tuple[Observed, ...]:
    """Into a data source that the user has registered."""
    from penstock.pyfn import data_source_writers

    options = dict(command.options) | ({"path": command.path} if command.path else {})
    mode = _MODES[command.mode]
    data_source_writers.write(source, result.table, result.schema, mode, options, session.conf)
    return result.observed


def _write_table(session: Session, command: pb.WriteOperation, plan: Node, operation: Operation) -> None:
    """saveAsTable and insertInto."""
    parts, mode = table_identifier(command.table.table_name), _MODES[command.mode]
    methods = pb.WriteOperation.SaveTable.TableSaveMethod
    if len(parts) > (3 if parts[0].lower() == CATALOG else 2):
        message = f"Couldn't find a catalog to handle the identifier {quoted(parts)}."
        raise analysis_error("_LEGACY_ERROR_TEMP_1310", message, "XXKD0", quote=quoted(parts))
    if command.table.save_method == methods.TABLE_SAVE_METHOD_INSERT_INTO:
        if command.partitioning_columns:
            message = "insertInto takes the partitioning of the table: leave partitionBy out."
            raise analysis_error("_LEGACY_ERROR_TEMP_1309", message, "XXKD0")
        table = table_writes.writable(session, parts)
        table_writes.insert(session, table, plan, operation, overwrite=mode == "overwrite")
        return
    known = session.catalog.table(parts)
    if known is None:
        _create(session, command, parts, plan)
    elif mode == "append":
        _append(session, known, plan, operation)
    elif mode == "overwrite":
        _replace(session, command, known, plan, operation)
    elif mode == "error":
        raise already_exists(known.full_name)


def _create(session: Session, command: pb.WriteOperation, parts: tuple[str, ...], plan: Node) -> None:
    table = table_writes.define(
        session, parts, plan.schema, command.source or None, partition_by=tuple(command.partitioning_columns),
        options=dict(command.options), buckets=_buckets(command),
    )  # fmt: skip
    table_commands.fill(session, table, plan)


def _buckets(command: pb.WriteOperation) -> Buckets | None:
    """What bucketBy and sortBy said."""
    if not command.HasField("bucket_by"):
        return None
    wanted = command.bucket_by
    return Buckets(wanted.num_buckets, tuple(wanted.bucket_column_names), tuple(command.sort_column_names))


def _append(session: Session, table: Table, plan: Node, operation: Operation) -> None:
    """By name, as Spark does; the number of columns has to be the same."""
    name = ".".join(table.full_name)
    if len(plan.output) != len(table.schema):
        message = f"The table {name} has {len(table.schema)} columns and the data have {len(plan.output)}."
        raise analysis_error("_LEGACY_ERROR_TEMP_1162", message, "XXKD0", tableName=name)
    ordered = table_writes.by_name(session, table, plan, [a.name for a in plan.output])
    table_writes.insert(session, table, ordered, operation)


def _replace(session: Session, command: pb.WriteOperation, old: Table, plan: Node, operation: Operation) -> None:
    """The rows are computed before the old table goes: they may come from it."""
    if old.view is not None:
        raise already_exists(old.full_name)
    rows = LocalData(run(session, plan, operation).table, plan.schema, plan.output)
    session.catalog.tables.drop(old)
    session.caches.forget_path(old.path)
    _create(session, command, old.full_name, rows)


def write_v2(session: Session, command: pb.WriteOperationV2) -> None:
    """`df.writeTo(table)`: a table of files can be created so; appending and replacing are for other catalogs."""
    parts = table_identifier(command.table_name)
    name = quoted((CATALOG, *session.catalog.table_name(parts)))
    if command.mode != pb.WriteOperationV2.Mode.MODE_CREATE:
        raise _refused_v2(command, session.catalog.table(parts) is not None, parts, name)
    if command.partitioning_columns or command.clustering_columns:
        raise unsupported("writeTo with partitionedBy or clusterBy", "Use df.write.partitionBy(...).saveAsTable(...).")
    plan = resolve_relation(session, command.input)
    table = table_writes.define(
        session, parts, plan.schema, command.provider or None, options=dict(command.options),
        properties=dict(command.table_properties),
    )  # fmt: skip
    table_commands.fill(session, table, plan)


def _refused_v2(command: pb.WriteOperationV2, exists: bool, parts: tuple[str, ...], name: str) -> SparkError:
    modes = pb.WriteOperationV2.Mode
    if command.mode in (modes.MODE_REPLACE, modes.MODE_CREATE_OR_REPLACE):
        message = f"The table {name} cannot be replaced in place: use df.write with saveAsTable."
        condition = "UNSUPPORTED_FEATURE.TABLE_OPERATION"
        return analysis_error(condition, message, "0A000", tableName=name, operation="REPLACE TABLE AS SELECT")
    if not exists:
        return not_found(parts, "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]")
    message = f"Cannot write into v1 table: {name}. Use df.write with insertInto or saveAsTable."
    return analysis_error("_LEGACY_ERROR_TEMP_1127", message, "XXKD0", quoted=name)


def _path(command: pb.WriteOperation, options: dict[str, str]) -> str | None:
    found = str(command.path) if command.path else options.get("path")
    if found is None and (command.source or "parquet").lower() not in ("noop", "console", "jdbc"):
        raise SparkError("_LEGACY_ERROR_TEMP_2047", "'path' is not specified.", classes=ILLEGAL_ARGUMENT)
    return found


def _refuse(command: pb.WriteOperation) -> None:
    """Clustering of tables is not done here; save() and insertInto() take no buckets, and clusterBy changes nothing
    about files that belong to no table (in Spark neither)."""
    is_table = command.WhichOneof("save_type") == "table"
    methods = pb.WriteOperation.SaveTable.TableSaveMethod
    inserts = is_table and command.table.save_method == methods.TABLE_SAVE_METHOD_INSERT_INTO
    if command.sort_column_names and not command.HasField("bucket_by"):
        message = "sortBy sorts the rows of buckets: it needs bucketBy."
        raise analysis_error("SORT_BY_WITHOUT_BUCKETING", message, "42601")
    asked = (
        ("bucketBy", command.HasField("bucket_by")),
        ("sortBy", bool(command.sort_column_names)),
        ("clusterBy", bool(command.clustering_columns)),
    )
    for what, wanted in asked:
        if wanted and what == "clusterBy" and is_table:
            raise unsupported(f"DataFrameWriter.{what}", "Use partitionBy, or sort the rows.")
        if wanted and what != "clusterBy" and (inserts or not is_table):
            raise _refused_with("insertInto" if inserts else "save", what)


def _refused_with(operation: str, what: str) -> SparkError:
    message = f"'{operation}' does not support {what}."
    return SparkError("_LEGACY_ERROR_TEMP_1312", message, {"operation": operation})

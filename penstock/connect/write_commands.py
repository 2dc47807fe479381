"""`df.write`: a batch result into files or another sink."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyspark.sql.connect.proto as pb

from penstock.connect.operations import Operation
from penstock.connect.pipeline import resolve_relation, run
from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError, analysis_error, unsupported

if TYPE_CHECKING:
    from penstock.connect.session import Session

_MODES = ("error", "append", "overwrite", "error", "ignore")


def write(session: Session, command: pb.WriteOperation, operation: Operation) -> None:
    """Run the query and hand its rows to the writer of the format."""
    from penstock.sinks import batch_writer

    _refuse_tables(command)
    plan = resolve_relation(session, command.input)
    if plan.is_streaming:
        message = "The method `write` is for batches; a stream is written with `writeStream`."
        raise analysis_error("CALL_ON_STREAMING_DATASET_UNSUPPORTED", message, "42KDE", methodName="`write`")
    result = run(session, plan, operation)
    options = dict(command.options)
    batch_writer.write(
        result.table,
        result.schema,
        format=command.source or session.conf["spark.sql.sources.default"],
        path=_path(command, options),
        mode=_MODES[command.mode],
        partition_by=tuple(command.partitioning_columns),
        options=options,
        conf=session.conf,
    )


def _path(command: pb.WriteOperation, options: dict[str, str]) -> str | None:
    if command.path:
        return str(command.path)
    found = next((value for key, value in options.items() if key.lower() == "path"), None)
    if found is None and (command.source or "parquet").lower() not in ("noop", "console"):
        raise SparkError("_LEGACY_ERROR_TEMP_2047", "'path' is not specified.", classes=ILLEGAL_ARGUMENT)
    return found


def _refuse_tables(command: pb.WriteOperation) -> None:
    if command.WhichOneof("save_type") == "table":
        feature = f"tables of a catalog (saveAsTable or insertInto {command.table.table_name})"
        raise unsupported(feature, "Write to a path with save().")
    if command.HasField("bucket_by"):
        raise _refused_with_save("bucketBy")
    if command.sort_column_names:
        raise _refused_with_save("sortBy")
    if command.clustering_columns:
        raise _refused_with_save("clusterBy")


def _refused_with_save(what: str) -> SparkError:
    return SparkError("_LEGACY_ERROR_TEMP_1312", f"'save' does not support {what}.", {"operation": "save"})

"""Python writers: `df.write.format(name)` and `df.writeStream.format(name)`.

A result is one partition: `write` is called once, then `commit` with its message, or `abort` when anything failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from penstock.core.errors import SparkError, analysis_error
from penstock.plan.types import StructType
from penstock.pyfn.data_sources import PythonDataSource, mismatch, planning, streaming
from penstock.pyfn.errors import user_code
from penstock.sinks.base import SinkContext
from penstock.sinks.errors import unsupported_output_mode


def write(
    source: PythonDataSource,
    table: pa.Table,
    schema: StructType,
    mode: str,
    options: Mapping[str, str],
    conf: Mapping[str, str],
) -> None:
    """Write a table (in Spark's Arrow types); the modes are append and overwrite."""
    from pyspark.sql.datasource import DataSourceArrowWriter, DataSourceWriter

    if mode not in ("append", "overwrite"):
        message = f"The data source {source.name} cannot be written in mode {mode}: use append or overwrite."
        shown = {"error": "ErrorIfExists", "ignore": "Ignore"}.get(mode, mode)
        params = {"source": source.name, "createMode": f'"{shown}"'}
        raise analysis_error("UNSUPPORTED_DATA_SOURCE_SAVE_MODE", message, "0A000", **params)
    instance = source.open(options)
    with planning("plan", "write"):
        writer = instance.writer(schema, mode == "overwrite")
        if not isinstance(writer, DataSourceWriter):
            raise mismatch("an instance of DataSourceWriter", writer)
    try:
        written = _written(writer, table, schema, isinstance(writer, DataSourceArrowWriter), conf)
    except SparkError:
        with planning("abort", "write"):
            writer.abort([None])
        raise
    with planning("commit", "write"):
        writer.commit([written])


def _written(writer: Any, table: pa.Table, schema: StructType, arrow: bool, conf: Mapping[str, str]) -> Any:
    """The commit message of one partition."""
    from pyspark.sql.datasource import WriterCommitMessage

    with user_code():
        message = writer.write(_batches(table, conf) if arrow else _rows(table, schema))
        if not isinstance(message, WriterCommitMessage):
            raise mismatch("'WriterCommitMessage' as the return type of the `write` method", message)
    return message


def _batches(table: pa.Table, conf: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    size = int(conf.get("spark.sql.execution.arrow.maxRecordsPerBatch", "10000") or 0)
    return iter(table.to_batches(max_chunksize=size if size > 0 else None))


def _rows(table: pa.Table, schema: StructType) -> Iterator[Any]:
    from pyspark.sql.conversion import ArrowTableToRowsConversion

    return iter(ArrowTableToRowsConversion.convert(table, schema))


class PythonSink:
    """A stream writer; a batch that is written again after a crash comes with the same id and rows, and it is for the
    writer's `commit` to notice."""

    def __init__(self, source: PythonDataSource, context: SinkContext) -> None:
        from pyspark.sql.datasource import DataSourceStreamArrowWriter, DataSourceStreamWriter

        mode = context.output_mode.lower()
        if mode == "update":
            raise unsupported_output_mode(source.name, mode)
        self.description = f"PythonDataSourceV2[{source.name}]"
        self._schema = context.schema
        self._conf = context.conf
        instance = source.open(context.options)
        with planning("plan", "write"):
            self._writer = instance.streamWriter(context.schema, mode == "complete")
            if not isinstance(self._writer, (DataSourceStreamWriter, DataSourceStreamArrowWriter)):
                raise mismatch("an instance of DataSourceStreamWriter or DataSourceStreamArrowWriter", self._writer)
        self._takes_arrow = isinstance(self._writer, DataSourceStreamArrowWriter)

    def write(self, batch_id: int, table: pa.Table) -> int | None:
        try:
            message = _written(self._writer, table, self._schema, self._takes_arrow, self._conf)
        except SparkError:
            with streaming("abortSink"):
                self._writer.abort([None], batch_id)
            raise
        with streaming("commitSink"):
            self._writer.commit([message], batch_id)
        return int(table.num_rows)

    def stop(self) -> None:
        """The protocol has nothing to release."""

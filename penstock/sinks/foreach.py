"""The sinks that call the user's functions: foreachBatch, and foreach with a writer object or a function.

Both promise at least once: a batch that was not committed before a crash comes again with the same id and the same
rows, and it is for the user's function to notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import pyarrow as pa

from penstock.sinks.base import SinkContext
from penstock.sinks.errors import user_function_error

BatchFunction = Callable[[pa.Table, int], None]


class ForeachBatchSink:
    """Calls `function(rows of the batch, batch id)` for every batch, empty ones too."""

    description = "ForeachBatchSink"

    def __init__(self, context: SinkContext, function: BatchFunction) -> None:
        self._function = function

    def write(self, batch_id: int, table: pa.Table) -> int | None:
        try:
            self._function(table, batch_id)
        except (Exception, SystemExit) as error:
            raise user_function_error("foreach batch", error) from error
        return None

    def stop(self) -> None:
        """Nothing to release."""


class RowWriter(Protocol):
    """Spark's ForeachWriter."""

    def open(self, partition_id: int, epoch_id: int) -> bool:
        """False: the rows of this batch are not wanted (it was written before)."""

    def process(self, row: Any) -> None:
        """One row (a `pyspark.sql.Row`)."""

    def close(self, error: Exception | None) -> None:
        """The batch is over; `error` is what stopped it."""


class ForeachSink:
    """Gives every batch to the writer as one partition: open, process a row at a time, close whatever happens."""

    description = "ForeachWriterTable"

    def __init__(self, context: SinkContext, writer: RowWriter) -> None:
        self._schema = context.schema
        self._writer = writer
        self._wanted: bool | None = None  # what the writer has said of the epoch that is open

    def write(self, batch_id: int, table: pa.Table) -> int | None:
        try:
            self._give(batch_id, table)
        except (Exception, SystemExit) as error:
            raise user_function_error("foreach", error) from error
        return int(table.num_rows)

    def take(self, epoch_id: int, table: pa.Table) -> None:
        try:
            if self._wanted is None:
                self._wanted = self._writer.open(0, epoch_id)
            self._process(table)
        except (Exception, SystemExit) as error:
            raise user_function_error("foreach", error) from error

    def end_epoch(self, epoch_id: int) -> None:
        """Close the writer; the next epoch opens it again."""
        if self._wanted is None:
            return
        self._wanted = None
        try:
            self._writer.close(None)
        except (Exception, SystemExit) as error:
            raise user_function_error("foreach", error) from error

    def _process(self, table: pa.Table) -> None:
        try:
            for row in self._rows(table) if self._wanted else []:
                self._writer.process(row)
        except Exception as error:
            self._wanted = None
            self._writer.close(error)
            raise

    def _give(self, batch_id: int, table: pa.Table) -> None:
        wanted = self._writer.open(0, batch_id)
        try:
            if wanted:
                for row in self._rows(table):
                    self._writer.process(row)
        except Exception as error:
            self._writer.close(error)
            raise
        self._writer.close(None)

    def stop(self) -> None:
        """An epoch that something else has ended leaves the writer open."""
        if self._wanted is not None:
            self._wanted = None
            self._writer.close(InterruptedError("The query has ended before the epoch was over."))

    def _rows(self, table: pa.Table) -> list[Any]:
        from pyspark.sql.conversion import ArrowTableToRowsConversion

        rows: list[Any] = ArrowTableToRowsConversion.convert(table, self._schema)
        return rows

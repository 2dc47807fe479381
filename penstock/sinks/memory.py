"""The memory sink: results kept in this process, to be read as a table of the query's name."""

from __future__ import annotations

import threading

import pyarrow as pa

from penstock.core.errors import analysis_error
from penstock.sinks.base import SinkContext


class MemorySink:
    """Append and update mode collect the rows of all batches, complete mode keeps those of the last one.

    A batch that is written again changes nothing.  `snapshot` may be called from any thread."""

    description = "MemorySink"

    def __init__(self, context: SinkContext) -> None:
        if not context.query_name:
            message = "The memory sink needs a name for its table: give the query one with .queryName(...)."
            raise analysis_error("_LEGACY_ERROR_TEMP_1194", message, "XXKD0")
        self.name = context.query_name
        self.schema = context.schema
        self._is_complete = context.output_mode.lower() == "complete"
        self._lock = threading.Lock()
        self._tables: list[pa.Table] = []  # guarded by _lock
        self._last_batch = -1

    def write(self, batch_id: int, table: pa.Table) -> int | None:
        with self._lock:
            if batch_id > self._last_batch:
                self._tables = [table] if self._is_complete else [*self._tables, table]
                self._last_batch = batch_id
        return int(table.num_rows)

    def take(self, epoch_id: int, table: pa.Table) -> None:
        with self._lock:
            self._tables = [*self._tables, table]
            self._last_batch = max(self._last_batch, epoch_id)

    def end_epoch(self, epoch_id: int) -> None:
        """The rows are there already."""

    def snapshot(self) -> pa.Table | None:
        """All rows as of now; None before the first batch."""
        with self._lock:
            tables = self._tables
        return pa.concat_tables(tables) if tables else None

    def clear(self) -> None:
        """Forget all rows."""
        with self._lock:
            self._tables = []

    def stop(self) -> None:
        """The table outlives the query, as in Spark."""

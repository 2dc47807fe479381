"""The noop sink: takes everything and keeps nothing, for measurements."""

from __future__ import annotations

import pyarrow as pa

from penstock.sinks.base import SinkContext


class NoopSink:
    """Counts the rows, no more."""

    def __init__(self, context: SinkContext) -> None:
        self.description = "NoopTable"

    def write(self, batch_id: int, table: pa.Table) -> int | None:
        return int(table.num_rows)

    def take(self, epoch_id: int, table: pa.Table) -> None:
        """Keeps nothing."""

    def end_epoch(self, epoch_id: int) -> None:
        """Nothing to end."""

    def stop(self) -> None:
        """Nothing to release."""

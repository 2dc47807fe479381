"""What a sink is: the protocol the batch loop writes to.

`write(batch_id, ...)` may be called again for a batch that was written before a crash, with the same rows; a sink that
claims exactly-once makes the second call change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import pyarrow as pa

from penstock.plan.types import StructType


@dataclass(frozen=True)
class SinkContext:
    """What a sink gets when a query opens it.  `options` keys are lower-case."""

    query_name: str | None
    query_id: str
    output_mode: str
    schema: StructType
    options: Mapping[str, str]
    partition_by: tuple[str, ...] = ()
    time_zone: str = "UTC"
    conf: Mapping[str, str] = field(default_factory=dict)


class Sink(Protocol):
    """Where a query's results go."""

    @property
    def description(self) -> str:
        """As in progress: `FileSink[/out]`, `MemorySink`, `ForeachBatchSink`."""

    def write(self, batch_id: int, table: pa.Table) -> int | None:
        """Take the rows of one batch (columns by position in the order of the schema, in Spark's Arrow types).
        Returns the rows written, or None if the sink does not count (Spark's -1)."""

    def stop(self) -> None:
        """Release everything."""


@runtime_checkable
class RowSink(Protocol):
    """A sink that can also take the rows of an epoch as they come, for the continuous and the real-time trigger.
    After a crash the rows since the last epoch that was committed come again, perhaps under another epoch's id."""

    def take(self, epoch_id: int, table: pa.Table) -> None:
        """Some rows of an epoch."""

    def end_epoch(self, epoch_id: int) -> None:
        """The epoch has no more rows, and will be committed."""

"""What a source is: the protocol that the analyzer, the translator and the batch loop know; the loop knows no other.

An offset is a JSON text on one line, exactly what stands in the offset log (Spark's format for file and rate sources).
A stream source promises: for the same (start, end) it gives the same rows again, after any restart (*replayable*), and
`commit(end)` is called only when everything up to `end` has reached the sink for good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import pyarrow as pa

from penstock.core.clock import Clock
from penstock.plan.types import StructType


@dataclass(frozen=True)
class Scan:
    """Rows for DuckDB to read: either `sql` (a SELECT that yields the columns under the names asked for) or `table`
    (an Arrow table whose columns bear those names).

    `fallback_sql`: a slower SELECT for the same rows.  Whoever runs a statement made of `sql` runs it once more with
    `fallback_sql` in its place when DuckDB raises any duckdb.Error but InterruptException: `sql` may take for granted
    that the data is clean; where it is not, it raises and never gives another answer."""

    sql: str | None = None
    table: pa.Table | None = None
    fallback_sql: str | None = None


@dataclass(frozen=True)
class ReadLimit:
    """How much a batch may take: maxFilesPerTrigger, maxBytesPerTrigger, rows; None means no limit."""

    max_files: int | None = None
    max_bytes: int | None = None
    max_rows: int | None = None


@dataclass(frozen=True)
class StreamContext:
    """What a source gets when a query opens it.  `metadata_path` is `<checkpoint>/sources/<index>`, its own directory;
    `available_now` sources fix, in `prepare_for_available_now`, what "now" is.  `wake` may be called from any thread
    when new
    data is there: the query then asks for it at once instead of at its next poll."""

    clock: Clock
    metadata_path: Path
    query_name: str
    time_zone: str
    conf: Mapping[str, str] = field(default_factory=dict)
    wake: Callable[[], None] = lambda: None


class StreamSource(Protocol):
    """One running input of one query.  Called from the query's thread only, except `stop`."""

    @property
    def description(self) -> str:
        """As in progress: `FileStreamSource[file:/logs]`, `RateStreamV2[rowsPerSecond=1000, ...]`."""

    def latest_offset(self, start: str | None, *, ignore_limits: bool = False) -> str | None:
        """The end of what the next batch may read after `start` (None: from the beginning), within the source's limits
        (Trigger.Once ignores them); None, or `start` itself, when there is nothing new."""

    def prepare_for_available_now(self) -> None:
        """Fix the end: from now on `latest_offset` never goes past what exists at this moment."""

    def batch(self, start: str | None, end: str, columns: Sequence[tuple[str, str]]) -> Scan:
        """The rows after `start` up to `end`; `columns` are (field name, SQL name) of the fields that are needed."""

    def row_count(self, start: str | None, end: str) -> int | None:
        """Rows in the batch where that is known without scanning, else None."""

    def metrics(self, end: str | None) -> dict[str, str]:
        """Further metrics for progress."""

    def commit(self, end: str) -> None:
        """Everything up to `end` is done for ever."""

    def stop(self) -> None:
        """Release everything; `latest_offset` may not be called again."""


@runtime_checkable
class KnowsWhenToLook(Protocol):
    """A stream source that need not be asked for new data every few milliseconds."""

    def look_after_ms(self) -> int | None:
        """In how many milliseconds of real time there may be something new that `StreamContext.wake` does not tell of;
        None: never, `wake` tells of everything."""


class Relation(Protocol):
    """A data source with its options checked and its schema known: what `Read.relation` holds after analysis."""

    @property
    def schema(self) -> StructType:
        """The columns that can be read (partition columns included)."""

    def scan(self, columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
        """All rows, for a batch query; streaming-only sources raise Spark's error."""

    def open_stream(self, context: StreamContext) -> StreamSource:
        """Begin to read as a stream; batch-only sources raise Spark's error."""


@runtime_checkable
class ContinuousRelation(Protocol):
    """A data source that can also be read row by row: for the continuous and the real-time trigger."""

    def open_continuous(self, context: StreamContext) -> StreamSource:
        """Begin to read as a stream whose offsets move with every row."""


@runtime_checkable
class RealTimeRelation(Protocol):
    """A data source that Spark reads in real-time mode."""

    def open_real_time(self, context: StreamContext) -> StreamSource:
        """Begin to read as a stream whose offsets move with every row."""


class Provider(Protocol):
    """A format: makes a Relation of options, or raises Spark's error (naming option, value and remedy)."""

    def __call__(
        self,
        *,
        options: Mapping[str, str],
        paths: Sequence[str],
        schema: StructType | None,
        streaming: bool,
        conf: Mapping[str, str],
    ) -> Relation:
        """`options` keys are lower-case; `conf` is the session's."""

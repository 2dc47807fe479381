"""What the batch loop knows of the engine below it: one query, compiled once, run a micro-batch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from penstock.plan.nodes import Read
from penstock.plan.types import StructType
from penstock.sources.base import Scan


@dataclass(frozen=True)
class BatchInput:
    """One micro-batch, as the offset log defines it.

    `scans[i]` is what source i reads (None: nothing new); `row_counts[i]` its rows where known without scanning.
    `watermark_ms` evicts state, `late_watermark_ms` (the previous batch's watermark) drops late rows: Spark's two
    watermarks.
    """

    batch_id: int
    scans: tuple[Scan | None, ...]
    row_counts: tuple[int | None, ...]
    watermark_ms: int
    late_watermark_ms: int
    batch_time_ms: int


@dataclass(frozen=True)
class EventTimeStats:
    """Event times seen at one withWatermark in one batch; `delay_ms` is that watermark's delay."""

    delay_ms: int
    max_ms: int
    min_ms: int
    avg_ms: int
    count: int


@dataclass(frozen=True)
class OperatorMetrics:
    """One stateful operator in progress' stateOperators."""

    name: str
    rows_total: int
    rows_updated: int
    rows_removed: int
    rows_dropped_by_watermark: int
    memory_used_bytes: int
    update_ms: int
    remove_ms: int
    commit_ms: int
    partitions: int
    custom: Mapping[str, int] = field(default_factory=dict)
    stores: int = 1


@dataclass(frozen=True)
class BatchResult:
    """What a batch gave: rows for the sink in Spark's Arrow types, and the figures for progress.
    `event_times[i]` is None when watermark node i saw no event time in this batch; `observed` are the metrics of
    DataFrame.observe by name."""

    table: pa.Table
    source_rows: tuple[int, ...]
    event_times: tuple[EventTimeStats | None, ...]
    observed: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


class Execution(Protocol):
    """A streaming query ready to run; made by `planner.compile_query`.  Used by the query's thread alone."""

    @property
    def sources(self) -> tuple[Read, ...]:
        """The streaming leaves, in the order of the offset log."""

    @property
    def schema(self) -> StructType:
        """The columns of every batch's result."""

    @property
    def has_state(self) -> bool:
        """Whether there is a stateful operator (then state versions follow batch ids)."""

    @property
    def operator_names(self) -> tuple[str, ...]:
        """The stateful operators, those below first: the mark by which a checkpoint knows its query."""

    @property
    def watermark_delays_ms(self) -> tuple[int, ...]:
        """The delay of each withWatermark of the plan, in the order of BatchResult.event_times."""

    def needed_columns(self, source: int) -> tuple[tuple[str, str], ...]:
        """(field name, SQL name) of the fields that the query uses of a source."""

    def restore(self, version: int) -> None:
        """Load the state that the last committed batch left (version = its id + 1; 0: empty)."""

    def run(self, batch: BatchInput) -> BatchResult:
        """Execute one micro-batch; state changes stay in memory until commit_state."""

    def commit_state(self, batch_id: int) -> None:
        """Make the state after this batch durable as version batch_id + 1."""

    def operator_metrics(self) -> tuple[OperatorMetrics, ...]:
        """Figures of the last batch, after commit_state; operators above come first, as in Spark."""

    def wants_no_data_batch(self, previous_watermark_ms: int, watermark_ms: int) -> bool:
        """Whether an advanced watermark makes a batch without new data worthwhile (it would emit or evict)."""

    def due(self, now_ms: int) -> bool:
        """Whether a batch without new data would do something at this time: timers, times to live, timeouts."""

    @property
    def has_clock(self) -> bool:
        """Whether `due` is ever true."""

    def explain(self, extended: bool) -> str:
        """The plan as text."""

    def purge(self, oldest_version: int) -> None:
        """State versions before this one are not needed any more."""

    def stop(self) -> None:
        """Release the connection and the state."""

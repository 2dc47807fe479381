"""The triggers that do not wait for a batch: continuous and realTime.

Rows go to the sink as soon as they are there; what was read is committed once an epoch (the continuous trigger's
interval, the real-time trigger's batch duration).  In between nothing is written to the checkpoint, so a row costs no
fsync.  After a crash the rows since the last commit come again: at least once, as in Spark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pyarrow as pa

from penstock.core.errors import ILLEGAL_STATE, SparkError
from penstock.plan.nodes import Read
from penstock.runtime.execution import BatchInput, BatchResult, EventTimeStats
from penstock.runtime.microbatch import Batch, BatchOutcome, MicroBatches, Offsets, Parts
from penstock.runtime.progress import Stopwatch
from penstock.runtime.trigger import Continuous, RealTime, Trigger
from penstock.sinks.base import RowSink, Sink
from penstock.sources.base import ContinuousRelation, RealTimeRelation, StreamContext, StreamSource


@dataclass
class _Totals:
    """What an epoch has done so far."""

    source_rows: list[int]
    event_times: list[EventTimeStats | None]
    output_rows: int = 0
    observed: dict[str, dict[str, object]] = field(default_factory=dict)


class Epochs:
    """The epochs of one run: `step` again and again, `commit` when one is over.  Used by the query's thread alone."""

    def __init__(self, parts: Parts, batches: MicroBatches, sink: RowSink, tell: Callable[[str], None]) -> None:
        self._parts = parts
        self._batches = batches
        self._sink = sink
        self._tell = tell
        self._position = batches.start
        self._begin()

    def _begin(self) -> None:
        watermarks = len(self._parts.execution.watermark_delays_ms)
        self._totals = _Totals([0] * len(self._parts.sources), [None] * watermarks)
        self.watch = Stopwatch()

    @property
    def has_rows(self) -> bool:
        """Whether the epoch has read anything."""
        return self._position != self._batches.start

    def step(self) -> bool:
        """Take what is there to the sink; whether there was anything."""
        ends = self._batches.latest_offsets(self.watch, ignore_limits=False, after=self._position)
        if ends == self._position:
            return False
        self._tell("Processing new data")
        with self.watch.measure("addBatch"):
            result = self._parts.execution.run(self._input(ends))
            self._position = ends
            self._sink.take(self._batches.next_id, result.table)
        self._count(result)
        return True

    def commit(self) -> BatchOutcome | None:
        """The epoch is over: what it has read is done.  None when it has read nothing."""
        if not self.has_rows:
            return None
        self._tell(f"Committing epoch {self._batches.next_id}")
        with self.watch.measure("addBatch"):
            self._sink.end_epoch(self._batches.next_id)
        batch = self._batches.log(self._position, self.watch)
        result = self._result()
        self._batches.commit_state(batch.batch_id)
        with self.watch.measure("commitOffsets"):
            self._batches.commit(batch, result)
        return BatchOutcome(batch, result, self._totals.output_rows)

    def renew(self) -> None:
        """Begin the next epoch."""
        self._begin()

    def _input(self, ends: Offsets) -> BatchInput:
        batches, now_ms = self._batches, self._parts.clock.now_ms()
        batch = Batch(batches.next_id, self._position, batches.entry(ends, now_ms), batches.last_watermark_ms)
        scans = tuple(batches.scan(batch, index) for index in range(len(self._parts.sources)))
        return batches.input(batch, scans)

    # ------------------------------------------------------------ figures

    def _count(self, result: BatchResult) -> None:
        totals = self._totals
        totals.source_rows = [a + b for a, b in zip(totals.source_rows, result.source_rows, strict=True)]
        totals.event_times = [_merged(a, b) for a, b in zip(totals.event_times, result.event_times, strict=True)]
        totals.output_rows += result.table.num_rows
        totals.observed.update({name: dict(row) for name, row in result.observed.items()})

    def _result(self) -> BatchResult:
        totals = self._totals
        nothing = pa.table({})
        return BatchResult(nothing, tuple(totals.source_rows), tuple(totals.event_times), totals.observed)


def open_source(read: Read, context: StreamContext, trigger: Trigger) -> StreamSource:
    """Begin to read a stream as the trigger needs it."""
    relation = read.relation
    if isinstance(trigger, RealTime) and isinstance(relation, RealTimeRelation):
        return relation.open_real_time(context)
    if isinstance(trigger, (Continuous, RealTime)) and isinstance(relation, ContinuousRelation):
        return relation.open_continuous(context)
    source: StreamSource = relation.open_stream(context)
    return source


def row_sink(sink: Sink, trigger: Trigger) -> RowSink:
    """The sink, if it can take rows as they come."""
    if isinstance(sink, RowSink):
        return sink
    kind = "ContinuousTrigger" if isinstance(trigger, Continuous) else "RealTimeTrigger"
    message = f"The sink {sink.description} takes whole batches only: Unknown type of trigger: {kind}."
    raise SparkError("", message, classes=ILLEGAL_STATE[1:])  # Spark has no condition for it


def _merged(one: EventTimeStats | None, other: EventTimeStats | None) -> EventTimeStats | None:
    if one is None or other is None:
        return one or other
    count = one.count + other.count
    return replace(
        one,
        max_ms=max(one.max_ms, other.max_ms),
        min_ms=min(one.min_ms, other.min_ms),
        avg_ms=(one.avg_ms * one.count + other.avg_ms * other.count) // max(1, count),
        count=count,
    )

"""Micro-batches: plan one (write-ahead), run it, commit it.  No threads and no waiting here: `query.py` decides when.

The order is what makes results exactly-once: the batch's offsets are durable before anything runs; the state that the
batch leaves is durable before the sink gets its rows; only then is the batch committed.  After a crash the newest
planned batch that is not committed runs again with the same offsets, watermarks and time, from the same state, and the
sink recognises its id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from penstock.checkpoint.checkpoint import Checkpoint
from penstock.checkpoint.commit_log import CommitEntry
from penstock.checkpoint.offset_log import OffsetEntry
from penstock.checkpoint.recovery import Continue, Fresh, Replay
from penstock.core import faults
from penstock.core.clock import Clock
from penstock.plan.nodes import Read
from penstock.runtime.execution import BatchInput, BatchResult, Execution
from penstock.runtime.progress import Stopwatch
from penstock.runtime.settings import StreamingSettings
from penstock.runtime.watermark import WatermarkTracker
from penstock.sinks.base import Sink
from penstock.sources.base import Scan, StreamSource

Offsets = tuple[str | None, ...]


@dataclass(frozen=True)
class Batch:
    """A planned batch: source i is read after `start[i]` up to `entry.offsets[i]`.
    `late_watermark_ms`, the watermark of the batch before, decides which rows are late."""

    batch_id: int
    start: Offsets
    entry: OffsetEntry
    late_watermark_ms: int

    @property
    def has_data(self) -> bool:
        """Whether any source has something new."""
        return self.start != self.entry.offsets


@dataclass(frozen=True)
class BatchOutcome:
    """A batch that is committed; `sink_rows` is -1 when the sink does not count."""

    batch: Batch
    result: BatchResult
    sink_rows: int


@dataclass(frozen=True)
class Parts:
    """What a running query is put together from."""

    execution: Execution
    sources: Sequence[StreamSource]
    sink: Sink
    checkpoint: Checkpoint
    settings: StreamingSettings
    conf: Mapping[str, str]
    clock: Clock


class MicroBatches:
    """The batches of one run of a query: `recover` first; then, again and again, `plan` and, given a batch, `run`."""

    def __init__(self, parts: Parts, tell: Callable[[str], None]) -> None:
        self._parts = parts
        self._tell = tell
        self._watermark = WatermarkTracker(parts.settings.watermark_policy)
        self._planned: Batch | None = None
        self._executed = False
        self._sources_behind = False
        self.last_watermark_ms = 0
        self._names = source_names(parts.execution.sources)
        self.next_id = 0
        self.start: Offsets = (None,) * len(parts.sources)

    @property
    def watermark_ms(self) -> int:
        """The watermark that the next batch will have."""
        return self._watermark.watermark_ms

    @property
    def is_replaying(self) -> bool:
        """Whether a batch is planned and not done: after a crash."""
        return self._planned is not None

    # ------------------------------------------------------------ recovery

    def recover(self) -> None:
        """Take up where the checkpoint says, and load the state of that point."""
        parts = self._parts
        execution = parts.execution
        parts.checkpoint.check_belongs(len(parts.sources), execution.operator_names, execution.has_state, self._names)
        decision = parts.checkpoint.recover()
        if isinstance(decision, Fresh):
            parts.checkpoint.mark_operators(execution.operator_names, 1)
        elif isinstance(decision, Replay):
            self._recover_replay(decision)
        else:
            self._recover_continue(decision)
        execution.restore(self.next_id)

    def _recover_replay(self, decision: Replay) -> None:
        self.next_id, self.start = decision.batch_id, decision.start
        self._watermark.advance_to(decision.entry.watermark_ms)
        self.last_watermark_ms = decision.late_watermark_ms
        self._planned = Batch(decision.batch_id, decision.start, decision.entry, decision.late_watermark_ms)

    def _recover_continue(self, decision: Continue) -> None:
        self.next_id, self.start = decision.batch_id, decision.start
        self._watermark.advance_to(decision.watermark_ms)
        self.last_watermark_ms = decision.last_watermark_ms
        self._sources_behind = True

    # ------------------------------------------------------------ planning

    def plan(self, watch: Stopwatch, *, ignore_limits: bool, no_data_batches: bool) -> Batch | None:
        """The next batch, durable in the offset log, or None when there is nothing to do.  A batch without data is
        planned only when no data waits and the watermark has moved so that state can be emitted or evicted."""
        if self._planned is not None:
            return self._planned
        ends = self.latest_offsets(watch, ignore_limits=ignore_limits, after=self.start)
        if ends == self.start and not (no_data_batches and self._wants_no_data_batch()):
            return None
        return self.log(ends, watch)

    def log(self, ends: Offsets, watch: Stopwatch) -> Batch:
        """Make a batch that ends there durable in the offset log."""
        entry = self.entry(ends, self._parts.clock.now_ms())
        with watch.measure("walCommit"):
            faults.point("before_offset_log")
            self._parts.checkpoint.begin_batch(self.next_id, entry)
            faults.point("after_offset_log")
            self._commit_sources()
            self._purge()
        self._planned = Batch(self.next_id, self.start, entry, self.last_watermark_ms)
        return self._planned

    def entry(self, ends: Offsets, now_ms: int) -> OffsetEntry:
        """The next batch, were it to end there."""
        return OffsetEntry(ends, self.watermark_ms, now_ms, self._parts.conf, self._names)

    def latest_offsets(self, watch: Stopwatch, *, ignore_limits: bool, after: Offsets) -> Offsets:
        """How far the sources could be read after some offsets."""
        with watch.measure("latestOffset"):
            return tuple(
                self._latest_offset(source, start, ignore_limits)
                for source, start in zip(self._parts.sources, after, strict=True)
            )

    def _latest_offset(self, source: StreamSource, start: str | None, ignore_limits: bool) -> str | None:
        self._tell(f"Getting offsets from {source.description}")
        latest = source.latest_offset(start, ignore_limits=ignore_limits)
        return start if latest is None else latest

    def _wants_no_data_batch(self) -> bool:
        """After a restart the watermark that the last batch left counts as well (Spark waits for new data then): so a
        query that was killed just before its last batch gives the same rows as one that was not."""
        moved = self.watermark_ms > self.last_watermark_ms
        if self._parts.execution.due(self._parts.clock.now_ms()):
            return True
        if not (self._executed or moved):
            return False
        return self._parts.execution.wants_no_data_batch(self.last_watermark_ms, self.watermark_ms)

    def _commit_sources(self) -> None:
        """Tell the sources what is done for ever: what the batch before this one has read, as Spark does it."""
        if not self._sources_behind:
            return
        ends = self._parts.checkpoint.durable_ends(self.start)
        if ends is None:
            return
        for source, end in zip(self._parts.sources, ends, strict=True):
            if end is not None:
                source.commit(end)
        self._sources_behind = False

    def _purge(self) -> None:
        retain = self._parts.settings.batches_to_retain
        if self.next_id % max(1, min(10, retain // 10)) == 0 and self.next_id > retain:
            self._parts.execution.purge(self._parts.checkpoint.purge(self.next_id, retain))

    # ------------------------------------------------------------ running

    def run(self, batch: Batch, watch: Stopwatch) -> BatchOutcome:
        """Execute a planned batch and commit it."""
        self._tell("Processing new data" if batch.has_data else "No new data but cleaning up state")
        with watch.measure("getBatch"):
            scans = tuple(self.scan(batch, index) for index in range(len(self._parts.sources)))
            faults.point("after_sources")
        with watch.measure("queryPlanning"):
            given = self.input(batch, scans)
        with watch.measure("addBatch"):
            result = self._execute(given)
            sink_rows = self._parts.sink.write(batch.batch_id, result.table)
        with watch.measure("commitOffsets"):
            self.commit(batch, result)
        return BatchOutcome(batch, result, -1 if sink_rows is None else sink_rows)

    def scan(self, batch: Batch, index: int) -> Scan | None:
        """What the batch reads of a source; None when that has nothing new."""
        start, end = batch.start[index], batch.entry.offsets[index]
        if end is None or end == start:
            return None
        return self._parts.sources[index].batch(start, end, self._parts.execution.needed_columns(index))

    def input(self, batch: Batch, scans: tuple[Scan | None, ...]) -> BatchInput:
        """The batch as the execution takes it."""
        entry = batch.entry
        counts = tuple(
            source.row_count(start, end) if end is not None and end != start else 0
            for source, start, end in zip(self._parts.sources, batch.start, entry.offsets, strict=True)
        )
        return BatchInput(
            batch.batch_id, scans, counts, entry.watermark_ms, batch.late_watermark_ms, entry.timestamp_ms
        )

    def _execute(self, given: BatchInput) -> BatchResult:
        result = self._parts.execution.run(given)
        faults.point("after_execution")
        self.commit_state(given.batch_id)
        return result

    def commit_state(self, batch_id: int) -> None:
        """Make the state that the batch leaves durable."""
        faults.point("before_state_commit")
        if self._parts.execution.has_state:
            self._parts.execution.commit_state(batch_id)
        faults.point("after_state_commit")

    def commit(self, batch: Batch, result: BatchResult) -> None:
        """Declare a batch done: its rows are in the sink, its state is durable."""
        watermark_ms = self._watermark.update(result.event_times)
        faults.point("before_commit_log")
        self._parts.checkpoint.end_batch(batch.batch_id, CommitEntry(watermark_ms))
        faults.point("after_commit_log")
        self._planned = None
        self._executed = self._sources_behind = True
        self.last_watermark_ms = batch.entry.watermark_ms
        self.next_id, self.start = batch.batch_id + 1, batch.entry.offsets


def source_names(reads: Sequence[Read]) -> tuple[str, ...] | None:
    """The names of a query's sources, where they have some (all or none have)."""
    names = tuple(read.name for read in reads if read.name is not None)
    return names if names and len(names) == len(reads) else None

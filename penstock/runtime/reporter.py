"""What a query tells about itself while it runs: recent progress, and the events for listeners."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from penstock.core.clock import Clock
from penstock.runtime.execution import OperatorMetrics
from penstock.runtime.listener import ListenerBus, epoch_done, idle, progressed
from penstock.runtime.microbatch import BatchOutcome, MicroBatches, Parts
from penstock.runtime.progress import (
    Progress,
    QueryIdentity,
    SourceFigures,
    Stopwatch,
    TriggerFigures,
    build_progress,
)


@dataclass
class QueryStatus:
    """`StreamingQuery.status`: what the query does at this moment, in Spark's words."""

    message: str = "Initializing StreamExecution"
    is_data_available: bool = False
    is_trigger_active: bool = False


class ProgressReporter:
    """Makes progress of triggers, keeps the most recent, and posts the events.

    A trigger that had nothing to do is reported only every `noDataProgressEventInterval`: its progress is kept, and
    listeners get a QueryIdleEvent instead of a QueryProgressEvent, as in Spark."""

    def __init__(self, query: QueryIdentity, parts: Parts, bus: ListenerBus) -> None:
        self._query = query
        self._parts = parts
        self._bus = bus
        self._clock: Clock = parts.clock
        self._lock = threading.Lock()
        self._recent: deque[Progress] = deque(maxlen=parts.settings.progress_updates)
        self._operators: tuple[OperatorMetrics, ...] = ()
        self._last_sink_rows: int | None = None
        self._previous_start_ms: int | None = None
        self._last_report_ms: int | None = None

    @property
    def recent(self) -> list[Progress]:
        """The last progress objects, oldest first."""
        with self._lock:
            return list(self._recent)

    def report(self, batches: MicroBatches, start_ms: int, watch: Stopwatch, outcome: BatchOutcome | None) -> None:
        """Account for one trigger."""
        if outcome is not None:
            self._operators = self._parts.execution.operator_metrics()
            self._last_sink_rows = outcome.sink_rows
            self._keep(self._executed(start_ms, watch, outcome), post=True)
        elif self._idle_is_due():
            self._keep(self._idle(batches, start_ms, watch), post=False)
            self._bus.post(idle(self._query, start_ms))
        self._previous_start_ms = start_ms

    def report_epoch(self, start_ms: int, watch: Stopwatch, outcome: BatchOutcome) -> None:
        """Account for an epoch of a continuous query: no progress, as in Spark, but the metrics count it."""
        self._bus.post(epoch_done(build_progress(self._query, self._executed(start_ms, watch, outcome))))
        self._previous_start_ms = start_ms

    def idle_report_in_ms(self) -> int:
        """In how many milliseconds a trigger with nothing to do is to be reported."""
        if self._last_report_ms is None:
            return 0
        return max(0, self._last_report_ms + self._parts.settings.idle_progress_interval_ms - self._clock.now_ms())

    def _idle_is_due(self) -> bool:
        return self.idle_report_in_ms() == 0

    def _keep(self, figures: TriggerFigures, *, post: bool) -> None:
        progress = build_progress(self._query, figures)
        self._last_report_ms = self._clock.now_ms()
        with self._lock:
            self._recent.append(progress)
        if post:
            self._bus.post(progressed(progress))

    def _executed(self, start_ms: int, watch: Stopwatch, outcome: BatchOutcome) -> TriggerFigures:
        batch, result = outcome.batch, outcome.result
        sources = [
            SourceFigures(source.description, start, end, rows, source.metrics(end))
            for source, start, end, rows in zip(
                self._parts.sources, batch.start, batch.entry.offsets, result.source_rows, strict=True
            )
        ]
        figures = self._figures(batch.batch_id, start_ms, watch, sources, self._operators)
        return replace(
            figures,
            sink_rows=outcome.sink_rows,
            watermark_ms=batch.entry.watermark_ms,
            event_times=result.event_times,
            observed=result.observed,
        )

    def _idle(self, batches: MicroBatches, start_ms: int, watch: Stopwatch) -> TriggerFigures:
        sources = [
            SourceFigures(source.description, offset, offset, 0, source.metrics(offset))
            for source, offset in zip(self._parts.sources, batches.start, strict=True)
        ]
        operators = [replace(m, rows_updated=0, rows_removed=0, rows_dropped_by_watermark=0) for m in self._operators]
        figures = self._figures(batches.next_id, start_ms, watch, sources, operators)
        if self._last_sink_rows is None:  # Spark shows no event time before the first batch of a run
            return replace(figures, has_watermark=False, sink_rows=-1)
        return replace(figures, watermark_ms=batches.watermark_ms, sink_rows=min(self._last_sink_rows, 0))

    def _figures(
        self,
        batch_id: int,
        start_ms: int,
        watch: Stopwatch,
        sources: Sequence[SourceFigures],
        operators: Sequence[OperatorMetrics],
    ) -> TriggerFigures:
        return TriggerFigures(
            batch_id=batch_id,
            start_ms=start_ms,
            previous_start_ms=self._previous_start_ms,
            stopwatch=watch,
            sources=sources,
            sink_description=self._parts.sink.description,
            sink_rows=0,
            operators=operators,
            has_watermark=bool(self._parts.execution.watermark_delays_ms),
            watermark_ms=0,
        )

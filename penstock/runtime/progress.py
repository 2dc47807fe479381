"""Progress: Spark's StreamingQueryProgress as the JSON object that listeners, lastProgress and the pages show.

Fields stand in Spark's order; what Spark leaves out when empty (eventTime, observedMetrics, metrics) is left out.
Times are ISO 8601 in UTC with milliseconds; rates are rounded to one decimal; a first trigger has rate 0.0.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from penstock.runtime.execution import EventTimeStats, OperatorMetrics

Progress = dict[str, Any]

#: The calendar repeats itself every 400 years; the years 400 to 799 stand for all others.
_CYCLE_BEGIN = datetime(400, 1, 1)
_CYCLE_MS = 146_097 * 86_400_000
_FROM_YEAR_0_MS = 719_528 * 86_400_000


def iso_ms(time_ms: int) -> str:
    """`2026-11-21T08:55:13.731Z`."""
    cycles, within_ms = divmod(time_ms + _FROM_YEAR_0_MS, _CYCLE_MS)  # event times may lie beyond the years 1 to 9999
    seconds, milliseconds = divmod(within_ms, 1000)
    moment = _CYCLE_BEGIN + timedelta(seconds=seconds)
    year = moment.year - 400 + 400 * cycles
    shown = f"+{year}" if year > 9999 else f"{year:0{4 + (year < 0)}d}"  # as ISO 8601 and Java have it
    return f"{shown}-{moment:%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


class Stopwatch:
    """Where the time of one trigger went, in milliseconds by step (`durationMs`)."""

    def __init__(self) -> None:
        self._nanoseconds: dict[str, int] = {}

    @contextmanager
    def measure(self, step: str) -> Iterator[None]:
        """Add the time of the block to `step`."""
        begin = time.perf_counter_ns()
        try:
            yield
        finally:
            self._nanoseconds[step] = self._nanoseconds.get(step, 0) + time.perf_counter_ns() - begin

    def milliseconds(self) -> dict[str, int]:
        """Whole milliseconds, steps in alphabetical order."""
        return {step: value // 1_000_000 for step, value in sorted(self._nanoseconds.items())}

    def seconds(self, step: str) -> float:
        """The exact time of a step."""
        return self._nanoseconds.get(step, 0) / 1e9


@dataclass(frozen=True)
class SourceFigures:
    """One source in one trigger."""

    description: str
    start: str | None
    end: str | None
    rows: int = 0
    metrics: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TriggerFigures:
    """One trigger.  `previous_start_ms` None: the first of this run.  `has_watermark`: the plan has a withWatermark."""

    batch_id: int
    start_ms: int
    previous_start_ms: int | None
    stopwatch: Stopwatch
    sources: Sequence[SourceFigures]
    sink_description: str
    sink_rows: int
    operators: Sequence[OperatorMetrics]
    has_watermark: bool
    watermark_ms: int
    event_times: Sequence[EventTimeStats | None] = ()
    observed: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@dataclass(frozen=True)
class QueryIdentity:
    """Who reports."""

    id: str
    run_id: str
    name: str | None

    @property
    def label(self) -> str:
        """How errors name the query."""
        return f"{self.name or '<unnamed>'} [id = {self.id}, runId = {self.run_id}]"


def build_progress(query: QueryIdentity, figures: TriggerFigures) -> Progress:
    """The JSON object of one trigger."""
    rows = sum(source.rows for source in figures.sources)
    progress: Progress = {
        "id": query.id,
        "runId": query.run_id,
        "name": query.name,
        "timestamp": iso_ms(figures.start_ms),
        "batchId": figures.batch_id,
        "batchDuration": round(figures.stopwatch.seconds("triggerExecution") * 1000),
        "numInputRows": rows,
        **_rates(rows, figures),
        "durationMs": figures.stopwatch.milliseconds(),
    }
    if figures.has_watermark:
        progress["eventTime"] = _event_time(figures)
    progress["stateOperators"] = [_operator(metrics) for metrics in figures.operators]
    progress["sources"] = [_source(source, figures) for source in figures.sources]
    progress["sink"] = {"description": figures.sink_description, "numOutputRows": figures.sink_rows}
    if figures.observed:
        progress["observedMetrics"] = {name: dict(row) for name, row in figures.observed.items()}
    return progress


def _rates(rows: int, figures: TriggerFigures) -> dict[str, float]:
    since = 0.0 if figures.previous_start_ms is None else (figures.start_ms - figures.previous_start_ms) / 1000
    took = figures.stopwatch.seconds("triggerExecution")
    return {
        "inputRowsPerSecond": round(rows / since, 1) if since > 0 else 0.0,
        "processedRowsPerSecond": round(rows / took, 1) if took > 0 else 0.0,
    }


def _event_time(figures: TriggerFigures) -> dict[str, str]:
    seen = next((stats for stats in figures.event_times if stats is not None and stats.count), None)
    times = {"watermark": iso_ms(figures.watermark_ms)}
    if seen is not None:
        times = {"avg": iso_ms(seen.avg_ms), "max": iso_ms(seen.max_ms), "min": iso_ms(seen.min_ms), **times}
    return times


def _operator(metrics: OperatorMetrics) -> Progress:
    return {
        "operatorName": metrics.name,
        "numRowsTotal": metrics.rows_total,
        "numRowsUpdated": metrics.rows_updated,
        "allUpdatesTimeMs": metrics.update_ms,
        "numRowsRemoved": metrics.rows_removed,
        "allRemovalsTimeMs": metrics.remove_ms,
        "commitTimeMs": metrics.commit_ms,
        "memoryUsedBytes": metrics.memory_used_bytes,
        "numRowsDroppedByWatermark": metrics.rows_dropped_by_watermark,
        "numShufflePartitions": metrics.partitions,
        "numStateStoreInstances": metrics.partitions * metrics.stores,
        "customMetrics": dict(metrics.custom),
    }


def _source(source: SourceFigures, figures: TriggerFigures) -> Progress:
    progress: Progress = {
        "description": source.description,
        "startOffset": _offset(source.start),
        "endOffset": _offset(source.end),
        "latestOffset": None,
        "numInputRows": source.rows,
        **_rates(source.rows, figures),
    }
    if source.metrics:
        progress["metrics"] = dict(source.metrics)
    return progress


def _offset(offset: str | None) -> object:
    """An offset is JSON already; one that is not stands as a text."""
    if offset is None:
        return None
    try:
        return json.loads(offset)
    except ValueError:
        return offset

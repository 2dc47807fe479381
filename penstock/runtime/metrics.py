"""Figures of streaming queries for a monitoring system, in Prometheus' text format (version 0.0.4).

Everything comes from the events that listeners get, so queries cost the same whether they are watched or not.  Queries
bear the label `query`, their name or else their id.  A query that ended is shown until `KEPT_ENDED` others have ended
after it.
"""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from penstock.runtime.listener import EPOCH, QueryEvent

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
KEPT_ENDED = 100

#: Upper bounds of the histogram of batch durations, in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)

_PREFIX = "penstock_streaming_"
#: After 400 years the calendar repeats itself.
_CYCLE_S = 146_097 * 86_400


@dataclass
class _Query:
    """What is known of one query, over all its runs in this process."""

    name: str
    id: str
    run_id: str | None = None
    is_active: bool = True
    failures: int = 0
    batches: int = 0
    input_rows: int = 0
    output_rows: int = 0
    input_rate: float = 0.0
    processing_rate: float = 0.0
    last_batch: int | None = None
    last_time_s: float = 0.0
    watermark_s: float | None = None
    duration_sum_s: float = 0.0
    durations: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    state: dict[str, tuple[int, int]] = field(default_factory=dict)
    late_rows: dict[str, int] = field(default_factory=dict)

    def add(self, progress: Mapping[str, Any]) -> None:
        """A batch is done."""
        seconds = progress["batchDuration"] / 1000
        self.batches += 1
        self.input_rows += progress["numInputRows"]
        self.output_rows += max(0, progress["sink"]["numOutputRows"])
        if progress["numInputRows"]:
            self.input_rate, self.processing_rate = progress["inputRowsPerSecond"], progress["processedRowsPerSecond"]
        self.last_batch, self.last_time_s = progress["batchId"], _seconds(progress["timestamp"]) + seconds
        self.duration_sum_s += seconds
        self.durations[bisect_left(BUCKETS, seconds)] += 1
        if "watermark" in (times := progress.get("eventTime", {})):
            self.watermark_s = _seconds(times["watermark"])
        for number, operator in enumerate(progress["stateOperators"]):
            key = f"{number}-{operator['operatorName']}"
            self.state[key] = operator["numRowsTotal"], operator["memoryUsedBytes"]
            self.late_rows[key] = self.late_rows.get(key, 0) + operator["numRowsDroppedByWatermark"]


class StreamingMetrics:
    """The figures of all queries of a process.  A listener; thread-safe."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._queries: dict[str, _Query] = {}

    def __call__(self, event: QueryEvent) -> None:
        """Take in what has happened to a query."""
        with self._lock:
            if event.kind == "QueryStartedEvent":
                self._started(event.json)
            elif event.kind in ("QueryProgressEvent", EPOCH):
                self._query(event.json["progress"]).add(event.json["progress"])
            elif event.kind == "QueryIdleEvent":
                self._idle(event.json["id"])
            elif event.kind == "QueryTerminatedEvent":
                self._terminated(event.json)

    def text(self) -> str:
        """All figures as of now."""
        with self._lock:
            return "\n".join(_lines(list(self._queries.values()), self._now())) + "\n"

    def _query(self, who: Mapping[str, Any]) -> _Query:
        return self._queries.setdefault(who["id"], _Query(who.get("name") or who["id"], who["id"]))

    def _started(self, who: Mapping[str, Any]) -> None:
        query = self._query(who)
        query.name, query.run_id, query.is_active = who.get("name") or who["id"], who["runId"], True

    def _idle(self, query_id: str) -> None:
        if (query := self._queries.get(query_id)) is not None:
            query.input_rate = query.processing_rate = 0.0

    def _terminated(self, event: Mapping[str, Any]) -> None:
        query = self._query(event)
        query.failures += event["exception"] is not None
        if query.run_id not in (None, event["runId"]):
            return  # the next run has begun: a run is over before its end is told
        query.is_active = False
        query.input_rate = query.processing_rate = 0.0
        ended = [key for key, known in self._queries.items() if not known.is_active]
        for key in ended[: max(0, len(ended) - KEPT_ENDED)]:
            del self._queries[key]


def _seconds(text: str) -> float:
    """A time as progress shows it (`iso_ms`), whatever its year, in seconds since 1970."""
    year, rest = int(text[: -len("-11-21T08:55:13.731Z")]), text[-len("-11-21T08:55:13.731Z") :]
    cycles, within = divmod(year, 400)
    return datetime.fromisoformat(f"{within + 400:04d}{rest}").timestamp() + (cycles - 1) * _CYCLE_S


# ---------------------------------------------------------------- the text format

_Value = Callable[[_Query], float | None]

#: (name, kind, help, value): a figure that each query has once; None leaves it out.
_FIGURES: tuple[tuple[str, str, str, _Value], ...] = (
    ("active", "gauge", "1 while the query runs, 0 once it has ended.", lambda q: int(q.is_active)),
    ("failures_total", "counter", "Runs of the query that an error has ended.", lambda q: q.failures),
    ("batches_total", "counter", "Batches that are done.", lambda q: q.batches),
    ("last_batch_id", "gauge", "The batch that was done last.", lambda q: q.last_batch),
    ("last_batch_timestamp_seconds", "gauge", "When that batch was done.", lambda q: q.last_time_s or None),
    ("input_rows_total", "counter", "Rows read from all sources.", lambda q: q.input_rows),
    ("output_rows_total", "counter", "Rows given to the sink, where it counts them.", lambda q: q.output_rows),
    ("input_rows_per_second", "gauge", "Rows that came a second, in the last trigger.", lambda q: q.input_rate),
    ("processed_rows_per_second", "gauge", "Rows done a second, in the last batch.", lambda q: q.processing_rate),
)


def _lines(queries: list[_Query], now_s: float) -> Iterator[str]:
    for name, kind, text, value in _FIGURES:
        yield from _head(name, kind, text)
        for query in queries:
            yield from _sample(name, query, value(query))
    yield from _head("watermark_lag_seconds", "gauge", "How far the watermark is behind the clock.")
    for query in queries:
        lag_s = None if query.watermark_s is None else max(0.0, now_s - query.watermark_s)
        yield from _sample("watermark_lag_seconds", query, lag_s)
    yield from _operator_lines(queries)
    yield from _histogram_lines(queries)


def _operator_lines(queries: list[_Query]) -> Iterator[str]:
    yield from _head("state_rows", "gauge", "Rows in the state of an operator.")
    for query in queries:
        for operator, (rows, _) in query.state.items():
            yield from _sample("state_rows", query, rows, operator=operator)
    yield from _head("state_bytes", "gauge", "Memory that the state of an operator takes.")
    for query in queries:
        for operator, (_, size) in query.state.items():
            yield from _sample("state_bytes", query, size, operator=operator)
    yield from _head("late_rows_total", "counter", "Rows that came behind the watermark and were dropped.")
    for query in queries:
        for operator, rows in query.late_rows.items():
            yield from _sample("late_rows_total", query, rows, operator=operator)


def _histogram_lines(queries: list[_Query]) -> Iterator[str]:
    name = "batch_duration_seconds"
    yield from _head(name, "histogram", "How long batches took.")
    for query in queries:
        count = 0
        for bound, own in zip((*BUCKETS, math.inf), query.durations, strict=True):
            count += own
            yield from _sample(f"{name}_bucket", query, count, le="+Inf" if bound == math.inf else f"{bound:g}")
        yield from _sample(f"{name}_sum", query, round(query.duration_sum_s, 3))
        yield from _sample(f"{name}_count", query, count)


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {_PREFIX}{name} {text}"
    yield f"# TYPE {_PREFIX}{name} {kind}"


def _sample(name: str, query: _Query, value: float | None, **labels: str) -> Iterator[str]:
    if value is None:
        return
    pairs = {"query": query.name, "id": query.id, **labels}
    shown = ",".join(f'{key}="{_escaped(label)}"' for key, label in pairs.items())
    yield f"{_PREFIX}{name}{{{shown}}} {round(value, 3)}"


def _escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

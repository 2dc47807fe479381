"""The figures of queries in Prometheus' text format."""

from __future__ import annotations

import re

import pytest
from query_fakes import Bench, until

from penstock.runtime.errors import StreamingQueryException
from penstock.runtime.listener import QueryEvent
from penstock.runtime.metrics import BUCKETS, KEPT_ENDED, StreamingMetrics

NOW_S = 1_800_000_010.0


def samples(text: str) -> dict[tuple[str, str], float]:
    """By name and labels (without the id)."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = re.fullmatch(r"(\w+)\{(.*)\} (\S+)", line).groups()
        found[name.removeprefix("penstock_streaming_"), re.sub(r',?id="[^"]*"', "", labels)] = float(value)
    return found


def progress(batch_id: int, duration_ms: int, **changes: object) -> QueryEvent:
    operator = {"operatorName": "stateStoreSave", "numRowsTotal": 7, "memoryUsedBytes": 700,
                "numRowsDroppedByWatermark": 2}  # fmt: skip
    values = {
        "id": "1", "name": "q", "batchId": batch_id, "batchDuration": duration_ms, "numInputRows": 10,
        "inputRowsPerSecond": 5.0, "processedRowsPerSecond": 12.5, "timestamp": "2027-01-15T08:00:00.000Z",
        "eventTime": {"watermark": "2027-01-15T08:00:03.500Z"}, "stateOperators": [operator], "sources": [],
        "sink": {"description": "x", "numOutputRows": 4},
    }  # fmt: skip
    return QueryEvent("QueryProgressEvent", {"progress": {**values, **changes}})


def test_figures_of_batches():
    metrics = StreamingMetrics(lambda: NOW_S)
    metrics(QueryEvent("QueryStartedEvent", {"id": "1", "runId": "r", "name": "q"}))
    for batch_id, duration_ms in enumerate((4, 30, 30, 400_000)):
        metrics(progress(batch_id, duration_ms))
    found = samples(metrics.text())
    figures = {name: value for (name, labels), value in found.items() if labels == 'query="q"'}
    assert figures == {
        "active": 1, "failures_total": 0, "batches_total": 4, "last_batch_id": 3, "input_rows_total": 40,
        "last_batch_timestamp_seconds": 1_800_000_400.0, "output_rows_total": 16, "input_rows_per_second": 5.0,
        "processed_rows_per_second": 12.5, "watermark_lag_seconds": 6.5, "batch_duration_seconds_sum": 400.064,
        "batch_duration_seconds_count": 4,
    }  # fmt: skip
    operator = 'query="q",operator="0-stateStoreSave"'
    state = [found[name, operator] for name in ("state_rows", "state_bytes", "late_rows_total")]
    assert state == [7, 700, 8]
    buckets = [found["batch_duration_seconds_bucket", f'query="q",le="{bound:g}"'] for bound in BUCKETS]
    assert buckets == [1, 1, 1] + [3] * 11
    assert found["batch_duration_seconds_bucket", 'query="q",le="+Inf"'] == 4


def test_a_batch_without_rows_leaves_the_rates_and_idling_does_not():
    metrics = StreamingMetrics(lambda: NOW_S)
    metrics(progress(0, 5))
    metrics(progress(1, 5, numInputRows=0, inputRowsPerSecond=0.0, processedRowsPerSecond=0.0))
    assert samples(metrics.text())["processed_rows_per_second", 'query="q"'] == 12.5
    metrics(QueryEvent("QueryIdleEvent", {"id": "1", "runId": "r", "timestamp": ""}))
    assert samples(metrics.text())["processed_rows_per_second", 'query="q"'] == 0


def test_a_sink_that_does_not_count_and_a_query_without_name():
    metrics = StreamingMetrics(lambda: NOW_S)
    metrics(progress(0, 5, name=None, eventTime={}, stateOperators=[], sink={"description": "", "numOutputRows": -1}))
    found = samples(metrics.text())
    assert found["output_rows_total", 'query="1"'] == 0
    assert not [name for name, _ in found if "watermark" in name or "state" in name]


def test_failures_of_real_queries_are_counted(tmp_path):
    metrics = StreamingMetrics()
    bench = Bench(tmp_path / "ck", has_state=False, operator_names=())
    bench.manager.add_listener(metrics)
    bench.manager.add_listener(metrics)
    bench.sink.fail = lambda batch_id: 1 / 0
    for _ in range(2):
        bench.source.add(1)
        with pytest.raises(StreamingQueryException):
            bench.start(name='a "b"').process_all_available()
    bench.sink.fail = None
    query = bench.start(name='a "b"')
    query.process_all_available()
    label = r'query="a \"b\""'
    until(lambda: samples(metrics.text())["failures_total", label] == 2)  # a failure is raised before it is told
    found = samples(metrics.text())
    assert (found["active", label], found["batches_total", label]) == (1, 2)
    query.stop()
    assert samples(metrics.text())["active", label] == 0


def test_ended_queries_are_forgotten_in_the_end():
    metrics = StreamingMetrics()
    for number in range(KEPT_ENDED + 5):
        who = {"id": str(number), "runId": "r", "name": None}
        metrics(QueryEvent("QueryStartedEvent", who))
        if number:
            metrics(QueryEvent("QueryTerminatedEvent", {**who, "exception": None}))
    shown = {labels for name, labels in samples(metrics.text()) if name == "active"}
    assert len(shown) == KEPT_ENDED + 1
    assert 'query="0"' in shown, "it runs"


def test_the_format():
    metrics = StreamingMetrics(lambda: NOW_S)
    metrics(progress(0, 5))
    lines = metrics.text().splitlines()
    assert metrics.text().endswith("\n")
    for number, line in enumerate(lines):
        if line.startswith("# TYPE"):
            name = line.split()[2]
            assert lines[number - 1].startswith(f"# HELP {name} ")
            assert lines[number + 1].startswith(name)


def test_the_end_of_a_run_that_is_told_after_the_next_has_begun():
    """A run is over before its end is told: who waits for any query to end starts it again at once."""
    metrics = StreamingMetrics()
    for run in ("r1", "r2"):
        metrics(QueryEvent("QueryStartedEvent", {"id": "1", "runId": run, "name": "q"}))
    metrics(QueryEvent("QueryTerminatedEvent", {"id": "1", "runId": "r1", "exception": "it failed"}))
    found = samples(metrics.text())
    assert (found["active", 'query="q"'], found["failures_total", 'query="q"']) == (1, 1)
    metrics(QueryEvent("QueryTerminatedEvent", {"id": "1", "runId": "r2", "exception": None}))
    assert samples(metrics.text())["active", 'query="q"'] == 0

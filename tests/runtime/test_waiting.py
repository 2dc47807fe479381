"""What a query with nothing to do costs, and how soon it sees what comes."""

from __future__ import annotations

import time

import pytest
from query_fakes import Bench, NumberSource

from penstock.core.clock import SystemClock
from penstock.core.config import Conf
from penstock.runtime.settings import StreamingSettings
from penstock.runtime.trigger import AvailableNow, ProcessingTime
from penstock.runtime.waiting import idle_wait_ms
from penstock.testing.clock import ManualClock

SETTINGS = StreamingSettings.of(Conf())


class Patient(NumberSource):
    """Tells of new rows; counts how often it is asked for them."""

    def __init__(self, wait_ms: int | None = None) -> None:
        super().__init__()
        self.wait_ms, self.asked = wait_ms, 0

    def look_after_ms(self) -> int | None:
        return self.wait_ms

    def latest_offset(self, start, *, ignore_limits=False):
        self.asked += 1
        return super().latest_offset(start, ignore_limits=ignore_limits)


def test_the_most_impatient_source_decides():
    waits = [([NumberSource()], 10), ([Patient(500), Patient(70)], 70), ([Patient(), Patient(70)], 70),
             ([Patient(500), NumberSource()], 10), ([Patient(3)], 10)]  # fmt: skip
    for sources, expected in waits:
        assert idle_wait_ms(sources, SETTINGS, SystemClock()) == expected
    assert idle_wait_ms([Patient()], SETTINGS, SystemClock()) > 60_000
    assert idle_wait_ms([Patient()], SETTINGS, ManualClock()) == 10, "nobody tells when a test moves the clock"


def test_an_idle_query_does_not_ask(tmp_path):
    source = Patient()
    bench = Bench(tmp_path / "ck", source)
    query = bench.start()
    query.process_all_available()
    asked, used = source.asked, time.process_time()
    time.sleep(0.3)
    assert source.asked == asked
    assert time.process_time() - used < 0.1
    source.add(5)
    begun = time.monotonic()
    source.context.wake()
    while not bench.sink.batches:
        assert time.monotonic() - begun < 2
        time.sleep(0.001)
    assert time.monotonic() - begun < 0.5
    query.stop()


def test_idle_is_reported_all_the_same(tmp_path):
    bench = Bench(tmp_path / "ck", Patient())
    conf = Conf({"spark.sql.streaming.noDataProgressEventInterval": "50ms"})
    query = bench.start(conf=conf)
    deadline = time.monotonic() + 5
    while sum(event.kind == "QueryIdleEvent" for event in bench.events) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    query.stop()


def test_processing_time_skips_what_a_long_batch_missed(tmp_path):
    clock = ManualClock(1_000)
    bench = Bench(tmp_path / "ck", fail=lambda batch: clock.advance(250) if batch.batch_id == 0 else None)
    bench.source.add(1)
    query = bench.start(trigger=ProcessingTime(100), clock=clock)
    assert clock.wait_for_waiter()
    bench.source.add(2)
    clock.advance(0)
    assert list(bench.sink.batches) == [0], "the trigger at 1100 and that at 1200 are gone; next is 1300"
    clock.set(1_300)
    deadline = time.monotonic() + 5
    while len(bench.sink.batches) < 2 and time.monotonic() < deadline:
        time.sleep(0.002)
    assert [b.batch_time_ms for b in bench.execution.batches] == [1_000, 1_300]
    query.stop()


def test_available_now_fixes_the_end_before_the_first_batch(tmp_path):
    source = NumberSource(limit=2)
    bench = Bench(tmp_path / "ck", source, fail=lambda batch: source.add(9))
    source.add(1, 2, 3, 4, 5)
    query = bench.start(trigger=AvailableNow())
    assert query.await_termination(5_000)
    assert bench.sink.batches == {0: [3], 1: [10], 2: [15]}
    assert [p["numInputRows"] for p in query.recent_progress if p["numInputRows"]] == [2, 2, 1]


@pytest.mark.parametrize("kept", [1, 3])
def test_as_many_reports_are_kept_as_the_setting_says(tmp_path, kept):
    bench = Bench(tmp_path / "ck")
    query = bench.start(conf=Conf({"spark.sql.streaming.numRecentProgressUpdates": str(kept)}))
    for row in range(5):
        bench.source.add(row)
        query.process_all_available()
    assert [p["batchId"] for p in query.recent_progress] == list(range(5))[-kept:]
    query.stop()

"""What a query with nothing to do costs, and how soon it sees what comes."""

from __future__ import annotations

import threading
import time

import pytest
from query_fakes import PATIENCE_MS, Bench, NumberSource, until

from penstock.core.clock import SystemClock
from penstock.core.config import Conf
from penstock.runtime.settings import StreamingSettings
from penstock.runtime.trigger import AvailableNow, ProcessingTime
from penstock.runtime.waiting import idle_wait_ms
from penstock.testing.clock import ManualClock

SETTINGS = StreamingSettings.of(Conf())


class Patient(NumberSource):
    """Tells of new rows."""

    def __init__(self, wait_ms: int | None = None) -> None:
        super().__init__()
        self.wait_ms = wait_ms

    def look_after_ms(self) -> int | None:
        return self.wait_ms


def test_the_most_impatient_source_decides():
    waits = [([NumberSource()], 10), ([Patient(500), Patient(70)], 70), ([Patient(), Patient(70)], 70),
             ([Patient(500), NumberSource()], 10), ([Patient(3)], 10)]  # fmt: skip
    for sources, expected in waits:
        assert idle_wait_ms(sources, SETTINGS, SystemClock()) == expected
    assert idle_wait_ms([Patient()], SETTINGS, SystemClock()) > 60_000
    assert idle_wait_ms([Patient()], SETTINGS, ManualClock()) == 10, "nobody tells when a test moves the clock"


def test_the_real_clock_shows_the_time_that_was_awaited(monkeypatch):
    """Also when it is set back during a wait: a trigger that came too early would come twice."""
    times_ns = iter([7_000_000, 9_999_999, 9_000_000, 10_000_000])
    waits = []

    class Wake(threading.Event):
        def wait(self, timeout=None):
            waits.append(timeout)
            return False

    with monkeypatch.context() as patched:
        patched.setattr("penstock.core.clock.time.time_ns", lambda: next(times_ns))
        SystemClock().wait_until(10, Wake())
    assert waits == pytest.approx([0.003, 0.000_000_001, 0.001])


def test_an_idle_query_does_not_ask(tmp_path):
    source = Patient()
    bench = Bench(tmp_path / "ck", source)
    query = bench.start(conf=Conf({"spark.sql.streaming.noDataProgressEventInterval": "1h"}))
    query.process_all_available()
    asked, own_time = source.asked, time.pthread_getcpuclockid(query._thread.ident)
    used = time.clock_gettime(own_time)
    time.sleep(0.3)
    assert source.asked <= asked + 1, "once more, as process_all_available has woken it; every 10 ms would be 30 times"
    assert time.clock_gettime(own_time) - used < 0.1
    source.add(5)
    source.context.wake()
    until(lambda: bench.sink.batches)  # else it would look in an hour
    query.stop()


def test_idle_is_reported_all_the_same(tmp_path):
    bench = Bench(tmp_path / "ck", Patient())
    conf = Conf({"spark.sql.streaming.noDataProgressEventInterval": "50ms"})
    query = bench.start(conf=conf)
    until(lambda: sum(event.kind == "QueryIdleEvent" for event in bench.events) >= 3)
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
    until(lambda: len(bench.sink.batches) == 2)
    assert [b.batch_time_ms for b in bench.execution.batches] == [1_000, 1_300]
    query.stop()


def test_available_now_fixes_the_end_before_the_first_batch(tmp_path):
    source = NumberSource(limit=2)
    bench = Bench(tmp_path / "ck", source, fail=lambda batch: source.add(9))
    source.add(1, 2, 3, 4, 5)
    query = bench.start(trigger=AvailableNow())
    assert query.await_termination(PATIENCE_MS)
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

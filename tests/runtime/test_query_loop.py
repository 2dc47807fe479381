"""The batch loop over stand-ins: what is planned, run, committed, and what users see of it."""

import json
import threading
import time

import pytest
from query_fakes import PATIENCE_MS, Bench, FakeCursor, NumberSource, until

from penstock.core import files
from penstock.core.clock import SystemClock
from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.runtime.errors import StreamingQueryException
from penstock.runtime.trigger import AvailableNow, Once, ProcessingTime
from penstock.testing.clock import ManualClock


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "ck", delays_ms=(1000,))
    yield made
    made.manager.stop_all()


def test_batches_follow_the_data(bench):
    query = bench.start()
    bench.source.add(1, 2)
    query.process_all_available()
    bench.source.add(3)
    query.process_all_available()
    assert [(b.batch_id, b.row_counts) for b in bench.execution.batches if b.scans[0]] == [(0, (2,)), (2, (1,))]
    assert bench.sink.batches == {0: [3], 1: [3], 2: [6], 3: [6]}


def test_watermarks_of_data_and_no_data_batches(bench):
    query = bench.start()
    for row in (10, 20):
        bench.source.add(row)
        query.process_all_available()
    marks = [(b.batch_id, b.late_watermark_ms, b.watermark_ms) for b in bench.execution.batches]
    assert marks == [(0, 0, 0), (1, 0, 9000), (2, 9000, 9000), (3, 9000, 19000)]


def test_no_data_batches_can_be_switched_off(bench):
    query = bench.start(conf=Conf({"spark.sql.streaming.noDataMicroBatches.enabled": "false"}))
    bench.source.add(10)
    query.process_all_available()
    assert list(bench.sink.batches) == [0]


def test_log_files_are_sparks(bench):
    bench.source.add(7)
    bench.start(trigger=Once(), clock=ManualClock(1234)).await_termination()
    version, metadata, offset = (bench.root / "offsets" / "0").read_text().split("\n")
    conf = {
        "spark.sql.shuffle.partitions": "200",
        "spark.sql.streaming.multipleWatermarkPolicy": "min",
        "spark.sql.streaming.stateStore.providerClass": "penstock",
    }
    assert (version, offset) == ("v1", "1")
    assert json.loads(metadata) == {"batchWatermarkMs": 0, "batchTimestampMs": 1234, "conf": conf}
    assert (bench.root / "commits" / "0").read_text() == 'v1\n{"nextBatchWatermarkMs":6000}'
    assert sorted(p.name for p in bench.root.iterdir()) == [".lock", "commits", "metadata", "offsets", "state"]


def test_sources_are_committed_with_the_next_batch(bench):
    query = bench.start(conf=Conf({"spark.sql.streaming.noDataMicroBatches.enabled": "false"}))
    bench.source.add(1)
    query.process_all_available()
    assert bench.source.committed == []
    bench.source.add(2)
    query.process_all_available()
    assert bench.source.committed == ["1"]
    query.stop()
    query = bench.start()
    bench.source.add(3)
    query.process_all_available()
    assert bench.source.committed[:2] == ["1", "2"]


def test_restart_goes_on(bench):
    query = bench.start()
    bench.source.add(1, 2)
    query.process_all_available()
    query.stop()
    bench.source.add(3)
    again = bench.start()
    again.process_all_available()
    assert (again.id, again.run_id != query.run_id) == (query.id, True)
    assert bench.sink.batches[max(bench.sink.batches)] == [6]


def test_two_sources_and_one_without_data(tmp_path):
    left, right = NumberSource(name="left"), NumberSource(name="right")
    bench = Bench(tmp_path / "ck", left, right)
    query = bench.start()
    left.add(5)
    query.process_all_available()
    query.stop()
    assert (tmp_path / "ck" / "offsets" / "0").read_text().split("\n")[2:] == ["1", "-"]
    assert [scan is None for scan in bench.execution.batches[0].scans] == [False, True]


def test_once_takes_everything_in_one_batch(bench):
    bench.source.limit = 1
    bench.source.add(1, 2, 3)
    bench.start(trigger=Once()).await_termination()
    bench.start(trigger=Once()).await_termination()
    assert bench.sink.batches == {0: [6]}


def test_available_now_respects_limits_and_ends(bench):
    bench.source.limit = 2
    bench.source.add(1, 2, 3)
    query = bench.start(trigger=AvailableNow())
    assert query.await_termination(PATIENCE_MS)
    assert bench.sink.batches == {0: [3], 1: [6], 2: [6]}
    bench.start(trigger=AvailableNow()).await_termination()
    assert len(bench.sink.batches) == 3


def test_processing_time_is_aligned_and_skips_missed_triggers(tmp_path):
    bench = Bench(tmp_path / "ck")
    clock = ManualClock(1_234)
    bench.source.add(1)
    conf = Conf({"spark.sql.streaming.noDataProgressEventInterval": "0"})
    query = bench.start(trigger=ProcessingTime(1000), clock=clock, conf=conf)
    assert clock.wait_for_waiter()
    assert list(bench.sink.batches) == [0]
    bench.source.add(1)
    clock.set(1_999)
    assert clock.wait_for_waiter()
    assert list(bench.sink.batches) == [0]
    clock.set(2_000)
    assert clock.wait_for_waiter()
    assert list(bench.sink.batches) == [0, 1]
    bench.execution.fail = lambda batch: clock.advance(3_500)  # a batch longer than the interval
    bench.source.add(1)
    clock.set(3_000)
    assert clock.wait_for_waiter()
    times = [p["timestamp"] for p in query.recent_progress]
    assert times == [f"1970-01-01T00:00:0{t}Z" for t in ("1.234", "2.000", "3.000", "6.500")]
    query.stop()


def test_failed_batch_is_an_exception_and_is_replayed(bench):
    bench.source.add(1)
    query = bench.start(trigger=AvailableNow(), name="sums")
    query.await_termination()
    bench.source.add(2)

    def divide(batch):
        raise ZeroDivisionError("nothing to divide by")

    bench.options["fail"] = divide
    query = bench.start(trigger=AvailableNow(), name="sums")
    with pytest.raises(StreamingQueryException) as caught:
        query.await_termination()
    error = caught.value
    assert (error.condition, error.sqlstate) == ("STREAM_FAILED", "XXKST")
    assert error.params == {"id": query.id, "runId": query.run_id, "message": "ZeroDivisionError: nothing to divide by"}
    assert all(text in str(error) for text in (query.id, query.run_id, "sums", "batch 1", "nothing to divide by"))
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert "in divide" in error.cause_traceback
    assert query.status.message == "Terminated with exception: ZeroDivisionError: nothing to divide by"
    bench.options["fail"] = None
    bench.source.add(40)
    bench.start(trigger=AvailableNow()).await_termination()
    first = bench.execution.batches[0]
    assert (first.batch_id, first.row_counts, bench.sink.batches[1]) == (1, (1,), [3])


def test_causes_condition_is_kept(bench):
    def fail(batch):
        raise SparkError("DIVIDE_BY_ZERO", "Division by zero.", sqlstate="22012")

    bench.options["fail"] = fail
    bench.source.add(1)
    query = bench.start()
    with pytest.raises(StreamingQueryException) as caught:
        query.process_all_available()
    assert caught.value.cause_condition == "DIVIDE_BY_ZERO"
    until(lambda: bench.events[-1].kind == "QueryTerminatedEvent")
    assert bench.events[-1].json["errorClassOnException"] == "DIVIDE_BY_ZERO"


def test_full_disk_names_query_path_and_remedy(bench, monkeypatch):
    import errno

    class Full(files.LocalFiles):
        def write(self, path, data, *, durable=True):
            if path.parent.name == "commits":
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            super().write(path, data, durable=durable)

    monkeypatch.setattr(files, "fs", Full())
    bench.source.add(1)
    query = bench.start(name="disk")
    with pytest.raises(StreamingQueryException) as caught:
        query.process_all_available()
    assert all(text in str(caught.value) for text in ("disk [id", "/commits/", "No space left", "free some space"))


class Telling(SystemClock):
    """The real time; tells that somebody waits for it."""

    def __init__(self):
        self.awaited = threading.Event()

    def wait_until(self, time_ms, wake):
        self.awaited.set()
        super().wait_until(time_ms, wake)


def test_stop_wakes_a_waiting_query_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("penstock.runtime.query.STOP_GRACE_MS", PATIENCE_MS)
    bench, clock = Bench(tmp_path / "ck"), Telling()
    query = bench.start(trigger=ProcessingTime(3_600_000), clock=clock)
    assert clock.awaited.wait(PATIENCE_MS / 1000)
    query.stop()
    assert not query._interrupted, "it was not woken: the grace period passed"
    assert (query.is_active, query.status.message, query.exception) == (False, "Stopped", None)
    assert (bench.source.stopped, bench.sink.stopped) == (1, 1)


def test_stop_lets_the_running_batch_finish(bench):
    running, go_on = threading.Event(), threading.Event()

    def slow(batch):
        running.set()
        go_on.wait(PATIENCE_MS / 1000)

    bench.options["fail"] = slow
    bench.source.add(1)
    query = bench.start()
    assert running.wait(PATIENCE_MS / 1000)
    stopper = threading.Thread(target=query.stop)
    stopper.start()
    until(query._stopping.is_set)
    go_on.set()
    stopper.join(PATIENCE_MS / 1000)
    assert not query.is_active
    assert (bench.root / "commits" / "0").exists()


def test_stop_interrupts_a_batch_that_does_not_end(bench, monkeypatch):
    monkeypatch.setattr("penstock.runtime.query.STOP_GRACE_MS", 20)
    interrupted = threading.Event()
    monkeypatch.setattr(FakeCursor, "interrupt", lambda self: interrupted.set())
    running = threading.Event()

    def stuck(batch):
        running.set()
        interrupted.wait(PATIENCE_MS / 1000)
        raise RuntimeError("INTERRUPT Error: Interrupted!")

    bench.options["fail"] = stuck
    bench.source.add(1)
    query = bench.start()
    assert running.wait(PATIENCE_MS / 1000)
    query.stop()
    assert (query.is_active, query.exception) == (False, None)
    assert not (bench.root / "commits" / "0").exists()


def test_stop_from_inside_a_batch(bench):
    bench.sink.fail = lambda batch_id: query.stop()
    query = bench.start()
    bench.source.add(1)
    assert query.await_termination(PATIENCE_MS)
    assert bench.sink.batches == {0: [1]}


def test_old_logs_and_state_are_purged(tmp_path):
    bench = Bench(tmp_path / "ck")
    bench.source.limit = 1
    bench.source.add(*range(30))
    bench.start(trigger=AvailableNow(), conf=Conf({"spark.sql.streaming.minBatchesToRetain": "4"})).await_termination()
    for log in ("offsets", "commits"):
        assert sorted(int(p.name) for p in (tmp_path / "ck" / log).iterdir()) == [25, 26, 27, 28, 29]
    assert bench.execution.purged[-1] == 25


def test_settings_in_the_checkpoint_win(bench):
    bench.source.add(1)
    bench.start(trigger=Once(), conf=Conf({"spark.sql.shuffle.partitions": "7"})).await_termination()
    bench.source.add(1)
    bench.start(trigger=Once(), conf=Conf({"spark.sql.shuffle.partitions": "9"})).await_termination()
    assert bench.compiled[-1]["spark.sql.shuffle.partitions"] == "7"


def test_progress_is_limited_and_idle_is_reported_rarely(tmp_path):
    bench = Bench(tmp_path / "ck")
    bench.source.limit = 1
    bench.source.add(*range(5))
    clock = ManualClock()
    conf = Conf({"spark.sql.streaming.numRecentProgressUpdates": "3"})
    query = bench.start(trigger=ProcessingTime(5_000), clock=clock, conf=conf)
    for _ in range(8):  # 5 batches, then idle: reported after 10 s
        assert clock.wait_for_waiter()
        clock.advance(5_000)
    assert clock.wait_for_waiter()
    assert [p["batchId"] for p in query.recent_progress] == [4, 5, 5]
    kinds = [event.kind for event in bench.events]
    assert kinds == ["QueryStartedEvent"] + ["QueryProgressEvent"] * 5 + ["QueryIdleEvent"] * 2
    query.stop()


def test_status_while_running(bench):
    seen = []
    bench.options["fail"] = lambda batch: seen.append((query.status.message, query.status.is_trigger_active))
    query = bench.start()
    assert query.explain() == "SumExecution" or "No physical plan" in query.explain()
    bench.source.add(1)
    query.process_all_available()
    assert seen == [("Processing new data", True)]
    until(lambda: query.status.message == "Waiting for data to arrive")  # and not when it asks its source again


def test_an_idle_query_hardly_works(bench):
    query = bench.start()
    query.process_all_available()
    own_time = time.pthread_getcpuclockid(query._thread.ident)
    begun, used, asked = time.monotonic(), time.clock_gettime(own_time), bench.source.asked
    time.sleep(0.5)
    used, asked = time.clock_gettime(own_time) - used, bench.source.asked - asked
    took = time.monotonic() - begun
    assert asked <= took / 0.010 + 2, "every pollingDelay at most"
    assert used < 0.4 * took
    query.stop()


def test_source_can_wake_the_query(tmp_path):
    bench = Bench(tmp_path / "ck")
    names = ("pollingDelay", "noDataProgressEventInterval")
    query = bench.start(conf=Conf({f"spark.sql.streaming.{name}": "1h" for name in names}))
    query.process_all_available()
    bench.source.add(1)
    bench.source.context.wake()
    until(lambda: bench.sink.batches)
    assert bench.sink.batches == {0: [1]}
    query.stop()


def test_state_is_purged_a_little_at_a_time_however_much_is_kept(tmp_path):
    """The store removes a few files a call: calls that come once in a hundred batches would leave most of them."""
    bench = Bench(tmp_path / "ck")
    bench.source.limit = 1
    bench.source.add(*range(430))
    keep = Conf({"spark.sql.streaming.minBatchesToRetain": "400"})
    bench.start(trigger=AvailableNow(), conf=keep).await_termination()
    assert bench.execution.purged == [10, 20]

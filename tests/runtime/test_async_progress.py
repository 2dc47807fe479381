"""Progress that is tracked behind the batches' backs: what is in the logs, and what a restart makes of it."""

from __future__ import annotations

import json
import threading
import time

import pytest
from query_fakes import PATIENCE_MS, Bench, until

from penstock.checkpoint.commit_log import CommitEntry
from penstock.checkpoint.offset_log import OffsetEntry
from penstock.checkpoint.write_behind import WriteBehind
from penstock.core.errors import SparkError
from penstock.runtime.async_progress import AsyncProgress, async_progress
from penstock.runtime.errors import StreamingQueryException
from penstock.runtime.trigger import AvailableNow, Once, ProcessingTime
from penstock.testing.clock import ManualClock


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "ck", has_state=False, operator_names=())
    yield made
    made.manager.stop_all()


def run(bench, rows, interval_ms=3_600_000, **changes):
    query = bench.start(async_progress=AsyncProgress(interval_ms), **changes)
    for row in rows:
        bench.source.add(row)
        query.process_all_available()
    return query


def logged(bench, log):
    return sorted(int(path.name) for path in (bench.root / log).iterdir() if path.name.isdigit())


def test_one_batch_an_interval_is_logged_and_the_last(bench):
    query = run(bench, range(5))
    assert list(bench.sink.batches) == [0, 1, 2, 3, 4]
    query.stop()
    assert (logged(bench, "offsets"), logged(bench, "commits")) == ([0, 4], [0, 4])
    run(bench, [5]).stop()
    assert list(bench.sink.batches) == [0, 1, 2, 3, 4, 5]


def test_after_a_crash_what_was_not_logged_runs_again(bench, tmp_path):
    query = run(bench, [1, 2, 3])
    bench.sink.fail = lambda batch_id: (_ for _ in ()).throw(OSError("boom"))
    bench.source.add(4)
    with pytest.raises(StreamingQueryException):
        query.process_all_available()
    assert logged(bench, "commits") == [0]
    bench.sink.fail = None
    bench.sink.batches.clear()
    run(bench, []).process_all_available()
    assert bench.sink.batches == {1: [9]}, "batches 1 to 3 as one: their rows come again"


def test_a_planned_batch_without_commit_starts_after_the_one_logged_before(bench):
    run(bench, range(4)).stop()
    (bench.root / "commits" / "3").unlink()
    bench.sink.batches.clear()
    query = run(bench, [])
    query.process_all_available()
    assert bench.sink.batches == {3: [6]}, "offsets 1 to 4: those of batch 0, the entry before, to those of 3"
    query.stop()
    assert logged(bench, "commits") == [0, 3]


def test_it_can_be_switched_off(bench):
    run(bench, range(4)).stop()
    query = bench.start()
    bench.source.add(9)
    query.process_all_available()
    query.stop()
    assert (logged(bench, "offsets"), logged(bench, "commits")) == ([0, 3, 4], [0, 3, 4])


def test_sources_hear_only_of_what_is_logged(bench):
    clock = ManualClock(1000)
    query = run(bench, [1, 2, 3], interval_ms=100, clock=clock)
    assert bench.source.committed in ([], ["1", "1"], ["1"])
    clock.advance(100)
    for row in (4, 5, 6):
        bench.source.add(row)
        query.process_all_available()

    def has_heard():
        bench.source.add(7)
        query.process_all_available()
        return "4" in bench.source.committed

    until(has_heard)
    query.stop()
    assert set(bench.source.committed) <= {"1", "4"}


def test_a_stateful_query_is_refused(tmp_path):
    bench = Bench(tmp_path / "ck")
    query = bench.start(async_progress=AsyncProgress(1000))
    with pytest.raises(StreamingQueryException, match="Stateful streaming queries"):
        query.await_termination(PATIENCE_MS)


def test_entries_say_that_others_may_be_missing(bench):
    run(bench, [1]).stop()
    conf = json.loads((bench.root / "offsets" / "0").read_text().split("\n")[1])["conf"]
    assert conf["penstock.asyncProgressTracking"] == "true"


class Log:
    """Instead of an offset or commit log: notes what is added, fails or waits when told to."""

    def __init__(self):
        self.added, self.fails, self.open = [], False, threading.Event()
        self.open.set()

    def add(self, batch_id, entry):
        self.open.wait(PATIENCE_MS / 1000)
        if self.fails:
            raise OSError(28, "No space left on device")
        self.added.append(batch_id)


def test_a_failed_write_ends_the_query_and_nothing_is_written_after_it():
    offsets, commits, clock = Log(), Log(), ManualClock(0)
    behind = WriteBehind(offsets, commits, 0, clock)
    behind.begin_batch(0, OffsetEntry(("1",), 0, 0))
    behind.end_batch(0, CommitEntry(0))
    until(lambda: commits.added == [0])
    offsets.fails = True
    with pytest.raises(OSError, match="No space"):
        for batch_id in range(1, 50):
            behind.begin_batch(batch_id, OffsetEntry(("1",), 0, 0))
            behind.end_batch(batch_id, CommitEntry(0))
            time.sleep(0.002)
    with pytest.raises(OSError, match="No space"):
        behind.close()
    assert (offsets.added, commits.added) == ([0], [0])


def test_batches_wait_when_two_writes_wait():
    offsets, commits = Log(), Log()
    behind = WriteBehind(offsets, commits, 0, ManualClock(0))
    offsets.open.clear()
    done = []

    def batches():
        for batch_id in range(5):
            behind.begin_batch(batch_id, OffsetEntry((str(batch_id),), 0, 0))
            behind.end_batch(batch_id, CommitEntry(0))
            done.append(batch_id)

    thread = threading.Thread(target=batches)
    thread.start()
    until(lambda: done == [0] and behind._writes.full())
    time.sleep(0.1)
    assert done == [0], "a write runs, two wait"
    offsets.open.set()
    thread.join(PATIENCE_MS / 1000)
    behind.close()
    assert (offsets.added, commits.added) == ([0, 1, 2, 3, 4],) * 2
    assert behind.durable_ends == ("4",)


@pytest.mark.parametrize(
    ("options", "sink", "trigger", "said"),
    [
        ({"asyncProgressTrackingEnabled": "maybe"}, "noop", ProcessingTime(), "maybe"),
        ({"asyncProgressTrackingEnabled": "true"}, "parquet", ProcessingTime(), "FileSink"),
        ({"asyncProgressTrackingEnabled": "true"}, "foreach", ProcessingTime(), "ForeachSink"),
        ({"asyncProgressTrackingEnabled": "true"}, "noop", Once(), "Once trigger"),
        ({"asyncProgressTrackingEnabled": "true"}, "noop", AvailableNow(), "AvailableNow trigger"),
        (
            {"asyncProgressTrackingEnabled": "true", "asyncProgressTrackingCheckpointIntervalMs": "1s"},
            "noop",
            ProcessingTime(),
            "1s",
        ),
    ],
)
def test_options_that_do_not_fit(options, sink, trigger, said):
    with pytest.raises(SparkError, match=said) as caught:
        async_progress(options, sink, trigger)
    assert caught.value.condition == "", "Spark has none"


def test_options():
    on = {"ASYNCProgressTrackingEnabled": "TRUE"}
    assert async_progress({}, "parquet", Once()) is None
    assert async_progress(on, "noop", ProcessingTime()) == AsyncProgress(1000)
    override = {**on, "_asyncProgressTrackingOverrideSinkSupportCheck": "true"}
    assert async_progress(override, "foreach", ProcessingTime(5)) == AsyncProgress(1000)
    given = {**on, "asyncProgressTrackingCheckpointIntervalMs": "0"}
    assert async_progress(given, "console", ProcessingTime()) == AsyncProgress(0)

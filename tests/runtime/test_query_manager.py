"""Starting, finding, awaiting and stopping the queries of a session."""

import threading
from pathlib import Path

import pytest
from query_fakes import PATIENCE_MS, Bench, until

from penstock.checkpoint import query_metadata
from penstock.checkpoint.checkpoint import Checkpoint
from penstock.checkpoint.paths import CheckpointPaths
from penstock.core import files
from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.runtime.errors import StreamingQueryException
from penstock.runtime.query import StreamingQuery
from penstock.runtime.trigger import Once


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "ck")
    yield made
    made.manager.stop_all()


def test_name_must_be_unique(bench, tmp_path):
    bench.start(name="a")
    with pytest.raises(SparkError, match='"a"') as caught:
        bench.start(name="a", checkpoint_location=str(tmp_path / "other"))
    assert caught.value.classes[-1] == "java.lang.IllegalArgumentException"
    bench.manager.stop_all()
    bench.start(name="a")


def test_second_run_on_a_checkpoint_replaces_the_first(bench):
    first = bench.start(name="first")
    second = bench.start(name="second")
    assert (first.is_active, first.exception, second.is_active) == (False, None, True)
    assert bench.manager.active == [second]


def test_second_run_is_refused_when_set_so(bench):
    bench.start()
    with pytest.raises(SparkError) as caught:
        bench.start(conf=Conf({"spark.sql.streaming.stopActiveRunOnRestart": "false"}))
    assert caught.value.condition == "CONCURRENT_QUERY"


def test_other_session_of_the_process_is_stopped_too(bench):
    first = bench.start()
    second = bench.new_manager().start(bench.spec())
    assert not first.is_active
    second.stop()


def test_find(bench):
    query = bench.start()
    assert bench.manager.get(query.id) is query
    query.stop()
    assert bench.manager.get(query.id) is None
    assert bench.manager.find(query.id, query.run_id) is query
    assert bench.manager.find(query.id, "other") is None


def test_await_any_termination(bench):
    assert not bench.manager.await_any_termination(10)
    query = bench.start()
    threading.Timer(0.02, query.stop).start()
    assert bench.manager.await_any_termination(PATIENCE_MS)
    assert bench.manager.await_any_termination(0)
    bench.manager.reset_terminated()
    assert not bench.manager.await_any_termination(10)


def test_await_any_raises_the_failure(bench):
    bench.options["fail"] = lambda batch: 1 / 0
    bench.source.add(1)
    bench.start()
    with pytest.raises(StreamingQueryException, match="division by zero"):
        bench.manager.await_any_termination(PATIENCE_MS)


def test_events(bench):
    bench.source.add(1)
    query = bench.start(trigger=Once(), name="n")
    query.await_termination()
    kinds = [event.kind for event in bench.events]
    assert kinds == ["QueryStartedEvent", "QueryProgressEvent", "QueryTerminatedEvent"]
    started, progress, terminated = (event.json for event in bench.events)
    assert list(started) == ["id", "runId", "name", "timestamp", "jobTags"]
    assert progress["progress"]["batchId"] == 0
    assert terminated == {"id": query.id, "runId": query.run_id, "exception": None, "errorClassOnException": None}


def test_failing_listener_does_not_hurt(bench):
    bench.manager.add_listener(lambda event: 1 / 0)
    bench.source.add(1)
    bench.start(trigger=Once()).await_termination()
    assert bench.sink.batches == {0: [1]}


def test_removed_listener_hears_nothing(bench):
    bench.manager.remove_listener(bench.events.append)
    bench.start(trigger=Once()).await_termination()
    assert bench.events == []


def test_error_in_the_plan_is_raised_by_start(bench):
    def refuse(*args):
        raise SparkError("UNSUPPORTED_FEATURE.PENSTOCK", "no")

    bench.compile = refuse
    manager = bench.new_manager()
    with pytest.raises(SparkError) as caught:
        manager.start(bench.spec())
    assert caught.value.condition == "UNSUPPORTED_FEATURE.PENSTOCK"
    assert (manager.active, bench.events) == ([], [])


def test_damaged_checkpoint_is_the_querys_exception(bench):
    bench.source.add(1)
    bench.start(trigger=Once()).await_termination()
    (bench.root / "offsets" / "0").write_text("")
    query = bench.start()
    with pytest.raises(StreamingQueryException, match="offsets/0") as caught:
        query.await_termination(PATIENCE_MS)
    assert caught.value.cause_condition == "MALFORMED_LOG_FILE"


def test_other_operators_are_refused(bench):
    bench.source.add(1)
    bench.start(trigger=Once()).await_termination()
    bench.options["operator_names"] = ("dedupe",)
    with pytest.raises(StreamingQueryException, match="dedupe"):
        bench.start().await_termination(PATIENCE_MS)


def test_checkpoint_location(bench, tmp_path):
    with pytest.raises(SparkError) as caught:
        bench.start(checkpoint_location=None, temporary_checkpoint=False)
    assert caught.value.condition == "_LEGACY_ERROR_TEMP_1298"
    conf = Conf({"spark.sql.streaming.checkpointLocation": str(tmp_path / "all")})
    bench.start(checkpoint_location=None, temporary_checkpoint=False, conf=conf, name="q").stop()
    assert (tmp_path / "all" / "q" / "metadata").exists()


@pytest.mark.parametrize(("fails", "left"), [(False, False), (True, True)])
def test_temporary_checkpoint_is_deleted_on_success(bench, fails, left):
    bench.options["fail"] = (lambda batch: 1 / 0) if fails else None
    bench.source.add(1)
    query = bench.start(checkpoint_location=None, trigger=Once())
    assert query._ended.wait(PATIENCE_MS / 1000)
    root: Path = query.checkpoint.paths.root
    assert root.exists() == left


def test_sink_without_memory_cannot_recover(bench):
    bench.source.add(1)
    bench.start(trigger=Once(), recoverable=False).await_termination()
    with pytest.raises(SparkError) as caught:
        bench.start(recoverable=False)
    assert caught.value.condition == "_LEGACY_ERROR_TEMP_1299"


def test_empty_checkpoint_location_is_not_the_working_directory(bench):
    with pytest.raises(SparkError, match="empty string"):
        bench.start(checkpoint_location="")


def test_unusable_checkpoint_location(bench, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SparkError) as caught:
        bench.start(checkpoint_location=str(tmp_path / "file" / "ck"), name="where")
    assert all(text in str(caught.value) for text in ("where", str(tmp_path / "file"), "Not a directory"))


def test_who_waits_for_a_run_that_cannot_start_goes_on(bench, monkeypatch):
    """Of two starts of a query at once the second stops the first, which fails meanwhile: another process has the
    checkpoint."""
    held, stopped = threading.Event(), []
    lock, stop = Checkpoint.lock, StreamingQuery.stop

    def fail_later(checkpoint):
        monkeypatch.setattr(Checkpoint, "lock", lock)
        held.set()
        until(lambda: stopped)
        raise OSError("another process runs on it")

    def stop_noted(query):
        stopped.append(query)
        stop(query)

    def start_first():
        with pytest.raises(SparkError, match="another process"):
            bench.start()

    monkeypatch.setattr(Checkpoint, "lock", fail_later)
    monkeypatch.setattr(StreamingQuery, "stop", stop_noted)
    monkeypatch.setattr("penstock.runtime.query.STOP_GRACE_MS", PATIENCE_MS)
    first = threading.Thread(target=start_first)
    first.start()
    assert held.wait(PATIENCE_MS / 1000)
    second = bench.start()
    first.join(PATIENCE_MS / 1000)
    assert second.is_active and not stopped[0].is_active
    assert not stopped[0]._interrupted, "nobody waited for the grace period"


def test_many_starts_at_once(bench, tmp_path, monkeypatch):
    threads = [
        threading.Thread(target=bench.start, kwargs={"name": f"q{i}", "checkpoint_location": str(tmp_path / f"ck{i}")})
        for i in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_MS / 1000)
    queries = bench.manager.active
    assert len(queries) == 8
    monkeypatch.setattr("penstock.runtime.query.STOP_GRACE_MS", PATIENCE_MS)
    bench.manager.stop_all()
    assert bench.manager.active == []
    assert not any(query._interrupted for query in queries), "all ended at once"


def test_a_failure_is_told_until_it_is_reset_however_many_end_well_after_it(tmp_path):
    bench = Bench(tmp_path / "ck")
    bench.sink.fail = lambda batch_id: 1 / 0
    bench.source.add(1)
    with pytest.raises(StreamingQueryException):
        bench.start().await_termination(PATIENCE_MS)
    bench.sink.fail = None
    query = bench.start()
    query.process_all_available()
    query.stop()
    for _ in range(2):
        with pytest.raises(StreamingQueryException):
            bench.manager.await_any_termination(0)
    bench.manager.reset_terminated()
    assert bench.manager.await_any_termination(0) is False
    query = bench.start()
    query.stop()
    assert bench.manager.await_any_termination(0) is True


def test_a_query_cannot_replace_itself_from_its_own_thread(bench):
    """A foreachBatch function that starts its own query again would wait for the end of the batch that it is in."""
    failures = []

    def start_again(batch_id):
        with pytest.raises(SparkError) as caught:
            bench.start()
        failures.append(caught.value.condition)

    bench.sink.fail = start_again
    bench.source.add(1)
    query = bench.start(trigger=Once())
    assert query.await_termination(PATIENCE_MS)
    assert (failures, query.exception) == (["CONCURRENT_QUERY"], None)


def test_two_first_starts_at_once_are_runs_of_one_query(tmp_path, monkeypatch):
    """The one that comes too late to give the checkpoint its id takes that of the other."""
    paths = CheckpointPaths(tmp_path)
    read = files.fs.read

    def read_too_early(path):
        monkeypatch.setattr(files.fs, "read", read)
        first.append(query_metadata.query_id(paths))
        raise FileNotFoundError(path)

    first = []
    monkeypatch.setattr(files.fs, "read", read_too_early)
    assert query_metadata.query_id(paths) == first[0]

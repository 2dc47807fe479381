"""What others see of a query that begins or ends: interrupted starts, ends that fail, ends while somebody looks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from query_fakes import PATIENCE_MS, Bench, until

from penstock.checkpoint.lock import FileLock
from penstock.core.errors import SparkError
from penstock.runtime.errors import StreamingQueryException
from penstock.runtime.listener import QueryEvent
from penstock.runtime.query import StreamingQuery
from penstock.runtime.trigger import Once


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "ck")
    yield made
    made.manager.stop_all()


def test_an_interrupted_start_leaves_no_query_that_nobody_knows(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a start waits: the query's thread runs, so the query has its checkpoint until it has ended."""
    go_on, compile_query = threading.Event(), bench.compile

    def compile_slowly(*given: Any) -> Any:
        assert go_on.wait(PATIENCE_MS / 1000)
        return compile_query(*given)

    def interrupted(query: StreamingQuery) -> None:
        query._thread.start()
        raise KeyboardInterrupt

    bench.compile = compile_slowly  # type: ignore[method-assign]
    bench.manager = bench.new_manager()
    monkeypatch.setattr(StreamingQuery, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bench.start()
    (query,) = bench.manager.active
    with pytest.raises(BlockingIOError):
        FileLock(query.checkpoint.paths.lock)
    go_on.set()
    assert query.await_termination(PATIENCE_MS)
    assert bench.manager.active == []
    FileLock(query.checkpoint.paths.lock).release()


def test_an_interrupted_wait_is_no_haste_for_ever(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    query = bench.start()

    def interrupted(*given: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(query._progress_made, "wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt):
        query.process_all_available()
    assert query._waiting == 0


class UnreadableError(Exception):
    def __str__(self) -> str:
        raise TypeError("no text")


def test_an_error_without_text_ends_the_query(bench: Bench) -> None:
    def fail(batch_id: int) -> None:
        raise UnreadableError

    bench.sink.fail = fail
    bench.source.add(1)
    query = bench.start()
    with pytest.raises(StreamingQueryException, match="UnreadableError: <exception str"):
        query.await_termination(PATIENCE_MS)


def test_the_end_comes_though_a_part_does_not_close(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave() -> None:
        raise SystemExit

    monkeypatch.setattr(bench.sink, "stop", leave)
    bench.source.add(1)
    assert bench.start(trigger=Once()).await_termination(PATIENCE_MS)
    assert bench.manager.active == []
    assert bench.source.stopped == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_end_comes_though_a_listener_leaves(bench: Bench) -> None:
    def leave(event: QueryEvent) -> None:
        if event.kind == "QueryTerminatedEvent":
            raise SystemExit

    bench.manager.add_listener(leave)
    assert bench.start(trigger=Once()).await_termination(PATIENCE_MS)


class Stepping:
    """The manager's condition; after the `nth` time that the test's thread lets go of it, `then` happens first."""

    def __init__(self, condition: threading.Condition, nth: int, then: Any) -> None:
        self._condition, self._left, self._then = condition, nth, then
        self._thread = threading.current_thread()

    def __enter__(self) -> None:
        self._condition.__enter__()

    def __exit__(self, *error: object) -> None:
        self._condition.__exit__(*error)
        if threading.current_thread() is self._thread:
            self._left -= 1
            if self._left == 0:
                self._then()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._condition, name)


@pytest.mark.parametrize("nth", [1, 2])
def test_all_queries_have_stopped_though_one_ends_meanwhile(bench: Bench, nth: int) -> None:
    """Whenever it ends: its thread has done its last line."""
    may_end, told = threading.Event(), threading.Event()
    bench.sink.fail = lambda batch_id: may_end.wait(PATIENCE_MS / 1000) and None

    def slowly(event: QueryEvent) -> None:
        if event.kind == "QueryTerminatedEvent":
            told.wait(PATIENCE_MS / 1000)

    bench.manager.add_listener(slowly)
    bench.source.add(1)
    query = bench.start(trigger=Once())

    def end() -> None:
        may_end.set()
        until(lambda: not query.is_active)
        threading.Timer(0.1, told.set).start()

    condition = bench.manager._changed
    bench.manager._changed = Stepping(condition, nth, end)  # type: ignore[assignment]
    bench.manager.stop_all()
    bench.manager._changed = condition
    assert may_end.is_set(), "it let go less often"
    assert query._ended.is_set()


class Watched(Stepping):
    """Looks whenever a thread lets go of the condition."""

    def __exit__(self, *error: object) -> None:
        self._condition.__exit__(*error)
        self._then()


def test_who_sees_no_active_query_is_told_of_the_failure(bench: Bench) -> None:
    """`while spark.streams.active: spark.streams.awaitAnyTermination()` must not miss it."""
    missed: list[str] = []

    def look() -> None:
        if bench.executions and not manager._active and manager._terminated is None:
            missed.append(threading.current_thread().name)

    manager = bench.manager
    bench.sink.fail = lambda batch_id: 1 / 0  # type: ignore[assignment, return-value]
    bench.source.add(1)
    manager._changed = Watched(manager._changed, 0, look)  # type: ignore[assignment]
    query = bench.start()
    until(query._ended.is_set)
    assert missed == []
    with pytest.raises(StreamingQueryException):
        manager.await_any_termination(0)


def test_a_query_that_does_not_stop_does_not_keep_the_others_running(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = bench.start(), bench.start(checkpoint_location=str(tmp_path / "other"))
    stop = StreamingQuery.stop

    def stop_second(query: StreamingQuery) -> None:
        if query is first:
            raise SparkError("STREAMING_QUERY_STOP_TIMEOUT", "it does not stop")
        stop(query)

    with monkeypatch.context() as patched:
        patched.setattr(StreamingQuery, "stop", stop_second)
        with pytest.raises(SparkError, match="does not stop"):
            bench.manager.stop_all()
    assert second._ended.is_set()


def test_a_closed_session_starts_no_query(bench: Bench) -> None:
    query = bench.start()
    bench.manager.close()
    assert not query.is_active
    with pytest.raises(SparkError, match="session has been closed"):
        bench.start()
    again = bench.new_manager().start(bench.spec())  # nothing of the attempt is left
    again.stop()

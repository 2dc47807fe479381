"""`spark.streaming.concurrentJobs`: batches that overtake one another, and what their threads do at the same time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.streaming.map_with_state import State, StateSpec
from tests.rdd.conftest import PATIENCE_S, until
from tests.streaming.conftest import Run
from tests.streaming.programs import BEFORE, SEEN, collect

START = 1_000_000_000
TWO = {"spark.streaming.concurrentJobs": "2"}


@pytest.fixture(autouse=True)
def nothing_seen() -> Iterator[None]:
    yield
    SEEN.clear()
    BEFORE.clear()
    FORGOTTEN[0] = 0


def running(key: Any, value: Any, state: State) -> Any:
    state.update((state.getOption() or 0) + value)
    return key, state.get()


#: Up to this time generated data is not what it was: as that of a source that has forgotten it.
FORGOTTEN = [0]


def second(ms: int) -> list[tuple[str, int]]:
    return [("k", (ms - START) // 1000 if ms > FORGOTTEN[0] else -1_000_000)]


def sums(run: Run, seconds: float) -> None:
    """Running sums, of which each batch is seen; their state is written every so many seconds."""
    stream = run.ssc.generatedStream(second).mapWithState(StateSpec.function(running))
    stream._states.checkpoint(seconds)  # type: ignore[attr-defined]
    stream.foreachRDD(collect)


def test_a_batch_that_fails_after_later_ones_runs_again_from_its_own_state(tmp_path: Path) -> None:
    """The state of a batch that has overtaken it is not the one that it begins from."""
    run = Run(str(tmp_path), **TWO)
    sums(run, 1)
    go = threading.Event()

    def fail(when: int) -> None:
        if when == 3:
            go.wait(PATIENCE_S)
            raise ValueError("it fails in the end")

    BEFORE.append(fail)
    run.batches(2)
    for done in range(2, 8):
        run.advance(1000)
        until(lambda done=done: run.done >= done)  # type: ignore[misc]
    go.set()
    until(lambda: run.done == 8)
    run.stop()
    assert sorted(SEEN) == [(n, [("k", n * (n + 1) // 2)]) for n in (1, 2, 4, 5, 6, 7, 8)]
    SEEN.clear()
    BEFORE.clear()
    FORGOTTEN[0] = START + 2000
    again = Run(str(tmp_path), again=START + 8_500)
    again.ssc.start()
    until(lambda: again.done == 1)
    again.stop()
    assert SEEN == [(3, [("k", 6)])]


def test_a_state_that_many_batches_have_overtaken_is_written_as_it_was(tmp_path: Path) -> None:
    """Its batch is done when the versions in memory do not reach back to it any more."""
    run = Run(str(tmp_path), **TWO)
    sums(run, 20)
    go = threading.Event()
    run.batches(19)
    computed = threading.Event()
    batch_done = run.ssc.batch_done

    def slow(batch: Any) -> None:
        if batch.time_ms == START + 20_000:
            computed.set()
            go.wait(PATIENCE_S)
        batch_done(batch)

    run.ssc.batch_done = slow  # type: ignore[method-assign]
    run.advance(1000)
    assert computed.wait(PATIENCE_S)
    for done in range(20, 31):
        run.advance(1000)
        until(lambda done=done: run.done >= done)  # type: ignore[misc]
    go.set()
    until(lambda: run.done == 31)
    run.stop()
    SEEN.clear()
    again = Run(str(tmp_path), again=START + 31_500)
    again.batches(1)
    again.stop()
    assert SEEN == [(32, [("k", 32 * 33 // 2)])]


def test_a_job_is_not_told_of_before_its_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(str(tmp_path), **TWO)
    stream = run.ssc.generatedStream(second)
    for _ in range(2):
        stream.foreachRDD(collect)
    posted: list[str] = []
    other = threading.Event()

    def post(call: str, event: Any) -> None:
        if call == "onBatchStarted":
            other.wait(0.3)  # time for the other thread to be faster, if it may
        if call == "onOutputOperationStarted":
            other.set()
        posted.append(call)

    monkeypatch.setattr(run.ssc.bus, "post", post)
    run.batches(1)
    run.stop()
    started = [call for call in posted if call.endswith("Started") and call != "onStreamingStarted"]
    assert started == ["onBatchStarted", "onOutputOperationStarted", "onOutputOperationStarted"]


def test_functions_that_stop_the_context_at_the_same_time_do_not_wait_for_each_other(tmp_path: Path) -> None:
    run = Run(str(tmp_path), **TWO)
    stream = run.ssc.generatedStream(second)
    both = threading.Barrier(2)
    BEFORE.append(lambda when: (both.wait(PATIENCE_S), run.ssc.stop(stopSparkContext=False)))
    for _ in range(2):
        stream.foreachRDD(collect)
    run.ssc.start()
    run.advance(1000)
    assert run.ssc.awaitTerminationOrTimeout(PATIENCE_S)
    threads = run.ssc._scheduler._threads
    until(lambda: not any(thread.is_alive() for thread in threads))
    BEFORE.clear()
    again = Run(str(tmp_path), again=START + 1500)
    again.ssc.start()  # nobody holds the directory any more
    again.stop()

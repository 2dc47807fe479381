"""A context that is stopped twice at once, as by a program and by a signal, or by a function of one of its batches: no
call waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.streaming.context import StreamingContext
from penstock.streaming.generator import JobGenerator
from tests.rdd.conftest import PATIENCE_S, until
from tests.streaming.conftest import Run
from tests.streaming.programs import BEFORE, SEEN, checkpoint_of, collect

START = 1_000_000_000


@pytest.fixture(autouse=True)
def nothing_seen() -> Iterator[None]:
    yield
    SEEN.clear()
    BEFORE.clear()
    MAKING.clear()


def test_a_graceful_stop_ends_when_another_one_does_not_wait(tmp_path: Path) -> None:
    run = Run(str(tmp_path))
    run.ssc.generatedStream(lambda ms: [1]).foreachRDD(collect)
    begun, go = threading.Event(), threading.Event()
    BEFORE.append(lambda second: (begun.set(), go.wait(PATIENCE_S)))
    run.ssc.start()
    run.advance(1000)
    run.advance(1000)
    assert begun.wait(PATIENCE_S)
    until(lambda: len(run.ssc._scheduler._open) == 2)
    graceful = threading.Thread(target=run.ssc.stop, args=(False, True))
    graceful.start()
    until(lambda: run.ssc._generator._stop_after_ms is not None)
    run.clock.advance(1000)
    until(lambda: len(run.ssc._scheduler._open) == 3)
    at_once = threading.Thread(target=run.ssc.stop, args=(False, False))
    at_once.start()
    until(lambda: run.ssc._scheduler._stopping)
    go.set()
    for thread in (graceful, at_once):
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    assert [when for when, _ in SEEN] == [1]
    assert checkpoint_of(tmp_path).pending == [START + 2000, START + 3000]


def test_a_graceful_stop_does_not_take_back_one_at_once(tmp_path: Path) -> None:
    run = Run(str(tmp_path))
    generator = JobGenerator(run.ssc, run.ssc._scheduler, run.clock)
    generator._next_ms = START + 1000
    generator.stop()
    generator.stop(START + 5000)
    assert generator._wait() is None


def test_a_second_stop_wakes_who_has_just_been_woken_by_the_first(tmp_path: Path) -> None:
    """The first is to wait for the batch of the next time, the second comes when that has been seen."""
    run = Run(str(tmp_path))
    generator = JobGenerator(run.ssc, run.ssc._scheduler, run.clock)
    generator._next_ms = START + 1000
    generator.stop(START + 5000)

    class Late:
        def now_ms(self) -> int:
            generator.stop()
            return START

        def wait_until(self, time_ms: int, wake: threading.Event) -> None:
            assert wake.is_set(), "it would wait for the next batch's time"

    generator._clock = Late()
    assert generator._wait() is None


#: Called by `made` with the seconds.
MAKING: list[Callable[[int], None]] = []


def made(when: Any, rdd: Any) -> Any:
    """A function of `transform`."""
    for call in MAKING:
        call(round(when.timestamp()) - 1_000_000)
    return rdd


@pytest.mark.parametrize("gracefully", [False, True])
def test_a_function_that_makes_a_batch_stops_the_context_while_another_runs(tmp_path: Path, gracefully: bool) -> None:
    """The batch that runs cannot end while the next is being made."""
    run = Run(str(tmp_path))
    begun, go = threading.Event(), threading.Event()

    def stop(second: int) -> None:
        if second == 2:
            assert begun.wait(PATIENCE_S)
            go.set()
            run.ssc.stop(stopSparkContext=False, stopGraceFully=gracefully)

    MAKING.append(stop)
    BEFORE.append(lambda second: (begun.set(), go.wait(PATIENCE_S)))
    run.ssc.generatedStream(lambda ms: [1]).transform(made).foreachRDD(collect)
    run.ssc.start()
    run.advance(1000)
    run.advance(1000)
    if gracefully:
        until(lambda: run.ssc._generator._stop_after_ms is not None)
        run.advance(1000)  # it waits for the batch whose time is still to come
    assert run.ssc.awaitTerminationOrTimeout(PATIENCE_S)
    assert StreamingContext.getActive() is None
    left = checkpoint_of(tmp_path)
    assert not run.ssc._scheduler._serving
    if gracefully:
        assert [when for when, _ in SEEN] == [1, 2, 3]
        assert left.pending == []
    else:
        assert sorted([START + 1000 * when for when, _ in SEEN] + left.pending) == [START + 1000, START + 2000]
        assert SEEN[0][0] == 1


def test_a_function_of_a_batch_stops_the_context_gracefully(tmp_path: Path) -> None:
    """Its own batch is one of those that are waited for."""
    run = Run(str(tmp_path))
    run.ssc.generatedStream(lambda ms: [1]).foreachRDD(collect)
    stopped: list[int] = []

    def stop(second: int) -> None:
        if second == 1:
            until(lambda: len(run.ssc._scheduler._open) == 2)
            run.ssc.stop(stopSparkContext=False, stopGraceFully=True)
            stopped.append(second)

    BEFORE.append(stop)
    run.ssc.start()
    run.advance(1000)
    run.advance(1000)
    until(lambda: run.ssc._generator._stop_after_ms is not None)
    run.advance(1000)
    assert run.ssc.awaitTerminationOrTimeout(PATIENCE_S)
    assert stopped == [1]
    assert [when for when, _ in SEEN] == [1, 2, 3]
    assert checkpoint_of(tmp_path).pending == []


def test_who_sees_that_a_context_has_stopped_may_start_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(str(tmp_path))
    run.ssc.generatedStream(lambda ms: [1]).foreachRDD(collect)
    run.batches(1)
    active: list[object] = []
    plain = object.__setattr__

    def spy(context: StreamingContext, name: str, value: object) -> None:
        plain(context, name, value)
        if name == "state":
            active.append(StreamingContext.getActive())

    monkeypatch.setattr(StreamingContext, "__setattr__", spy)
    run.stop()
    assert active == [None]

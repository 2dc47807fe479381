"""A context that is stopped twice at once, as by a program and by a signal: neither call waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

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

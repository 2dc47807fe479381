from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.streaming import graph_file
from penstock.streaming.checkpoint_files import latest
from penstock.streaming.context import StreamingContext
from penstock.testing import ManualClock
from tests.rdd.conftest import Context

#: How long a test waits for what must happen: a machine may stall for seconds.
PATIENCE_S = 120.0


class Run:
    """A StreamingContext on a manual clock: batches of one second, run one at a time.  With `again` the one that the
    directory holds, at that time (ms)."""

    def __init__(self, directory: str, batch_seconds: float = 1.0, again: int | None = None, **settings: str) -> None:
        self.sc = Context("local[2]", **{"spark.default.parallelism": "1", **settings})
        self.clock = ManualClock(1_000_000_000 if again is None else again)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if again is None:
                self.ssc = StreamingContext(self.sc, batch_seconds, clock=self.clock)
            else:
                self.ssc = graph_file.read(
                    Path(directory), lambda conf, ms: StreamingContext(self.sc, ms / 1000, clock=self.clock)
                )
                self.ssc._recovered = latest(Path(directory))
        self.ssc.checkpoint(directory)
        self.results: list[tuple[int, list[Any]]] = []
        self.done = 0
        self._counting = threading.Lock()  # with concurrent jobs two batches may end at once
        self.ssc.batch_done = self._count(self.ssc.batch_done)

    def _count(self, batch_done: Callable[[Any], None]) -> Callable[[Any], None]:
        """A batch without jobs is not told to listeners, so they cannot count."""

        def counted(batch: Any) -> None:
            try:
                batch_done(batch)
            finally:
                with self._counting:
                    self.done += 1

        return counted

    def keep(self, stream: Any) -> None:
        """Collect each batch of a stream: (seconds since the start, elements)."""

        results = self.results

        def collect(when: Any, rdd: Any) -> None:
            results.append((round(when.timestamp()) - 1_000_000, rdd.collect()))

        stream.foreachRDD(collect)

    def batches(self, number: int) -> list[list[Any]]:
        """Run so many batches; the elements of each batch that was kept since the start."""
        if self.ssc.state == "INITIALIZED":
            self.ssc.start()
        for _ in range(number):
            expected = self.done + 1
            self.advance(self.ssc.batch_ms)
            deadline = time.monotonic() + PATIENCE_S
            while self.done < expected:
                assert time.monotonic() < deadline, "a batch does not end"
                time.sleep(0.0005)
        return [elements for _, elements in self.results]

    def advance(self, milliseconds: int) -> None:
        """Move the time on, once the thread that makes batches waits for it."""
        assert self.clock.wait_for_waiter(PATIENCE_S), "the thread that makes batches does not come back"
        self.clock.advance(milliseconds)

    def stop(self) -> None:
        self.ssc.stop(stopSparkContext=False)
        self.sc._end_jobs("because the test has ended")


@pytest.fixture
def run(tmp_path: Any) -> Iterator[Run]:
    made = Run(str(tmp_path / "checkpoint"))
    yield made
    made.stop()


def outcome(run: Run, inputs: list[Any], stream: Callable[[Any], Any], batches: int | None = None) -> list[Any]:
    """What a function of a queue stream gives batch by batch."""
    run.keep(stream(run.ssc.queueStream([run.sc.parallelize(part, 1) for part in inputs])))
    return run.batches(batches if batches is not None else len(inputs))

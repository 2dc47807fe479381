"""A program of DStreams in this process, on a manual clock, that can be begun again from any disk: a receiver with the
write-ahead log, files, three kinds of state.  Its functions are in a checkpoint by name."""

from __future__ import annotations

import os
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from penstock.streaming import graph_file
from penstock.streaming.checkpoint_files import latest
from penstock.streaming.context import StreamingContext
from penstock.streaming.map_with_state import State, StateSpec
from penstock.streaming.receiver import Receiver
from penstock.testing import ManualClock
from tests.rdd.conftest import Context

START = 1_000_000_000
BATCH = 1000
PATIENCE_S = 60.0
SETTINGS = {"spark.default.parallelism": "1", "spark.streaming.receiver.writeAheadLog.enable": "true"}

#: What the program shows: called with (time in ms, what the batch had).
SHOW: list[Callable[[int, Any], None]] = []


class Given(Receiver):
    """Stores what the test gives it."""

    def onStart(self) -> None:
        """Nothing to start."""


def total(new: list[int], old: int | None) -> int:
    return (old or 0) + sum(new)


def running(key: Any, value: Any, state: State) -> Any:
    state.update((state.getOption() or 0) + value)
    return key, state.get()


def add(one: int, other: int) -> int:
    return one + other


def take_away(one: int, other: int) -> int:
    return one - other


def show(when: Any, rdd: Any) -> None:
    """The only output: received messages, lines of files, and what three states say there were."""
    found: dict[str, Any] = {"received": [], "lines": [], "updated": 0, "mapped": 0, "windowed": 0}
    for kind, value in rdd.collect():
        if kind in ("received", "lines"):
            found[kind].append(value)
        else:
            found[kind] = value
    for call in SHOW:
        call(round(when.timestamp() * 1000), found)


def as_received(n: int) -> tuple[str, int]:
    return "received", n


def as_line(line: str) -> tuple[str, int]:
    return "lines", int(line)


def as_one(_: Any) -> tuple[str, int]:
    return "k", 1


def named(name: str) -> Callable[[Any], tuple[str, int]]:
    return lambda pair: (name, pair[1])


class Program:
    """One process, as it were."""

    def __init__(self, checkpoint: Path, files: Path, now_ms: int = START) -> None:
        self.clock, self._files = ManualClock(now_ms), files
        self._sc = Context("local[2]", **SETTINGS)
        found = latest(checkpoint) if checkpoint.exists() else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if found is None:
                self.ssc = self._new()
            else:
                self.ssc = graph_file.read(checkpoint, lambda conf, ms: self._context())
                self.ssc._recovered = found
        self.ssc.checkpoint(str(checkpoint))
        (self.receiver,) = (s.receiver for s in self.ssc.graph.inputs if hasattr(s, "receiver"))
        self.done: set[int] = set()
        self._after_batch(self.ssc.batch_done)

    def _context(self) -> StreamingContext:
        return StreamingContext(self._sc, BATCH / 1000, clock=self.clock)

    def _new(self) -> StreamingContext:
        ssc = self._context()
        received, lines = ssc.receiverStream(Given()), ssc.textFileStream(str(self._files))
        ones = received.map(as_one).union(lines.map(as_one))
        updated = ones.updateStateByKey(total)
        updated.checkpoint(2)
        mapped = ones.mapWithState(StateSpec.function(running))
        mapped._states.checkpoint(2)
        windowed = ones.reduceByKeyAndWindow(add, take_away, 3600, 1)
        windowed.checkpoint(3)
        states = (updated, "updated"), (mapped.stateSnapshots(), "mapped"), (windowed, "windowed")
        shown = [stream.map(named(name)) for stream, name in states]
        ssc.union(received.map(as_received), lines.map(as_line), *shown).foreachRDD(show)
        return ssc

    def _after_batch(self, batch_done: Callable[[Any], None]) -> None:
        def counted(batch: Any) -> None:
            try:
                batch_done(batch)
            finally:
                self.done.add(batch.time_ms)

        self.ssc.batch_done = counted  # type: ignore[method-assign]

    def until(self, condition: Callable[[], Any]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"it does not happen; {self.ssc._error!r}"
            time.sleep(0.0005)

    def batch(self) -> None:
        """The time of the next batch comes, and it is done, or cannot even be kept."""
        assert self.clock.wait_for_waiter(PATIENCE_S)
        due = (self.clock.now_ms() // BATCH + 1) * BATCH
        self.clock.set(due)
        self.until(lambda: due in self.done or due in self.ssc._failed)

    def stop(self) -> None:
        self.ssc.stop(stopSparkContext=False)
        self._sc._end_jobs("because the program has ended")


class Source:
    """What the program is given: messages, until they are acknowledged, and files.  Outside of the disk that fails."""

    def __init__(self, files: Path, messages: int = 14, most: int = 5) -> None:
        self.files, self.messages, self.most = files, messages, most
        self.acknowledged = self.added = 0
        #: The messages of blocks that were stored or not when an end came: they are sent again.
        self.in_doubt: set[int] = set()

    @property
    def is_empty(self) -> bool:
        """Whether everything has been given."""
        return self.acknowledged == self.messages and self.added == self.most

    def send(self, program: Program, count: int) -> None:
        """The next messages, as one block; an error means that they are not acknowledged."""
        last = min(self.acknowledged + count, self.messages)
        if last > self.acknowledged:
            program.receiver.store(list(range(self.acknowledged, last)))
            self.acknowledged = last

    def add(self, now_ms: int) -> None:
        """A file of two lines, if there is to be another one."""
        if self.added < self.most:
            path = self.files / f"f{self.added}"
            path.write_text(f"{2 * self.added}\n{2 * self.added + 1}\n")
            os.utime(path, (now_ms / 1000,) * 2)
            self.added += 1

    def back_to(self, acknowledged: int, times: list[int]) -> None:
        """As it was when an end came: files were added at these times."""
        for path in self.files.iterdir():
            path.unlink()
        self.acknowledged, self.added = acknowledged, 0
        self.in_doubt |= set(range(acknowledged, acknowledged + 2))
        for now_ms in times:
            self.add(now_ms)


def check(shown: list[tuple[int, Any]], source: Source) -> None:
    """Every batch has one content, however often it ran; nothing is lost; only what was in doubt is there twice; the
    states are what the batches say."""
    batches: dict[int, Any] = {}
    for when, found in shown:
        assert batches.setdefault(when, found) == found, f"the batch of {when} ran again with something else"
    times = sorted(batches)
    assert times == list(range(times[0], times[-1] + 1, BATCH)), f"batches are missing: {times}"
    received = Counter(n for found in batches.values() for n in found["received"])
    assert set(received) == set(range(source.messages)), f"messages are lost: {sorted(received)}"
    assert {n for n, count in received.items() if count > 1} <= source.in_doubt, received
    lines = Counter(n for found in batches.values() for n in found["lines"])
    assert lines == Counter(range(2 * source.most)), f"lines: {lines}"
    count = 0
    for when in times:
        found = batches[when]
        count += len(found["received"]) + len(found["lines"])
        states = found["updated"], found["mapped"], found["windowed"]
        assert states == (count,) * 3, f"at {when} there were {count}: {found}"

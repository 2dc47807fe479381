"""A program of DStreams that is killed, or whose machine fails, between any two of its calls to the system, and one of
whose calls fails: started again, it has what was acknowledged, each batch as it was, and states that fit.

PENSTOCK_CRASH_MOMENTS sets how many moments are tried.
"""

from __future__ import annotations

import errno
import os
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.streaming import checkpoints, wal
from tests.crash import traced_program
from tests.crash.traced_disk import Moment, content_of, in_memory
from tests.crash.traced_program import BATCH, START, Program, Source, check
from tests.crash.tracing import Tracer

MOMENTS = int(os.environ.get("PENSTOCK_CRASH_MOMENTS", "60"))
BATCHES = 6


class Run:
    """The processes of one program, one after the other, and all that they have shown."""

    def __init__(self, base: Path) -> None:
        self.root, self._files = base / "disk", base / "in"
        self.begin()

    def begin(self) -> None:
        """Nothing has run yet."""
        for place in (self.root, self._files):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
        self.source, self.now_ms = Source(self._files), START
        self.shown: list[tuple[int, Any]] = []
        self.errors: list[BaseException] = []

    def back_to(self, moment: Moment) -> None:
        """The disk, the source and the clock at an end."""
        moment.restore(self.root)
        marks = moment.marks
        self.shown = [(mark[1], mark[2]) for mark in marks if mark[0] == "shown"]
        self.source.in_doubt = set()
        for acknowledged in [0, *(mark[1] for mark in marks if mark[0] == "stopped")]:
            self.source.in_doubt |= set(range(acknowledged, acknowledged + 2))
        self.source.back_to(
            max([mark[1] for mark in marks if mark[0] == "acknowledged"], default=0),
            [mark[1] for mark in marks if mark[0] == "file"],
        )
        self.now_ms = max([mark[1] for mark in marks if mark[0] == "clock"], default=START)

    def process(self, batches: int | None = None, tracer: Tracer | None = None) -> None:
        """From start to stop: so many batches, or until all data is in one, and one more."""
        traced_program.SHOW[:] = [lambda when, found: self._show(when, found, tracer)]
        program = Program(self.root / "checkpoint", self._files, self.now_ms)
        try:
            program.ssc.start()
            left = batches
            while not self.source.is_empty if left is None else left > 0:
                self._batch(program, tracer)
                left = None if left is None else left - 1
            if batches is None:
                program.batch()
            if program.ssc._error is not None:
                self.errors.append(program.ssc._error)
        finally:
            program.stop()
            self.now_ms = program.clock.now_ms()

    def again(self, tracer: Tracer | None = None) -> None:
        """A process after an end: it comes a batch and a half later, and does all that is left to do."""
        if tracer is not None:
            tracer.mark(("stopped", self.source.acknowledged))
        self.now_ms += BATCH + BATCH // 2
        self._mark(tracer, "clock", self.now_ms)
        self.process(tracer=tracer)
        assert self.errors == []

    def _batch(self, program: Program, tracer: Tracer | None) -> None:
        now_ms, before = program.clock.now_ms() + 1, self.source.added
        self.source.add(now_ms)
        if self.source.added > before:
            self._mark(tracer, "file", now_ms)
        for count in (2, 1):
            try:
                self.source.send(program, count)
            except OSError as error:
                self.errors.append(error)
            self._mark(tracer, "acknowledged", self.source.acknowledged)
        program.batch()
        self._mark(tracer, "clock", program.clock.now_ms())

    def _show(self, when: int, found: Any, tracer: Tracer | None) -> None:
        self.shown.append((when, found))
        self._mark(tracer, "shown", when, found)

    def _mark(self, tracer: Tracer | None, *what: Any) -> None:
        if tracer is not None:
            tracer.mark(what)

    def first(self) -> Tracer:
        """A process that nothing befalls."""
        self.begin()
        tracer = Tracer(self.root)
        with tracer.recording():
            self.process(BATCHES, tracer)
        check(self.shown, self.source)
        return tracer


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setattr(checkpoints, "LINES", 3)
    monkeypatch.setattr(wal, "SEGMENT_BYTES", 60)
    with in_memory() as base:
        yield Run(base)
    traced_program.SHOW.clear()


def some(numbers: range, most: int) -> list[int]:
    """So many of them, from first to last."""
    return sorted(random.Random(7).sample(numbers, min(most, len(numbers))))


def test_an_end_between_any_two_calls(run: Run) -> None:
    moments = run.first().moments()
    assert len(moments) > 80
    for number in some(range(len(moments)), MOMENTS):
        try:
            run.back_to(moments[number])
            run.again()
            check(run.shown, run.source)
            assert left_over(run.root) == []
        except BaseException as error:
            raise AssertionError(f"{moments[number]}: {error}") from error


def test_two_ends_one_after_the_other(run: Run) -> None:
    moments, chance = run.first().moments(), random.Random(11)
    for _ in range(min(20, MOMENTS)):
        first = chance.choice(moments)
        run.back_to(first)
        tracer = Tracer(run.root)
        for mark in first.marks:
            tracer.mark(mark)
        with tracer.recording():
            run.again(tracer)
        second = chance.choice([moment for moment in tracer.moments() if len(moment.marks) > len(first.marks)])
        try:
            run.back_to(second)
            run.again()
            check(run.shown, run.source)
        except BaseException as error:
            raise AssertionError(f"{first}, then {second}: {error}") from error


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
def test_a_call_that_fails(run: Run, number: int) -> None:
    """Some batches later the process ends; the next one has everything."""
    calls = run.first().fallible
    for call in some(range(1, calls + 1), MOMENTS // 2):
        run.begin()
        failing = Tracer(run.root, (call, number))
        try:
            with failing.recording():
                run.process(2 + call % 3 + call * BATCHES // calls)
        except OSError as error:  # it did not even start
            run.errors.append(error)
        assert run.errors or not failing.failed, failing.failed[0]
        run.errors = []
        try:
            run.again()
            check(run.shown, run.source)
        except BaseException as error:
            raise AssertionError(f"{failing.failed}: {error}") from error


def left_over(root: Path) -> list[str]:
    """Half-written files, and data of streams that no checkpoint names."""
    content = content_of(root)
    named = "".join(data.decode() for path, data in content.items() if "/checkpoint-" in path and data)
    data = {path for path in content if re.fullmatch(r"checkpoint/[-0-9a-f]{36}/[^/]+", path)}
    return [path for path in content if path.endswith(".tmp")] + [path for path in data if path not in named]

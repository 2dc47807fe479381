"""`check_stream`: a test of a streaming query as a list of steps, after Spark's StreamTest."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock.core.clock import Clock
from penstock.runtime.query import StreamingQuery
from penstock.runtime.trigger import AvailableNow, Once, ProcessingTime
from penstock.testing.clock import ManualClock
from penstock.testing.collect_sink import FORMAT, Collected
from penstock.testing.session import server_session, use_clock
from penstock.testing.steps import AdvanceManualClock, CrashAt, StartStream, Step

DEFAULT_TIMEOUT_MS = 30_000


def check_stream(
    df: Any,
    *steps: Step,
    output_mode: str = "append",
    clock: ManualClock | None = None,
    checkpoint: str | Path | None = None,
    timeout_ms: int = DEFAULT_TIMEOUT_MS,
) -> None:
    """Run the streaming DataFrame `df` through the steps; AssertionError at the first that does not hold, with all
    steps (the failing one marked), the query's progress, offsets, result and plan.

    The query is started before the first step unless that is a StartStream.  All its runs share one checkpoint (a
    temporary directory, if none is given) and one sink, which keeps each batch once.  A `clock` stands still unless
    AdvanceManualClock moves it; with such a step there is one anyway.  timeout_ms bounds each wait.

    >>> numbers = MemoryStream("n long")                                                        # doctest: +SKIP
    >>> check_stream(numbers.to_df(spark).select(F.col("n") * 2),                               # doctest: +SKIP
    ...     AddData(numbers, 1, 2), CheckAnswer(2, 4), StopStream(), AddData(numbers, 3),
    ...     StartStream(), CheckNewAnswer(2, 4, 6))
    """
    with tempfile.TemporaryDirectory(prefix="penstock-stream-test-") as directory:
        needs_clock = any(isinstance(step, AdvanceManualClock) for step in _flat(steps))
        test = StreamTest(df, output_mode, Path(checkpoint or directory), timeout_ms)
        used = clock or (ManualClock() if needs_clock else None)
        if used is None:
            test.run(steps)
            return
        with use_clock(df.sparkSession, used):
            test.use(used)
            test.run(steps)


def _flat(steps: Sequence[Step]) -> list[Step]:
    return [inner for step in steps for inner in (step, *(step.steps if isinstance(step, CrashAt) else ()))]


class StreamTest:
    """What the steps work on: one query, started again and again on one checkpoint."""

    def __init__(self, df: Any, output_mode: str, checkpoint: Path, timeout_ms: int) -> None:
        self.df = df
        self.output_mode = output_mode
        self.checkpoint = checkpoint
        self.timeout_ms = timeout_ms
        self.collected = Collected()
        self._clock: ManualClock | None = None
        self._query: StreamingQuery | None = None
        self._taken: dict[int, list[Any]] = {}

    def run(self, steps: Sequence[Step]) -> None:
        """All steps; the query is stopped at the end, whatever happens."""
        if not steps or not isinstance(steps[0], StartStream):
            steps = [StartStream(), *steps]
        try:
            for index, step in enumerate(steps):
                self._run_step(steps, index, step)
        finally:
            if self._query is not None:
                self._query.stop()

    def _run_step(self, steps: Sequence[Step], index: int, step: Step) -> None:
        try:
            step.run(self)
        except Exception as error:
            raise AssertionError(self._report(steps, index, error)) from error

    # ------------------------------------------------------------ what steps ask

    @property
    def clock(self) -> ManualClock:
        """The manual clock of the test."""
        assert self._clock is not None, "the test has no manual clock"
        return self._clock

    def use(self, clock: ManualClock) -> None:
        """The query will take its time from this clock."""
        self._clock = clock

    def known(self) -> StreamingQuery:
        """The query, running or ended."""
        assert self._query is not None, "the query has not been started"
        return self._query

    def running(self) -> StreamingQuery:
        """The query, which must be running."""
        query = self.known()
        assert self._is_active(query), "the query does not run"
        return query

    def start(self, trigger: Mapping[str, Any], conf: Mapping[str, str]) -> None:
        """Start the query on the test's checkpoint."""
        assert self._query is None or not self._query.is_active, "the query runs already"
        for key, value in conf.items():
            self.df.sparkSession.conf.set(key, value)
        writer = self.df.writeStream.format(FORMAT).option("id", self.collected.id).outputMode(self.output_mode)
        writer = writer.option("checkpointLocation", str(self.checkpoint))
        started = (writer.trigger(**trigger) if trigger else writer).start()
        self._query = server_session(self.df.sparkSession).streams.find(started.id, started.runId)

    @staticmethod
    def _is_active(query: StreamingQuery) -> bool:
        """Raises the query's exception if it failed: asked last, as it is there before the query is over."""
        is_active = query.is_active
        if query.exception is not None:
            raise query.exception
        return is_active

    def settle(self) -> None:
        """Wait until the query has nothing to do (manual clock and trigger interval: until it waits for the clock)."""
        query = self.known()
        if not self._is_active(query):
            return
        if isinstance(query.spec.trigger, (Once, AvailableNow)):
            done = query.await_termination(self.timeout_ms)
        elif _triggers_by_manual_clock(query):
            done = self._wait_for_clock(query, self.clock)
        else:
            done = query.process_all_available(self.timeout_ms)
        assert done, f"the query was not done within {self.timeout_ms} ms"

    def before_data(self) -> None:
        """Wait until a query that triggers by the manual clock waits for it, so that it is certain which trigger sees
        what is added now."""
        query = self._query
        if query is not None and query.is_active and _triggers_by_manual_clock(query):
            self.settle()

    def _wait_for_clock(self, query: StreamingQuery, clock: ManualClock) -> bool:
        deadline = time.monotonic() + self.timeout_ms / 1000
        while query.is_active and time.monotonic() < deadline:
            if clock.wait_for_waiter(0.05):
                return True
        if query.exception is not None:
            raise query.exception
        return False

    def take_new_rows(self) -> list[Any]:
        """The rows that have come since the last call."""
        batches = dict(self.collected.batches)
        if self.collected.complete:
            return self.collected.last
        new = [row for batch in sorted(batches) if batch not in self._taken for row in batches[batch]]
        self._taken = batches
        return new

    # ------------------------------------------------------------ when a step fails

    def _report(self, steps: Sequence[Step], failing: int, error: Exception) -> str:
        marked = "\n".join(f"{'=>' if i == failing else '  '} {step!r}" for i, step in enumerate(steps))
        sections = {"Steps": marked, "Result by batch": _lines(self.collected.batches), **self._query_sections()}
        text = "\n\n".join(f"== {title} ==\n{content}" for title, content in sections.items())
        return f"{error}\n\n{text}\n"

    def _query_sections(self) -> dict[str, str]:
        query = self._query
        if query is None:
            return {"Query": "not started"}
        clock: Clock = query.spec.clock
        state = f"{query.identity.label}\nactive: {query.is_active}\nstatus: {query.status}\nclock: {clock.now_ms()} ms"
        return {
            "Query": state,
            "Progress": "\n".join(json.dumps(progress, default=str) for progress in query.recent_progress[-3:]),
            "Offsets": _offsets(self.checkpoint / "offsets"),
            "Committed batches": ", ".join(sorted(_names(self.checkpoint / "commits"), key=int)),
            "Sink": self.collected.__class__.__name__ + f", {len(self.collected.rows)} rows",
            "Plan": query.explain(extended=True),
        }


def _triggers_by_manual_clock(query: StreamingQuery) -> bool:
    trigger = query.spec.trigger
    by_interval = isinstance(trigger, ProcessingTime) and trigger.interval_ms > 0
    return by_interval and isinstance(query.spec.clock, ManualClock)


def _lines(batches: Mapping[int, Any]) -> str:
    return "\n".join(f"{batch}: {rows}" for batch, rows in sorted(batches.items())) or "no batch"


def _names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir() if path.name.isdigit()] if directory.exists() else []


def _offsets(directory: Path) -> str:
    names = sorted(_names(directory), key=int)
    return "\n".join(f"{name}: {' | '.join((directory / name).read_text().split(chr(10))[2:])}" for name in names)

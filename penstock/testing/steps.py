"""The steps of `check_stream`, after Spark's StreamTest."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from penstock.runtime.errors import StreamingQueryException
from penstock.runtime.query import StreamingQuery
from penstock.testing.crash import SimulatedCrash, crash_at
from penstock.testing.memory_stream import MemoryStream

if TYPE_CHECKING:
    from penstock.testing.stream_test import StreamTest


class Step(Protocol):
    """One step; raises AssertionError when what it checks does not hold."""

    def run(self, test: StreamTest) -> None:
        """Do it."""


@dataclass(frozen=True)
class StartStream:
    """Start the query, on the same checkpoint every time.  trigger: as for `writeStream.trigger`
    (`{"processingTime": "1 second"}`; {}: as soon as there is data).  conf: settings of the session from now on."""

    trigger: Mapping[str, Any] = field(default_factory=dict)
    conf: Mapping[str, str] = field(default_factory=dict)

    def run(self, test: StreamTest) -> None:
        test.start(self.trigger, self.conf)


@dataclass(frozen=True)
class StopStream:
    """Stop the query in order; it must not have failed."""

    def run(self, test: StreamTest) -> None:
        test.running().stop()


class AddData:
    """Add rows to a MemoryStream.  A running query may see them at once; one that triggers by a manual clock sees them
    at its next trigger, for they are added while it waits for the clock."""

    def __init__(self, stream: MemoryStream, *rows: Any) -> None:
        self.stream = stream
        self.rows = rows

    def __repr__(self) -> str:
        return f"AddData({', '.join(map(repr, self.rows))})"

    def run(self, test: StreamTest) -> None:
        test.before_data()
        self.stream.add_data(self.rows)


@dataclass(frozen=True)
class ProcessAllAvailable:
    """Wait until the query has nothing to do."""

    def run(self, test: StreamTest) -> None:
        test.settle()


@dataclass(frozen=True)
class AdvanceManualClock:
    """Wait until the query waits for the clock, then move the clock on."""

    milliseconds: int

    def run(self, test: StreamTest) -> None:
        test.settle()
        test.clock.advance(self.milliseconds)


class _Check:
    """Compares rows in any order: tuples, Rows, or bare values for one column."""

    def __init__(self, *rows: Any) -> None:
        self.expected = rows

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.expected))})"

    def run(self, test: StreamTest) -> None:
        """Let the query catch up, then compare."""
        test.settle()
        compare(self._actual(test), self.expected)

    def _actual(self, test: StreamTest) -> Sequence[Any]:
        raise NotImplementedError


class CheckAnswer(_Check):
    """All rows of the result so far (complete mode: the last batch's) are these."""

    def _actual(self, test: StreamTest) -> Sequence[Any]:
        return test.collected.rows


class CheckLastBatch(_Check):
    """The rows of the last batch are these."""

    def _actual(self, test: StreamTest) -> Sequence[Any]:
        return test.collected.last


class CheckNewAnswer(_Check):
    """The rows that have come since the last CheckNewAnswer are these."""

    def _actual(self, test: StreamTest) -> Sequence[Any]:
        return test.take_new_rows()


class CrashAt:
    """Crash the query at a named point of a batch (`penstock.core.faults.POINTS`) that `steps` make it run; then a
    StartStream goes on from the same checkpoint.  nth: the how-many-eth pass of the point crashes."""

    def __init__(self, point: str, *steps: Step, nth: int = 1) -> None:
        self.point = point
        self.steps = steps
        self.nth = nth

    def __repr__(self) -> str:
        return f"CrashAt({', '.join([repr(self.point), *map(repr, self.steps)])}, nth={self.nth})"

    def run(self, test: StreamTest) -> None:
        query = test.running()
        with crash_at(self.point, self.nth, query.thread_name) as plan:
            for step in self.steps:
                step.run(test)
            failure = failure_of(query, test.timeout_ms)
        assert plan.crashed, f"the point {self.point} was passed {plan.passed} times only"
        assert failure is not None and isinstance(failure.cause, SimulatedCrash), f"it failed otherwise: {failure}"


class ExpectFailure:
    """The query ends by an error: with this condition (its own or its cause's), and with a text that `match` (a regular
    expression) is found in."""

    def __init__(self, condition: str | None = None, match: str | None = None) -> None:
        self.condition = condition
        self.match = match

    def __repr__(self) -> str:
        return f"ExpectFailure(condition={self.condition!r}, match={self.match!r})"

    def run(self, test: StreamTest) -> None:
        failure = failure_of(test.known(), test.timeout_ms)
        assert failure is not None, "the query did not fail"
        conditions = (failure.condition, failure.cause_condition)
        assert self.condition in (None, *conditions), f"it failed with {conditions}: {failure}"
        assert self.match is None or re.search(self.match, str(failure)), f"it failed with another text: {failure}"


class AssertOnQuery:
    """`check` of the query (`penstock.runtime.query.StreamingQuery`), when it has nothing to do, is true (or None)."""

    def __init__(self, check: Callable[[StreamingQuery], object], message: str = "") -> None:
        self.check = check
        self.message = message

    def __repr__(self) -> str:
        return f"AssertOnQuery({self.message or getattr(self.check, '__name__', self.check)})"

    def run(self, test: StreamTest) -> None:
        test.settle()
        assert self.check(test.known()) in (True, None), self.message or "the assertion on the query does not hold"


def failure_of(query: StreamingQuery, timeout_ms: int) -> StreamingQueryException | None:
    """The exception by which the query ends within the time; None when it goes on or ends in order."""
    query.wake()
    try:
        query.await_termination(timeout_ms)
    except StreamingQueryException as failure:
        return failure
    return None


def compare(actual: Sequence[Any], expected: Sequence[Any]) -> None:
    """Both hold the same rows, in any order; says what is missing and what is too much."""
    have, want = (Counter(repr(_plain(row)) for row in rows) for rows in (actual, expected))
    if have != want:
        missing, surplus = sorted((want - have).elements()), sorted((have - want).elements())
        raise AssertionError(f"rows missing: {missing}; rows not expected: {surplus}")


def _plain(row: Any) -> Any:
    return tuple(row) if isinstance(row, (tuple, list)) else (row,)

"""Crash a query inside the test's own process, at a named point of its batch (`penstock.core.faults.POINTS`)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from penstock.core import faults


class SimulatedCrash(BaseException):
    """Ends a query's thread as a kill ends a process: nothing of the batch goes on.  Not an Exception, so that no
    handler for errors holds it up."""


class CrashPlan:
    """Whether and how often an armed point was passed."""

    def __init__(self, point: str, nth: int) -> None:
        self.point = point
        self.nth = nth
        self.passed = 0
        self._lock = threading.Lock()

    @property
    def crashed(self) -> bool:
        """Whether the crash has happened."""
        return self.passed >= self.nth

    def is_due(self) -> bool:
        """The point is passed: whether to crash now (of several threads, one is told so)."""
        with self._lock:
            self.passed += 1
            return self.passed == self.nth


@contextmanager
def crash_at(point: str, nth: int = 1, thread_name: str | None = None) -> Iterator[CrashPlan]:
    """Within the block, raise SimulatedCrash when `point` is passed for the nth time (by the thread of that name only,
    if one is given).  Raises ValueError for a point that does not exist."""
    if point not in faults.POINTS:
        raise ValueError(f"there is no point {point!r}; the points are {', '.join(faults.POINTS)}")
    plan = CrashPlan(point, nth)

    def hook() -> None:
        if thread_name is not None and threading.current_thread().name != thread_name:
            return
        if plan.is_due():
            raise SimulatedCrash(f"at {point}, pass {nth}")

    before = faults.hooks.get(point)
    faults.hooks[point] = hook
    try:
        yield plan
    finally:
        if before is None:
            del faults.hooks[point]
        else:
            faults.hooks[point] = before

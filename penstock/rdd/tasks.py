"""One running task, and what user code can ask about it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

_running = threading.local()


class TaskCancelled(BaseException):
    """Raised inside a task whose job was cancelled.  Not an Exception: user code that catches those must not catch
    it."""


class Readable(Protocol):
    """Elements that can be read again and again."""

    def read(self) -> list[Any]:
        """They, by value."""
        ...


@dataclass(eq=False)
class Task:
    """One partition of one stage, being computed."""

    index: int
    stage: int
    id: int
    attempt: int = 0
    properties: dict[str, str | None] = field(default_factory=dict)
    #: By accumulator id: what this task added.  Counts only when the task succeeds.
    added: dict[int, Any] = field(default_factory=dict)
    barrier: threading.Barrier | None = None
    gathered: list[Any] | None = None
    #: By node of the driver and partition: what this task has computed that is to be kept, pickled.
    kept: dict[tuple[int, int], bytes] = field(default_factory=dict)
    #: By node and partition: what was computed first because the lineage is deep (deep.py).
    found: dict[tuple[int, int], Readable] = field(default_factory=dict)
    #: Called when the task's job is cancelled.
    on_cancel: list[Callable[[], None]] = field(default_factory=list)
    #: Called when the task ends, with its error or None.
    at_end: list[Callable[[BaseException | None], None]] = field(default_factory=list)


def current() -> Task | None:
    """The task that this thread runs."""
    return getattr(_running, "task", None)


@contextmanager
def running(task: Task) -> Iterator[None]:
    """For the time of the block this thread runs the task."""
    before = current()
    _running.task = task
    try:
        yield
    finally:
        _running.task = before

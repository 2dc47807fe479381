"""Where tasks run: threads of this process."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Protocol

Work = Callable[[], None]


class Executor(Protocol):
    """Runs pieces of work side by side.  A piece handles its own errors."""

    slots: int

    def submit(self, work: Work) -> None:
        """Run it when a slot is free."""
        ...

    def stop(self) -> None:
        """Take no more work; idle threads end."""
        ...


class Threads:
    """As many daemon threads as slots, started when they are first needed."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    def submit(self, work: Work) -> None:
        """Run it when a thread is free."""
        with self._lock:
            if len(self._threads) < self.slots:
                name = f"penstock task {len(self._threads)}"
                thread = threading.Thread(target=self._serve, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        self._queue.put(work)

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            work()

    def stop(self) -> None:
        """Threads end when they are idle."""
        for _ in self._threads:
            self._queue.put(None)

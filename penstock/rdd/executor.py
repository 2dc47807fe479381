"""Where tasks run: threads of this process."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Protocol

_log = logging.getLogger(__name__)

Work = Callable[[], None]


class Executor(Protocol):
    """Runs pieces of work side by side.  A piece handles its own errors."""

    slots: int

    def submit(self, work: Work) -> None:
        """Run it when a slot is free."""
        ...

    def replace(self, threads: set[int]) -> None:
        """These threads are stuck in work that nobody waits for: others take their slots."""
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
        self._replaced: set[int] = set()
        self._started = 0
        self._lock = threading.Lock()

    def submit(self, work: Work) -> None:
        """Run it when a thread is free."""
        with self._lock:
            if len(self._threads) < self.slots:
                self._start_one()
        self._queue.put(work)

    def _start_one(self) -> None:
        name = f"penstock task {self._started}"
        self._started += 1
        thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                work()
            except BaseException:
                _log.exception("A task ended in a way that it should not")
            del work  # it holds the results of its stage, and the next one may be long in coming
            if threading.get_ident() in self._replaced:
                self._replaced.discard(threading.get_ident())
                return

    def replace(self, threads: set[int]) -> None:
        """They end when their work does; new ones are started at once, as other work may wait for them already."""
        with self._lock:
            stuck = [thread for thread in self._threads if thread.ident in threads]
            self._replaced.update(thread.ident for thread in stuck if thread.ident is not None)
            self._threads = [thread for thread in self._threads if thread not in stuck]
            for _ in stuck:
                self._start_one()

    def stop(self) -> None:
        """Threads end when they are idle."""
        with self._lock:
            for _ in self._threads:
                self._queue.put(None)

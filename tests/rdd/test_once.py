"""What a context makes when it is first asked for is one thing, whichever threads ask."""

from __future__ import annotations

import threading
from typing import Any

from penstock.rdd.once import once
from tests.rdd.conftest import PATIENCE_S, Context


class Thing:
    def __init__(self) -> None:
        self.made: list[int] = []
        self.begun, self.go = threading.Event(), threading.Event()

    @once
    def part(self) -> object:
        self.made.append(1)
        self.begun.set()
        self.go.wait(PATIENCE_S)
        return object()


def test_two_threads_get_the_same() -> None:
    thing, found = Thing(), []
    threads = [threading.Thread(target=lambda: found.append(thing.part)) for _ in range(2)]
    threads[0].start()
    assert thing.begun.wait(PATIENCE_S)
    threads[1].start()
    threads[1].join(0.2)  # time to make its own, if it may
    thing.go.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(thing.made) == 1 and found[0] is found[1] is thing.part


def test_a_context_has_one_scheduler() -> None:
    sc: Any = Context("local[2]")
    ready, found = threading.Barrier(8), []

    def ask() -> None:
        ready.wait(PATIENCE_S)
        found.append((sc._scheduler, sc._thread))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert len(set(found)) == 1

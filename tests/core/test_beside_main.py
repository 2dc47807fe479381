"""Calls beside the main thread: their results and errors, and what a signal's handler raises meanwhile."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from penstock.core.beside_main import beside_main


class Came(BaseException):
    """What the handler raises."""


@pytest.fixture
def raising() -> Iterator[None]:
    def raises(*_: object) -> None:
        raise Came

    before = signal.signal(signal.SIGUSR1, raises)
    yield
    signal.signal(signal.SIGUSR1, before)


def nothing() -> None:
    raise AssertionError("there was no signal")


def test_a_result_comes_from_another_thread() -> None:
    assert beside_main(threading.get_ident, nothing) != threading.get_ident()


def test_elsewhere_the_call_is_made_where_it_is() -> None:
    found: list[bool] = []
    thread = threading.Thread(
        target=lambda: found.append(beside_main(threading.get_ident, nothing) == threading.get_ident())
    )
    thread.start()
    thread.join()
    assert found == [True]


@pytest.mark.parametrize("error", [TimeoutError, ValueError, Came])
def test_an_error_is_the_calls_own(error: type[BaseException]) -> None:
    def fails() -> None:
        raise error("its own")

    with pytest.raises(error, match="its own"):
        beside_main(fails, nothing)


def test_a_signal_ends_the_call(raising: None) -> None:
    told, ended = threading.Event(), threading.Event()

    def waits() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        told.wait()
        ended.set()

    with pytest.raises(Came):
        beside_main(waits, told.set)
    assert ended.is_set(), "nobody waits for it any more"
    assert beside_main(lambda: 1, nothing) == 1


def test_an_interrupt_that_is_forgotten_comes_again(raising: None) -> None:
    """As DuckDB forgets one that comes before a statement begins."""
    told, interrupts = threading.Event(), []

    def waits() -> None:
        os.kill(os.getpid(), signal.SIGUSR1)
        told.wait()

    def interrupt() -> None:
        interrupts.append("once")
        if len(interrupts) == 3:
            told.set()

    with pytest.raises(Came):
        beside_main(waits, interrupt)
    assert len(interrupts) == 3

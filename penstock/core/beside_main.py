"""Calls of DuckDB that the main thread waits for, made in a thread beside it.

A signal's handler runs in the main thread, between two Python instructions; of what it raises while DuckDB runs there,
DuckDB makes a RuntimeError: a Ctrl-C would be lost in it, or would wait for the end of the query.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")

#: How long the main thread waits at once.
_SLICE_S = 0.25


def beside_main(call: Callable[[], _T], interrupt: Callable[[], object]) -> _T:
    """The result of `call`.  What a signal's handler raises meanwhile comes out at once, `interrupt`, which has to make
    the call end, having been called until it did."""
    if threading.current_thread() is not threading.main_thread():
        return call()
    running = _worker().submit(call)
    try:
        return _awaited(running)
    except BaseException:
        while not running.done():
            interrupt()  # again and again: DuckDB forgets one that comes before the call, or between two statements
            wait([running], _SLICE_S / 5)
        raise


def _awaited(running: Future[_T]) -> _T:
    """The result.  Waits a little at a time: a signal that comes while the process is stopped is taken by any thread,
    which does not wake the main one."""
    while True:
        try:
            return running.result(_SLICE_S)
        except TimeoutError:
            if running.done():  # by now, or the error is the call's own
                return running.result()


class _Worker:
    """A daemon thread that runs one call after the other (an executor's threads would keep the process from ending)."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        threading.Thread(target=self._run, name="penstock query", daemon=True).start()

    def submit(self, call: Callable[[], _T]) -> Future[_T]:
        future: Future[_T] = Future()
        self._calls.put((call, future))
        return future

    def _run(self) -> None:
        while True:
            call, future = self._calls.get()
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)
            del call, future  # what they hold would outlive the interpreter's own clean-up


@functools.cache
def _worker() -> _Worker:
    return _Worker()

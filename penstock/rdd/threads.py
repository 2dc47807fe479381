"""Threads that start jobs for the thread that made them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class InheritableThread(threading.Thread):
    """A thread whose jobs have the local properties and tags that the thread had which started it.  Works with or
    without a session."""

    def __init__(self, target: Callable[..., Any], *args: Any, session: Any = None, **kwargs: Any) -> None:
        self._session = session
        self._inherited: tuple[dict[str, str | None], frozenset[str], set[str]] = ({}, frozenset(), set())

        def run(*a: Any, **k: Any) -> Any:
            self._take_over()
            return target(*a, **k)

        super().__init__(None, run, *args, **kwargs)

    def start(self) -> None:
        """Start it; properties are those of this moment."""
        context = _active()
        tags = set(getattr(self._session.client.thread_local, "tags", ())) if self._session is not None else set()
        if context is not None:
            self._inherited = (dict(context._thread.properties), context._thread.tags, tags)
        super().start()

    def _take_over(self) -> None:
        properties, job_tags, tags = self._inherited
        context = _active()
        if context is not None:
            context._thread.properties, context._thread.tags = dict(properties), job_tags
        if self._session is not None:
            self._session.client.thread_local.tags = tags


def _active() -> Any:
    from pyspark import SparkContext

    return SparkContext._active_spark_context


def inheritable_thread_target(f: Any) -> Any:
    """A function that, run in another thread, starts jobs with the properties of the thread that called this."""
    import functools

    if not callable(f):  # given a session: a decorator
        return inheritable_thread_target
    context = _active()
    properties = dict(context._thread.properties) if context is not None else {}
    tags = context._thread.tags if context is not None else frozenset()

    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        here = _active()
        if here is not None:
            here._thread.properties, here._thread.tags = dict(properties), tags
        return f(*args, **kwargs)

    return run

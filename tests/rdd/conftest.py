from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyspark.conf import SparkConf

from penstock.rdd.context import RDDCalls


class Context(RDDCalls):
    """A SparkContext without a session."""

    def __init__(self, master: str = "local[4]", **settings: str) -> None:
        self.master = master
        self.settings = settings

    def getConf(self) -> SparkConf:
        return SparkConf().setAll(list(self.settings.items()))

    def _setting(self, key: str, default: str) -> str:
        return self.settings.get(key, default)


#: How long a test waits for what must happen: a machine may stall for seconds.
PATIENCE_S = 120.0


def until(condition: Callable[[], Any], seconds: float = PATIENCE_S) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.002)


@pytest.fixture
def sc() -> Iterator[Any]:
    context = Context()
    yield context
    context._end_jobs("because the test has ended")

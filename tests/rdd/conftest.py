from __future__ import annotations

from collections.abc import Iterator
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


@pytest.fixture
def sc() -> Iterator[Any]:
    context = Context()
    yield context
    context._end_jobs("because the test has ended")

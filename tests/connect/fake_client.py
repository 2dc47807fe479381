"""The real client API without a server: DataFrames whose plans can be turned into messages."""

from __future__ import annotations

import functools
from typing import Any
from unittest.mock import MagicMock

import pyspark.sql.connect.proto as pb
from pyspark.sql.connect.dataframe import DataFrame
from pyspark.sql.connect.plan import DataSource, LogicalPlan, Range, Read
from pyspark.sql.connect.session import SparkSession


@functools.cache
def session() -> Any:
    """A session that makes plans and never talks."""
    fake = MagicMock(spec=SparkSession)
    fake._client = fake.client = MagicMock()
    fake._session_id = fake.session_id = "one"
    return fake


def range_frame() -> DataFrame:
    """spark.range(10)"""
    return DataFrame(Range(0, 10, 1), session())


def table_frame(name: str) -> DataFrame:
    """spark.table(name)"""
    return DataFrame(Read(name), session())


def stream_frame() -> DataFrame:
    """spark.readStream.format("rate").load()"""
    return DataFrame(DataSource(format="rate", options={"rowsPerSecond": "5"}, is_streaming=True), session())


def message(frame: Any) -> pb.Relation:
    """What the client sends for a DataFrame (or a plan of it)."""
    plan: LogicalPlan = frame if isinstance(frame, LogicalPlan) else frame._plan
    return plan.plan(session().client)

"""The static side of a stream: a table shows what it holds when a batch runs, a directory what it held at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import penstock
from penstock.testing import AddData, CheckNewAnswer, MemoryStream, StopStream, check_stream
from penstock.testing.steps import StartStream


class Sql:
    """A step that runs statements."""

    def __init__(self, spark: Any, *texts: str) -> None:
        self.spark, self.texts = spark, texts

    def run(self, test: Any) -> None:
        test.settle()
        for text in self.texts:
            self.spark.sql(text)


@pytest.fixture(scope="module")
def spark() -> Any:
    return penstock.session({"spark.sql.session.timeZone": "UTC"})


def test_a_table_may_grow_and_be_written_anew(spark: Any, tmp_path: Path) -> None:
    spark.sql(f"CREATE TABLE growing (k STRING, v INT) USING parquet LOCATION '{tmp_path}/t'")
    try:
        spark.sql("INSERT INTO growing VALUES ('a', 1)")
        stream = MemoryStream("k string, n int")
        joined = stream.to_df(spark).join(spark.table("growing"), "k", "left").select("k", "n", "v")
        check_stream(
            joined,
            AddData(stream, ("a", 1), ("b", 1)),
            CheckNewAnswer(("a", 1, 1), ("b", 1, None)),
            Sql(spark, "INSERT INTO growing VALUES ('b', 2)"),
            AddData(stream, ("b", 2)),
            CheckNewAnswer(("b", 2, 2)),
            StopStream(),
            Sql(spark, "INSERT OVERWRITE growing VALUES ('b', 3)"),
            StartStream(),
            AddData(stream, ("a", 3), ("b", 3)),
            CheckNewAnswer(("a", 3, None), ("b", 3, 3)),
        )
    finally:
        spark.sql("DROP TABLE growing")


def test_new_files_of_a_directory_are_not_seen(spark: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "d")
    spark.createDataFrame([("a", 1)], "k string, v int").write.json(path)
    stream = MemoryStream("k string, n int")
    joined = stream.to_df(spark).join(spark.read.schema("k string, v int").json(path), "k").select("k", "n", "v")
    more = spark.createDataFrame([("a", 2)], "k string, v int")

    class Append:
        def run(self, test: Any) -> None:
            test.settle()
            more.write.mode("append").json(path)

    check_stream(
        joined,
        AddData(stream, ("a", 1)),
        CheckNewAnswer(("a", 1, 1)),
        Append(),
        AddData(stream, ("a", 2)),
        CheckNewAnswer(("a", 2, 1)),
    )

"""State as data while its query runs, between its batches, and of stores without rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.streaming import StatefulProcessor

import penstock
from penstock.testing import AddData, AssertOnQuery, CheckNewAnswer, MemoryStream, check_stream

SCHEMA = "user string, n int"


@pytest.fixture(scope="module")
def spark() -> Any:
    return penstock.session({"spark.sql.session.timeZone": "UTC"})


def state(spark: Any, checkpoint: Path, **options: Any) -> Any:
    texts = {name: str(value) for name, value in options.items()}
    return spark.read.format("statestore").options(**texts).load(str(checkpoint))


def rows(frame: Any) -> list[tuple[Any, ...]]:
    columns = [f"{name}.*" if hasattr(frame.schema[name].dataType, "fields") else name for name in frame.columns]
    return sorted((tuple(row) for row in frame.drop("partition_id").select(*columns[:-1]).collect()), key=repr)


def test_while_the_query_runs(spark: Any, tmp_path: Path) -> None:
    stream = MemoryStream(SCHEMA)
    seen: list[list[tuple[Any, ...]]] = []

    def look(query: Any) -> None:
        seen.append(rows(state(spark, tmp_path)))

    check_stream(
        stream.to_df(spark).groupBy("user").agg(F.sum("n"), F.collect_list("n")),
        AddData(stream, ("a", 1), ("b", 2)),
        CheckNewAnswer(("a", 1, [1]), ("b", 2, [2])),
        AssertOnQuery(look),
        AddData(stream, ("a", 3), (None, None)),
        CheckNewAnswer(("a", 4, [1, 3]), (None, None, [])),
        AssertOnQuery(look),
        output_mode="update",
        checkpoint=tmp_path,
    )
    assert seen[0] == [("a", 1, [1]), ("b", 2, [2])]
    assert [row[:2] for row in rows(state(spark, tmp_path).filter("key.user IS NOT NULL"))] == [("a", 4), ("b", 2)]
    assert rows(state(spark, tmp_path, batchId=0)) == seen[0]
    assert state(spark, tmp_path).filter("key.user = 'a'").select("value.sum").collect() == [Row(sum=4)]


def test_a_column_alone_and_a_count(spark: Any, tmp_path: Path) -> None:
    stream = MemoryStream(SCHEMA)
    check_stream(
        stream.to_df(spark).dropDuplicates(["user", "n"]),
        AddData(stream, ("a", 1), ("a", 1), ("b", 2)),
        CheckNewAnswer(("a", 1), ("b", 2)),
        checkpoint=tmp_path,
    )
    assert state(spark, tmp_path).count() == 2
    assert state(spark, tmp_path).select("partition_id").distinct().collect() == [Row(partition_id=0)]


def test_variables_without_rows(spark: Any, tmp_path: Path) -> None:
    class Empty(StatefulProcessor):
        def init(self, handle: Any) -> None:
            self.list = handle.getListState("a/list", "n int, t timestamp")
            self.map = handle.getMapState("map", "n int", "n int")

        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
            self.list.appendValue((1, None))
            self.list.clear()
            yield Row(user=key[0])

    stream = MemoryStream(SCHEMA)
    check_stream(
        stream.to_df(spark).groupBy("user").transformWithState(Empty(), "user string", "Append", "None"),
        AddData(stream, ("a", 1)),
        CheckNewAnswer("a"),
        checkpoint=tmp_path,
    )
    for flatten in (True, False):
        for name in ("a/list", "map"):
            assert state(spark, tmp_path, stateVarName=name, flattenCollectionTypes=flatten).collect() == []


def test_changes_whose_files_are_gone(spark: Any, tmp_path: Path) -> None:
    stream = MemoryStream(SCHEMA)
    check_stream(
        stream.to_df(spark).groupBy("user").count(),
        AddData(stream, ("a", 1)),
        CheckNewAnswer(("a", 1)),
        output_mode="update",
        checkpoint=tmp_path,
    )
    (tmp_path / "state" / "0" / "0" / "1.delta").unlink()
    with pytest.raises(PySparkException, match="CANNOT_LOAD_STATE_STORE"):
        state(spark, tmp_path, readChangeFeed="true", changeStartBatchId=0).collect()
    with pytest.raises(PySparkException, match="CANNOT_LOAD_STATE_STORE"):
        state(spark, tmp_path).collect()


def test_a_stream_and_a_schema_are_refused(spark: Any, tmp_path: Path) -> None:
    with pytest.raises(PySparkException, match="as a stream"):
        spark.readStream.format("statestore").load(str(tmp_path)).schema  # noqa: B018
    with pytest.raises(PySparkException, match="fixed schema"):
        spark.read.format("state-metadata").schema("a int").load(str(tmp_path)).schema  # noqa: B018

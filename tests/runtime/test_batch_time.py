"""current_timestamp() and its like in a stream: the time of the micro-batch, in milliseconds, the same in every row and
segment, and the same again when the batch is run again after a crash."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import penstock

TIMES = (
    "current_timestamp() AS a",
    "now() AS b",
    "localtimestamp() AS c",
    "unix_timestamp() AS d",
    "current_date() AS e",
    "current_time(6) AS f",
)


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    session = penstock.session({"spark.sql.session.timeZone": "UTC"})
    yield session
    session.stop()


def run(spark: Any, root: Path) -> list[Any]:
    from pyspark.sql import functions as F

    late = F.udf(lambda text: text, "string")  # a step of its own between two segments of SQL
    rows = spark.readStream.schema("v string").json(str(root / "in")).withColumn("early", F.current_timestamp())
    rows = rows.select("early", late("v").alias("v")).selectExpr("*", *TIMES)
    seen: list[Any] = []
    query = rows.writeStream.foreachBatch(lambda frame, _: seen.extend(frame.collect()))
    query.option("checkpointLocation", str(root / "cp")).trigger(availableNow=True).start().awaitTermination()
    return seen


def batch_time(root: Path) -> datetime:
    metadata = json.loads((root / "cp" / "offsets" / "0").read_text().splitlines()[1])
    return datetime.fromtimestamp(metadata["batchTimestampMs"] / 1000, UTC).replace(tzinfo=None)


def test_one_time_for_a_batch_and_for_its_replay(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.json").write_text('{"v": "x"}\n{"v": "y"}\n')
    first = run(spark, tmp_path)
    time = batch_time(tmp_path)
    assert [row.v for row in first] == ["x", "y"]
    for row in first:
        assert row.early == row.a == row.b == row.c == time
        assert (row.d, row.e, row.f) == (int(time.replace(tzinfo=UTC).timestamp()), time.date(), time.time())
    for log in (tmp_path / "cp" / "commits").iterdir():
        log.unlink()
    assert run(spark, tmp_path) == first
    assert batch_time(tmp_path) == time


def test_a_batch_query_has_the_time_at_which_it_runs(spark: Any) -> None:
    before = spark.sql("SELECT current_timestamp()").first()[0]
    after = spark.sql("SELECT current_timestamp()").first()[0]
    assert before < after

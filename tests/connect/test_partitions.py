"""spark_partition_id(), monotonically_increasing_id() and input_file_name(): columns of the leaves below."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, UnsupportedOperationException
from pyspark.sql import functions as F

PARTITION = F.spark_partition_id


def ids(frame: Any) -> list[int]:
    return [row[0] for row in frame.select(PARTITION()).collect()]


def test_a_range_is_cut_into_equal_parts(spark: Any) -> None:
    assert ids(spark.range(0, 10, 1, 3)) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]
    assert ids(spark.range(5)) == [0] * 5
    assert ids(spark.range(10, 0, -3, 2)) == [0, 0, 1, 1]


def test_ids_grow_within_a_partition(spark: Any) -> None:
    rows = spark.range(0, 10, 1, 2).filter("id % 3 = 0").select("id", F.monotonically_increasing_id()).collect()
    assert [tuple(row) for row in rows] == [(0, 0), (3, 1), (6, 1 << 33), (9, (1 << 33) + 1)]


def test_coalesce_joins_neighbours(spark: Any) -> None:
    counts = spark.range(0, 100, 1, 5).coalesce(2).groupBy(PARTITION().alias("p")).count().orderBy("p").collect()
    assert [tuple(row) for row in counts] == [(0, 40), (1, 60)]
    assert set(ids(spark.range(0, 10, 1, 2).coalesce(4))) == {0, 1}


def test_by_hash_by_range_and_by_id(spark: Any) -> None:
    frame = spark.range(10)
    hashed = frame.repartition(3, "id").select("id", PARTITION().alias("p"), F.expr("pmod(hash(id), 3)").alias("h"))
    assert hashed.filter("p <> h").count() == 0
    ranged = frame.repartitionByRange(3, F.desc("id")).select(PARTITION(), "id").collect()
    assert [tuple(row) for row in ranged] == [
        *((0, i) for i in (6, 7, 8, 9)), *((1, i) for i in (3, 4, 5)), *((2, i) for i in (0, 1, 2)),
    ]  # fmt: skip
    given = frame.repartitionById(4, (F.col("id") - 2).cast("int")).select("id", PARTITION()).orderBy("id").collect()
    assert [row[1] for row in given] == [2, 3, 0, 1, 2, 3, 0, 1, 2, 3]


def test_round_robin_is_even(spark: Any) -> None:
    counts = spark.range(20).repartition(4).groupBy(PARTITION()).count().collect()
    assert sorted(tuple(row) for row in counts) == [(0, 5), (1, 5), (2, 5), (3, 5)]


def test_a_union_numbers_the_right_side_after_the_left(spark: Any) -> None:
    assert ids(spark.range(0, 4, 1, 2).union(spark.range(2))) == [0, 0, 1, 1, 2, 2]


def test_through_aliases_filters_and_conditions(spark: Any) -> None:
    frame = spark.range(0, 6, 1, 3).alias("t").withColumn("x", F.col("t.id") * 2).where(PARTITION() == 1)
    assert frame.columns == ["id", "x"]
    assert [tuple(row) for row in frame.collect()] == [(2, 4), (3, 6)]


# ---------------------------------------------------------------- input files


def write(spark: Any, path: Path) -> str:
    for i in range(3):
        spark.range(i, i + 2).write.mode("append").parquet(str(path))
    return str(path)


def test_the_file_of_a_row(spark: Any, tmp_path: Path) -> None:
    frame = spark.read.parquet(write(spark, tmp_path / "a b"))
    rows = frame.filter("id > 0").select("id", F.input_file_name().alias("f"), F.input_file_block_start()).collect()
    files = {str(path) for path in (tmp_path / "a b").glob("*.parquet")}
    assert {row.f.removeprefix("file://").replace("%20", " ") for row in rows} == files
    assert sorted(row.id for row in rows) == [1, 1, 2, 2, 3]
    assert {row[2] for row in rows} == {0}
    counts = frame.groupBy(F.input_file_name()).count().collect()
    assert [row["count"] for row in counts] == [2, 2, 2]


def test_the_file_of_a_row_of_a_stream(spark: Any, tmp_path: Path) -> None:
    stream = spark.readStream.schema("id bigint").parquet(write(spark, tmp_path / "in"))
    named = stream.withColumn("f", F.input_file_name())
    query = named.writeStream.format("memory").queryName("named_rows").trigger(availableNow=True).start()
    query.awaitTermination()
    rows = spark.table("named_rows").collect()
    assert len(rows) == 6
    assert len({row.f for row in rows}) == 3


def test_the_hidden_column_of_files(spark: Any, tmp_path: Path) -> None:
    frame = spark.read.parquet(write(spark, tmp_path / "a"))
    assert frame.columns == ["id"]
    rows = frame.select(
        "_metadata.file_name", "_metadata.file_size", F.col("_metadata")["file_path"].alias("p")
    ).collect()
    assert {row.p for row in rows} == {f"file:{path}" for path in (tmp_path / "a").glob("*.parquet")}
    assert {(row.file_name, row.file_size) for row in rows} == {
        (path.name, path.stat().st_size) for path in (tmp_path / "a").glob("*.parquet")
    }
    shown = frame.select(frame.metadataColumn("_metadata").getField("file_modification_time"))
    assert shown.columns == ["_metadata.file_modification_time"]
    with pytest.raises(AnalysisException, match="UNRESOLVED_COLUMN"):
        spark.range(1).select("_metadata").collect()


def test_no_file_no_name(spark: Any) -> None:
    assert spark.range(1).select(F.input_file_name(), F.input_file_block_length()).collect() == [("", -1)]


def test_the_file_of_an_aggregate_is_refused(spark: Any, tmp_path: Path) -> None:
    frame = spark.read.parquet(write(spark, tmp_path / "a")).groupBy("id").count()
    with pytest.raises(UnsupportedOperationException, match="input_file_name over Aggregate"):
        frame.select(F.input_file_name()).collect()

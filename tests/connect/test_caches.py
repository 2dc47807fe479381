"""persist and cache: rows computed once; df.observe; what plans mean the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyspark.sql import Observation
from pyspark.sql import functions as sf


def test_rows_are_kept_from_their_first_use_on(spark: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "d")
    spark.range(10).write.parquet(path)
    kept = spark.read.schema("id LONG").parquet(path).where("id > 0").cache()
    assert kept.count() == 9
    for file in Path(path).glob("*.parquet"):
        file.unlink()
    assert kept.selectExpr("id * 2 AS x").agg(sf.sum("x")).collect() == [(90,)]
    assert kept.storageLevel.useMemory
    kept.unpersist()
    assert kept.count() == 0


def test_a_write_below_the_path_is_seen(spark: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "d")
    spark.range(3).write.parquet(path)
    kept = spark.read.parquet(path).cache()
    assert kept.count() == 3
    spark.range(3).write.mode("append").parquet(path)
    assert kept.count() == 6


def test_explain_shows_what_is_kept(spark: Any) -> None:
    frame = spark.range(2).cache()
    assert frame._explain_string().startswith("== Physical Plan ==\nInMemoryTableScan [id#")
    assert "InMemoryTableScan" in frame.where("id > 0")._explain_string()
    frame.unpersist()
    assert "InMemoryTableScan" not in frame._explain_string()


def test_same_semantics(spark: Any) -> None:
    one, other = spark.range(10), spark.range(10)
    assert one.withColumn("a", one.id * 2).sameSemantics(other.withColumn("b", other.id * 2))
    assert one.semanticHash() == other.semanticHash()
    assert not one.withColumn("a", one.id * 2).sameSemantics(other.withColumn("a", other.id + 2))


def test_observation(spark: Any, tmp_path: Path) -> None:
    frame = spark.createDataFrame([("Alice", 2), ("Bob", 5)], ["name", "age"])
    seen = Observation("seen")
    assert frame.observe(seen, sf.count(sf.lit(1)).alias("n"), sf.max("age")).where("age > 2").count() == 1
    assert seen.get == {"n": 2, "max(age)": 5}


def test_no_rows_without_columns_are_no_rows(spark: Any) -> None:
    assert spark.createDataFrame([], "a STRING").select().collect() == []
    assert spark.createDataFrame([], "a STRING").isEmpty()
    assert len(spark.range(3).select().collect()) == 3

"""The order of few rows, which is Spark's; and explain, which names Spark's operators."""

from __future__ import annotations

from typing import Any

from pyspark.sql import Window
from pyspark.sql import functions as F


def test_a_cross_join_goes_through_the_left_side(spark: Any) -> None:
    rows = spark.range(3).crossJoin(spark.range(2).toDF("b")).collect()
    assert [tuple(row) for row in rows] == [(a, b) for a in range(3) for b in range(2)]
    rows = spark.range(3).join(spark.range(3).toDF("b"), F.col("id") <= F.col("b")).collect()
    assert [tuple(row) for row in rows] == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]


def test_a_window_leaves_rows_sorted(spark: Any) -> None:
    frame = spark.createDataFrame([(3, "x"), (1, "b"), (2, "a"), (1, "a")], "id int, v string")
    rows = frame.withColumn("n", F.row_number().over(Window.partitionBy("id").orderBy("v"))).collect()
    assert [tuple(row) for row in rows] == [(1, "a", 1), (1, "b", 2), (2, "a", 1), (3, "x", 1)]


def test_explain_modes(spark: Any) -> None:
    left, right = spark.range(3), spark.createDataFrame([(1, "x")], "id bigint, v string")
    frame = left.join(right.hint("broadcast"), "id").groupBy("v").count()
    lines = frame._explain_string().splitlines()
    assert lines[0] == "== Physical Plan =="
    assert [line.lstrip(" :+-").split(" ")[0].split("(")[0] for line in lines[1:6]] == [
        "HashAggregate", "Project", "BroadcastHashJoin", "Range", "LocalTableScan",
    ]  # fmt: skip
    assert "Generated code:\nSELECT" in frame._explain_string(mode="codegen")
    assert "(3) BroadcastHashJoin\nOutput [3]:" in frame._explain_string(mode="formatted")
    assert "ResolvedHint (strategy=broadcast)" in frame._explain_string(extended=True)
    nested = left.join(right, left.id < right.id)._explain_string()
    assert "BroadcastNestedLoopJoin BuildRight, Inner, (id#" in nested


def test_many_columns_added_one_by_one(spark: Any) -> None:
    frame = spark.range(2)
    for i in range(700):
        frame = frame.withColumn(f"c{i % 5}", F.lit(i))
    assert frame.agg(F.sum("c4")).first()[0] == 2 * 699

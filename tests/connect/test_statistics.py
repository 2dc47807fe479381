"""df.stat, df.na.replace, describe, unpivot, transpose, pivot, joins by nearness: the answers are Spark 4.2's own."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pyspark.errors import AnalysisException, IllegalArgumentException
from pyspark.sql import functions as sf


@pytest.fixture
def d(spark: Any) -> Any:
    data = [(1, 2.0, "x", None), (2, None, "y", True), (None, 7.5, None, False), (4, -1.0, "x", True)]
    return spark.createDataFrame(data, "a int, b double, c string, d boolean")


def rows(frame: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in frame.collect()]


def test_covariance_and_correlation(d: Any) -> None:
    assert d.stat.cov("a", "b") == -5.625  # a NULL counts as 0
    assert d.stat.corr("a", "b") == pytest.approx(-0.8680819431819562)
    assert d.where("false").stat.cov("a", "b") == 0.0
    assert math.isnan(d.where("false").stat.corr("a", "b"))
    with pytest.raises(IllegalArgumentException, match="dataType string not supported"):
        d.stat.cov("a", "c")


def test_describe_and_summary(d: Any) -> None:
    assert [r for r in rows(d.describe("c", "a")) if r[0] != "stddev"] == [
        ("count", "3", "3"),
        ("mean", None, "2.3333333333333335"),
        ("min", "x", "1"),
        ("max", "y", "4"),
    ]
    assert float(rows(d.summary("stddev"))[0][1]) == pytest.approx(1.5275252316519468)
    assert rows(d.summary("count", "count_distinct", "25.5%")) == [
        ("count", "3", "3", "3"),
        ("count_distinct", "3", "3", "2"),
        ("25.5%", "1", "-1.0", None),
    ]
    assert [r[0] for r in rows(d.where("false").summary())] == [
        "count",
        "mean",
        "stddev",
        "min",
        "25%",
        "50%",
        "75%",
        "max",
    ]
    assert rows(d.describe("d")) == [("count",), ("mean",), ("stddev",), ("min",), ("max",)]
    with pytest.raises(IllegalArgumentException, match="UNRECOGNIZED_STATISTIC"):
        d.summary("foo").collect()


def test_crosstab(d: Any) -> None:
    found = d.stat.crosstab("c", "d")
    assert found.columns == ["c_d", "false", "null", "true"]
    assert sorted(rows(found)) == [("null", 1, 0, 0), ("x", 0, 1, 1), ("y", 0, 0, 1)]


def test_quantiles(d: Any) -> None:
    assert d.approxQuantile(["a", "b"], [0.0, 0.25, 0.5, 1.0], 0.0) == [[1.0, 1.0, 2.0, 4.0], [-1.0, -1.0, 2.0, 7.5]]
    assert d.where("false").approxQuantile(["a", "b"], [0.5], 0.0) == [[], []]
    with pytest.raises(IllegalArgumentException, match="StringType is not supported"):
        d.approxQuantile("c", [0.5], 0.1)


def test_frequent_items(d: Any) -> None:
    (found,) = rows(d.stat.freqItems(["a", "c"], 0.3))
    assert found[0] == []  # four values, none of them often enough
    assert set(found[1]) == {None, "x", "y"}
    (every,) = rows(d.stat.freqItems(["a"]))
    assert set(every[0]) == {None, 1, 2, 4}


def test_sample_by(spark: Any, d: Any) -> None:
    assert [r[2] for r in rows(d.sampleBy("c", {"x": 1.0, "y": 0.0}))] == ["x", "x"]
    frame = spark.range(1000).selectExpr("id % 3 AS k", "id")
    assert rows(frame.sampleBy("k", {0: 0.5}, seed=7)) == rows(frame.sampleBy("k", {0: 0.5}, seed=7))
    assert 100 < frame.sampleBy("k", {0: 0.5}, seed=7).count() < 234


def test_replace(d: Any) -> None:
    assert [r[0] for r in rows(d.na.replace(1, 10))] == [10, 2, None, 4]
    assert [r[0] for r in rows(d.na.replace({1: None}))] == [None, 2, None, 4]
    assert [r[3] for r in rows(d.na.replace([True], [False]))] == [None, False, False, False]
    assert rows(d.na.replace(1, 5, ["c"])) == rows(d)
    assert [r[1] for r in rows(d.na.replace(7.5, 1.25))] == [2.0, None, 1.25, -1.0]


def test_unpivot(d: Any) -> None:
    assert rows(d.unpivot("c", ["a", "b"], "var", "val"))[:3] == [("x", "a", 1.0), ("x", "b", 2.0), ("y", "a", 2.0)]
    assert d.select("a", "b").unpivot([], None, "v", "w").count() == 8
    for values, condition in ((["a", "d"], "UNPIVOT_VALUE_DATA_TYPE_MISMATCH"), ([], "UNPIVOT_REQUIRES_VALUE_COLUMNS")):
        with pytest.raises(AnalysisException) as caught:
            d.unpivot("c", values, "v", "w").collect()
        assert caught.value.getCondition() == condition


def test_transpose(d: Any) -> None:
    found = d.select("c", "a", "b").transpose()
    assert found.columns == ["key", "x", "x", "y"]
    assert rows(found) == [("a", 1.0, 4.0, 2.0), ("b", 2.0, -1.0, None)]
    assert rows(d.where("false").select("c", "a").transpose()) == [("a",)]
    with pytest.raises(AnalysisException, match="TRANSPOSE_NO_LEAST_COMMON_TYPE"):
        d.transpose().collect()


def test_pivot_without_values(d: Any) -> None:
    found = d.groupBy("c").pivot("d").agg(sf.sum("a"), sf.max("b")).sort("c")
    assert found.columns == [
        "c", "null_sum(a)", "null_max(b)", "false_sum(a)", "false_max(b)", "true_sum(a)", "true_max(b)",
    ]  # fmt: skip
    assert rows(found)[0] == (None, None, None, None, 7.5, None, None)
    assert d.groupBy().pivot("b").count().columns == ["null", "-1.0", "2.0", "7.5"]
    days = d.selectExpr("date_add(date '2024-01-01', a) AS day")
    assert days.groupBy().pivot("day").count().columns == ["null", "2024-01-02", "2024-01-03", "2024-01-05"]


def test_joins_by_nearness(spark: Any) -> None:
    left = spark.createDataFrame([(1, "a"), (5, "b"), (10, "c")], ["a", "l"])
    right = spark.createDataFrame([(1, 1), (2, 2), (3, 3), (6, 6), (7, 7)], ["a", "r"])

    def pairs(**options: Any) -> list[tuple[Any, ...]]:
        joined = left._joinAsOf(right, leftAsOfColumn="a", rightAsOfColumn="a", **options)
        return sorted(rows(joined.select(left.a, "r")))

    assert pairs() == [(1, 1), (5, 3), (10, 7)]
    assert pairs(how="left", tolerance=sf.lit(1)) == [(1, 1), (5, None), (10, None)]
    assert pairs(allowExactMatches=False) == [(5, 3), (10, 7)]
    assert pairs(direction="forward") == [(1, 1), (5, 6)]
    assert pairs(direction="nearest") == [(1, 1), (5, 6), (10, 7)]
    with pytest.raises(AnalysisException, match="UNSUPPORTED_JOIN_TYPE"):
        pairs(how="full")


def test_zip_with_index(spark: Any) -> None:
    assert rows(spark.createDataFrame([("a",), ("b",)], ["x"]).zipWithIndex()) == [("a", 0), ("b", 1)]

"""Functions of a row at every place of a query, with arguments of every type."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.errors import AnalysisException, UnsupportedOperationException
from pyspark.sql import functions as F
from pyspark.sql.functions import arrow_udf, col, pandas_udf, udf
from pyspark.sql.types import DoubleType, LongType
from pyspark.sql.window import Window

LONG = LongType()  # functions made before there is a session need their types as objects

plus_one = udf(lambda x: x + 1, LONG)
times = udf(lambda x, y: x * y, LONG)
total = pandas_udf(lambda s: float(s.sum()), DoubleType(), 202)
total_of_batches = pandas_udf(lambda batches: float(sum(s.sum() for s in batches)), DoubleType(), 217)


@pandas_udf(LONG)
def doubled(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    for batch in batches:
        yield batch * 2


@arrow_udf(LONG)
def halved(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
    for batch in batches:
        yield pc.divide(batch, 2)


def rows(frame: Any) -> list[Any]:
    return [tuple(row) if len(row) > 1 else row[0] for row in frame.collect()]


KINDS: dict[str, tuple[Any, list[int]]] = {
    "udf": (plus_one, [1, 2, 3, 4, 5]),
    "udf without Arrow": (udf(lambda x: x + 1, LONG, useArrow=False), [1, 2, 3, 4, 5]),
    "pandas_udf": (pandas_udf(lambda s: s + 1, LONG), [1, 2, 3, 4, 5]),
    "pandas_udf of an iterator": (doubled, [0, 2, 4, 6, 8]),
    "arrow_udf": (arrow_udf(lambda a: pc.add(a, 1), LONG), [1, 2, 3, 4, 5]),
    "arrow_udf of an iterator": (halved, [0, 0, 1, 1, 2]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(spark: Any, kind: str) -> None:
    function, expected = KINDS[kind]
    assert rows(spark.range(5).select(function("id"))) == expected
    assert rows(spark.range(5).filter("false").select(function("id"))) == []


PLACES: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "nested": (lambda df: df.select(plus_one(times("id", plus_one("id"))) + plus_one("id")), [2, 5, 10, 17, 26]),
    "filter": (lambda df: df.filter((plus_one("id") > 3) & (col("id") < 4)), [3]),
    "keys": (lambda df: df.groupBy(plus_one(col("id") % 2).alias("k")).count().orderBy("k"), [(1, 3), (2, 2)]),
    "arguments of an aggregate": (lambda df: df.agg(F.sum(plus_one("id"))), [15]),
    "over aggregates": (
        lambda df: (
            df.groupBy((col("id") % 2).alias("k")).agg(plus_one(F.sum("id")), F.max(plus_one("id"))).orderBy("k")
        ),
        [(0, 7, 5), (1, 5, 4)],
    ),
    "over keys": (
        lambda df: df.groupBy(col("id") % 2).agg(plus_one(col("id") % 2)).orderBy(F.desc_nulls_last("(id % 2)")),
        [(1, 2), (0, 1)],
    ),
    "sort": (lambda df: df.orderBy(udf(lambda x: -x, "long")("id")), [4, 3, 2, 1, 0]),
    "inner join": (
        lambda df: (
            df.alias("a").join(df.alias("b"), udf(lambda a, b: a + b == 7, "boolean")("a.id", "b.id")).orderBy("a.id")
        ),
        [(3, 4), (4, 3)],
    ),
    "one side of an outer join": (
        lambda df: df.alias("a").join(df.alias("b"), plus_one("a.id") == col("b.id"), "left").orderBy("a.id"),
        [(0, 1), (1, 2), (2, 3), (3, 4), (4, None)],
    ),
    "generator": (
        lambda df: df.select("id", F.explode(udf(lambda x: list(range(x)), "array<int>")("id"))).filter("id < 3"),
        [(1, 0), (2, 0), (2, 1)],
    ),
    "union": (
        lambda df: df.select(plus_one("id")).union(df.select(times("id", "id"))).filter("`<lambda>(id)` > 4"),
        [5, 9, 16],
    ),
    "over a window": (lambda df: df.select(plus_one(F.row_number().over(Window.orderBy("id")))), [2, 3, 4, 5, 6]),
    "under a window": (
        lambda df: df.select(F.count("*").over(Window.partitionBy(plus_one(col("id") % 2))).alias("n")).orderBy("n"),
        [2, 2, 3, 3, 3],
    ),
    "case": (lambda df: df.select(F.when(plus_one("id") > 3, plus_one("id")).otherwise(0)), [0, 0, 0, 4, 5]),
    "distinct": (lambda df: df.select(udf(lambda x: x // 3, "long")("id").alias("d")).distinct().orderBy("d"), [0, 1]),
    "keywords": (lambda df: df.select(udf(lambda a, b: a - b, "long")(b=col("id"), a=F.lit(5))), [5, 4, 3, 2, 1]),
    "keywords, pickled": (
        lambda df: df.select(udf(lambda a, b: a - b, "long", useArrow=False)(b=col("id"), a=F.lit(5))),
        [5, 4, 3, 2, 1],
    ),
    "keywords, pandas": (
        lambda df: df.select(pandas_udf(lambda a, b: a - b, "long")(b=col("id"), a=F.lit(5))),
        [5, 4, 3, 2, 1],
    ),
    "no arguments": (
        lambda df: df.select(udf(lambda: 7, "long")(), udf(lambda: 8, "long", useArrow=False)()).limit(2),
        [(7, 8), (7, 8)],
    ),
    "both": (lambda df: df.select("id", plus_one("id"), "id"), [(i, i + 1, i) for i in range(5)]),
}


@pytest.mark.parametrize("place", PLACES)
def test_places(spark: Any, place: str) -> None:
    query, expected = PLACES[place]
    assert rows(query(spark.range(5))) == expected


def test_in_a_subquery(spark: Any) -> None:
    inner = spark.range(5).select(plus_one("id").alias("x"))
    assert rows(spark.sql("SELECT id FROM range(9) WHERE id = (SELECT max(x) FROM {inner})", inner=inner)) == [5]


def test_explained(spark: Any, capsys: pytest.CaptureFixture[str]) -> None:
    spark.range(5).filter("id > 2").select(plus_one("id")).explain()
    shown = capsys.readouterr().out
    assert "ArrowEvalPython [<lambda>(id#" in shown


CALLS: dict[str, tuple[Callable[[Any], Any], int]] = {
    "a filter without the function comes first": (lambda df: df.filter("id > 2"), 2),
    "a limit comes first": (lambda df: df.limit(2), 2),
    "a column that nobody reads": (lambda df: df.select("id"), 0),
    "a count": (lambda df: df.groupBy().count(), 0),
    "a filter on its result": (lambda df: df.filter("made > 2"), 5),
}


@pytest.mark.parametrize("case", CALLS)
def test_how_often_a_function_is_called(spark: Any, tmp_path: Any, case: str) -> None:
    query, calls = CALLS[case]
    log = tmp_path / "calls"

    def counted(x: int) -> int:
        with log.open("a") as file:
            file.write("x")
        return x

    query(spark.range(5).withColumn("made", udf(counted, "long")("id"))).collect()
    assert (len(log.read_text()) if log.exists() else 0) == calls


def test_each_call_of_a_function_that_is_not_deterministic(spark: Any) -> None:
    dice = udf(lambda: random.random(), "double").asNondeterministic()
    ((first, second),) = rows(spark.range(1).select(dice(), dice()))
    assert first != second


VALUES = """
    SELECT timestamp'2020-01-02 03:04:05' t, timestamp_ntz'2020-01-02 03:04:05' n, date'2020-01-01' d,
      interval '1' day i, array(timestamp'2020-01-02 03:04:05', null) at, named_struct('a', 1, 'b', 'x') s,
      map('k', 1) m, cast(1.5 AS decimal(5,2)) dd, cast('x' AS binary) bb, array(1, null) a, true b,
      cast(1.5 AS float) f,
      named_struct('m', map('k', array(1, null)), 't', timestamp'2020-01-02 03:04:05') deep, cast(null as int) nothing
"""
AS_ARROW = {
    "t": "timestamp[us, tz=America/New_York]", "n": "timestamp[us]", "d": "date32[day]", "i": "duration[us]",
    "at": "list<element: timestamp[us, tz=America/New_York]>", "s": "struct<a: int32 not null, b: string not null>",
    "m": "map<string, int32>", "dd": "decimal128(5, 2)", "bb": "binary", "a": "list<element: int32>", "b": "bool",
    "f": "float", "nothing": "int32",
}  # fmt: skip
PICKLED = {
    "n": "datetime.datetime(2020, 1, 2, 3, 4, 5)", "d": "datetime.date(2020, 1, 1)", "i": "datetime.timedelta(days=1)",
    "s": "Row(a=1, b='x')", "m": "{'k': 1}", "dd": "Decimal('1.50')", "bb": "b'x'", "a": "[1, None]", "nothing": "None",
}  # fmt: skip


@pytest.mark.parametrize("name", ["t", "n", "d", "i", "at", "s", "m", "dd", "bb", "a", "b", "f", "deep", "nothing"])
def test_types(spark: Any, name: str) -> None:
    """Every kind of function gives back what it was given; what it sees of it is as in Spark."""
    frame = spark.sql(VALUES)
    data_type = frame.schema[name].dataType
    same = [make(lambda v: v, data_type)(name) for make in (udf, pandas_udf, arrow_udf)]
    pickled = udf(lambda v: v, data_type, useArrow=False)(name)
    (found,) = frame.select(name, pickled, *same).collect()
    assert all(value == found[0] for value in found), found
    seen = udf(repr, "string")(name), udf(repr, "string", useArrow=False)(name)
    by_arrow = arrow_udf(lambda v: pa.array([str(v.type)] * len(v)), "string")(name)
    ((first, second, arrow),) = rows(frame.select(*seen, by_arrow))
    assert first == second == PICKLED.get(name, first)
    assert arrow == AS_ARROW.get(name, arrow)


def test_pandas_sees_the_sessions_time(spark: Any) -> None:
    text = pandas_udf(lambda s: s.dt.strftime("%H:%M"), "string")
    made = pandas_udf(lambda s: pd.Series([pd.Timestamp("2020-01-01 05:00")] * len(s)), "timestamp")
    assert rows(spark.sql(VALUES).select(text("t"), made("t").cast("string"))) == [("03:04", "2020-01-01 05:00:00")]


def test_results_with_names(spark: Any) -> None:
    frame = pandas_udf(lambda s: pd.DataFrame({"a": s, "b": s.astype(str)}), "a long, b string")
    assert rows(spark.range(2).select(frame("id").alias("s")).select("s.*")) == [(0, "0"), (1, "1")]
    assert spark.range(2).select(plus_one("id"), times(x=col("id"), y=F.lit(1)).alias("t")).columns == [
        "<lambda>(id)",
        "t",
    ]


REFUSED: dict[str, tuple[Callable[[Any], Any], type[Exception], str, str]] = {
    "iterator over a window": (
        lambda df: df.select(total_of_batches("id").over(Window.partitionBy("id"))),
        UnsupportedOperationException, "UNSUPPORTED_FEATURE.PENSTOCK", "which takes an iterator, over a window",
    ),
    "beside other aggregates": (
        lambda df: df.agg(total("id"), F.sum("id")), AnalysisException, "INVALID_PANDAS_UDF_PLACEMENT", "`<lambda>`",
    ),
    "lambda": (
        lambda df: df.select(F.transform(F.array("id"), lambda x: plus_one(x))),
        AnalysisException, "UNSUPPORTED_FEATURE.LAMBDA_FUNCTION_WITH_PYTHON_UDF", "<lambda>",
    ),
    "outer join": (
        lambda df: df.alias("a").join(df.alias("b"), times("a.id", "b.id") == 4, "left"),
        AnalysisException, "UNSUPPORTED_FEATURE.PYTHON_UDF_IN_ON_CLAUSE", "LEFT OUTER",
    ),
    "rollup": (
        lambda df: df.rollup("id").agg(total("id")),
        UnsupportedOperationException, "UNSUPPORTED_FEATURE.PENSTOCK", "<lambda> with rollup",
    ),
    "correlated": (
        lambda df: df.alias("a").filter(df.alias("b").filter(plus_one(col("a.id").outer()) == col("b.id")).exists()),
        UnsupportedOperationException,
        "UNSUPPORTED_FEATURE.PENSTOCK",
        "correlated subquery",
    ),
    "year-month interval": (
        lambda df: df.select(udf(repr)(F.expr("interval '1' year"))),
        UnsupportedOperationException, "UNSUPPORTED_FEATURE.PENSTOCK", "interval year",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(spark: Any, case: str) -> None:
    query, kind, condition, text = REFUSED[case]
    with pytest.raises(kind) as caught:
        query(spark.range(3)).collect()
    error: Any = caught.value
    assert error.getCondition() == condition
    assert text in str(error)


def test_profilers_are_refused(spark: Any) -> None:
    spark.conf.set("spark.sql.pyspark.udf.profiler", "perf")
    try:
        with pytest.raises(UnsupportedOperationException, match="profiler=perf"):
            spark.range(1).select(plus_one("id")).collect()
    finally:
        spark.conf.unset("spark.sql.pyspark.udf.profiler")

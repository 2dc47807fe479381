"""Functions of whole frames: mapIn, applyIn, cogroup, and aggregates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.errors import PythonException, SparkRuntimeException
from pyspark.sql import functions as F
from pyspark.sql.functions import arrow_udf, col, pandas_udf, udf
from pyspark.sql.types import DoubleType, LongType

total = pandas_udf(lambda s: float(s.sum()), DoubleType(), 202)
KEYED = "SELECT id % 2 AS k, id AS v, cast(id AS string) AS s FROM range(5)"
NULLS = "VALUES (cast(null AS int), 1), (null, 2), (1, 3) AS t(k, v)"


def rows(frame: Any) -> list[Any]:
    return [tuple(row) if len(row) > 1 else row[0] for row in frame.collect()]


@pandas_udf(DoubleType())
def mean_of_batches(batches: Iterator[pd.Series]) -> float:
    values = [value for batch in batches for value in batch]
    return float(np.mean(values))


@arrow_udf(LongType())
def sum_of_batches(batches: Iterator[pa.Array]) -> int:
    return sum(pc.sum(batch).as_py() for batch in batches)


@pandas_udf(DoubleType())
def weighted(v: pd.Series, w: pd.Series) -> float:
    return float((v * w).sum())


MAPS: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "mapInPandas": (
        lambda df: df.mapInPandas(lambda it: (d.assign(v=d.v * 2) for d in it), "k long, v long, s string").filter(
            "v > 4"
        ),
        [(1, 6, "3"), (0, 8, "4")],
    ),
    "mapInPandas, other rows": (
        lambda df: df.mapInPandas(lambda it: (d[d.v > 3] for d in it), "s string, v long, k long"),
        [("4", 4, 0)],
    ),
    "mapInPandas without input": (
        lambda df: df.filter("false").mapInPandas(lambda it: [pd.DataFrame({"n": [len(list(it))]})], "n long"),
        [0],
    ),
    "mapInPandas without output": (lambda df: df.mapInPandas(lambda it: iter(()), "n long"), []),
    "mapInPandas twice": (
        lambda df: (
            df.select("v").mapInPandas(lambda it: it, "v long").mapInPandas(lambda it: it, "v long").agg(F.sum("v"))
        ),
        [10],
    ),
    "mapInArrow": (lambda df: df.select("v").mapInArrow(lambda it: (b.slice(1) for b in it), "v long"), [1, 2, 3, 4]),
    "count": (lambda df: df.mapInArrow(lambda it: it, "k long, v long, s string").groupBy().count(), [5]),
}

GROUPS: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "applyInPandas": (
        lambda df: df.groupBy("k").applyInPandas(lambda d: d.assign(v=d.v.sum()), "k long, v long, s string"),
        [(0, 6, "0"), (0, 6, "2"), (0, 6, "4"), (1, 4, "1"), (1, 4, "3")],
    ),
    "with the key": (
        lambda df: df.groupBy("k").applyInPandas(lambda k, d: pd.DataFrame({"k": k, "n": [len(d)]}), "k long, n long"),
        [(0, 3), (1, 2)],
    ),
    "computed keys": (
        lambda df: df.groupBy((col("v") > 1).alias("big"), "k").applyInPandas(
            lambda k, d: pd.DataFrame({"big": [k[0]], "k": [k[1]], "n": [len(d.columns)]}),
            "big boolean, k long, n long",
        ),
        [(False, 0, 3), (False, 1, 3), (True, 0, 3), (True, 1, 3)],
    ),
    "a key by a Python function": (
        lambda df: df.groupBy(udf(lambda x: x // 3, "long")("v").alias("third")).applyInPandas(
            lambda k, d: pd.DataFrame({"t": [k[0]], "n": [len(d)]}), "t long, n long"
        ),
        [(0, 3), (1, 2)],
    ),
    "no keys": (lambda df: df.groupBy().applyInPandas(lambda d: pd.DataFrame({"n": [len(d)]}), "n long"), [5]),
    "applyInArrow": (
        lambda df: df.groupBy("k").applyInArrow(lambda t: t.select(["v"]).slice(0, 1), "v long"),
        [0, 1],
    ),
    "applyInArrow with the key": (
        lambda df: df.groupBy("k").applyInArrow(
            lambda k, t: pa.table({"k": [k[0].as_py()], "n": [t.num_rows]}), "k long, n long"
        ),
        [(0, 3), (1, 2)],
    ),
    "no rows": (lambda df: df.filter("false").groupBy("k").applyInPandas(lambda d: d, "k long, v long, s string"), []),
}

AGGREGATES: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
    "by key": (lambda df: df.groupBy("k").agg(total("v"), total("k")), [(0, 6.0, 0.0), (1, 4.0, 2.0)]),
    "expressions": (lambda df: df.groupBy("k").agg((total(col("v") * 2) + 1).alias("t")), [(0, 13.0), (1, 9.0)]),
    "over a Python function": (
        lambda df: df.groupBy("k").agg(total(udf(lambda x: -x, "long")("v"))),
        [(0, -6.0), (1, -4.0)],
    ),
    "computed key": (lambda df: df.groupBy(col("v") > 2).agg(total("v")), [(False, 3.0), (True, 7.0)]),
    "without keys": (lambda df: df.agg(total("v")), [10.0]),
    "several arguments": (lambda df: df.agg(weighted("v", "k"), weighted(w="v", v="v")), [(4.0, 30.0)]),
    "iterator": (lambda df: df.groupBy("k").agg(mean_of_batches("v")), [(0, 2.0), (1, 2.0)]),
    "Arrow": (
        lambda df: df.groupBy("k").agg(arrow_udf(lambda a: pc.sum(a).as_py(), "long", 252)("v")),
        [(0, 6), (1, 4)],
    ),
    "Arrow iterator": (lambda df: df.groupBy("k").agg(sum_of_batches("v")), [(0, 6), (1, 4)]),
    "having": (lambda df: df.groupBy("k").agg(total("v").alias("t")).filter("t > 5"), [(0, 6.0)]),
    "no rows": (lambda df: df.filter("false").agg(total("v")), []),
    "counted": (lambda df: df.groupBy("k").agg(total("v")).groupBy().count(), [2]),
    "one row counted": (lambda df: df.agg(total("v")).groupBy().count(), [1]),
}


@pytest.mark.parametrize("case", MAPS)
def test_maps(spark: Any, case: str) -> None:
    query, expected = MAPS[case]
    assert rows(query(spark.sql(KEYED))) == expected


@pytest.mark.parametrize("case", GROUPS)
def test_groups(spark: Any, case: str) -> None:
    query, expected = GROUPS[case]
    assert sorted(rows(query(spark.sql(KEYED)))) == expected


@pytest.mark.parametrize("case", AGGREGATES)
def test_aggregates(spark: Any, case: str) -> None:
    query, expected = AGGREGATES[case]
    assert sorted(rows(query(spark.sql(KEYED)))) == expected


def test_null_is_a_key(spark: Any) -> None:
    counted = (
        spark.sql(f"SELECT * FROM {NULLS}").groupBy("k").applyInPandas(lambda d: d.assign(v=len(d)), "k int, v int")
    )
    assert rows(counted) == [(None, 2), (None, 2), (1, 1)]
    assert rows(spark.sql(f"SELECT * FROM {NULLS}").groupBy("k").agg(total("v"))) == [(None, 3.0), (1, 3.0)]


def test_floats_and_structs_as_keys(spark: Any) -> None:
    odd = spark.sql("SELECT k, 1 AS v FROM VALUES (double('NaN')), (double('NaN')), (0.0D), (-0.0D) AS t(k)")
    assert [row[1] for row in odd.groupBy("k").agg(total("v")).collect()] == [2.0, 2.0]
    by_struct = spark.sql(KEYED).groupBy(F.struct("k", "s").alias("key")).agg(total("v").alias("t"))
    assert rows(by_struct.orderBy("key.s").select("t")) == [0.0, 1.0, 2.0, 3.0, 4.0]


def sizes(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"a": [len(left)], "b": [len(right)], "columns": [len(right.columns)]})


def test_cogroup(spark: Any) -> None:
    left, right = spark.range(3), spark.range(2, 4).selectExpr("id AS other", "1 AS one")
    both = left.groupBy("id").cogroup(right.groupBy("other"))
    expected = [(1, 0, 2), (1, 0, 2), (1, 1, 2), (0, 1, 2)]
    assert rows(both.applyInPandas(sizes, "a long, b long, columns long")) == expected
    by_arrow = both.applyInArrow(lambda a, b: pa.table({"a": [a.num_rows], "b": [b.num_rows]}), "a long, b long")
    assert rows(by_arrow) == [row[:2] for row in expected]
    itself = left.groupBy(col("id") % 2).cogroup(left.groupBy(col("id") % 2))
    keyed = itself.applyInPandas(lambda k, a, b: pd.DataFrame({"k": k, "n": [len(a) + len(b)]}), "k long, n long")
    assert rows(keyed) == [(0, 4), (1, 2)]


def test_large_groups_come_in_batches(spark: Any) -> None:
    """Iterators see spark.sql.execution.arrow.maxRecordsPerBatch rows at once."""
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "300")
    try:
        lengths = spark.range(1000).mapInArrow(
            lambda it: (pa.RecordBatch.from_pydict({"n": [len(b)]}) for b in it), "n long"
        )
        assert rows(lengths) == [300, 300, 300, 100]
        assert rows(spark.range(1000).agg(mean_of_batches("id"))) == [499.5]
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


WRONG: dict[str, tuple[Callable[[Any], Any], str]] = {
    "not a frame": (lambda df: df.mapInPandas(lambda it: [1], "id long"), "UDF_RETURN_TYPE"),
    "other names": (lambda df: df.mapInPandas(lambda it: it, "x long"), "RESULT_COLUMN_NAMES_MISMATCH"),
    "other types": (
        lambda df: df.mapInPandas(lambda it: (d.assign(id="a") for d in it), "id long"),
        "Arrow type 'int64'",
    ),
    "too many columns": (
        lambda df: df.groupBy("id").applyInPandas(lambda d: d.assign(z=1), "id long"),
        "RESULT_COLUMN_NAMES_MISMATCH",
    ),
    "length": (lambda df: df.select(pandas_udf(lambda s: s[:1], "long")("id")), "SCHEMA_MISMATCH_FOR_PANDAS_UDF"),
    "type": (lambda df: df.select(pandas_udf(lambda s: s.astype(str) + "x", "int")("id")), "Arrow type 'int32'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_results(spark: Any, case: str) -> None:
    query, text = WRONG[case]
    with pytest.raises(PythonException, match="PYTHON_EXCEPTION") as caught:
        query(spark.range(3)).collect()
    assert text in str(caught.value)


def test_other_types_from_arrow(spark: Any) -> None:
    with pytest.raises(SparkRuntimeException) as caught:
        spark.range(3).mapInArrow(lambda it: it, "id string").collect()
    assert caught.value.getCondition() == "ARROW_TYPE_MISMATCH"

"""Table functions at the places where a query can have one; the answers of real Spark are in test_against_spark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, PythonException, UnsupportedOperationException
from pyspark.sql.functions import col, lit, udf, udtf


@udtf(returnType="a: int, b: int", useArrow=True)
class Two:
    def eval(self, x: int, y: int = 100) -> Iterator[Any]:
        yield x, y
        yield x, y + 1


@udtf(returnType="n: int", useArrow=True)
class Count:
    def __init__(self) -> None:
        self.n = 0

    def eval(self, row: Any) -> None:
        self.n += 1

    def terminate(self) -> Iterator[Any]:
        yield (self.n,)


class Fails:
    def eval(self, x: int) -> Iterator[Any]:
        if x == 2:
            raise ValueError(f"no {x}")
        yield (x,)


@pytest.fixture
def two(spark: Any) -> Any:
    spark.udtf.register("two", Two)
    spark.udtf.register("count_rows", Count)
    return spark


QUERIES = {
    "grouped": (
        "SELECT a, sum(b) FROM range(2) r, LATERAL two(CAST(id AS INT)) GROUP BY a ORDER BY a",
        [(0, 201), (1, 201)],
    ),
    "one after the other": ("SELECT x.b, y.b FROM two(1) x, LATERAL two(x.a, x.b) y ORDER BY 1, 2",
                            [(100, 100), (100, 101), (101, 101), (101, 102)]),
    "scalar subquery": ("SELECT (SELECT max(b) FROM two(3))", [(101,)]),
    "in": ("SELECT id FROM range(2) WHERE id IN (SELECT a FROM two(1))", [(1,)]),
    "common table": ("WITH t AS (SELECT * FROM range(2)) SELECT count(*) FROM t, LATERAL two(CAST(id AS INT))", [(4,)]),
    "common table as argument": (
        "WITH t AS (SELECT * FROM range(5)) SELECT * FROM count_rows(TABLE(t) WITH SINGLE PARTITION)", [(5,)],
    ),
    "only counted": ("SELECT count(*) FROM range(3), LATERAL two(1)", [(6,)]),
    "no column of it": ("SELECT 1 FROM two(1)", [(1,), (1,)]),
    "renamed": ("SELECT p FROM two(1) AS t(p, q) WHERE q = 100", [(1,)]),
    "left with nothing to the left": ("SELECT * FROM range(0) LEFT JOIN LATERAL two(CAST(id AS INT)) ON true", []),
}  # fmt: skip


@pytest.mark.parametrize("name", QUERIES)
def test_places(two: Any, name: str) -> None:
    text, expected = QUERIES[name]
    assert [tuple(row) for row in two.sql(text).collect()] == expected


def test_a_view_joined_with_itself(two: Any) -> None:
    Two(lit(1)).createOrReplaceTempView("twice")
    rows = two.sql("SELECT x.b FROM twice x JOIN twice y ON x.b = y.b ORDER BY 1").collect()
    assert [row.b for row in rows] == [100, 101]


def test_python_functions_of_the_table(two: Any) -> None:
    table = two.range(5).select(udf(lambda x: x + 1, "int")("id").alias("z"))
    assert Count(table.asTable().withSinglePartition()).collect() == [(5,)]


def test_many_batches_are_one_partition(two: Any) -> None:
    assert Count(two.range(25_000).asTable().withSinglePartition()).collect() == [(25_000,)]


def test_listed(two: Any) -> None:
    assert two.catalog.functionExists("two")
    assert "count_rows" in [function.name for function in two.catalog.listFunctions()]


@pytest.mark.parametrize("arrow", [True, False])
def test_the_users_lines_are_shown(two: Any, arrow: bool) -> None:
    function = udtf(Fails, returnType="a: int", useArrow=arrow)
    with pytest.raises(PythonException) as caught:
        two.range(4).lateralJoin(function(col("id").outer())).collect()
    text = str(caught.value)
    assert "ValueError: no 2" in text
    assert f'File "{__file__}", line ' in text
    assert "/pyspark/" not in text


def test_in_a_stream(two: Any, tmp_path: Path) -> None:
    stream = two.readStream.format("rate-micro-batch").option("rowsPerBatch", 3).option("numPartitions", 1).load()
    rows = stream.select(col("value").cast("int").alias("v")).lateralJoin(Two(col("v").outer())).select("v", "b")
    writer = rows.writeStream.format("memory").queryName("two_of_each").trigger(once=True)
    writer.option("checkpointLocation", str(tmp_path)).start().awaitTermination(120)
    found = sorted(tuple(row) for row in two.table("two_of_each").collect())
    assert found == [(v, b) for v in range(3) for b in (100, 101)]


LEFT_JOINS = {
    "two(CAST(id AS INT)) f ON f.b > 100 - id": [(0, 0, 101), (1, 1, 100), (1, 1, 101)],
    "two(CAST(id AS INT)) f ON f.b > 1000": [(0, None, None), (1, None, None)],
    "two(CAST(id AS INT)) f ON f.a = 1 AND f.b = 101": [(0, None, None), (1, 1, 101)],
    "(SELECT 7 AS seven, b FROM two(CAST(id AS INT))) f ON f.b > 200 - 100 * id": [(0, None, None), (1, 7, 101)],
    "only_odd(CAST(id AS INT)) ON true": [(0, None), (1, 1)],
    "(SELECT 7 AS seven FROM only_odd(CAST(id AS INT))) ON true": [(0, None), (1, 7)],
}


class OnlyOdd:
    def eval(self, x: int) -> Iterator[Any]:
        if x % 2:
            yield (x,)


@pytest.mark.parametrize("right", LEFT_JOINS)
def test_left_joins(two: Any, right: str) -> None:
    two.udtf.register("only_odd", udtf(OnlyOdd, returnType="a: int"))
    rows = two.sql(f"SELECT * FROM range(2) LEFT JOIN LATERAL {right} ORDER BY ALL").collect()
    assert [tuple(row) for row in rows] == LEFT_JOINS[right]


def test_left_join_with_a_filter_inside_is_refused(two: Any) -> None:
    with pytest.raises(UnsupportedOperationException, match="with a filter over two"):
        two.sql("SELECT * FROM range(2) LEFT JOIN LATERAL (SELECT * FROM two(CAST(id AS INT)) WHERE b > 1)").collect()


def test_right_lateral_join(two: Any) -> None:
    with pytest.raises(AnalysisException, match="INVALID_LATERAL_JOIN_TYPE"):
        two.sql("SELECT * FROM range(2) RIGHT JOIN LATERAL two(CAST(id AS INT)) ON true").collect()

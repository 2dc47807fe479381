"""Values that a query cannot work with, met in the middle of a stream.

The query ends by STREAM_FAILED with the cause in it; nothing of the failed batch is in the result; a corrected program,
or corrected input, goes on from the same checkpoint, and in the end the result is that of the batch query.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F

from tests.bad_input.failing import ROWS, Job

GOOD = [{"k": "5", "v": 7, "t": "2024-01-01T00:00:00Z"}]
Transform = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("wrong", "right", "cause", "names"),
    [
        (
            lambda f: f.select("k", (F.lit(10) / F.col("v")).alias("x")),
            lambda f: f.select("k", F.try_divide(F.lit(10), "v").alias("x")),
            "DIVIDE_BY_ZERO",
            ["try_divide", "22012"],
        ),
        (
            lambda f: f.selectExpr("k", "10 % v AS x"),
            lambda f: f.selectExpr("k", "try_mod(10, v) AS x"),
            "REMAINDER_BY_ZERO",
            ["try_mod", "22012"],
        ),
        (
            lambda f: f.selectExpr("v", "CAST(k AS INT) AS n"),
            lambda f: f.selectExpr("v", "TRY_CAST(k AS INT) AS n"),
            "CAST_INVALID_INPUT",
            ["'a'", '"STRING"', '"INT"', "try_cast", "22018"],
        ),
        (
            lambda f: f.selectExpr("v", "to_timestamp(k, 'yyyy') AS n"),
            lambda f: f.selectExpr("v", "try_to_timestamp(k, 'yyyy') AS n"),
            "CANNOT_PARSE_TIMESTAMP",
            ["22007"],
        ),
        (
            lambda f: f.selectExpr("k", "v + 2147483647 AS n"),
            lambda f: f.selectExpr("k", "try_add(v, 2147483647) AS n"),
            "ARITHMETIC_OVERFLOW",
            ["spark.sql.ansi.enabled", "22003"],
        ),
        (
            lambda f: f.selectExpr("k", "array(1, 2)[v + 2] AS n"),
            lambda f: f.selectExpr("k", "get(array(1, 2), v + 2) AS n"),
            "INVALID_ARRAY_INDEX",
            ["2", "22003"],
        ),
    ],
)
def test_an_expression(
    spark: Any, tmp_path: Path, wrong: Transform, right: Transform, cause: str, names: list[str]
) -> None:
    job = Job(spark, tmp_path, transform=right)
    job.add("a", GOOD)
    job.run()
    committed = job.rows()
    job.add("b", ROWS)
    job.transform = wrong
    job.fails(cause, "in batch 1", *names)
    assert job.rows() == committed
    job.transform = right
    job.run()
    assert job.rows() == job.batch_rows()
    assert len(job.rows()) == len(GOOD) + len(ROWS)


def test_a_running_sum_that_overflows(spark: Any, tmp_path: Path) -> None:
    """The state of the failed batch is not kept: with its file put right, the sum is exact."""
    totals: dict[int, Any] = {}
    job = Job(
        spark,
        tmp_path,
        schema="v long",
        transform=lambda f: f.groupBy().agg(F.sum("v").alias("s"), F.count("*").alias("n")),
        mode="complete",
        function=lambda frame, batch_id: totals.__setitem__(batch_id, tuple(frame.collect()[0])),
    )
    job.add("a", [{"v": 2**63 - 10}])
    bad = job.add("b", [{"v": 5}, {"v": 6}])
    job.fails("ARITHMETIC_OVERFLOW", "in batch 1", "running sum", "DECIMAL(38, 0)", "22003")
    assert totals == {0: (2**63 - 10, 1)}
    bad.write_text('{"v": 5}\n{"v": 4}\n')
    job.add("c", [{"v": -1}])
    job.run()
    assert totals == {0: (2**63 - 10, 1), 1: (2**63 - 1, 3), 2: (2**63 - 2, 4)}
    assert list(totals.values())[-1] == job.batch_rows()[0]


def test_a_running_sum_that_may_overflow(spark: Any, tmp_path: Path) -> None:
    """The remedy that the message names."""
    seen: list[Any] = []
    job = Job(spark, tmp_path, schema="v long", mode="complete", function=lambda f, _: seen.append(f.collect()[0]))
    job.transform = lambda f: f.groupBy().agg(F.sum(F.col("v").cast("decimal(38,0)")))
    job.add("a", [{"v": 2**63 - 1}])
    job.add("b", [{"v": 1}])
    job.run()
    assert [tuple(row) for row in seen] == [(2**63 - 1,), (2**63,)]


def test_an_overflow_within_one_batch(spark: Any, tmp_path: Path) -> None:
    job = Job(spark, tmp_path, schema="v long", transform=lambda f: f.groupBy().agg(F.sum("v").alias("s")))
    job.mode, job.function = "update", lambda frame, batch_id: None
    job.add("a", [{"v": 2**63 - 1}, {"v": 1}])
    job.fails("ARITHMETIC_OVERFLOW", "in batch 0", "try_sum")


def test_without_ansi_mode_the_same_stream_goes_on(spark: Any, tmp_path: Path) -> None:
    """The remedy that the messages name."""
    job = Job(spark, tmp_path, transform=lambda f: f.selectExpr("k", "10 / v AS x"))
    job.add("a", ROWS)
    job.fails("DIVIDE_BY_ZERO", '"spark.sql.ansi.enabled" to "false"')
    spark.conf.set("spark.sql.ansi.enabled", "false")
    try:
        job.run()
    finally:
        spark.conf.unset("spark.sql.ansi.enabled")
    assert job.rows() == [("a", 10.0), ("b", None)]

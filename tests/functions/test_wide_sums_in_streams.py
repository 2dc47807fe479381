"""Sums of decimals that leave their 38 digits in the course of a stream."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import penstock
from penstock.testing import AddData, CheckNewAnswer, ExpectFailure, MemoryStream, StartStream, StopStream, check_stream

LARGE, LESS, NEGATIVE, ONE = Decimal("9" * 38), Decimal("9" * 37 + "8"), Decimal("-" + "9" * 38), Decimal(1)


def totals(rows: MemoryStream, spark: Any) -> DataFrame:
    return rows.to_df(spark).groupBy("k").agg(F.sum("e").alias("s"), F.count("e"))


@pytest.fixture
def rows() -> MemoryStream:
    return MemoryStream("k int, e decimal(38,0)")


def test_with_ansi_off_it_stays_null(rows: MemoryStream) -> None:
    spark = penstock.session({"spark.sql.ansi.enabled": "false"})
    check_stream(
        totals(rows, spark),
        StartStream(),
        AddData(rows, (1, LARGE), (2, LARGE), (3, LARGE), (3, ONE), (4, None)),
        CheckNewAnswer((1, LARGE, 1), (2, LARGE, 1), (3, None, 2), (4, None, 0)),
        AddData(rows, (1, ONE), (2, -ONE), (3, -ONE), (4, ONE)),
        CheckNewAnswer((1, None, 2), (2, LESS, 2), (3, None, 3), (4, ONE, 1)),
        StopStream(),
        StartStream(),
        AddData(rows, (1, NEGATIVE), (2, ONE)),
        CheckNewAnswer((1, None, 3), (2, LARGE, 3)),
        output_mode="update",
    )


def test_in_ansi_mode_it_fails_the_query(rows: MemoryStream) -> None:
    spark = penstock.session({"spark.sql.ansi.enabled": "true"})
    check_stream(
        totals(rows, spark),
        StartStream(),
        AddData(rows, (1, LARGE)),
        CheckNewAnswer((1, LARGE, 1)),
        AddData(rows, (1, ONE)),
        ExpectFailure("ARITHMETIC_OVERFLOW", "Overflow in sum of decimals"),
        output_mode="update",
    )

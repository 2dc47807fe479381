"""Times made of parts, ordered aggregates, names that Spark rewrites."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from penstock.core.errors import SparkError


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("make_timestamp(DATE'2014-12-28', TIME'6:30:45.887')", "2014-12-28 06:30:45.887"),
        ("make_timestamp(DATE'2014-12-28')", "2014-12-28 00:00:00"),
        ("make_timestamp_ntz(2014, 12, 28, 6, 30, 60)", "2014-12-28 06:31:00"),
        ("try_make_timestamp(2014, 13, 28, 6, 30, 0)", None),
        ("make_interval(1, 2, 3, 4, 5, 6, 7.008)", "1 years 2 months 25 days 5 hours 6 minutes 7.008 seconds"),
        ("make_interval(-1, 2, -3, 4, -5, 6, -7.5)", "-10 months -17 days -4 hours -54 minutes -7.5 seconds"),
        ("make_interval()", "0 seconds"),
        ("try_make_interval(2147483647)", None),
        ("make_dt_interval(1, 2)", "INTERVAL '1 02:00:00' DAY TO SECOND"),
        ("make_ym_interval(1, 2)", "INTERVAL '1-2' YEAR TO MONTH"),
        ("time_bucket(INTERVAL '15' MINUTE, TIMESTAMP '1969-12-31 23:07:00')", "1969-12-31 23:00:00"),
        ("time_bucket(INTERVAL '5' MONTH, TIMESTAMP '1960-03-30 14:30:00')", "1960-01-01 00:00:00"),
        ("to_binary('537')", "\x057"),
        ("try_to_binary('zz')", None),
        ("hex(overlay(x'0102', x'FF', 2))", "01FF"),
        ("btrim(encode('SSparkSQLS', 'utf-8'), encode('SL', 'utf-8'))", "parkSQ"),
    ],
)
def test_values(answer: Any, expression: str, value: Any) -> None:
    assert answer(f"SELECT CAST({expression} AS STRING)") == [(value,)]


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        ("mode(c, true)", 1),
        ("mode() WITHIN GROUP (ORDER BY c DESC)", 4),
        ("percentile_cont(0.25) WITHIN GROUP (ORDER BY c)", 1.75),
        ("percentile_cont(0.25) WITHIN GROUP (ORDER BY c DESC)", 3.25),
        ("percentile_disc(0.5) WITHIN GROUP (ORDER BY c)", 2.0),
        ("percentile_disc(0.5) WITHIN GROUP (ORDER BY c DESC)", 3.0),
        ("collect_set(c % 2)", [0, 1]),
        ("try_avg(CAST(c AS DECIMAL(3, 1)))", Decimal("2.50000")),
        ("regr_sxx(c, c)", 5.0),
        ("regr_r2(c, c)", 1.0),
        ("corr(c, c)", 1.0),
    ],
)
def test_aggregates(answer: Any, aggregate: str, value: Any) -> None:
    assert answer(f"SELECT {aggregate} FROM VALUES (1), (2), (3), (4), (NULL) AS t(c)") == [(value,)]


def test_a_null_field_is_the_least(answer: Any) -> None:
    sql = "SELECT min(s).a, max(s).a FROM VALUES (named_struct('a', 1)), (named_struct('a', CAST(NULL AS INT))) AS t(s)"
    assert answer(sql) == [(None, 1)]


@pytest.mark.parametrize("sql", ["time_bucket(INTERVAL '0' DAY, now())", "current_time(7)"])
def test_values_out_of_range(answer: Any, sql: str) -> None:
    with pytest.raises(SparkError) as error:
        answer(f"SELECT {sql}")
    assert error.value.condition == "DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE"


def test_random_things_have_their_shape(answer: Any) -> None:
    rows = answer("SELECT length(randstr(5)), size(shuffle(array(1, 2, NULL))), length(reflect('java.util.UUID', "
                  "'randomUUID')) FROM range(3)")  # fmt: skip
    assert rows == [(5, 3, 36)] * 3

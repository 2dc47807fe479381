"""spark.conf through the Config RPC, against what Spark 4.2 answers."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.errors import AnalysisException, IllegalArgumentException, SparkNoSuchElementException


def test_set_get_unset(spark: Any) -> None:
    spark.conf.set("spark.sql.shuffle.partitions", 7)
    assert spark.conf.get("spark.sql.shuffle.partitions") == "7"
    spark.conf.unset("spark.sql.shuffle.partitions")
    assert spark.conf.get("spark.sql.shuffle.partitions") == "200"


def test_unknown_keys(spark: Any) -> None:
    with pytest.raises(SparkNoSuchElementException) as caught:
        spark.conf.get("no.such.key")
    assert caught.value.getCondition() == "SQL_CONF_NOT_FOUND"
    assert caught.value.getSqlState() == "42K0I"
    assert caught.value.getMessageParameters() == {"sqlConf": '"no.such.key"'}
    assert spark.conf.get("no.such.key", "fallback") == "fallback"
    assert spark.conf.get("no.such.key", None) is None
    spark.conf.set("no.such.key", "value")
    assert spark.conf.get("no.such.key") == "value"


def test_is_modifiable(spark: Any) -> None:
    assert spark.conf.isModifiable("spark.sql.ansi.enabled")
    assert not spark.conf.isModifiable("spark.sql.warehouse.dir")
    assert not spark.conf.isModifiable("spark.executor.memory")
    assert not spark.conf.isModifiable("my.key")


@pytest.mark.parametrize(
    ("key", "value", "condition", "params"),
    [
        ("spark.sql.shuffle.partitions", "abc", "TYPE_MISMATCH", {"confType": "int"}),
        ("spark.sql.ansi.enabled", "maybe", "TYPE_MISMATCH", {"confType": "boolean"}),
        ("spark.sql.session.timeZone", "Nowhere/X", "TIME_ZONE", {}),
        ("spark.sql.timestampType", "X", "OUT_OF_RANGE_OF_OPTIONS", {"confOptions": "TIMESTAMP_NTZ, TIMESTAMP_LTZ"}),
        (
            "spark.sql.shuffle.partitions", "-1", "REQUIREMENT",
            {"confRequirement": "The value of spark.sql.shuffle.partitions must be positive"},
        ),
    ],
)  # fmt: skip
def test_values_out_of_range(spark: Any, key: str, value: str, condition: str, params: dict[str, str]) -> None:
    with pytest.raises(IllegalArgumentException) as caught:
        spark.conf.set(key, value)
    assert caught.value.getCondition() == f"INVALID_CONF_VALUE.{condition}"
    assert caught.value.getSqlState() == "22022"
    assert caught.value.getMessageParameters() == {"confName": key, "confValue": value, **params}


@pytest.mark.parametrize("zone", ["+1:00", "UTC+3", "EST", "Europe/Berlin", "UTC"])
def test_time_zones_that_spark_takes(spark: Any, zone: str) -> None:
    spark.conf.set("spark.sql.session.timeZone", zone)
    assert spark.conf.get("spark.sql.session.timeZone") == zone


@pytest.mark.parametrize(
    ("key", "condition"),
    [("spark.sql.warehouse.dir", "CANNOT_MODIFY_STATIC_CONFIG"), ("spark.executor.memory", "CANNOT_MODIFY_CONFIG")],
)
def test_fixed_settings(spark: Any, key: str, condition: str) -> None:
    for change in (lambda: spark.conf.set(key, "x"), lambda: spark.conf.unset(key)):
        with pytest.raises(AnalysisException) as caught:
            change()
        assert caught.value.getCondition() == condition
        assert caught.value.getSqlState() == "46110"


def test_the_builder_sets_what_is_fixed_later(spark: Any) -> None:
    spark.conf._set_all({"spark.executor.memory": "2g", "spark.sql.shuffle.partitions": "bad"}, silent=True)
    assert spark.conf.get("spark.executor.memory") == "2g"
    assert spark.conf.get("spark.sql.shuffle.partitions") == "200"


def test_all_settings(spark: Any) -> None:
    spark.conf.set("a.b", "c")
    assert spark.conf.getAll["a.b"] == "c"


def test_sql_set_and_reset(spark: Any) -> None:
    assert spark.sql("SET spark.sql.shuffle.partitions=9").collect() == [("spark.sql.shuffle.partitions", "9")]
    assert spark.sql("SET spark.sql.shuffle.partitions").collect() == [("spark.sql.shuffle.partitions", "9")]
    assert spark.sql("SET no.key").collect() == [("no.key", "<undefined>")]
    spark.sql("RESET")
    assert spark.conf.get("spark.sql.shuffle.partitions") == "200"

"""SELECT * FROM parquet.`/path`; expected conditions and parameters are real Spark 4.2.1's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import functions as F

from penstock.connect import deep_messages


@pytest.mark.parametrize("name", ["parquet", "PARQUET", "json", "orc"])
def test_files_are_queried_by_path(spark: Any, tmp_path: Path, name: str) -> None:
    path = str(tmp_path / "rows")
    spark.range(3).write.format(name).save(path)
    assert [row.id for row in spark.sql(f"SELECT id + 1 AS id FROM {name}.`{path}` ORDER BY id").collect()] == [1, 2, 3]
    assert spark.sql(f"SELECT sum(a.id) AS s FROM {name}.`{path}` a").collect()[0].s == 3
    assert spark.read.table(f"{name}.`{path}`").count() == 3


def refusal(spark: Any, table: str) -> tuple[str, dict[str, str]]:
    with pytest.raises(AnalysisException) as caught:
        spark.sql(f"SELECT * FROM {table}").collect()
    return caught.value.getCondition(), caught.value.getMessageParameters()


def test_what_is_no_path_of_files(spark: Any, tmp_path: Path) -> None:
    nothing = f"{tmp_path}/nothing"
    assert refusal(spark, f"json.`{nothing}`") == ("PATH_NOT_FOUND", {"path": f"file:{nothing}"})
    assert refusal(spark, "parquet.``") == ("INVALID_EMPTY_LOCATION", {"location": ""})
    unsupported = "UNSUPPORTED_DATASOURCE_FOR_DIRECT_QUERY"
    assert refusal(spark, "rate.`/x`") == (unsupported, {"dataSourceType": "rate"})
    assert refusal(spark, "jdbc.`/x`") == (unsupported, {"dataSourceType": "jdbc"})
    condition, params = refusal(spark, "parqt.`/x`")
    assert (condition, params["relationName"]) == ("TABLE_OR_VIEW_NOT_FOUND", "`parqt`.`/x`")


def test_the_files_have_no_name(spark: Any, tmp_path: Path) -> None:
    spark.range(1).write.parquet(str(tmp_path / "rows"))
    with pytest.raises(AnalysisException) as caught:
        spark.sql(f"SELECT parquet.id FROM parquet.`{tmp_path}/rows`").collect()
    assert caught.value.getCondition() == "UNRESOLVED_COLUMN.WITH_SUGGESTION"


def test_paths_may_be_switched_off(spark: Any, tmp_path: Path) -> None:
    spark.range(1).write.parquet(str(tmp_path / "rows"))
    spark.conf.set("spark.sql.runSQLOnFiles", "false")
    try:
        assert refusal(spark, f"parquet.`{tmp_path}/rows`")[0] == "TABLE_OR_VIEW_NOT_FOUND"
    finally:
        spark.conf.unset("spark.sql.runSQLOnFiles")


def test_expressions_may_be_nested_deeply(spark: Any) -> None:
    """The client copies an expression for each operator around it; protobuf alone refuses 50 of them."""
    deep_messages.allow()
    total, any_of = F.lit(0), F.lit(False)
    for number in range(200):
        total, any_of = total + F.col("id"), any_of | (F.col("id") == number)
    rows = spark.range(300).filter(any_of).select(total.alias("total"))
    assert rows.agg(F.count("*"), F.max("total")).collect() == [(200, 199 * 200)]

"""CREATE TEMPORARY VIEW ... USING: what spark.read.format(...).options(...).load() gives, under a name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, ParseException

import penstock


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    session = penstock.session()
    yield session
    session.stop()


@pytest.fixture
def people(tmp_path: Path) -> Path:
    (tmp_path / "people.json").write_text('{"name": "Andy", "age": 30}\n{"name": "Justin", "age": 19}\n')
    (tmp_path / "people.csv").write_text("name;age\nAnn;3\n")
    return tmp_path


def rows(spark: Any, query: str) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in spark.sql(query).collect())


def test_formats_options_and_columns(spark: Any, people: Path) -> None:
    source = f"USING org.apache.spark.sql.json OPTIONS ( path '{people}/people.json' )"
    spark.sql(f"CREATE TEMPORARY VIEW people {source}")
    assert rows(spark, "SELECT * FROM people") == [(19, "Justin"), (30, "Andy")]
    with pytest.raises(AnalysisException, match="people") as caught:
        spark.sql(f"CREATE TEMP VIEW people {source}")
    assert caught.value.getCondition() == "TEMP_TABLE_OR_VIEW_ALREADY_EXISTS"
    spark.sql(
        f"""CREATE OR REPLACE TEMPORARY VIEW people USING csv
            OPTIONS (path='{people}/people.csv', sep ";", "header" true, inferSchema true)"""
    )
    assert rows(spark, "SELECT name, age + 1 FROM people") == [("Ann", 4)]
    spark.sql(f"CREATE GLOBAL TEMP VIEW g (age STRING) USING json OPTIONS (path '{people}/people.json')")
    assert rows(spark, "SELECT * FROM global_temp.g") == [("19",), ("30",)]


def test_what_is_refused(spark: Any) -> None:
    with pytest.raises(AnalysisException) as missing:
        spark.sql("CREATE TEMPORARY VIEW v USING json OPTIONS (path '/there/is/none')")
    assert missing.value.getCondition() == "PATH_NOT_FOUND"
    with pytest.raises(ParseException) as located:
        spark.sql("CREATE TEMPORARY VIEW v USING json LOCATION '/there'")
    assert located.value.getCondition() == "PARSE_SYNTAX_ERROR"

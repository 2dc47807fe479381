"""A query that means nothing: names, types, functions and SQL text that do not resolve, told before data is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, IllegalArgumentException, ParseException
from pyspark.sql import functions as F

from tests.bad_input.failing import ROWS, Job, fails

MISSING = "UNRESOLVED_COLUMN.WITH_SUGGESTION"
MISMATCH = "DATATYPE_MISMATCH"


@pytest.fixture
def stream(spark: Any, tmp_path: Path) -> Any:
    """A stream with the columns k (string), v (int) and t (timestamp)."""
    job = Job(spark, tmp_path)
    job.add("a", ROWS)
    frame = job.frame()
    frame.createOrReplaceTempView("stream")
    return frame


@pytest.mark.parametrize(
    ("query", "name", "similar"),
    [
        (lambda s: s.select("kk"), "`kk`", "`k`"),
        (lambda s: s.where("vv > 1"), "`vv`", "`v`"),
        (lambda s: s.where(F.col("s.vv") > 1), "`s`.`vv`", "`v`"),
        (lambda s: s.groupBy("kk").count(), "`kk`", "`k`"),
        (lambda s: s.groupBy("k").agg(F.sum("vv")), "`vv`", "`v`"),
        (lambda s: s.withWatermark("ts", "1 minute"), "`ts`", "`t`"),
        (lambda s: s.groupBy(F.window("ts", "1 minute")).count(), "`ts`", "`t`"),
        (lambda s: s.selectExpr("upper(kk)"), "`kk`", "`k`"),
        (lambda s: s.sparkSession.sql("SELECT kk FROM stream"), "`kk`", "`k`"),
    ],
)
def test_a_missing_column(stream: Any, query: Callable[[Any], Any], name: str, similar: str) -> None:
    error = fails(lambda: query(stream).schema, AnalysisException, MISSING, name, similar)
    assert error.getSqlState() == "42703"
    assert error.getMessageParameters()["objectName"] == name


def test_an_ambiguous_column(stream: Any, spark: Any) -> None:
    names = spark.createDataFrame([("a", 1)], "k string, w int")
    both = stream.crossJoin(names)
    error = fails(lambda: both.select("k").schema, AnalysisException, "AMBIGUOUS_REFERENCE", "`k`")
    assert error.getSqlState() == "42704"
    joined = stream.join(names, "k").select("k", "w")
    assert joined.columns == ["k", "w"]  # the remedy: join by name


@pytest.mark.parametrize(
    ("query", "condition", "names"),
    [
        (lambda s: s.where("v + 1"), f"{MISMATCH}.FILTER_NOT_BOOLEAN", ['"(v + 1)"', '"INT"']),
        (lambda s: s.select(F.array("k") + 1), f"{MISMATCH}.BINARY_OP_DIFF_TYPES", ['"ARRAY<STRING>"', '"INT"']),
        (lambda s: s.withWatermark("k", "1 minute"), "EVENT_TIME_IS_NOT_ON_TIMESTAMP_TYPE", ["`k`", '"STRING"']),
        (lambda s: s.union(s.select("k")), "NUM_COLUMNS_MISMATCH", ["3", "1"]),
        (lambda s: s.select(F.explode("v")), f"{MISMATCH}.UNEXPECTED_INPUT_TYPE", ['"explode(v)"', '"INT"']),
        (lambda s: s.select(F.col("t").cast("boolean")), f"{MISMATCH}.CAST_WITH_CONF_SUGGESTION", ['"TIMESTAMP"']),
    ],
)
def test_wrong_types(stream: Any, query: Callable[[Any], Any], condition: str, names: list[str]) -> None:
    fails(lambda: query(stream).schema, AnalysisException, condition, *names)


@pytest.mark.parametrize(
    ("query", "condition", "names"),
    [
        (lambda s: F.window("t", "1 parsec"), "CANNOT_PARSE_INTERVAL", ["'1 parsec'", "'10 minutes'"]),
        (lambda s: F.window("t", "0 seconds"), f"{MISMATCH}.VALUE_OUT_OF_RANGE", ["`window_duration`", "0L"]),
        (lambda s: F.window("t", "-1 minute"), f"{MISMATCH}.VALUE_OUT_OF_RANGE", ["`window_duration`", "-60000000L"]),
        (
            lambda s: F.window("t", "1 minute", "2 minutes"),
            f"{MISMATCH}.PARAMETER_CONSTRAINT_VIOLATION",
            ["`slide_duration`", "120000000L", "60000000L"],
        ),
    ],
)
def test_a_wrong_window(stream: Any, query: Callable[[Any], Any], condition: str, names: list[str]) -> None:
    fails(lambda: stream.groupBy(query(stream)).count().schema, AnalysisException, condition, *names)


def test_a_wrong_watermark_delay(stream: Any) -> None:
    wrong = stream.withWatermark("t", "5 parsecs")
    fails(lambda: wrong.schema, AnalysisException, "CANNOT_PARSE_INTERVAL", "'5 parsecs'", "'10 minutes'")
    negative = stream.withWatermark("t", "-5 minutes")
    fails(lambda: negative.schema, IllegalArgumentException, None, "delay threshold (-5 minutes)", "negative")


@pytest.mark.parametrize(
    ("text", "kind", "condition", "names"),
    [
        ("frobnicate(k)", AnalysisException, "UNRESOLVED_ROUTINE", ["`frobnicate`"]),
        ("length(k, v)", AnalysisException, "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", ["`length`", "2"]),
        ("v +", ParseException, "PARSE_SYNTAX_ERROR", ["end of input"]),
        ("(v", ParseException, "PARSE_SYNTAX_ERROR", ["end of input"]),
    ],
)
def test_a_wrong_expression(stream: Any, text: str, kind: type[Exception], condition: str, names: list[str]) -> None:
    fails(lambda: stream.selectExpr(text).schema, kind, condition, *names)


@pytest.mark.parametrize("text", ["SELEC k FROM stream", "SELECT (k FROM stream", "SELECT k FROM stream GROUP k"])
def test_sql_that_does_not_parse(spark: Any, text: str) -> None:
    error = fails(lambda: spark.sql(text).collect(), ParseException, "PARSE_SYNTAX_ERROR", "Syntax error at or near")
    assert error.getSqlState() == "42601"


def test_a_missing_table(spark: Any) -> None:
    for query in (
        lambda: spark.sql("SELECT * FROM no.where"),
        lambda: spark.table("no.where"),
        lambda: spark.readStream.table("no.where"),
    ):
        error = fails(lambda query=query: query().schema, AnalysisException, "TABLE_OR_VIEW_NOT_FOUND", "`no`.`where`")
        assert error.getSqlState() == "42P01"


def test_a_wrong_schema_text(spark: Any, tmp_path: Path) -> None:
    fails(
        lambda: spark.readStream.schema("a innt").json(str(tmp_path)).schema,
        ParseException,
        "UNSUPPORTED_DATATYPE",
        "INNT",
    )
    fails(
        lambda: spark.readStream.schema("a int b").json(str(tmp_path)).schema, ParseException, "PARSE_SYNTAX_ERROR", "b"
    )

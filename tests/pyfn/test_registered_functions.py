"""Functions registered by name, callable from SQL text."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from pyspark.errors import AnalysisException, PythonException, UnsupportedOperationException
from pyspark.sql import functions as F
from pyspark.sql.connect.session import SparkSession
from pyspark.sql.functions import pandas_udf

from tests.connect.conftest import Builder


@pytest.fixture(autouse=True)
def functions(spark: Any) -> None:
    spark.udf.register("plusOne", lambda x: x + 1, "long")
    spark.udf.register("upper", lambda x: "mine", "string")
    spark.udf.register("psum", pandas_udf(lambda s: float(s.sum()), "double", 202))


def test_in_sql_text(spark: Any) -> None:
    found = spark.sql("SELECT plusone(id), PLUSONE(plusone(id)) AS b FROM range(3) WHERE plusone(id) > 1")
    assert found.columns == ["plusOne(id)", "b"]
    assert found.collect() == [(2, 3), (3, 4)]


def test_in_expressions(spark: Any) -> None:
    frame = spark.range(2).selectExpr("plusone(id) AS x")
    assert frame.select(F.call_udf("plusone", "x"), F.call_function("plusOne", F.col("x"))).collect() == [
        (2, 2),
        (3, 3),
    ]


def test_aggregates(spark: Any) -> None:
    assert spark.sql("SELECT id % 2, psum(id) FROM range(5) GROUP BY 1 HAVING psum(id) > 4").collect() == [(0, 6.0)]
    assert spark.sql("SELECT psum(id) FROM range(5)").collect() == [(10.0,)]


def test_functions_of_spark_come_first(spark: Any) -> None:
    assert spark.sql("SELECT upper('a')").collect() == [("A",)]


def test_the_last_one_counts(spark: Any) -> None:
    spark.udf.register("again", lambda: "first")
    spark.udf.register("again", lambda: "second")
    assert spark.sql("SELECT again()").collect() == [("second",)]


def test_catalog(spark: Any) -> None:
    assert spark.catalog.functionExists("plusone")
    assert not spark.catalog.functionExists("plustwo")
    assert [f.isTemporary for f in spark.catalog.listFunctions() if f.name == "plusone"] == [True]


def test_wrong_number_of_arguments(spark: Any) -> None:
    with pytest.raises(PythonException, match="takes 1 positional argument but 2 were given"):
        spark.sql("SELECT plusone(id, 2) FROM range(2)").collect()


def test_what_python_functions_cannot_do(spark: Any) -> None:
    with pytest.raises(AnalysisException) as caught:
        spark.sql("SELECT plusone(DISTINCT id) FROM range(2)").collect()
    assert caught.value.getCondition() == "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX"
    with pytest.raises(AnalysisException) as caught:
        spark.sql("SELECT nosuch(id) FROM range(2)").collect()
    assert caught.value.getCondition() == "UNRESOLVED_ROUTINE"


def test_functions_of_a_jvm(spark: Any) -> None:
    with pytest.raises(UnsupportedOperationException, match="registerJavaFunction.*jf"):
        spark.udf.registerJavaFunction("jf", "com.example.F", "int")
    with pytest.raises(UnsupportedOperationException, match="registerJavaUDAF: ja"):
        spark.udf.registerJavaUDAF("ja", "com.example.F")


def test_another_session_does_not_see_them(spark: Any) -> None:
    other = SparkSession(connection=Builder(spark.client._builder._service, session_id=str(uuid4())))
    assert not other.catalog.functionExists("plusone")
    other.client.close()

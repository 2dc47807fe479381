"""What results of row functions become when they are not of the declared type: the values are those of Spark 4.2."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.errors import ArithmeticException, IllegalArgumentException, PythonException
from pyspark.sql.functions import udf
from pyspark.sql.types import Row

VALUES: tuple[Any, ...] = (
    1, 1.5, "s", True, b"xy", None, [1, 2], {"a": 1}, (1, "x"), datetime.date(2020, 1, 2),
    datetime.datetime(2020, 1, 2, 3, 4, 5), Decimal("1.256"), 2**40, 2**70, -1,
)  # fmt: skip
FAILS = "fails"
TEXTS = {6: "[1, 2]", 7: "{a=1}", 11: "1.256", 12: "1099511627776", 13: "1180591620717411303424", 14: "-1"}

#: By type, what comes back, by the position of the value; all others give NULL.
PICKLED: dict[str, dict[int, Any]] = {
    "int": {0: 1, 12: 0, 14: -1},
    "bigint": {0: 1, 12: 2**40, 14: -1},
    "tinyint": {0: 1, 12: 0, 14: -1},
    "float": {1: 1.5},
    "double": {1: 1.5},
    "string": {0: "1", 1: "1.5", 2: "s", 3: "true", **TEXTS},
    "boolean": {3: True},
    "binary": {2: b"s", 4: b"xy"},
    "decimal(5,2)": {11: Decimal("1.26")},
    "array<int>": {4: [120, 121], 6: [1, 2], 8: [1, None]},
    "map<string,int>": {7: {"a": 1}},
}

#: The same of arrow-optimised functions, the default; all others fail.
ARROW: dict[str, dict[int, Any]] = {
    "int": {0: 1, 1: 1, 5: None, 9: 18263, 11: 1, 14: -1},
    "double": {0: 1.0, 1: 1.5, 3: 1.0, 5: None, 11: 1.256, 12: 2.0**40, 14: -1.0},
    "boolean": {0: True, 1: True, 3: True, 5: None, 12: True, 14: True},
    "binary": {4: b"xy", 5: None},
    "decimal(5,2)": {5: None, 11: Decimal("1.26")},
    "array<int>": {4: [120, 121], 5: None, 6: [1, 2]},
    "struct<a:int,b:string>": {5: None, 7: Row(a=1, b=None), 8: Row(a=1, b="x")},
}


def result_of(spark: Any, value: Any, data_type: str, arrow: bool) -> Any:
    function = udf(lambda _: value, data_type, useArrow=arrow)
    return spark.range(1).select(function("id")).collect()[0][0]


@pytest.mark.parametrize("data_type", PICKLED)
def test_wrong_values_become_null(spark: Any, data_type: str) -> None:
    unstable = (4, 8, 9, 10) if data_type == "string" else ()  # the texts of Java objects
    for position, value in enumerate(VALUES):
        if position not in unstable:
            found = result_of(spark, value, data_type, arrow=False)
            assert found == PICKLED[data_type].get(position), f"{value!r} as {data_type}"


@pytest.mark.parametrize("data_type", ["date", "timestamp", "struct<a:int,b:string>"])
def test_values_that_python_has_to_convert(spark: Any, data_type: str) -> None:
    """Dates, timestamps and rows are made internal in Python: what cannot be is an error of the function."""
    good: dict[str, dict[int, Any]] = {
        "date": {5: None, 9: VALUES[9], 10: VALUES[9]},
        "timestamp": {5: None, 10: VALUES[10]},
        "struct<a:int,b:string>": {
            5: None, 6: Row(a=1, b="2"), 7: Row(a=1, b=None), 8: Row(a=1, b="x"),
        },
    }  # fmt: skip
    for position, value in enumerate(VALUES):
        if position in good[data_type]:
            assert result_of(spark, value, data_type, arrow=False) == good[data_type][position]
        else:
            with pytest.raises(PythonException):
                result_of(spark, value, data_type, arrow=False)


@pytest.mark.parametrize("data_type", ARROW)
def test_arrow_optimised_functions(spark: Any, data_type: str) -> None:
    for position, value in enumerate(VALUES):
        if position in ARROW[data_type]:
            assert result_of(spark, value, data_type, arrow=True) == ARROW[data_type][position]
        else:
            with pytest.raises(PythonException):
                result_of(spark, value, data_type, arrow=True)


def test_decimals_that_do_not_fit(spark: Any) -> None:
    with pytest.raises(ArithmeticException) as caught:
        result_of(spark, Decimal("123456.7"), "decimal(5,2)", arrow=False)
    assert caught.value.getCondition() == "NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION"
    assert caught.value.getMessageParameters() == {
        "originalValue": "123456.7", "roundedValue": "123456.70", "precision": "5", "scale": "2",
    }  # fmt: skip


def test_rows_of_another_length(spark: Any) -> None:
    with pytest.raises(IllegalArgumentException) as caught:
        result_of(spark, (1,), "struct<a:int,b:int>", arrow=False)
    assert caught.value.getCondition() == "STRUCT_ARRAY_LENGTH_MISMATCH"


def test_many_values_of_mixed_types(spark: Any) -> None:
    """The way by which Arrow takes the values as they are, and the slow one, give the same."""
    mixed = udf(lambda x: (x, "text", None, 2**65)[x % 4], "bigint", useArrow=False)
    found = [row[0] for row in spark.range(8).select(mixed("id")).collect()]
    assert found == [0, None, None, None, 4, None, None, None]

"""The user's exception: PythonException with the lines of the user's function, and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from pyspark.errors import PythonException
from pyspark.sql.functions import arrow_udf, pandas_udf, udf


def inner(x: Any) -> Any:
    raise ValueError(f"no {type(x).__name__}")


def broken(x: Any) -> Any:
    return inner(x)


def stops(x: Any) -> Any:
    raise StopIteration("enough")


KINDS: dict[str, Callable[[Any], Any]] = {
    "udf": lambda df: df.select(udf(broken, "int")("id")),
    "udf without Arrow": lambda df: df.select(udf(broken, "int", useArrow=False)("id")),
    "pandas_udf": lambda df: df.select(pandas_udf(lambda s: broken(s), "int")("id")),
    "arrow_udf": lambda df: df.select(arrow_udf(lambda a: broken(a), "int")("id")),
    "mapInPandas": lambda df: df.mapInPandas(lambda it: map(broken, it), "id long"),
    "mapInArrow": lambda df: df.mapInArrow(lambda it: map(broken, it), "id long"),
    "applyInPandas": lambda df: df.groupBy("id").applyInPandas(lambda d: broken(d), "id long"),
    "cogroup": lambda df: df.groupBy("id").cogroup(df.groupBy("id")).applyInPandas(lambda a, b: broken(a), "id long"),
    "aggregate": lambda df: df.agg(pandas_udf(broken, "int", 202)("id")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_traceback(spark: Any, kind: str) -> None:
    with pytest.raises(PythonException) as caught:
        KINDS[kind](spark.range(3)).collect()
    text = str(caught.value)
    assert "[PYTHON_EXCEPTION]" in text
    assert "SQLSTATE: 38000" in text
    assert "ValueError: no " in text
    assert f'File "{__file__}", line ' in text
    assert "in broken" in text
    assert "return inner(x)" in text
    assert "/pyspark/" not in text
    assert "/penstock/pyfn/" not in text


@pytest.mark.parametrize("arrow", [True, False])
def test_stop_iteration(spark: Any, arrow: bool) -> None:
    with pytest.raises(PythonException, match="STOP_ITERATION_OCCURRED"):
        spark.range(3).select(udf(stops, "int", useArrow=arrow)("id")).collect()


def test_functions_that_end_the_program(spark: Any) -> None:
    def leave(x: Any) -> Any:
        raise SystemExit(3)

    with pytest.raises(PythonException, match="SystemExit: 3"):
        spark.range(3).select(udf(leave, "int")("id")).collect()


def test_the_session_goes_on(spark: Any) -> None:
    for _ in range(3):
        with pytest.raises(PythonException):
            spark.range(3).select(udf(broken, "int")("id")).collect()
    assert spark.range(3).mapInPandas(lambda it: (pd.DataFrame({"n": [len(d)]}) for d in it), "n long").collect() == [
        (3,)
    ]

"""Table functions, aggregates over windows and data sources answer as real Spark does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pyfn import spark_cases

ANSWERS = json.loads((Path(__file__).parent / "spark_answers.json").read_text())


@pytest.fixture(scope="module")
def prepared(spark: Any) -> Any:
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark_cases.prepare(spark)
    return spark


@pytest.mark.parametrize("name", spark_cases.CASES)
def test_as_in_spark(prepared: Any, name: str) -> None:
    assert spark_cases.answer(prepared, name) == ANSWERS[name]

"""SQL functions, refused row changes, buckets, the order of structs, VARIANT and more, against real Spark's answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.golden.sql_feature_cases import GROUPS, answer

RECORDED = json.loads((Path(__file__).parents[1] / "golden" / "sql_features.json").read_text())


@pytest.mark.parametrize("group", GROUPS)
def test_answers(spark: Any, group: str) -> None:
    """A group's texts build on each other: they run in order."""
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    recorded = RECORDED[group]
    assert [case["sql"] for case in recorded] == GROUPS[group]
    found = [{"sql": text, **answer(spark, text)} for text in GROUPS[group]]
    assert found == recorded

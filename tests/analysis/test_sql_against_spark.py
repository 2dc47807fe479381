"""Every query's schema (or error) is what real Spark 4.2 answered; spark_answers.jsonl keeps the answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.core.errors import SparkError
from tests.analysis.plans import resolved

ANSWERS = [json.loads(line) for line in (Path(__file__).parent / "spark_answers.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("answer", ANSWERS, ids=[answer["query"] for answer in ANSWERS])
def test_query_has_sparks_schema_or_error(answer: dict[str, Any]) -> None:
    if "schema" in answer:
        assert json.loads(resolved(answer["query"]).schema.json())["fields"] == answer["schema"]
        return
    with pytest.raises(SparkError) as caught:
        resolved(answer["query"])
    assert (caught.value.condition, caught.value.params) == (answer["error"], answer["params"])

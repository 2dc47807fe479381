"""Triggers, progress tracking, observed metrics and named sources: what is allowed and what is refused is what real
Spark said (tests/golden/streaming.json, by make_streaming.py)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))

from streaming_cases import CASES, NAMED_CASES, SOURCE_EVOLUTION, Case, Place, metrics, outcome, swaps  # noqa: E402

ANSWERS = json.loads((GOLDEN / "streaming.json").read_text())

#: Parameters that hold a sentence of Spark's, or a plan node's own name for its source, and not a fact.
_OWN_WORDS = ("input", "sourceInfo")


def _facts(answer: dict[str, Any]) -> dict[str, Any]:
    params = {key: value for key, value in answer.get("params", {}).items() if key not in _OWN_WORDS}
    return {**answer, "params": params} if "params" in answer else answer


#: What Spark finds wrong when the query runs, and Penstock at `start()`.
_EARLIER = {"realTime/rate": "STREAMING_REAL_TIME_MODE.INPUT_STREAM_NOT_SUPPORTED"}


@pytest.mark.parametrize("name", CASES)
def test_under_a_trigger(spark: Any, tmp_path: Path, name: str) -> None:
    expected = ANSWERS[name]
    answer = _ask(spark, tmp_path, CASES[name], expected)
    if name in _EARLIER:
        assert (answer["condition"], expected) == (_EARLIER[name], {"fails": True})
    else:
        assert _facts(answer) == _facts(expected)


@pytest.mark.parametrize("name", NAMED_CASES)
def test_names(spark: Any, tmp_path: Path, name: str) -> None:
    spark.conf.set(SOURCE_EVOLUTION, "true")
    assert _facts(_ask(spark, tmp_path, NAMED_CASES[name], ANSWERS[name])) == _facts(ANSWERS[name])


def _ask(spark: Any, tmp_path: Path, case: Case, expected: dict[str, Any]) -> dict[str, Any]:
    """A query that is to fail may take its time."""
    return outcome(case, Place(spark, tmp_path), F, 120 if "fails" in expected else 0.15)


def test_named_sources_come_and_go(spark: Any, tmp_path: Path) -> None:
    spark.conf.set(SOURCE_EVOLUTION, "true")
    assert _plain(swaps(Place(spark, tmp_path))) == _plain(ANSWERS["swaps"])


def _plain(runs: list[list[list[Any]]]) -> list[Any]:
    """Offsets as values: classic and Connect clients show them as different texts."""
    return [[[_value(start), _value(end), rows] for start, end, rows in run] for run in runs]


def _value(offset: Any) -> Any:
    return json.loads(offset) if isinstance(offset, str) else offset


def test_observed_metrics(spark: Any, tmp_path: Path) -> None:
    assert metrics(Place(spark, tmp_path), F) == ANSWERS["metrics"]

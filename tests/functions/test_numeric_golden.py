"""Sketches, random numbers, statistics and digits of elementary functions: what real Spark answered (one partition)."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conformance.functions import Conformance
from tests.golden.numeric_cases import SQL

GOLDEN = Path(__file__).parents[1] / "golden" / "numeric.jsonl"


def test_every_question_has_an_answer() -> None:
    assert [json.loads(line)["sql"] for line in GOLDEN.read_text("utf-8").splitlines()] == list(SQL)


def test_answers_are_sparks() -> None:
    conformance = Conformance()
    cases = (json.loads(line) for line in GOLDEN.read_text("utf-8").splitlines())
    verdicts = {case["sql"]: conformance.verdict(case) for case in cases}
    assert {sql: verdict for sql, verdict in verdicts.items() if verdict != "agree"} == {}

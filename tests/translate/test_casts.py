"""Every recorded cast of real Spark 4.2 (tests/golden/casts.json), in the three modes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.engine import Engine, EngineCursor
from penstock.plan.expressions import Alias, Cast, Literal, fresh_id
from penstock.plan.nodes import OneRow, Project
from penstock.plan.types import STRING, DataType
from penstock.translate import TranslateContext, to_sql
from tests.golden.cast_cases import CASES, key, zones_for

GOLDEN: dict[str, dict[str, Any]] = json.loads((Path(__file__).parents[1] / "golden" / "casts.json").read_text("utf-8"))

#: Known differences, each with its reason; a case that begins to agree must be taken out.
DIFFERENT: dict[tuple[str, str], str] = {}

PAIRS = [
    (source, values, target, zone) for source, values, targets in CASES for target in targets for zone in zones_for(source, target)
]


@pytest.fixture(scope="module")
def cursor() -> Iterator[EngineCursor]:
    engine = Engine()
    yield engine.cursor()
    engine.close()


def answers(
    cursor: EngineCursor, source: DataType, values: list[Any], target: DataType, zone: str, mode: str
) -> list[Any]:
    """The casts as strings; an error as Spark's condition."""
    conf = Conf({"spark.sql.session.timeZone": zone, "spark.sql.ansi.enabled": str(mode != "legacy").lower()})
    try:
        return run(cursor, source, values, target, mode, conf)
    except SparkError as error:
        if len(values) == 1:
            return [{"error": error.condition}]
        return [answers(cursor, source, [value], target, zone, mode)[0] for value in values]


def run(cursor: EngineCursor, source: DataType, values: list[Any], target: DataType, mode: str, conf: Conf) -> list[Any]:
    texts = [Cast(Cast(Literal(value, source), target, mode), STRING, mode) for value in values]
    plan = Project(tuple(Alias(text, ("x",), fresh_id()) for text in texts), OneRow())
    context = TranslateContext(conf)
    table = cursor.query(to_sql(plan, context), context.tables, conf)
    return [column[0].as_py() for column in table.columns]


@pytest.mark.parametrize("mode", ["ansi", "try", "legacy"])
@pytest.mark.parametrize(("source", "values", "target", "zone"), PAIRS, ids=[f"{s.simpleString()}-{t.simpleString()}-{z}" for s, _, t, z in PAIRS])
def test_cast_agrees_with_spark(
    cursor: EngineCursor, source: DataType, values: list[Any], target: DataType, zone: str, mode: str
) -> None:
    names = [key(source, value, target, zone) for value in values]
    wanted = {name: GOLDEN[name][mode] for name in names if (name, mode) not in DIFFERENT}
    wanted = {name: answer for name, answer in wanted.items() if "DATATYPE_MISMATCH" not in str(answer)}  # analysis refuses these
    known = [v for v, name in zip(values, names, strict=True) if name in wanted]
    got = dict(zip([key(source, v, target, zone) for v in known], answers(cursor, source, known, target, zone, mode), strict=True))
    assert got == {name: wanted[name] for name in got}

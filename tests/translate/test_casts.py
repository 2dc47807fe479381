"""Every recorded cast of real Spark 4.2 (tests/golden/casts.json), in the three modes."""

from __future__ import annotations

import json
import re
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

#: Known differences: a pattern for the case's name and mode, and the reason.
DIFFERENT: tuple[tuple[str, str], ...] = (
    (
        r"-> float @|^float 12500000000.0 -> string",
        "JDK 17 writes more digits of a FLOAT than needed (mended in JDK 19)",
    ),
    (r"'10:00' -> timestamp @", "a time alone takes today's date, which would make a cast depend on the clock"),
    (r"\+19:00' -> timestamp", "an offset beyond 18 hours passes in an ISO string: a check would cost every row"),
    (r"^bigint -?922337203685477580\d -> timestamp", "the very last microsecond of the type is DuckDB's infinity"),
    (
        r"^decimal.* '?1234567890123456.7891'?.* -> timestamp|Decimal\('1234567890123456.7891'\) -> timestamp",
        "Spark wraps around",
    ),
    (r"^double .* -> timestamp @.* legacy$", "without ANSI Spark clamps what overflows; here it is NULL"),
    (r"-> decimal\(38,1[08]\) @.* legacy$", "without ANSI Spark writes very small decimals as 1E-7"),
)

PAIRS = [
    (source, values, target, zone)
    for source, values, targets in CASES
    for target in targets
    for zone in zones_for(source, target)
]
NAMES = [f"{source.simpleString()}-{target.simpleString()}-{zone}" for source, _, target, zone in PAIRS]


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


def run(
    cursor: EngineCursor, source: DataType, values: list[Any], target: DataType, mode: str, conf: Conf
) -> list[Any]:
    texts = [Cast(Cast(Literal(value, source), target, mode), STRING, mode) for value in values]
    plan = Project(tuple(Alias(text, ("x",), fresh_id()) for text in texts), OneRow())
    context = TranslateContext(conf)
    table = cursor.query(to_sql(plan, context), context.tables, conf)
    return [column[0].as_py() for column in table.columns]


@pytest.mark.parametrize("mode", ["ansi", "try", "legacy"])
@pytest.mark.parametrize(("source", "values", "target", "zone"), PAIRS, ids=NAMES)
def test_cast_agrees_with_spark(
    cursor: EngineCursor, source: DataType, values: list[Any], target: DataType, zone: str, mode: str
) -> None:
    names = [key(source, value, target, zone) for value in values]
    # Casts that Spark refuses in this mode are refused by analysis.
    allowed = [v for v, name in zip(values, names, strict=True) if "DATATYPE_MISMATCH" not in str(GOLDEN[name][mode])]
    got = answers(cursor, source, allowed, target, zone, mode) if allowed else []
    named = {key(source, v, target, zone): answer for v, answer in zip(allowed, got, strict=True)}
    wrong = {name: (answer, GOLDEN[name][mode]) for name, answer in named.items() if answer != GOLDEN[name][mode]}
    assert {name: pair for name, pair in wrong.items() if not reason(name, mode)} == {}


def reason(name: str, mode: str) -> str | None:
    """Why a case is known to differ, if it is."""
    return next((text for pattern, text in DIFFERENT if re.search(pattern, f"{name} {mode}")), None)

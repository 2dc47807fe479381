"""What a restart may change, what may stand over what and what progress tells are what real Spark said
(tests/golden/stateful.json, by make_stateful.py)."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import Row

import penstock
from penstock.core.errors import SparkError
from penstock.runtime.manager import StreamingQueryManager

GOLDEN = Path(__file__).parents[1] / "golden"
sys.path.insert(0, str(GOLDEN))

from state_source_cases import CHOICES, answer, make, shown  # noqa: E402
from stateful_cases import QUERIES, VARIABLES, Place, changed, evolved, variable  # noqa: E402
from stateful_chains import IN_BATCH, MODES, OPERATORS, PROGRESS, SETTINGS, SOME, allowed, in_batch, told  # noqa: E402

ANSWERS = json.loads((GOLDEN / "stateful.json").read_text())

#: Where Spark fails with errors that it has not foreseen, or loses values: what Penstock does.
OURS = {
    "value/short to int": {"rows": [[["a", "(1,)"]]]},  # Spark cannot encode a short
    "value/byte to short": {"rows": [[["a", "(1,)"]]]},
    "value/int to short": {"refused": ["STATE_STORE_INVALID_VALUE_SCHEMA_EVOLUTION"]},
    "ttl/added": {"rows": [[["a", "(1,)"]]]},
    "ttl/removed": {"rows": [[["a", "(1,)"]]]},
    "ttl/list added": {"rows": [[["a", "[(1,)]"]]]},
    "join/to an aggregate": {"refused": ["STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA"]},
    # The side that has become outer does not know which of its rows have found a match.
    "join/left to full": {"refused": ["STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE"]},
}


@pytest.fixture(scope="module")
def spark() -> Any:
    return penstock.session({"spark.sql.session.timeZone": "UTC"})


@pytest.fixture(autouse=True)
def settings(spark: Any) -> Iterator[None]:
    """Some cases change them."""
    yield
    for name in ("noDataMicroBatches.enabled", *SETTINGS):
        spark.conf.unset(f"spark.sql.streaming.{name}")


@pytest.mark.parametrize("name", VARIABLES)
def test_a_restart_with_other_state_variables(spark: Any, tmp_path: Path, name: str) -> None:
    assert evolved(Place(spark, tmp_path), VARIABLES[name]) == OURS.get(name, ANSWERS["variables"][name])


def test_state_of_every_age_is_read_as_it_is_now(spark: Any, tmp_path: Path) -> None:
    """Through the state data source: fields of structs, arrays and maps come, go and widen, too."""
    place = Place(spark, tmp_path)
    first = "a int, s struct<x: int>, l array<struct<y: int>>, m map<string, int>"
    then = "b string, a long, s struct<z: string, x: long>, l array<struct<y: long, z: string>>, m map<string, long>"
    now = "c int, a double, s struct<x: long>, l array<struct<z: string>>, m map<string, double>"
    change = (
        lambda: variable("value", first, (1, Row(x=5), [Row(y=1)], {"k": 1})),
        lambda: variable("value", then, ("y", 2, Row(z="z", x=6), [], {})),
        lambda: variable("value", now, (3, 2.5, None, None, None)),
    )
    assert evolved(place, change) == {"rows": [[["a", "(None, 2.0, Row(x=6), [], {})"]]]}
    seen = []
    for batch in range(3):
        reader = spark.read.format("statestore").option("stateVarName", "x").option("batchId", batch)
        seen += [tuple(row.value) for row in reader.load(str(place.root / "checkpoint")).collect()]
    assert seen == [
        (None, 1.0, Row(x=5), [Row(z=None)], {"k": 1.0}),
        (None, 2.0, Row(x=6), [], {}),
        (3, 2.5, None, None, None),
    ]


@pytest.mark.parametrize("name", QUERIES)
def test_a_restart_with_another_query(spark: Any, tmp_path: Path, name: str) -> None:
    assert changed(Place(spark, tmp_path), QUERIES[name]) == OURS.get(name, ANSWERS["queries"][name])


@pytest.mark.parametrize("name", PROGRESS)
def test_progress(spark: Any, tmp_path: Path, name: str) -> None:
    found, wanted = told(Place(spark, tmp_path), name), ANSWERS["progress"][name]
    if name == "session complete":  # of which Spark says that it has no store
        assert {entry[2].pop("numStateStoreInstances") for entry in found} == {1}
        assert {entry[2].pop("numStateStoreInstances") for entry in wanted} == {0}
    if name == "processor":  # Spark does not count the timers that expire in Python
        assert [entry[3].pop("numExpiredTimers") for entry in found] == [0, 0, 5, 3, 2]
        assert {entry[3].pop("numExpiredTimers") for entry in wanted} == {0}
    assert found == wanted


@pytest.fixture
def not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queries are checked, and not run."""

    def start(manager: StreamingQueryManager, spec: Any) -> None:
        raise SparkError("QUERY_STARTED", "it would run", {})

    monkeypatch.setattr(StreamingQueryManager, "start", start)


def _allowed(*asked: Any) -> str:
    found = allowed(*asked)
    assert found, "the query was run"
    return "" if found == "QUERY_STARTED" else found


@pytest.mark.usefixtures("not_run")
@pytest.mark.parametrize("below", OPERATORS)
def test_what_may_stand_over_what(spark: Any, tmp_path: Path, below: str) -> None:
    place, answers = Place(spark, tmp_path), ANSWERS["chains"]
    first = list(OPERATORS).index(below)
    asked = [(below, above, mode) for above in ("", *OPERATORS) for mode in MODES]
    asked = asked if ALL else asked[first % 3 :: 2]  # every pair, in one or two modes
    found = {f"{a} < {b} {mode}": _allowed(place, a, b, mode) for a, b, mode in asked}
    found |= {f"{below} without a watermark {mode}": _allowed(place, below, "", mode, False) for mode in MODES}
    assert found == {key: answers[key] for key in found}


@pytest.mark.usefixtures("not_run")
@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_of_the_checks(spark: Any, tmp_path: Path, setting: str) -> None:
    place, answers = Place(spark, tmp_path), ANSWERS["chains"]
    spark.conf.set(f"spark.sql.streaming.{setting}", "false")
    asked = [(a, b, mode) for a in SOME for b in SOME for mode in MODES][:: 1 if ALL else 4]
    found = {f"{setting} {a} < {b} {mode}": _allowed(place, a, b, mode) for a, b, mode in asked}
    assert found == {key: answers[key] for key in found}


@pytest.mark.parametrize("name", IN_BATCH)
def test_in_batch_queries(spark: Any, tmp_path: Path, name: str) -> None:
    assert in_batch(Place(spark, tmp_path), name) == ANSWERS["batch"][name]


@pytest.fixture(scope="module")
def checkpoints(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Those that the questions about the state data source are asked of."""
    place = Place(spark, tmp_path_factory.mktemp("state"))
    make(place)
    return place


#: Every option alone, and a part of the pairs (all took ten seconds; PENSTOCK_ALL_ANSWERS=1 asks all).
ALL = os.environ.get("PENSTOCK_ALL_ANSWERS") == "1"
ASKED = CHOICES if ALL else [*CHOICES[:28], *CHOICES[28::15]]


@pytest.mark.parametrize("name", ["aggregate", "join", "processor"])
def test_options_of_the_state_data_source(checkpoints: Place, name: str) -> None:
    """Where Spark fails without a condition, Penstock refuses or answers."""
    wrong = {}
    for choice in ASKED:
        found, wanted = answer(checkpoints, name, choice), ANSWERS["source"][name][shown(choice)]
        foreseen = isinstance(wanted, list) or wanted.startswith("STDS_")
        if found != wanted and foreseen:
            wrong[shown(choice)] = (found, wanted)
    assert wrong == {}

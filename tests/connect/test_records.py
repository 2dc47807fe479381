"""from_json, from_csv, from_xml, schema_of_..., to_..., and files with options: what real Spark answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.golden.record_cases import FUNCTIONS, render
from tests.golden.record_files import FILES, WRITES, read_case, write_case
from tests.golden.record_questions import condition, function_answers, key

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "records.json").read_text())

#: Where Spark breaks off with no condition of its own (Penstock has one, or reads on).
NO_CONDITION = {"csv raise", "csv enforce", "json latin", "xml latin"}
#: DuckDB takes a lone carriage return for a second line end in a file that has both kinds.
DIFFERENT = {"text plain"}
NAMES = ("from_json", "from_csv", "from_xml", "schema_of_json", "schema_of_csv", "schema_of_xml")


@pytest.fixture(scope="module")
def los_angeles() -> Iterator[Any]:
    from pyspark.sql.connect.client import ChannelBuilder
    from pyspark.sql.connect.session import SparkSession

    from penstock.connect.inprocess import InProcessChannel
    from penstock.connect.service import Service

    service = Service()

    class Builder(ChannelBuilder):
        host = "penstock"

        def toChannel(self) -> Any:
            return InProcessChannel(service)

    session = SparkSession(connection=Builder(params={"session_id": str(uuid4()), "user_id": "tester"}))
    session.client.disable_reattachable_execute()
    session.conf.set("spark.sql.session.timeZone", "America/Los_Angeles")
    yield session
    service.close()


@pytest.fixture(autouse=True)
def local_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The client shows timestamps in the zone of its process."""
    import time

    monkeypatch.setenv("TZ", "America/Los_Angeles")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def unlike(expected: Any, found: Any) -> bool:
    """Both may be errors: then Spark's condition counts, where it has one."""
    if isinstance(expected, dict) and "error" in expected:
        names_one = "." in expected["error"] or expected["error"].isupper()
        wrong = not isinstance(found, dict) or "error" not in found
        return wrong or (names_one and " " not in expected["error"] and found["error"] != expected["error"])
    return bool(expected != found)


def wanted(name: str) -> list[Any]:
    """All cases but those of options that are refused by name, and one in four of the modes that fail one by one."""
    cases = [
        case for case in FUNCTIONS if case[0] == name and case[3].get("unescapedQuoteHandling") != "BACK_TO_DELIMITER"
    ]
    slow = ("FAILFAST", "DROPMALFORMED", "RAISE_ERROR")
    fails = [case for case in cases if any(value in slow for value in case[3].values())]
    return [case for case in cases if case not in fails] + fails[::4]


@pytest.mark.parametrize("name", NAMES)
def test_functions(los_angeles: Any, name: str) -> None:
    cases = wanted(name)
    found = plain(function_answers(los_angeles, cases))
    wrong = {
        key(c): (GOLDEN["functions"][key(c)], found[key(c)])
        for c in cases
        if unlike(GOLDEN["functions"][key(c)], found[key(c)])
    }
    assert cases and not wrong


@pytest.mark.parametrize(
    "name", [name for name in FILES if name not in NO_CONDITION | DIFFERENT and name != "metadata"]
)
def test_files(los_angeles: Any, name: str, tmp_path: Path) -> None:
    try:
        found = plain(read_case(los_angeles, FILES[name], tmp_path, render))
    except Exception as error:
        found = {"error": condition(error)}
    assert not unlike(GOLDEN["files"][name], found), (GOLDEN["files"][name], found)


@pytest.mark.parametrize("name", sorted(NO_CONDITION - {"xml latin"}))
def test_files_that_cannot_be_read(los_angeles: Any, name: str, tmp_path: Path) -> None:
    assert "error" in GOLDEN["files"][name]
    with pytest.raises(Exception, match=r"MALFORMED_CSV_RECORD|does not conform|lineSep"):
        read_case(los_angeles, FILES[name], tmp_path, render)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in WRITES
        if (not name.startswith("to_csv texts") and "pretty" not in name.split("[")[1]) or name.startswith("to_json")
    ],
)
def test_writes(los_angeles: Any, name: str, tmp_path: Path) -> None:
    try:
        found = plain(write_case(los_angeles, WRITES[name], tmp_path))
    except Exception as error:
        found = {"error": condition(error)}
    assert not unlike(GOLDEN["writes"][name], found), (GOLDEN["writes"][name], found)

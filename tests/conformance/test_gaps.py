"""The list of known gaps is complete, true and published."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.expected import Expected, expected, write_expected
from tests.conformance.functions import AGREEING, Conformance, agreeing_line, examples
from tests.conformance.gaps import PAGE, PASSING, page, reference
from tests.differential.running import HERE, areas, cases
from tests.differential.type_matrix import rows


@pytest.fixture(scope="module")
def entries() -> Expected:
    return expected()


def test_the_page_is_up_to_date(entries: Expected) -> None:
    assert PAGE.read_text("utf-8") == page(entries), "run python -m tests.conformance.gaps --write"


def test_every_item_that_spark_passes_passes_or_is_expected_not_to(entries: Expected) -> None:
    passing = set(PASSING.read_text("utf-8").split())
    known = entries["doctests"].keys() | entries["doctests-unordered"].keys()
    assert passing & known == set()
    assert passing | known == set(reference())


def test_every_sql_example_agrees_or_is_expected_not_to(entries: Expected) -> None:
    agreeing = set(AGREEING.read_text("utf-8").splitlines())
    assert agreeing & entries["sql-examples"].keys() == set()
    assert agreeing | entries["sql-examples"].keys() == {agreeing_line(case) for case in examples()}


def test_sql_examples_expected_to_differ_do(entries: Expected) -> None:
    conformance, listed = Conformance(), entries["sql-examples"]
    agree = [line for case in examples() if (line := agreeing_line(case)) in listed and not _differs(conformance, case)]
    assert agree == [], "these agree now: take them off the list"


def _differs(conformance: Conformance, case: dict[str, object]) -> bool:
    return conformance.verdict(case) != "agree"


def test_expected_differences_are_of_cases_that_exist(entries: Expected) -> None:
    known = {f"{area}: {case.key}" for area in areas() for case in cases(area)}
    assert entries["differential"].keys() <= known, HERE
    assert entries["types"].keys() <= {text for texts in rows().values() for text in texts}


def test_what_is_written_is_what_is_read(entries: Expected, tmp_path: Path) -> None:
    write_expected(entries, tmp_path / "again.toml")
    assert expected(tmp_path / "again.toml") == entries


def test_a_reason_must_say_something(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text('[doctests]\n"a" = "later"\n')
    with pytest.raises(ValueError, match="without a reason"):
        expected(tmp_path / "bad.toml")

"""Every case has the schema and the rows, or the error, that real Spark 4.2 gave (golden/, made by make_golden.py).

Those that are known not to are listed with a reason in tests/conformance/expected_failures.toml, and must fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.expected import expected
from tests.differential import type_matrix
from tests.differential.comparing import agrees, comparable, golden, session, types_of
from tests.differential.running import Asker, Case, areas, cases

EXPECTED = expected()
ALL = [case for area in areas() for case in cases(area)]


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """One session for all cases."""
    with session(tmp_path_factory.mktemp("warehouse")) as made:
        yield made


def parameter(case: Case) -> Any:
    name = f"{case.area}: {case.key}"
    reason = EXPECTED["differential"].get(name)
    marks = [] if reason is None else [pytest.mark.xfail(reason=reason, strict=True)]
    return pytest.param(case, id=name, marks=marks)


@pytest.mark.parametrize("case", [parameter(case) for case in ALL])
def test_case_has_sparks_answer(case: Case, asker: Asker) -> None:
    answer, want = asker.answer(case), golden(case.area)[case.key]
    assert agrees(answer, want), f"{comparable(answer)}\nSpark: {comparable(want)}"


@pytest.mark.parametrize("row", list(type_matrix.rows()))
def test_types_are_sparks(row: str, asker: Asker) -> None:
    texts = type_matrix.rows()[row]
    want = dict(zip(texts, golden("type_matrix")[row], strict=True))
    found = types_of(asker, texts, want)
    listed = EXPECTED["types"]
    assert {t: found[t] for t in texts if t not in listed} == {t: want[t] for t in texts if t not in listed}
    assert [t for t in texts if t in listed and found[t] == want[t]] == [], "these agree now: take them off the list"


def test_no_answer_is_left_over() -> None:
    for area in areas():
        assert set(golden(area)) == {case.key for case in cases(area)}, area
    assert {name: len(row) for name, row in golden("type_matrix").items()} == {
        name: len(texts) for name, texts in type_matrix.rows().items()
    }

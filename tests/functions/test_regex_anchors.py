"""Java lets an anchor be repeated, which other engines refuse: `^*` and `^?` are the beginning or any place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import penstock

NAMES = ["Rames Rose", "rose", "Smith", "^"]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    session = penstock.session()
    yield session
    session.stop()


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("(?i)^*rose$", ["Rames Rose", "rose"]),
        ("^?ose$", ["Rames Rose", "rose"]),
        ("^rose", ["rose"]),
        ("[^*]ose", ["Rames Rose", "rose"]),
        (r"\^?S", ["Smith"]),
        (r"^\^$", ["^"]),
    ],
)
def test_repeated_anchors(spark: Any, pattern: str, found: list[str]) -> None:
    frame = spark.createDataFrame([(name,) for name in NAMES], "n string")
    assert [row.n for row in frame.filter(frame.n.rlike(pattern)).collect()] == found

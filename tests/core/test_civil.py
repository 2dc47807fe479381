"""Dates beyond Python's years."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from penstock.core import civil


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (0, "1970-01-01"),
        (-719_162, "0001-01-01"),
        (-719_163, "0000-12-31"),
        (-719_893, "-0001-01-01"),
        (2_932_896, "9999-12-31"),
        (2_932_897, "+10000-01-01"),
        (100_000_000, "+275760-09-13"),
        (-100_000_000, "-271821-04-20"),
    ],
)
def test_days_and_dates(days: int, text: str) -> None:
    assert civil.date_text(days) == text
    assert civil.days_of(int(text[:-6]), int(text[-5:-3]), int(text[-2:])) == days


def test_as_python_where_python_has_the_year() -> None:
    for days in range(-719_162, 2_932_897, 997):
        found = date(1970, 1, 1) + timedelta(days=days)
        assert civil.date_text(days) == found.isoformat()
        assert civil.days_of(found.year, found.month, found.day) == days


@pytest.mark.parametrize("year", [-401, -400, -399, 0, 1, 9_999, 10_000, 10_399, 10_400])
def test_ends_of_the_cycle(year: int) -> None:
    assert civil.date_text(civil.days_of(year, 3, 1)) == f"{civil.year_text(year)}-03-01"


def test_no_such_day() -> None:
    with pytest.raises(ValueError, match="day"):
        civil.days_of(12_345, 2, 29)


def test_timestamps() -> None:
    assert civil.timestamp_text(500_000) == "1970-01-01 00:00:00.5"
    assert civil.timestamp_text(-1) == "1969-12-31 23:59:59.999999"
    assert civil.timestamp_text(253_402_300_800_000_000) == "+10000-01-01 00:00:00"

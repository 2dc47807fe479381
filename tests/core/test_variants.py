"""Variants of every kind: written by the kernel, read back, and shown as JSON."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from penstock.core.text import calendar_text
from penstock.core.variants import Days, Double, Float, Instant, LocalInstant, decoded, json_text
from penstock.functions.kernels.variant import encoded

MOMENT = 1_600_000_000_500_000  # 2020-09-13 12:26:40.5 in UTC


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (-129, "-129"),
        (1 << 40, "1099511627776"),
        (Decimal("2.50"), "2.5"),
        (Decimal("12345678901234567890.5"), "12345678901234567890.5"),
        (Double(1e10), "1.0E10"),
        (Double("nan"), '"NaN"'),
        (Float(0.5), "0.5"),
        (Days(18_518), '"2020-09-13"'),
        (Instant(MOMENT), '"2020-09-13 14:26:40.5+02:00"'),
        (LocalInstant(MOMENT), '"2020-09-13 12:26:40.5"'),
        (b"\x01\xff", '"Af8="'),
        ("é\n", '"é\\n"'),
        ("x" * 70, '"' + "x" * 70 + '"'),
        ([1, [None], {}], "[1,[null],{}]"),
        ({"b": 1, "a": {"c": []}}, '{"a":{"c":[]},"b":1}'),
    ],
)
def test_round_trip(value: Any, text: str) -> None:
    back = decoded(encoded(value))
    assert type(back) is type(value)
    assert back == value or back != back
    assert json_text(back, ZoneInfo("Europe/Berlin")) == text


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind 30"):
        decoded({"value": bytes([30 << 2]), "metadata": b"\x01\x00\x00"})


@pytest.mark.parametrize(
    ("months", "days", "nanos", "text"),
    [
        (0, 0, 0, "0 seconds"),
        (14, 0, 0, "1 years 2 months"),
        (-14, 3, -11_106_500_000_000, "-1 years -2 months 3 days -3 hours -5 minutes -6.5 seconds"),
        (-10, 0, 1_000, "-10 months 0.000001 seconds"),
    ],
)
def test_calendar_intervals(months: int, days: int, nanos: int, text: str) -> None:
    assert calendar_text(months, days, nanos) == text


def test_offsets_of_the_time_zone() -> None:
    assert json_text(Instant(0), datetime.UTC) == '"1970-01-01 00:00:00+00:00"'
    assert json_text(Instant(0), ZoneInfo("America/St_Johns")) == '"1969-12-31 20:30:00-03:30"'

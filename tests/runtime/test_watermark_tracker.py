"""Several watermarks become one, which never goes back."""

import pytest

from penstock.core.errors import SparkError
from penstock.runtime.execution import EventTimeStats
from penstock.runtime.watermark import WatermarkTracker


def seen(max_ms, delay_ms=10):
    return EventTimeStats(delay_ms, max_ms, 0, 0, 1)


@pytest.mark.parametrize(
    ("policy", "batches", "expected"),
    [
        ("min", [[seen(100)]], [90]),
        ("min", [[seen(100)], [seen(50)], [None], [seen(200)]], [90, 90, 90, 190]),
        ("min", [[seen(100), None], [None, seen(70, 20)], [seen(80), seen(300, 20)]], [0, 50, 90]),
        ("max", [[seen(100), None], [None, seen(70, 20)], [seen(80), seen(300, 20)]], [90, 90, 280]),
        ("MIN", [[seen(5)]], [0]),
        ("min", [[]], [0]),
        ("min", [[EventTimeStats(10, 999, 0, 0, 0)]], [0]),
    ],
)
def test_policies(policy, batches, expected):
    tracker = WatermarkTracker(policy)
    assert [tracker.update(batch) for batch in batches] == expected


def test_recovered_watermark_holds_until_it_is_passed():
    tracker = WatermarkTracker("min")
    tracker.advance_to(500)
    assert [tracker.update([seen(300)]), tracker.update([seen(600)])] == [500, 590]


def test_unknown_policy():
    with pytest.raises(SparkError, match="average"):
        WatermarkTracker("average")

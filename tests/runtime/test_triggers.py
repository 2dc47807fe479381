"""When the next trigger is due."""

import pytest

from penstock.core.errors import SparkError
from penstock.runtime.trigger import Continuous, ProcessingTime


@pytest.mark.parametrize(
    ("interval", "now", "due"), [(100, 0, 100), (100, 1, 100), (100, 99, 100), (100, 100, 200), (100, 199, 200)]
)
def test_aligned(interval, now, due):
    assert ProcessingTime(interval).next_after(now) == due


@pytest.mark.parametrize("trigger", [ProcessingTime, Continuous])
def test_negative_interval(trigger):
    with pytest.raises(SparkError, match="-1"):
        trigger(-1)

"""When the next trigger is due."""

import pytest

from penstock.core.errors import SparkError
from penstock.runtime.trigger import ProcessingTime, refuse_continuous


@pytest.mark.parametrize(
    ("interval", "now", "due"), [(100, 0, 100), (100, 1, 100), (100, 99, 100), (100, 100, 200), (100, 199, 200)]
)
def test_aligned(interval, now, due):
    assert ProcessingTime(interval).next_after(now) == due


def test_negative_interval():
    with pytest.raises(SparkError, match="-1"):
        ProcessingTime(-1)


def test_continuous_is_refused_by_name():
    error = refuse_continuous("1 second")
    assert (error.condition, "1 second" in str(error)) == ("_LEGACY_ERROR_TEMP_3102", True)

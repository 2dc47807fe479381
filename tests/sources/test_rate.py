import pytest
from reading import SetClock, batch, relation, stream

from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.plan.nodes import Read
from penstock.plan.types import LONG
from penstock.sources import registry


def rate(form="rate", **options):
    return registry.resolve(Read(form, options, streaming=True), Conf())


def test_rows_follow_from_the_offsets(tmp_path):
    clock = SetClock(5_000)
    source = stream(rate(rowsPerSecond="4"), tmp_path, clock)
    assert source.description == "RateStreamV2[rowsPerSecond=4, rampUpTimeSeconds=0, numPartitions=default"
    assert source.latest_offset(None) == "0"
    assert batch(source, None, "0", "value") == []
    clock.ms += 2_999
    assert source.latest_offset("0") == "2"
    found = batch(source, "0", "2", "value", "timestamp")
    assert [v for v, _ in found] == list(range(8))
    assert [t.timestamp() for _, t in found] == [5 + i / 4 for i in range(8)]
    assert source.row_count("0", "2") == 8
    assert batch(source, "1", "2", "value")[0] == (4,)


def test_a_restart_continues(tmp_path):
    clock = SetClock(5_000)
    first = stream(rate(rowsPerSecond="3"), tmp_path, clock)
    clock.ms = 9_000
    again = stream(rate(rowsPerSecond="3"), tmp_path, clock)
    assert (tmp_path / "0").read_text() == "v1\n5000"
    assert again.latest_offset("1") == "4"
    assert batch(again, "1", "4", "value", "timestamp") == batch(first, "1", "4", "value", "timestamp")


def test_a_clock_that_goes_back(tmp_path):
    clock = SetClock(5_000)
    source = stream(rate(), tmp_path, clock)
    clock.ms = 8_000
    assert source.latest_offset(None) == "3"
    clock.ms = 1_000
    assert source.latest_offset("3") == "3"


def test_ramp_up():
    """As the table in Spark's documentation of the option: 10 rows a second after 4 seconds."""
    found = rate(rowsPerSecond="10", rampUpTime="4s")
    assert [found.rows_until(second) for second in range(7)] == [0, 2, 6, 12, 20, 30, 40]


def test_available_now(tmp_path):
    clock = SetClock(0)
    source = stream(rate(), tmp_path, clock)
    clock.ms = 2_000
    source.prepare_for_available_now()
    clock.ms = 9_000
    assert source.latest_offset("0") == "2"


def test_micro_batch(tmp_path):
    source = stream(rate("rate-micro-batch", rowsPerBatch="3", startTimestamp="1000"), tmp_path)
    first = source.latest_offset(None)
    assert first == '{"offset":3,"timestamp":2000}'
    second = source.latest_offset(first)
    assert [(t.timestamp(), v) for t, v in batch(source, first, second, "timestamp", "value")] == [
        (2, 3),
        (2, 4),
        (2, 5),
    ]
    assert source.row_count(first, second) == 3


def test_micro_batch_available_now_is_one_batch(tmp_path):
    source = stream(rate("rate-micro-batch", rowsPerBatch="3"), tmp_path)
    source.prepare_for_available_now()
    first = source.latest_offset(None)
    assert source.latest_offset(first) == first


def test_errors():
    with pytest.raises(SparkError, match="rowsPerSecond"):
        rate(rowsPerSecond="-1")
    with pytest.raises(SparkError, match="INCORRECT_RAMP_UP_RATE"):
        rate(rowsPerSecond=str(2**62), rampUpTime="10s")
    with pytest.raises(SparkError, match="rampUpTime"):
        rate(rampUpTime="soon")
    with pytest.raises(SparkError, match="rowsPerBatch"):
        rate("rate-micro-batch")
    with pytest.raises(SparkError, match="fixed schema"):
        relation("rate", "x", {"a": LONG}, streaming=True)
    with pytest.raises(SparkError, match="readStream"):
        relation("rate", "x")

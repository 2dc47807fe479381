"""Progress has Spark's fields, in Spark's order and formats (tests/golden/progress is from Spark 4.2)."""

import json
from pathlib import Path

import pytest
from pyspark.sql.streaming.listener import StreamingQueryProgress
from query_fakes import Bench

from penstock.runtime.metrics import _seconds
from penstock.runtime.progress import iso_ms
from penstock.runtime.trigger import ProcessingTime
from penstock.testing.clock import ManualClock

GOLDEN = Path(__file__).parents[1] / "golden" / "progress"


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    bench = Bench(tmp_path_factory.mktemp("progress") / "ck", delays_ms=(10_000,))
    clock = ManualClock(1_000)
    query = bench.start(name="golden", clock=clock, trigger=ProcessingTime(10_000))
    assert clock.wait_for_waiter()
    bench.source.add(60)
    for _ in range(5):
        clock.advance(10_000)
        assert clock.wait_for_waiter()
    query.stop()
    recent = json.loads(json.dumps(query.recent_progress))
    names = ("before", "data_batch", "no_data_batch", "idle")
    return dict(zip(names, recent[:4], strict=True))


def keys(value, path=""):
    """Every key with its path, in order."""
    if isinstance(value, dict):
        return [f"{path}.{key}" for key in value] + [k for key in value for k in keys(value[key], f"{path}.{key}")]
    if isinstance(value, list):
        return [k for item in value[:1] for k in keys(item, f"{path}[]")]
    return []


@pytest.mark.parametrize("name", ["data_batch", "no_data_batch", "idle"])
def test_same_fields_in_the_same_order(ours, name):
    own_sort = (".customMetrics.", ".observedMetrics", ".startOffset.", ".endOffset.")
    wanted = [key for key in keys(golden(name)) if not any(part in key for part in own_sort)]
    assert [key for key in keys(ours[name]) if not any(part in key for part in own_sort)] == wanted


@pytest.mark.parametrize("name", ["data_batch", "no_data_batch", "idle"])
def test_same_types(ours, name):
    for key, value in golden(name).items():
        if key != "observedMetrics":
            assert type(ours[name][key]) is type(value), key


def test_values(ours):
    progress = ours["data_batch"]
    assert (progress["timestamp"], progress["batchId"], progress["numInputRows"]) == ("1970-01-01T00:00:11.000Z", 0, 1)
    assert progress["inputRowsPerSecond"] == 0.1
    assert progress["eventTime"]["max"] == "1970-01-01T00:01:00.000Z"
    assert progress["eventTime"]["watermark"] == "1970-01-01T00:00:00.000Z"
    assert ours["no_data_batch"]["eventTime"] == {"watermark": "1970-01-01T00:00:50.000Z"}
    assert ours["idle"]["stateOperators"][0]["numRowsUpdated"] == 0


def test_before_the_first_batch(ours):
    before = ours["before"]
    assert "eventTime" not in before
    assert (before["stateOperators"], before["sink"]["numOutputRows"]) == ([], -1)


def test_the_client_reads_it(ours):
    for progress in ours.values():
        assert StreamingQueryProgress.fromJson(progress).numInputRows == progress["numInputRows"]


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (1704067230005, "2024-01-01T00:00:30.005Z"), (-1, "1969-12-31T23:59:59.999Z")],
)
def test_times(ms, text):
    assert iso_ms(ms) == text


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (-1, "1969-12-31T23:59:59.999Z"),
        (-62_198_755_200_000, "-0001-01-01T00:00:00.000Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "+10000-01-01T00:00:00.000Z"),
        (1_700_000_000_000_000, "+55840-11-08T22:13:20.000Z"),
    ],
)
def test_times_of_any_year(time_ms, text):
    """Event times are the user's: milliseconds taken for seconds lie far beyond the years that datetime knows."""
    assert iso_ms(time_ms) == text
    assert _seconds(text) == pytest.approx(time_ms / 1000, abs=1e-4)

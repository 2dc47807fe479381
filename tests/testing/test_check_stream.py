"""The step language, tried on the real engine; and what it says when a step fails."""

import pytest
from pyspark.sql import functions as F

from penstock.core import faults
from penstock.testing import (
    AddData,
    AdvanceManualClock,
    AssertOnQuery,
    CheckAnswer,
    CheckLastBatch,
    CheckNewAnswer,
    CrashAt,
    ExpectFailure,
    ManualClock,
    MemoryStream,
    ProcessAllAvailable,
    StartStream,
    StopStream,
    check_stream,
)
from penstock.testing.stream_test import StreamTest

BATCH_POINTS = [point for point in faults.POINTS if "snapshot" not in point]


@pytest.fixture
def numbers():
    return MemoryStream("n long")


def test_stateless(spark, numbers):
    check_stream(
        numbers.to_df(spark).where("n > 1").select((F.col("n") * 10).alias("n")),
        AddData(numbers, 1, 2),
        CheckAnswer(20),
        AddData(numbers, 3),
        CheckLastBatch(30),
        CheckNewAnswer(20, 30),
        StopStream(),
        AddData(numbers, 4),
        StartStream(),
        CheckNewAnswer(40),
        AssertOnQuery(lambda query: query.last_progress["numInputRows"] == 1),
    )


def test_manual_clock(spark, numbers):
    check_stream(
        numbers.to_df(spark),
        StartStream(trigger={"processingTime": "10 seconds"}),
        AddData(numbers, 1),
        ProcessAllAvailable(),
        CheckAnswer(),
        AdvanceManualClock(9_999),
        CheckAnswer(),
        AdvanceManualClock(1),
        CheckAnswer(1),
        AssertOnQuery(lambda query: query.last_progress["timestamp"] == "1970-01-01T00:00:10.000Z"),
    )


def test_clock_is_put_back(spark, numbers):
    from penstock.testing import server_session

    before = server_session(spark).clock
    check_stream(numbers.to_df(spark), AddData(numbers, 1), CheckAnswer(1), clock=ManualClock(5))
    assert server_session(spark).clock is before


def test_complete_mode(spark, numbers):
    check_stream(
        numbers.to_df(spark).groupBy((F.col("n") % 2).alias("odd")).count(),
        AddData(numbers, 1, 2, 3),
        CheckAnswer((1, 2), (0, 1)),
        StopStream(),
        StartStream(),
        AddData(numbers, 4),
        CheckAnswer((1, 2), (0, 2)),
        output_mode="complete",
    )


def windows(spark, stream):
    seconds = stream.to_df(spark).select(F.timestamp_seconds("n").alias("t")).withWatermark("t", "10 seconds")
    counted = seconds.groupBy(F.window("t", "5 seconds").alias("w")).count()
    return counted.select(F.unix_timestamp("w.start").alias("start"), "count")


def test_watermark(spark, numbers):
    check_stream(
        windows(spark, numbers),
        AddData(numbers, 10, 11, 12, 13, 14, 15),
        CheckNewAnswer(),
        AddData(numbers, 25),
        CheckNewAnswer((10, 5)),
        AddData(numbers, 10),  # late
        CheckNewAnswer(),
        AssertOnQuery(lambda query: query.last_progress["eventTime"]["watermark"] == "1970-01-01T00:00:15.000Z"),
    )


@pytest.mark.parametrize("point", BATCH_POINTS)
def test_crash_in_the_batch_that_emits(spark, numbers, point):
    check_stream(
        windows(spark, numbers),
        AddData(numbers, 10, 11, 12),
        CheckNewAnswer(),
        CrashAt(point, AddData(numbers, 26), nth=2),  # the batch without data
        StartStream(),
        CheckAnswer((10, 3)),
        AddData(numbers, 46),
        CheckAnswer((10, 3), (25, 1)),
    )


def test_failure(spark, numbers):
    check_stream(
        numbers.to_df(spark).select((F.lit(1) / F.col("n")).alias("x")),
        AddData(numbers, 0),
        ExpectFailure("DIVIDE_BY_ZERO", match="STREAM_FAILED"),
        StartStream(),
        ExpectFailure("STREAM_FAILED"),
    )


def test_report_of_a_failing_step(spark, numbers):
    with pytest.raises(AssertionError) as caught:
        check_stream(numbers.to_df(spark), AddData(numbers, 1), CheckAnswer(2), StopStream())
    report = str(caught.value)
    assert "rows missing: ['(2,)']; rows not expected: ['(1,)']" in report
    assert "   AddData(1)\n=> CheckAnswer(2)\n   StopStream()" in report
    for section in ("Progress", "Offsets", "Result by batch", "Plan", "Committed batches"):
        assert f"== {section} ==" in report
    assert '"description": "MemoryStream[n]"' in report


class Patient:
    """Waits for the query far longer than the test's own limit."""

    def run(self, test):
        assert test.known().process_all_available(60_000)


def test_a_crash_that_does_not_happen_is_a_failure(spark, numbers):
    passed_once = CrashAt("after_commit_log", AddData(numbers, 1), Patient(), nth=2)
    with pytest.raises(AssertionError, match="passed 1 times only"):
        check_stream(numbers.to_df(spark), passed_once, timeout_ms=200)
    assert faults.hooks == {}


def test_unknown_point(spark, numbers):
    with pytest.raises(AssertionError, match="no point 'nowhere'"):
        check_stream(numbers.to_df(spark), CrashAt("nowhere"))


def test_a_failure_between_two_questions_is_told(tmp_path):
    """The query fails while a step looks whether it runs."""

    class Query:
        exception = None

        @property
        def is_active(self):
            self.exception = RuntimeError("it failed just now")
            return False

    test = StreamTest(None, "append", tmp_path, 1000)
    test._query = Query()
    with pytest.raises(RuntimeError, match="just now"):
        test.settle()

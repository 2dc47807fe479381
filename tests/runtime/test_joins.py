"""Joins of two streams: on memory streams, through the session, against the batch answer."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

import penstock
from penstock.testing import (
    AddData,
    AssertOnQuery,
    CheckAnswer,
    CheckNewAnswer,
    CrashAt,
    MemoryStream,
    StartStream,
    StopStream,
    check_stream,
)
from penstock.testing.session import server_session

LEFT, RIGHT = "k string, s long, n int", "rk string, rs long, m int"


@pytest.fixture(scope="module")
def spark() -> Any:
    return penstock.session({"spark.sql.session.timeZone": "UTC"})


def left_of(rows: DataFrame, delay: str = "10 seconds") -> DataFrame:
    return rows.select("k", F.timestamp_seconds("s").alias("t"), "s", "n").withWatermark("t", delay)


def right_of(rows: DataFrame, delay: str = "10 seconds") -> DataFrame:
    return rows.select("rk", F.timestamp_seconds("rs").alias("rt"), "rs", "m").withWatermark("rt", delay)


IN_RANGE = "k = rk AND rt BETWEEN t - INTERVAL 5 SECONDS AND t + INTERVAL 5 SECONDS"
COLUMNS = ("k", "s", "n", "rk", "rs", "m")


def state_rows(count: int) -> AssertOnQuery:
    def check(query: Any) -> None:
        assert query.recent_progress[-1]["stateOperators"][0]["numRowsTotal"] == count

    return AssertOnQuery(check, f"{count} rows in state")


def test_rows_meet_across_batches_and_restarts(spark: Any) -> None:
    left, right = MemoryStream(LEFT), MemoryStream(RIGHT)
    joined = left.to_df(spark).join(right.to_df(spark), F.expr("k = rk"))
    check_stream(
        joined.select("k", "n", "m"),
        AddData(left, ("a", 0, 1), ("a", 0, 2), (None, 0, 3)),
        CheckNewAnswer(),
        AddData(right, ("a", 0, 1), (None, 0, 2), ("b", 0, 3)),
        CheckNewAnswer(("a", 1, 1), ("a", 2, 1)),
        StopStream(),
        StartStream(),
        AddData(left, ("b", 0, 4), ("a", 0, 5)),
        AddData(right, ("a", 0, 6)),
        CheckNewAnswer(("b", 4, 3), ("a", 5, 1), ("a", 1, 6), ("a", 2, 6), ("a", 5, 6)),
        output_mode="update",
    )


def test_an_unmatched_row_comes_out_when_the_watermark_has_passed(spark: Any) -> None:
    left, right = MemoryStream(LEFT), MemoryStream(RIGHT)
    joined = left_of(left.to_df(spark)).join(right_of(right.to_df(spark)), F.expr(IN_RANGE), "left")
    check_stream(
        joined.select(*COLUMNS),
        AddData(left, ("a", 100, 1), ("b", 100, 2), (None, 100, 3)),
        AddData(right, ("a", 103, 1)),
        CheckNewAnswer(("a", 100, 1, "a", 103, 1)),
        AddData(left, ("a", 115, 4)),
        AddData(right, ("a", 115, 4)),
        CheckNewAnswer(("a", 115, 4, "a", 115, 4)),  # the watermark is 105: 100 may still match 105
        AddData(left, ("a", 116, 5)),
        AddData(right, ("c", 116, 5)),
        CheckNewAnswer(("b", 100, 2, None, None, None), (None, 100, 3, None, None, None), ("a", 116, 5, "a", 115, 4)),
        state_rows(5),  # the watermark is 106: rows before 101 are gone
    )


def test_the_slower_stream_holds_the_watermark_back(spark: Any) -> None:
    left, right = MemoryStream(LEFT), MemoryStream(RIGHT)
    joined = left_of(left.to_df(spark)).join(right_of(right.to_df(spark)), F.expr(IN_RANGE), "full")
    check_stream(
        joined.select(*COLUMNS),
        AddData(left, ("a", 100, 1)),
        CheckNewAnswer(),
        AddData(left, ("a", 500, 2)),
        CheckNewAnswer(),
        AddData(right, ("a", 97, 3), ("b", 400, 4)),
        CheckNewAnswer(("a", 100, 1, "a", 97, 3)),
        AddData(right, ("b", 20, 5), ("b", 600, 6)),
        CheckNewAnswer((None, None, None, "b", 400, 4)),
    )


def test_a_left_row_is_given_out_once_by_a_semi_join(spark: Any) -> None:
    left, right = MemoryStream(LEFT), MemoryStream(RIGHT)
    joined = left_of(left.to_df(spark)).join(right_of(right.to_df(spark)), F.expr(IN_RANGE), "left_semi")
    check_stream(
        joined.select("k", "n"),
        AddData(left, ("a", 100, 1), ("b", 100, 2)),
        AddData(right, ("a", 103, 1), ("a", 104, 2)),
        CheckNewAnswer(("a", 1)),
        AddData(right, ("a", 101, 3), ("b", 96, 3)),
        CheckNewAnswer(("b", 2)),
        AddData(left, ("b", 97, 4)),
        CheckNewAnswer(("b", 4)),
    )


def test_event_time_windows_as_keys(spark: Any) -> None:
    left, right = MemoryStream(LEFT), MemoryStream(RIGHT)
    lefts = left_of(left.to_df(spark)).select(F.window("t", "10 seconds").alias("w"), "k", "n")
    rights = right_of(right.to_df(spark)).select(F.window("rt", "10 seconds").alias("w"), F.col("rk").alias("k"), "m")
    joined = lefts.join(rights, ["w", "k"], "full")
    check_stream(
        joined.select(F.unix_timestamp("w.start").alias("start"), "k", "n", "m"),
        AddData(left, ("a", 11, 1), ("b", 12, 2), (None, 13, 3)),
        AddData(right, ("a", 19, 1), ("a", 20, 2)),
        CheckNewAnswer((10, "a", 1, 1)),
        AddData(left, ("z", 35, 4)),
        AddData(right, ("z", 36, 4)),
        CheckNewAnswer((30, "z", 4, 4), (10, "b", 2, None), (10, None, 3, None)),
    )


def test_a_range_above_an_inner_join_limits_its_state(spark: Any) -> None:
    left, right = MemoryStream(LEFT), MemoryStream(RIGHT)
    by_key = left_of(left.to_df(spark)).join(right_of(right.to_df(spark)), F.expr("k = rk"))
    joined = by_key.where("rt >= t AND n < 5").where("rt <= t + INTERVAL '1' MINUTE")
    check_stream(
        joined.select("n", "m"),
        AddData(left, ("a", 100, 1), ("a", 100, 7), (None, 100, 2)),
        AddData(right, ("a", 101, 1), ("a", 99, 2)),
        CheckNewAnswer((1, 1)),
        state_rows(3),
        AddData(left, ("b", 300, 1)),
        AddData(right, ("c", 300, 1)),
        CheckNewAnswer(),
        state_rows(2),
    )


def test_without_a_limit_no_batch_runs_without_data(spark: Any) -> None:
    left, right = MemoryStream(LEFT), MemoryStream(RIGHT)
    joined = left_of(left.to_df(spark)).join(right_of(right.to_df(spark)), F.expr("k = rk"))

    def no_empty_batch(query: Any) -> None:
        figures = query.recent_progress
        assert [p["batchId"] for p in figures if not p["numInputRows"] and p["stateOperators"]] == []

    check_stream(
        joined.select("k", "s", "rs"),
        AddData(left, ("a", 100, 1)),
        CheckAnswer(),
        AddData(right, ("a", 900, 1)),
        CheckAnswer(("a", 100, 900)),
        AddData(left, ("a", 500, 1)),
        CheckAnswer(("a", 100, 900), ("a", 500, 900)),
        AssertOnQuery(no_empty_batch),
    )


@pytest.mark.parametrize("point", ["after_state_commit", "before_commit_log"])
def test_a_crash_changes_nothing(spark: Any, point: str) -> None:
    left, right = MemoryStream(LEFT), MemoryStream(RIGHT)
    joined = left_of(left.to_df(spark)).join(right_of(right.to_df(spark)), F.expr(IN_RANGE), "left")
    check_stream(
        joined.select(*COLUMNS),
        AddData(left, ("a", 100, 1), ("b", 100, 2)),
        CrashAt(point, AddData(right, ("a", 103, 1), ("a", 130, 2))),
        StartStream(),
        AddData(left, ("z", 140, 3)),
        CheckAnswer(("a", 100, 1, "a", 103, 1), ("b", 100, 2, None, None, None)),
    )


def nested() -> Column:
    return F.struct("k", F.array("n").alias("list")).alias("nested")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("how", ["inner", "left", "right", "full", "left_semi"])
def test_random_streams_equal_their_batch_query(spark: Any, how: str, seed: int) -> None:
    """Nothing is late: all the rows of an outer join come out when a last row has moved the watermark."""
    rng = random.Random(f"{how} {seed}")
    lefts = [(rng.choice(["a", "b", None]), 1000 + i + rng.randrange(5), rng.randrange(9)) for i in range(40)]
    rights = [(rng.choice(["a", "b", "c", None]), 1000 + i + rng.randrange(5), rng.randrange(9)) for i in range(40)]
    condition = F.expr(rng.choice([f"{IN_RANGE} AND n <> m", IN_RANGE, f"{IN_RANGE} AND n < 6 AND m > 2"]))

    def query(left: DataFrame, right: DataFrame) -> DataFrame:
        joined = left_of(left, "60 seconds").join(right_of(right, "60 seconds"), condition, how)
        return joined.select("k", "s", nested()) if how == "left_semi" else joined.select(*COLUMNS, nested())

    batch = query(spark.createDataFrame(lefts, LEFT), spark.createDataFrame(rights, RIGHT))
    expected = [tuple(row) for row in batch.collect()]
    streams = (MemoryStream(LEFT), MemoryStream(RIGHT))
    steps: list[Any] = []
    waiting = [list(lefts), list(rights)]
    while any(waiting):
        side = rng.randrange(2)
        count = rng.randrange(1, 15)
        if waiting[side]:
            steps.append(AddData(streams[side], *waiting[side][:count]))
            waiting[side] = waiting[side][count:]
        if rng.random() < 0.15:
            steps += [StopStream(), StartStream()]
    steps += [AddData(stream, ("end", 5000, 0)) for stream in streams]
    stream_query = query(*(stream.to_df(spark) for stream in streams))
    both = F.col("k") if how == "left_semi" else F.coalesce("k", "rk")  # reads both sides: such a filter stays above
    last = stream_query.where(both.isNull() | (both != "end"))
    check_stream(last, *steps, CheckAnswer(*expected))


@pytest.mark.parametrize(
    ("make", "condition", "names"),
    [
        (lambda a, b: a.join(b, F.expr("n < m")), "_LEGACY_ERROR_TEMP_1181", "without equality"),
        (lambda a, b: a.join(b, F.expr("k = rk"), "left"), "_LEGACY_ERROR_TEMP_3102", "LeftOuter"),
        (lambda a, b: a.join(b, F.expr("k = rk"), "left_anti"), "_LEGACY_ERROR_TEMP_3102", "LeftAnti"),
        (lambda a, b: a.join(b, F.expr("k = rk")).dropDuplicates(["k"]), "_LEGACY_ERROR_TEMP_3077", "event time"),
    ],
)
def test_what_cannot_be_joined_is_refused_by_name(spark: Any, make: Any, condition: str, names: str) -> None:
    streams = MemoryStream(LEFT), MemoryStream(RIGHT)
    left, right = left_of(streams[0].to_df(spark)), right_of(streams[1].to_df(spark))
    with pytest.raises(PySparkException, match=names) as caught:
        make(left, right).writeStream.format("noop").outputMode("append").start()
    assert condition in str(caught.value.getCondition())


def test_a_query_that_has_ended_holds_no_state(spark: Any) -> None:
    """The session remembers the queries that ended; their rows and the index over them must go."""
    left, right = MemoryStream(LEFT), MemoryStream(RIGHT)
    left.add_data([(str(i), 0, i) for i in range(20_000)])
    joined = left.to_df(spark).join(right.to_df(spark), F.expr("k = rk"))
    query = joined.writeStream.format("noop").start()
    query.processAllAvailable()
    ended = server_session(spark).streams.find(query.id, query.runId)
    state = ended._parts.execution._query.operators[0].store
    full = state.metrics().memory_used_bytes
    query.stop()
    assert state.left._lists.nbytes < full / 10


@pytest.mark.parametrize("kind", ["inner", "left", "right", "full"])
def test_rows_before_1970_are_late_from_the_beginning(spark: Any, kind: str) -> None:
    """The watermark is 1970 before there is one: these are real Spark's answers."""
    left, right = MemoryStream(LEFT), MemoryStream(RIGHT)
    joined = left_of(left.to_df(spark)).join(right_of(right.to_df(spark)), F.expr(IN_RANGE), kind)
    check_stream(
        joined.select("s", "rs"),
        AddData(left, ("a", -100, 1), ("n", -100, 1), (None, -100, 1)),
        AddData(right, ("a", -100, 1), ("m", -90, 1)),
        CheckNewAnswer(),
        AddData(left, ("b", 100, 1)),
        AddData(right, ("b", 100, 1)),
        CheckNewAnswer((100, 100)),
        AddData(left, ("c", 200, 1)),
        AddData(right, ("c", 200, 1)),
        CheckNewAnswer((200, 200)),
    )

"""What the planner makes of streaming queries: on a memory stream, through the session, against the batch answer."""

from __future__ import annotations

import functools
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import penstock
from penstock.runtime.steps import Segment
from penstock.testing import (
    AddData,
    CheckAnswer,
    CheckLastBatch,
    CheckNewAnswer,
    CrashAt,
    MemoryStream,
    StartStream,
    StopStream,
    check_stream,
)

SCHEMA = "second long, url string, size int"


@pytest.fixture(scope="module")
def spark() -> Any:
    return penstock.session({"spark.sql.session.timeZone": "UTC"})


def timed(rows: DataFrame) -> DataFrame:
    return rows.withColumn("time", F.timestamp_seconds("second"))


def test_duplicates_are_dropped_across_batches_and_restarts(spark: Any) -> None:
    stream = MemoryStream(SCHEMA)
    check_stream(
        stream.to_df(spark).dropDuplicates(["url"]).select("url", "size"),
        AddData(stream, (1, "a", 1), (2, "a", 2), (3, None, 3)),
        CheckNewAnswer(("a", 1), (None, 3)),
        StopStream(),
        StartStream(),
        AddData(stream, (4, "a", 4), (5, None, 5), (6, "b", 6)),
        CheckNewAnswer(("b", 6)),
    )


def test_duplicates_with_the_event_time_are_forgotten_behind_the_watermark(spark: Any) -> None:
    stream = MemoryStream(SCHEMA)
    unique = timed(stream.to_df(spark)).withWatermark("time", "10 seconds").dropDuplicates(["time", "url"])
    check_stream(
        unique.select("second", "url"),
        AddData(stream, (20, "a", 1), (20, "a", 2)),
        CheckNewAnswer((20, "a")),
        AddData(stream, (50, "a", 1)),
        CheckNewAnswer((50, "a")),
        AddData(stream, (20, "a", 3), (41, "a", 3)),
        CheckNewAnswer((41, "a")),
    )


def test_a_column_that_nothing_reads_is_not_asked_for(spark: Any) -> None:
    stream = MemoryStream(SCHEMA)
    check_stream(
        stream.to_df(spark).agg(F.count("*").alias("n")),
        AddData(stream, (1, "a", 1), (2, "b", 2)),
        CheckLastBatch((2,)),
        output_mode="complete",
    )


def test_complete_mode_sorts_and_limits(spark: Any) -> None:
    stream = MemoryStream(SCHEMA)
    top = stream.to_df(spark).groupBy("url").agg(F.sum("size").alias("n")).orderBy(F.desc("n")).limit(1)
    check_stream(
        top,
        AddData(stream, (1, "a", 5), (1, "b", 3)),
        CheckLastBatch(("a", 5)),
        AddData(stream, (1, "b", 3)),
        CheckLastBatch(("b", 6)),
        output_mode="complete",
    )


def test_an_explode_below_the_aggregate(spark: Any) -> None:
    stream = MemoryStream(SCHEMA)
    words = stream.to_df(spark).select(F.explode(F.split("url", " ")).alias("word")).groupBy("word").count()
    check_stream(
        words,
        AddData(stream, (1, "a b a", 0)),
        CheckLastBatch(("a", 2), ("b", 1)),
        AddData(stream, (1, "b", 0)),
        CheckLastBatch(("b", 2)),
        output_mode="update",
    )


def test_a_crash_between_state_and_sink_changes_nothing(spark: Any) -> None:
    stream = MemoryStream(SCHEMA)
    check_stream(
        stream.to_df(spark).groupBy("url").agg(F.sum("size").alias("n")),
        AddData(stream, (1, "a", 5)),
        CrashAt("after_state_commit", AddData(stream, (1, "a", 7))),
        StartStream(),
        CheckLastBatch(("a", 12)),
        output_mode="update",
    )


@pytest.mark.parametrize("seed", range(6))
def test_random_streams_equal_their_batch_query(spark: Any, seed: int) -> None:
    rng = random.Random(seed)
    rows = [(rng.randrange(60), rng.choice(["a", "b", None]), rng.choice([None, 1, 2, 3])) for _ in range(80)]
    stream = MemoryStream(SCHEMA)

    def query(events: DataFrame) -> DataFrame:
        windows = F.window("time", "10 seconds", rng_slide, "3 seconds")
        totals = timed(events).where("size is null or size < 3").groupBy(windows.alias("w"), "url")
        return totals.agg(
            F.count("*"),
            F.count("size"),
            F.sum("size"),
            F.avg("size"),
            F.min("size"),
            F.max("second"),
            F.stddev("size"),
        ).select("w.start", "url", *(F.round(c, 6) for c in ("avg(size)", "stddev(size)")), "count(1)", "sum(size)")

    rng_slide = rng.choice(["10 seconds", "5 seconds", "4 seconds"])
    batch = spark.createDataFrame(rows, SCHEMA)
    expected = [tuple(row) for row in query(batch).collect()]
    steps: list[Any] = []
    while rows:
        count = rng.randrange(1, 30)
        steps.append(AddData(stream, *rows[:count]))
        rows = rows[count:]
        if rng.random() < 0.4:
            steps += [StopStream(), StartStream()]
    check_stream(query(stream.to_df(spark)), *steps, CheckLastBatch(*expected), output_mode="complete")


@pytest.mark.parametrize(
    ("make", "mode", "names"),
    [
        (lambda a, b: timed(a).rollup(F.session_window("time", "5 seconds"), "url").count(), "complete", "rollup"),
    ],
)
def test_what_is_not_there_yet_is_refused_by_name(spark: Any, make: Any, mode: str, names: str) -> None:
    streams = [MemoryStream(SCHEMA) for _ in range(2)]
    frames = [stream.to_df(spark) for stream in streams]
    with pytest.raises(PySparkException, match=names):
        make(*frames).writeStream.format("noop").outputMode(mode).start()


def test_the_whole_answer_in_append_mode(spark: Any) -> None:
    stream = MemoryStream(SCHEMA)
    counts = (
        timed(stream.to_df(spark)).withWatermark("time", "5 seconds").groupBy(F.window("time", "10 seconds")).count()
    )
    check_stream(
        counts.select(F.unix_timestamp("window.start").alias("start"), "count"),
        AddData(stream, (1, "a", 1), (12, "a", 1)),
        CheckAnswer(),
        AddData(stream, (25, "a", 1), (3, "late but not yet dropped", 1)),
        CheckAnswer((0, 2), (10, 1)),
    )


def test_the_rows_of_many_sources_stand_for_their_own_names_alone() -> None:
    """The name of source 1 is the beginning of that of source 10."""
    names = tuple(f"source_a_{i}" for i in range(12))
    segment = Segment(" UNION ALL ".join(f"FROM {name}" for name in names), names)
    inline = {f"source_a_{i}": f"SELECT {i} FROM source_a_1_rows" for i in (1, 10)}
    parts = segment.text(inline).split(" UNION ALL ")
    assert parts[1] == "FROM (SELECT 1 FROM source_a_1_rows)"
    assert parts[10] == "FROM (SELECT 10 FROM source_a_1_rows)"
    assert [parts[i] for i in (0, 2, 11)] == ["FROM source_a_0", "FROM source_a_2", "FROM source_a_11"]
    assert segment.text({}) == segment.sql


def test_a_union_of_many_file_streams(spark: Any, tmp_path: Path) -> None:
    streams = []
    for i in range(11):
        (tmp_path / str(i)).mkdir()
        pq.write_table(pa.table({"n": [i]}), tmp_path / str(i) / "a.parquet")
        streams.append(spark.readStream.schema("n long").parquet(str(tmp_path / str(i))))
    union = functools.reduce(lambda one, other: one.union(other), streams)
    query = union.writeStream.format("memory").queryName("many").trigger(availableNow=True).start()
    query.awaitTermination()
    assert sorted(row.n for row in spark.table("many").collect()) == list(range(11))


INTERVALS = "g string, i interval day to second"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_intervals_are_keys_and_values_of_state(spark: Any) -> None:
    """The engine holds them as numbers; the hash of a key is the same after a restart."""
    stream, seen = MemoryStream(INTERVALS), MemoryStream(INTERVALS)
    check_stream(
        stream.to_df(spark).groupBy("i").agg(F.count("*"), F.max("i"), F.sum("i")),
        AddData(stream, ("a", HOUR), ("a", None)),
        CheckNewAnswer((HOUR, 1, HOUR, HOUR), (None, 1, None, None)),
        StopStream(),
        StartStream(),
        AddData(stream, ("a", HOUR), ("b", DAY)),
        CheckNewAnswer((HOUR, 2, HOUR, 2 * HOUR), (DAY, 1, DAY, DAY)),
        output_mode="update",
    )
    check_stream(
        seen.to_df(spark).dropDuplicates(["i"]).select("i"),
        AddData(seen, ("a", HOUR), ("a", None)),
        CheckNewAnswer((HOUR,), (None,)),
        StopStream(),
        StartStream(),
        AddData(seen, ("a", HOUR), ("a", None), ("a", DAY)),
        CheckNewAnswer((DAY,)),
    )


def test_event_times_beyond_all_calendars_do_not_end_the_query(spark: Any) -> None:
    """Milliseconds taken for seconds are a time in the year 55840."""
    stream = MemoryStream(SCHEMA)
    windows = timed(stream.to_df(spark)).withWatermark("time", "10 seconds").groupBy(F.window("time", "10 seconds"))
    check_stream(
        windows.count().select("count"),
        AddData(stream, (100, "a", 1)),
        CheckNewAnswer(),
        AddData(stream, (1_700_000_000_000, "a", 1)),
        CheckNewAnswer((1,)),
        AddData(stream, (-100_000_000_000, "late", 1), (1_700_000_000_000, "a", 1)),
        CheckNewAnswer(),
    )


BEFORE_1970 = {
    "windows": lambda rows: rows.groupBy("url", F.window("time", "10 seconds")).count().select("url"),
    "duplicates": lambda rows: rows.dropDuplicates(["url", "time"]).select("url"),
    "duplicates within the watermark": lambda rows: rows.dropDuplicatesWithinWatermark(["url"]).select("url"),
}


@pytest.mark.parametrize("kind", BEFORE_1970)
def test_rows_before_1970_are_late_from_the_beginning(spark: Any, kind: str) -> None:
    """The watermark is 1970 before there is one: these are real Spark's answers."""
    stream = MemoryStream(SCHEMA)
    check_stream(
        BEFORE_1970[kind](timed(stream.to_df(spark)).withWatermark("time", "10 seconds")),
        AddData(stream, (-1000, "a", 1), (-500, "b", 1)),
        CheckNewAnswer(),
        AddData(stream, (-2000, "a", 1)),
        CheckNewAnswer(),
        AddData(stream, (500, "b", 1)),
        CheckNewAnswer("b"),
        AddData(stream, (-3, "x", 1), (495, "y", 1)),
        CheckNewAnswer("y"),
        output_mode="update",
    )

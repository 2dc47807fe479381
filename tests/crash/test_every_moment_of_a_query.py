"""A query that is killed, or whose machine fails, between any two of its calls to the system, and one of whose calls
fails: started again, it gives what it would have given, and leaves nothing behind.

PENSTOCK_CRASH_MOMENTS sets how many moments of each query are tried.
"""

from __future__ import annotations

import errno
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import penstock
from penstock.sinks import file_sink
from tests.crash.traced_disk import Moment, content_of, in_memory
from tests.crash.tracing import Tracer

MOMENTS = int(os.environ.get("PENSTOCK_CRASH_MOMENTS", "40"))
CONF = {
    "spark.sql.streaming.fileSink.log.compactInterval": "2",
    "spark.sql.streaming.fileSink.log.cleanupDelay": "0",
    "spark.sql.streaming.fileSource.log.compactInterval": "2",
    "spark.sql.streaming.fileSource.log.cleanupDelay": "0",
    "spark.sql.streaming.minBatchesToRetain": "1",
    "spark.sql.streaming.stateStore.minDeltasForSnapshot": "2",
    "spark.penstock.state.partitions": "2",
}


class Case:
    """One query over files, on a disk of its own."""

    def __init__(self, spark: SparkSession, base: Path, name: str) -> None:
        self.spark, self.name, self.root, self.files = spark, name, base / "disk", base / "in"
        self.root.mkdir()
        self.files.mkdir()
        for i in range(4):
            rows = [{"k": k, "v": i * 10 + j, "t": f"2026-01-01T00:00:{10 * i + j:02d}Z"} for j, k in enumerate("ab")]
            self._write(i, [*rows, {"k": "z", "v": 1, "t": "2026-01-01T01:00:00Z"}] if i == 3 else rows)

    def _write(self, number: int, rows: list[dict[str, Any]]) -> None:
        path = self.files / f"{number}.json"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        os.utime(path, (1_700_000_000 + number,) * 2)

    def run(self) -> None:
        """One process, as it were: to the end of the data."""
        rows = self.spark.readStream.schema("k string, v long, t timestamp").option("maxFilesPerTrigger", 1)
        writer = QUERIES[self.name](rows.json(str(self.files))).writeStream
        if self.name == "overwriting":
            writer = writer.foreachBatch(lambda df, i: df.write.mode("overwrite").parquet(f"{self.root}/out/b={i}"))
        else:
            writer = writer.format("parquet").option("path", f"{self.root}/out")
        query = writer.option("checkpointLocation", f"{self.root}/checkpoint").trigger(availableNow=True).start()
        query.awaitTermination()

    def rows(self) -> list[tuple[Any, ...]]:
        found = self.spark.read.schema("k string, v long").parquet(f"{self.root}/out").collect()
        return sorted(map(tuple, found))

    def clear(self) -> None:
        Moment(0, "", "", {}, ()).restore(self.root)

    def left_over(self) -> list[str]:
        """What nobody needs."""
        return [path for path in content_of(self.root) if path.endswith((".tmp", ".new", ".old"))]


def plain(rows: DataFrame) -> DataFrame:
    return rows.select("k", "v")


def windows(rows: DataFrame) -> DataFrame:
    grouped = rows.withWatermark("t", "0 seconds").groupBy(F.window("t", "10 seconds"), "k")
    return grouped.agg(F.sum("v").alias("v")).select("k", "v")


QUERIES: dict[str, Callable[[DataFrame], DataFrame]] = {"plain": plain, "windows": windows, "overwriting": plain}


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    session = penstock.session(CONF)
    yield session
    for key in CONF:
        session.conf.unset(key)


@pytest.fixture(params=list(QUERIES))
def case(spark: SparkSession, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.setattr(file_sink, "_ABANDONED_S", 0.0)
    for key, value in CONF.items():
        spark.conf.set(key, value)
    with in_memory() as base:
        yield Case(spark, base, request.param)


def traced(case: Case) -> Tracer:
    """A run that nothing befalls."""
    tracer = Tracer(case.root)
    with tracer.recording():
        case.run()
    return tracer


def some(found: list[Any], count: int) -> list[Any]:
    """So many of them, from first to last."""
    return found if len(found) <= count else sorted(random.Random(7).sample(range(len(found)), count))


def test_an_end_between_any_two_calls(case: Case) -> None:
    moments = traced(case).moments()
    expected = case.rows()
    assert len(expected) == {"plain": 9, "windows": 8, "overwriting": 9}[case.name] and len(moments) > 100
    for number in some(list(range(len(moments))), MOMENTS):
        moments[number].restore(case.root)
        case.run()
        assert case.rows() == expected, moments[number]
        assert case.left_over() == [], moments[number]


def test_two_ends_one_after_the_other(case: Case) -> None:
    moments, chance = traced(case).moments(), random.Random(11)
    expected = case.rows()
    for _ in range(max(1, MOMENTS // 6)):
        first = chance.choice(moments)
        first.restore(case.root)
        second = chance.choice(traced(case).moments())
        second.restore(case.root)
        case.run()
        assert case.rows() == expected, f"{first}, then {second}"


def test_a_call_that_fails(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    calls = traced(case).fallible
    expected = case.rows()
    for number in some(list(range(1, calls + 1)), MOMENTS // 2):
        case.clear()
        caplog.clear()
        failing = Tracer(case.root, (number, errno.ENOSPC))
        try:
            with failing.recording():
                case.run()
        except Exception as error:
            assert "No space left" in str(error), failing.failed[0]
        else:  # a snapshot can wait; its thread tells of it
            assert not failing.failed or "Could not write a state snapshot" in caplog.text, failing.failed[0]
        case.run()
        assert case.rows() == expected, failing.failed[0]


def test_half_written_files_go_with_the_next_start(case: Case) -> None:
    """Those of a kill in the middle of a write: each directory that is written to after the first start has one."""
    case.run()
    expected = case.rows()
    checkpoint = case.root / "checkpoint"
    places = {path.parent for path in checkpoint.rglob("*") if path.is_file()} | {case.root / "out" / "_spark_metadata"}
    for place in [place for place in places if place.exists() and place.name != "_metadata"]:
        (place / ".5.0123456789abcdef.tmp").write_bytes(b"half")
    case.run()
    assert case.left_over() == [] and case.rows() == expected

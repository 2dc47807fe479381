"""Where is my row: dropped as late, or held in state."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.streaming import StatefulProcessor

import penstock
from penstock.core import faults

KEEP = "penstock.streaming.keepLateRows"


@pytest.fixture
def spark() -> Iterator[Any]:
    session = penstock.session({"spark.sql.session.timeZone": "UTC"})
    session.conf.set(KEEP, "true")
    yield session
    session.conf.unset(KEEP)


def write(directory: Path, *batches: list[tuple[str, int]]) -> str:
    directory.mkdir()
    for number, rows in enumerate(batches):
        path = directory / f"{number}.json"
        entries = ({"user": user, "t": f"2026-03-01T10:00:{second:02d}Z"} for user, second in rows)
        path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
        os.utime(path, (1_700_000_000 + number,) * 2)
    return str(directory)


def events(spark: Any, source: str) -> Any:
    stream = spark.readStream.schema("user string, t timestamp").option("maxFilesPerTrigger", 1).json(source)
    return stream.withWatermark("t", "5 seconds")


def run(frame: Any, checkpoint: Path, mode: str = "append") -> None:
    writer = frame.writeStream.format("noop").outputMode(mode).option("checkpointLocation", str(checkpoint))
    writer.trigger(availableNow=True).start().awaitTermination()


def found(checkpoint: Path, row_filter: str) -> list[tuple[Any, ...]]:
    rows = penstock.why(str(checkpoint), row_filter).collect()
    return [(r.place, r.store, r.batchId, str(r.watermark), json.loads(r.row)) for r in rows]


BATCHES = ([("a", 1), ("b", 30)], [("c", 40)], [("ann", 2), ("ann", 45)])
LATE = {"window.start": "2026-03-01 10:00:00.000", "window.end": "2026-03-01 10:00:10.000", "user": "ann"}


def counts(spark: Any, source: str) -> Any:
    return events(spark, source).groupBy(F.window("t", "10 seconds"), "user").count()


def test_a_late_group_and_one_that_state_holds(spark: Any, tmp_path: Path) -> None:
    run(counts(spark, write(tmp_path / "in", *BATCHES)), tmp_path / "cp")
    late, held = found(tmp_path / "cp", "user = 'ann'")
    assert late == ("dropped as late", None, 2, "2026-03-01 10:00:25", LATE)
    assert held[0] == "held in state"
    assert held[4]["key"]["user"] == "ann"
    assert held[4]["value"] == {"count": 1}
    assert found(tmp_path / "cp", "user = 'a'") == []
    assert found(tmp_path / "cp", "nothing_of_that_name = 1") == []


def test_a_late_row_of_a_time_before_all_calendars(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number, micros in enumerate((1_700_000_000_000_000, 1_700_000_100_000_000, -63_500_000_000_000_000)):
        path = tmp_path / "in" / f"{number}.json"
        path.write_text(json.dumps({"user": "ann", "us": micros}) + "\n")
        os.utime(path, (1_700_000_000 + number,) * 2)
    stream = spark.readStream.schema("user string, us long").option("maxFilesPerTrigger", 1).json(str(tmp_path / "in"))
    timed = stream.withColumn("t", F.timestamp_micros("us")).withWatermark("t", "5 seconds")
    run(timed.dropDuplicates(["user", "t"]), tmp_path / "cp")
    rows = penstock.why(str(tmp_path / "cp"), "user = 'ann'").where("place = 'dropped as late'").select("row").collect()
    assert [json.loads(row.row)["t"] for row in rows] == ["-0043-10-07T07:06:40.000Z"]


def test_a_replayed_batch_keeps_each_late_row_once(spark: Any, tmp_path: Path) -> None:
    source = write(tmp_path / "in", *BATCHES)
    left = 3

    def crash() -> None:
        nonlocal left
        left -= 1
        if not left:
            raise RuntimeError("crash")

    faults.hooks["before_commit_log"] = crash
    try:
        with pytest.raises(PySparkException, match="crash"):
            run(counts(spark, source), tmp_path / "cp")
    finally:
        faults.hooks.clear()
    run(counts(spark, source), tmp_path / "cp")
    assert [row for row in found(tmp_path / "cp", "user = 'ann'") if row[0] == "dropped as late"] == [
        ("dropped as late", None, 2, "2026-03-01 10:00:25", LATE)
    ]


def test_rows_and_variables_of_a_processor(spark: Any, tmp_path: Path) -> None:
    class Count(StatefulProcessor):
        def init(self, handle: Any) -> None:
            self.handle, self.n = handle, handle.getValueState("n", "n int")

        def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
            self.n.update((sum(1 for _ in rows),))
            self.handle.registerTimer(10**14)
            yield Row(user=key[0])

    frame = events(spark, write(tmp_path / "in", *BATCHES)).groupBy("user")
    run(frame.transformWithState(Count(), "user string", "Append", "EventTime"), tmp_path / "cp")
    late, value, timer = found(tmp_path / "cp", "user = 'ann'")
    assert late[4] == {"user": "ann", "t": "2026-03-01 10:00:02.000"}
    assert value[1:] == ("n", None, "None", {"key": {"user": "ann"}, "value": {"n": 1}})
    assert timer[1] == "timers"
    assert timer[4] == {"key": {"user": "ann"}, "expiration_timestamp_ms": 10**14}


def test_nothing_is_kept_unless_asked_for(spark: Any, tmp_path: Path) -> None:
    spark.conf.set(KEEP, "false")
    run(counts(spark, write(tmp_path / "in", *BATCHES)), tmp_path / "cp")
    assert not (tmp_path / "cp" / "late_rows").exists()

"""Stateless queries go on from checkpoints that real Spark has left (tests/golden/spark_checkpoints, by
make_streaming.py)."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors.exceptions.connect import StreamingQueryException

from penstock.testing.clock import ManualClock
from penstock.testing.session import use_clock

GOLDEN = Path(__file__).parents[1] / "golden" / "spark_checkpoints"
ROOT = "/golden-root"


@pytest.fixture
def left(tmp_path: Path) -> Any:
    """The directory of a case, as if the query had run here."""

    def copy(case: str) -> Path:
        shutil.copytree(GOLDEN / case, tmp_path / case)
        for path in (tmp_path / case).rglob("*"):
            if path.is_file():
                path.write_text(path.read_text().replace(ROOT, str(tmp_path)))
        return tmp_path / case

    return copy


def run_once(frame: Any, root: Path) -> Any:
    """One trigger of a query into JSON files."""
    writer = frame.writeStream.format("json").option("checkpointLocation", str(root / "checkpoint"))
    query = writer.trigger(availableNow=True).start(str(root / "out"))
    assert query.awaitTermination(120)
    return query


def latest(root: Path, log: str) -> int:
    return max(int(path.name) for path in (root / "checkpoint" / log).iterdir() if path.name.isdigit())


def last_offset(root: Path) -> str:
    return (root / "checkpoint" / "offsets" / str(latest(root, "offsets"))).read_text().split("\n")[-1]


def file_rows(spark: Any, root: Path) -> list[tuple[str, int]]:
    return sorted((row.k, row.v) for row in spark.read.schema("k string, v int").json(str(root / "out")).collect())


def test_files_that_spark_has_read_are_not_read_again(spark: Any, left: Any) -> None:
    root = left("files")
    batches = latest(root, "commits")
    before = file_rows(spark, root)
    assert before == [(str(i), i) for i in range(5)], "what Spark has written, through its _spark_metadata"
    assert any(path.name.endswith(".compact") for path in (root / "checkpoint" / "sources" / "0").iterdir())
    (root / "in" / "new.json").write_text('{"k":"new","v":9}\n')
    query = run_once(spark.readStream.schema("k string, v int").json(str(root / "in")), root)
    (progress,) = [p for p in query.recentProgress if p.numInputRows]
    assert (progress.batchId, progress.numInputRows) == (batches + 1, 1)
    assert str(query.id) == json.loads((root / "checkpoint" / "metadata").read_text())["id"]
    assert file_rows(spark, root) == [*before, ("new", 9)]


def test_a_batch_that_spark_had_not_committed_is_not_written_twice(spark: Any, left: Any) -> None:
    root = left("files")
    (root / "checkpoint" / "commits" / str(latest(root, "commits"))).unlink()
    before = file_rows(spark, root)
    query = run_once(spark.readStream.schema("k string, v int").json(str(root / "in")), root)
    assert query.recentProgress[0].batchId == latest(root, "offsets")
    assert file_rows(spark, root) == before
    assert latest(root, "commits") == latest(root, "offsets")


def test_the_rate_source_counts_on(spark: Any, left: Any) -> None:
    root = left("rate")
    seconds, created = int(last_offset(root)), int((root / "checkpoint/sources/0/0").read_text().split("\n")[-1])
    frame = spark.readStream.format("rate").option("rowsPerSecond", 2).load()
    with use_clock(spark, ManualClock(created + (seconds + 3) * 1000)):
        query = run_once(frame, root)
    assert query.lastProgress.numInputRows == 6
    rows = spark.read.schema("timestamp timestamp, value long").json(str(root / "out")).orderBy("value").collect()
    assert [row.value for row in rows] == list(range(2 * (seconds + 3)))
    gaps = {(b.timestamp - a.timestamp).total_seconds() for a, b in pairwise(rows)}
    assert gaps == {0.5}


def test_rate_micro_batch_goes_on(spark: Any, left: Any) -> None:
    root = left("rate_micro_batch")
    rows = json.loads(last_offset(root))["offset"]
    frame = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 3).load()
    writer = frame.writeStream.format("json").option("checkpointLocation", str(root / "checkpoint"))
    assert writer.trigger(once=True).start(str(root / "out")).awaitTermination(120)
    values = spark.read.schema("timestamp timestamp, value long").json(str(root / "out")).select("value").collect()
    assert sorted(row.value for row in values) == list(range(rows + 3))


def test_a_named_source_is_known_by_its_name(spark: Any, left: Any) -> None:
    spark.conf.set("spark.sql.streaming.queryEvolution.enableSourceEvolution", "true")
    root = left("named")
    assert last_offset(root).startswith("left:")

    def rows(name: str) -> int:
        reader = spark.readStream.schema("k string, v int").name(name)
        query = run_once(reader.json(str(root / "in")), root)
        return sum(progress.numInputRows for progress in query.recentProgress)

    (root / "in" / "new.json").write_text('{"k":"new","v":9}\n')
    assert rows("left") == 1
    assert rows("other") == len(list((root / "in").iterdir()))
    spark.conf.set("spark.sql.streaming.queryEvolution.enableSourceEvolution", "false")
    with pytest.raises(StreamingQueryException, match=r"named \(other\)"):
        run_once(spark.readStream.schema("k string, v int").json(str(root / "in")), root)


SEEN: list[int] = []


def see(row: Any) -> None:
    SEEN.append(row.value)


def test_continuous_epochs_go_on(spark: Any, left: Any) -> None:
    root = left("continuous")
    SEEN.clear()
    ends = json.loads(last_offset(root))
    last = max(part["value"] for part in ends.values())
    now_ms = max(part["runTimeMs"] for part in ends.values()) + 3_000
    epoch = latest(root, "commits")
    writer = spark.readStream.format("rate").option("rowsPerSecond", 2).load().writeStream.foreach(see)
    writer = writer.trigger(continuous="1 hour").option("checkpointLocation", str(root / "checkpoint"))
    with use_clock(spark, ManualClock(now_ms)):
        query = writer.start()
    query.processAllAvailable()
    query.stop()
    assert sorted(SEEN) == list(range(last + 1, last + 1 + len(SEEN)))
    assert len(SEEN) == 6
    assert latest(root, "commits") == epoch + 1


@pytest.mark.parametrize("is_committed", [True, False])
def test_asynchronous_progress_goes_on(spark: Any, left: Any, is_committed: bool) -> None:
    root = left("async")
    if not is_committed:
        (root / "checkpoint" / "commits" / str(latest(root, "commits"))).unlink()
    offsets = sorted(int(path.name) for path in (root / "checkpoint/offsets").iterdir() if path.name.isdigit())
    assert offsets != list(range(len(offsets))), "Spark has left batches out"
    seconds, created = int(last_offset(root)), int((root / "checkpoint/sources/0/0").read_text().split("\n")[-1])
    writer = spark.readStream.format("rate").option("rowsPerSecond", 2).load().writeStream.format("noop")
    writer = writer.option("checkpointLocation", str(root / "checkpoint")).option(
        "asyncProgressTrackingEnabled", "true"
    )
    with use_clock(spark, ManualClock(created + (seconds + 2) * 1000)):
        query = writer.start()
    query.processAllAvailable()
    rows = [(p.batchId, p.numInputRows) for p in query.recentProgress if p.numInputRows]
    query.stop()
    assert rows[-1] == (offsets[-1] + 1, 4)
    assert last_offset(root) == str(seconds + 2)

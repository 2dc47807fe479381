"""What a query leaves on the disk as its batches go by: files in its checkpoint and in the log of its sink.

Input files of five rows each, one a batch; `stateless` writes them as JSON, `stateful` counts them by key into
foreachBatch.  The number of files must stay bounded once logs are older than the cleanup delay (Spark's default keeps
ten minutes of them); the sink's own data files stay, of course.

usage: python benchmarks/long_run.py [stateless|stateful [BATCHES [CLEANUP_DELAY]]]
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from pyspark.sql import SparkSession

KIND = sys.argv[1] if len(sys.argv) > 1 else "stateless"
BATCHES = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
DELAY = sys.argv[3] if len(sys.argv) > 3 else "600000ms"
LOOKS = 10


def make_input(directory: Path) -> None:
    directory.mkdir(parents=True)
    for number in range(BATCHES):
        rows = "".join(f'{{"k":"k{(number * 5 + i) % 1000}","v":{i}}}\n' for i in range(5))
        path = directory / f"{number:06}.json"
        path.write_text(rows)
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))


def count(directory: Path) -> int:
    """Files below a directory, the hidden ones too; it may change meanwhile."""
    return sum(len(files) for _, _, files in os.walk(directory))


def start(spark: SparkSession, root: Path):
    for log in ("fileSource", "fileSink"):
        spark.conf.set(f"spark.sql.streaming.{log}.log.cleanupDelay", DELAY)
    reader = spark.readStream.schema("k string, v int").option("maxFilesPerTrigger", "1")
    frame = reader.json(str(root / "in"))
    if KIND == "stateful":
        writer = (
            frame.groupBy("k").count().writeStream.outputMode("update").foreachBatch(lambda batch, _: batch.count())
        )
    else:
        writer = frame.writeStream.format("json").option("path", str(root / "out"))
    writer = writer.option("checkpointLocation", str(root / "checkpoint"))
    return writer.trigger(availableNow=True).start()


def report(root: Path, done: int, seconds: float) -> None:
    parts = {name: count(root / "checkpoint" / name) for name in ("offsets", "commits", "sources", "state")}
    shown = "  ".join(f"{name} {number:5}" for name, number in parts.items())
    total, log = count(root / "checkpoint"), count(root / "out" / "_spark_metadata")
    print(f"{done:7} batches  {seconds:7.1f} s  checkpoint {total:5} ({shown})  sink log {log:5}", flush=True)


def main() -> None:
    root = Path(tempfile.mkdtemp(prefix="long_run_"))
    try:
        make_input(root / "in")
        spark = SparkSession.builder.config("spark.sql.shuffle.partitions", "1").getOrCreate()
        begun, look = time.monotonic(), 1
        query = start(spark, root)
        while query.isActive:
            last = query.lastProgress
            done = 0 if last is None else last["batchId"] + 1
            if done >= look * BATCHES // LOOKS:
                report(root, done, time.monotonic() - begun)
                look = done * LOOKS // BATCHES + 1
            query.awaitTermination(0.1)
        report(root, query.lastProgress["batchId"] + 1, time.monotonic() - begun)
    finally:
        shutil.rmtree(root, ignore_errors=True)


main()

"""Many streaming queries in one process: do they keep their pace, and what does a batch cost?

usage: penstock run benchmarks/many_queries.py [QUERIES [RATE [SECONDS]]]

Starts QUERIES file streams (50); RATE (2) times a second each gets a file of 100 lines, for SECONDS (30).  RATE=0: every
query gets its next file as soon as the last one is done.  Prints one JSON line: batches a second of the slowest and the
median query, how far the slowest is behind at the end, processor time a batch, the growth of memory over the second
half, and the processor time of all queries while nothing arrives.  Works in a directory of its own and removes it.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

LINES = "".join(json.dumps({"k": f"key-{i % 10}", "n": i}) + "\n" for i in range(100))


def resident_mb() -> float:
    """The memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Feed:
    """Files for one query."""

    def __init__(self, root: Path, index: int) -> None:
        self.directory, self.staging = root / f"in-{index}", root / f"staging-{index}"
        self.directory.mkdir()
        self.staging.mkdir()
        self.count = 0

    def put(self) -> None:
        """One file, whole at once."""
        name = f"{self.count:07d}.json"
        (self.staging / name).write_text(LINES)
        (self.staging / name).rename(self.directory / name)
        self.count += 1


def start(spark: SparkSession, root: Path, feed: Feed, index: int) -> Any:
    """Half of the queries filter, half count by key."""
    rows = spark.readStream.schema("k string, n int").json(str(feed.directory))
    stateful = index % 2 == 1
    frame = rows.groupBy("k").agg(F.count("*").alias("c")) if stateful else rows.where("n % 2 = 0")
    writer = frame.writeStream.format("noop").outputMode("update" if stateful else "append").queryName(f"q{index}")
    return writer.option("checkpointLocation", str(root / f"cp-{index}")).start()


def pace(feeds: list[Feed], rate: float, until: float) -> None:
    """A file for everybody, `rate` times a second, spread evenly."""
    begun, step, number = time.time(), 1 / rate / len(feeds), 0
    while time.time() < until:
        feeds[number % len(feeds)].put()
        number += 1
        time.sleep(max(0.0, begun + number * step - time.time()))


def saturate(feed: Feed, query: Any, until: float) -> None:
    """The next file as soon as the last one is done."""
    while time.time() < until:
        feed.put()
        query.processAllAvailable()


def measure(root: Path, count: int, rate: float, seconds: float) -> dict[str, object]:
    """The figures of one run."""
    spark = SparkSession.builder.getOrCreate()
    feeds = [Feed(root, i) for i in range(count)]
    queries = [start(spark, root, feed, i) for i, feed in enumerate(feeds)]
    for query in queries:
        query.processAllAvailable()
    cpu, wall = time.process_time(), time.time()
    time.sleep(3)
    idle = (time.process_time() - cpu) / (time.time() - wall)
    begun, cpu = time.time(), time.process_time()
    middle: list[float] = []
    threading.Timer(seconds / 2, lambda: middle.append(resident_mb())).start()
    if rate:
        pace(feeds, rate, begun + seconds)
    else:
        threads = [threading.Thread(target=saturate, args=(f, q, begun + seconds)) for f, q in zip(feeds, queries)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    fed = time.time() - begun
    for query in queries:
        query.processAllAvailable()
    drained = time.time() - begun
    used = time.process_time() - cpu
    batches = [query.lastProgress.batchId + (1 if query.lastProgress.numInputRows else 0) for query in queries]
    durations = [p.batchDuration for query in queries for p in query.recentProgress if p.numInputRows]
    for query in queries:
        query.stop()
    return {
        "queries": count, "filesPerSecond": rate, "seconds": round(fed, 1), "files": sum(f.count for f in feeds),
        "batchesPerSecond": {"slowest": round(min(batches) / fed, 1), "median": round(statistics.median(batches) / fed, 1)},
        "batchMs": {"median": statistics.median(durations), "max": max(durations)},
        "behindSeconds": round(drained - fed, 2), "cpuMsPerBatch": round(1000 * used / sum(batches), 2),
        "cpuShare": round(used / drained, 2), "idleCpuShare": round(idle, 3),
        "memoryMB": round(resident_mb()), "memoryGrowthMB": round(resident_mb() - middle[0], 1) if middle else None,
    }  # fmt: skip


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else 2
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 30
    root = Path(tempfile.mkdtemp(prefix="many-queries-"))
    try:
        print(json.dumps(measure(root, count, rate, seconds)), flush=True)
    finally:
        shutil.rmtree(root)


main()

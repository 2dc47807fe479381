"""Streaming jobs with much state, batch by batch: count and sum by key, dropDuplicates, a join of two streams.

usage: large_state.py aggregate   [--keys 10000000] [--runs 3] [--budget 300m] [--check] [--spark PYTHON]
       large_state.py deduplicate [--keys 10000000] ...
       large_state.py join        [--keys 2000000] ...

The same PySpark program runs in turn on a state of 100,000 keys and on one of --keys, and, given the Python of a Spark
installation, on Spark with its RocksDB state store (2 shuffle partitions).  First the state is filled, 250,000 keys a
batch; then come 30 batches of 100,000 random keys, whose durations (triggerExecution of the progress reports,
milliseconds) are printed, with the memory of the process (MB) and the seconds that a restart takes to its first batch.
--check writes the results as Parquet and compares them with those that numpy computes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

BATCHES, BATCH, FILL, SMALL = 30, 100_000, 250_000, 100_000
ROCKSDB = "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
Array = np.ndarray[Any, Any]


def batches_of(keys: int) -> list[Array]:
    """The keys of each batch: all once, in any order, then random ones; one more batch for the restart."""
    rng = np.random.default_rng(7)
    order = rng.permutation(keys)
    fill = [order[i : i + FILL] for i in range(0, keys, FILL)]
    # Every batch touches the same number of groups, whatever the state holds.
    return fill + [rng.choice(keys, min(BATCH, keys), replace=False) for _ in range(BATCHES + 1)]


def write_batch(directory: Path, number: int, keys: Array) -> None:
    """One file, by whose time the stream orders it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = directory / f"{number:04}.parquet"
    pq.write_table(pa.table({"key": keys.astype(np.int64), "value": (keys % 97) * 0.5}), path)
    with open(path, "rb") as file:
        os.fsync(file.fileno())  # else the job pays for it
    os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))


def rss() -> dict[str, int]:
    """Memory of this process in MB."""
    with open("/proc/self/status") as lines:
        found = dict(line.split(":") for line in lines if line.startswith(("VmHWM", "VmRSS", "RssAnon")))
    return {name: int(value.split()[0]) >> 10 for name, value in found.items()}


# ------------------------------------------------------------ the program that is measured


def job(kind: str, data: Path, settings: dict[str, str], check: bool) -> None:
    """Run the stream over all that is there; prints a JSON line."""
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    builder = SparkSession.builder
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()

    def read(name: str) -> Any:
        schema = "key long, value double"
        return spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).parquet(str(data / name))

    if kind == "aggregate":
        result = read("left").groupBy("key").agg(F.count("*").alias("n"), F.sum("value").alias("s"))
    elif kind == "deduplicate":
        result = read("left").dropDuplicates(["key"])
    else:
        result = read("left").join(read("right").withColumnRenamed("value", "other"), "key")
    writer = result.writeStream.option("checkpointLocation", str(data / "checkpoint")).trigger(availableNow=True)
    writer = writer.outputMode("update" if kind == "aggregate" else "append")
    started = time.perf_counter()
    if check:
        out = str(data / "out")
        query = writer.foreachBatch(lambda df, i: df.write.mode("overwrite").parquet(f"{out}/{i}")).start()
    else:
        query = writer.format("noop").start()
    query.awaitTermination()
    elapsed = time.perf_counter() - started
    progress = [p for p in query.recentProgress if p["numInputRows"]]
    times = [p["durationMs"]["triggerExecution"] for p in progress]
    state = progress[-1]["stateOperators"][0]
    states = [p["stateOperators"][0] for p in progress]
    parts = {name: [s[name] for s in states] for name in ("allUpdatesTimeMs", "commitTimeMs")}
    facts = {
        "times": times,
        "parts": parts,
        "seconds": elapsed,
        "rows": state["numRowsTotal"],
        "bytes": state["memoryUsedBytes"],
    }
    print("FACTS " + json.dumps({**facts, "rss": rss(), "custom": dict(state.get("customMetrics") or {})}))
    spark.stop()


# ------------------------------------------------------------ the driver


def measure(kind: str, keys: int, given: argparse.Namespace, spark: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """One run and one restart; what the jobs printed."""
    data = Path(tempfile.mkdtemp(dir=given.directory))
    try:
        batches = batches_of(keys)
        sides = ("left", "right") if kind == "join" else ("left",)
        for name in sides:
            (data / name).mkdir()
            for number, own in enumerate(batches[:-1]):
                write_batch(data / name, number, own)
        first = run(kind, data, given, spark)
        if given.check:
            check(kind, data, batches[:-1])
        for name in sides:
            write_batch(data / name, len(batches), batches[-1])
        return first, run(kind, data, given, spark)
    finally:
        shutil.rmtree(data)


def run(kind: str, data: Path, given: argparse.Namespace, spark: bool) -> dict[str, Any]:
    """The program in a process of its own."""
    settings = {"spark.sql.shuffle.partitions": "2", "spark.sql.streaming.numRecentProgressUpdates": "1000"}
    if spark:
        settings |= {"spark.sql.streaming.stateStore.providerClass": ROCKSDB, "spark.ui.enabled": "false"}
        settings |= {"spark.master": "local[2]"}
        command = [given.spark, __file__]
    else:
        settings |= {"spark.local.dir": str(data)}
        settings |= {"spark.penstock.state.memoryBudget": given.budget} if given.budget else {}
        command = [sys.executable, "-m", "penstock", "run", __file__]
    arguments = ["--job", kind, "--data", str(data), "--settings", json.dumps(settings)]
    done = subprocess.run([*command, *arguments, *(["--check"] if given.check else [])], capture_output=True, text=True)
    facts = [line for line in done.stdout.splitlines() if line.startswith("FACTS ")]
    if not facts:
        raise SystemExit(f"the job failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(facts[0][6:])
    return found


def check(kind: str, data: Path, batches: list[Array]) -> None:
    """Every batch's result is what numpy says."""
    import pyarrow.parquet as pq

    counts = np.zeros(max(int(keys.max()) for keys in batches) + 1, np.int64)
    for number, keys in enumerate(batches):
        found = pq.read_table(data / "out" / str(number))
        if kind == "aggregate":
            counts[keys] += 1
            own = found.column("key").to_numpy()
            assert sorted(own.tolist()) == sorted(keys.tolist()), f"batch {number}: other keys"
            assert (found.column("n").to_numpy() == counts[own]).all(), f"batch {number}: wrong counts"
            assert (found.column("s").to_numpy() == counts[own] * ((own % 97) * 0.5)).all(), f"batch {number}: sums"
        elif kind == "deduplicate":
            new = keys[counts[keys] == 0]
            counts[keys] = 1
            assert sorted(found.column("key").to_pylist()) == sorted(new.tolist()), f"batch {number}: other keys"
        else:
            before = counts[keys].sum()
            counts[keys] += 1
            assert found.num_rows == 2 * before + len(keys), f"batch {number}: {found.num_rows} pairs"
    print(f"  checked: all {len(batches)} batches are right")


def report(label: str, runs: list[tuple[dict[str, Any], dict[str, Any]]]) -> float:
    """A line; returns the median."""
    times = np.array([first["times"][-BATCHES:] for first, _ in runs], float).ravel()
    first, again = runs[-1]
    medians = {name: np.median([f["parts"][name][-BATCHES:] for f, _ in runs]) for name in first["parts"]}
    parts = [f"{name} {median:.0f}" for name, median in medians.items()]
    memory = max(f["rss"]["VmHWM"] for f, _ in runs)
    print(
        f"  {label:34} min {times.min():7.0f}  median {np.median(times):7.0f}  p95 {np.quantile(times, 0.95):7.0f}  "
        f"max {times.max():7.0f}  ({', '.join(parts)})  rows {first['rows']:,}  restart and one batch {again['seconds']:.1f} s  "
        f"peak {memory:,} MB, at the end RSS {first['rss']['VmRSS']:,}, anonymous {first['rss']['RssAnon']:,} MB  "
        f"state {first['bytes'] >> 20:,} MB {first['custom']}"
    )
    return float(np.median(times))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", nargs="?", choices=["aggregate", "deduplicate", "join"])
    parser.add_argument("--keys", type=int, default=0)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--budget")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--spark")
    parser.add_argument("--alone", action="store_true", help="without the run on 100,000 keys")
    parser.add_argument("--directory", type=Path)
    for hidden in ("--job", "--data", "--settings"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        job(given.job, Path(given.data), json.loads(given.settings), given.check)
        return
    keys = given.keys or (2_000_000 if given.kind == "join" else 10_000_000)
    ways = [("penstock", size, False) for size in ([] if given.alone else [SMALL]) + [keys]]
    ways += [("spark", keys, True)] if given.spark else []
    runs: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for _ in range(given.runs):
        for name, size, spark in ways:
            runs.setdefault(f"{name}, {given.kind}, {size:,} keys", []).append(measure(given.kind, size, given, spark))
    medians = [report(label, found) for label, found in runs.items()]
    for (name, size, _), median in list(zip(ways, medians, strict=True))[1:]:
        beside = 1 if name == "spark" and len(ways) > 2 else 0
        print(
            f"  {name}, {size:,} keys: median {median / medians[beside]:.2f} times {ways[beside][0]}'s {ways[beside][1]:,}"
        )


if __name__ == "__main__":
    main()

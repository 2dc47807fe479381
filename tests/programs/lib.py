"""What the golden programs share: input files with a fixed order, and output as canonical JSON lines."""

import json
import os
import sys
import tempfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from pyspark.sql import DataFrame, Row, SparkSession


def session() -> SparkSession:
    """The session of every program: UTC, two partitions."""
    spark = SparkSession.builder.appName("golden").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    spark.conf.set("spark.sql.shuffle.partitions", "2")
    return spark


def write_files(directory: str, files: list[list], first: int = 0) -> None:
    """One file of JSON lines (or raw text lines) each, with rising modification times."""
    os.makedirs(directory, exist_ok=True)
    for i, rows in enumerate(files, first):
        path = os.path.join(directory, f"{i:03d}.json")
        with open(path + ".tmp", "w") as file:
            file.writelines((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
        os.utime(path + ".tmp", (1_700_000_000 + i, 1_700_000_000 + i))
        os.rename(path + ".tmp", path)


def plain(value: object) -> object:
    """A value of a row as JSON can hold it."""
    if isinstance(value, Row):
        return {key: plain(item) for key, item in value.asDict().items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (datetime, date, Decimal)):
        return str(value)
    if isinstance(value, float):
        return repr(round(value, 9))
    return value


class Recorder:
    """A foreachBatch function that appends every batch to a file, so that it works in another process too."""

    def __init__(self, path: str, ordered: bool = False) -> None:
        self.path, self.ordered = path, ordered

    def __call__(self, batch: DataFrame, batch_id: int) -> None:
        rows = [plain(row) for row in batch.collect()]
        if not self.ordered:
            rows.sort(key=lambda row: json.dumps(row, sort_keys=True))
        with open(self.path, "a") as file:
            file.write(json.dumps({"batch": batch_id, "rows": rows}, sort_keys=True) + "\n")


def work_directory() -> Path:
    """A fresh directory for one run."""
    return Path(tempfile.mkdtemp(prefix="golden-"))


def run(
    counts: DataFrame, mode: str, work: Path, *, ordered: bool = False, progress: bool = True, **trigger: object
) -> None:
    """Run a query to its end over all input and print its batches, then the figures of its progress."""
    out = str(work / "batches.jsonl")
    start = os.path.getsize(out) if os.path.exists(out) else 0
    query = (
        counts.writeStream.outputMode(mode).foreachBatch(Recorder(out, ordered))
        .option("checkpointLocation", str(work / "checkpoint")).trigger(**(trigger or {"availableNow": True})).start()
    )  # fmt: skip
    query.awaitTermination()
    if os.path.exists(out):
        with open(out) as file:
            file.seek(start)
            sys.stdout.write(file.read())
    if progress:
        for entry in query.recentProgress:
            p = entry if isinstance(entry, dict) else json.loads(entry.json)
            print(json.dumps({"progress": figures(p)}, sort_keys=True), flush=True)


def figures(p: dict) -> dict:
    """The figures of a progress that do not depend on the machine."""
    keys = ("numRowsTotal", "numRowsUpdated", "numRowsDroppedByWatermark")
    return {
        "batchId": p["batchId"],
        "inputRows": sum(s["numInputRows"] for s in p["sources"]),
        # Spark counts a NULL event time as 1970 in min and avg; max and the watermark are not touched by that.
        "eventTime": {key: value for key, value in p["eventTime"].items() if key in ("max", "watermark")},
        "state": [{key: o[key] for key in keys} for o in p["stateOperators"]],
    }

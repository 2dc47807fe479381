"""What the golden programs share: input files with a fixed order, and output as canonical JSON lines."""

import json
import os
import sys
import tempfile
from collections.abc import Callable
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
        path, hidden = os.path.join(directory, f"{i:03d}.json"), os.path.join(directory, f".{i:03d}.json")
        with open(hidden, "w") as file:
            file.writelines((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
        os.utime(hidden, (1_700_000_000 + i, 1_700_000_000 + i))
        os.rename(hidden, path)  # a stream that runs sees it whole


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


def show(number: int | str, **facts: object) -> None:
    """Print a line of facts that must be the same in Spark."""
    facts = {key: plain(value) for key, value in facts.items()}
    print(json.dumps({"batch": number, **facts}, sort_keys=True), flush=True)


def found(frame: DataFrame) -> list:
    """A batch query's rows, in a fixed order."""
    return sorted((plain(row) for row in frame.collect()), key=lambda row: json.dumps(row, sort_keys=True))


def condition(error: BaseException) -> str:
    """What kind of error it is: Spark's condition, else the name of its class."""
    java = getattr(error, "java_exception", None)  # what real Spark's client does not know
    return getattr(java or error, "getCondition", lambda: None)() or type(error).__name__


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


def at(second: float, k: str | None = None, n: int | None = None) -> dict:
    """A row of the streams of `in_stages`; `second` counts from 10:00."""
    minutes, rest = divmod(second, 60)
    return {"time": f"2026-03-01T10:{int(minutes):02d}:{rest:06.3f}Z", "k": k, "n": n}


def timeless(k: str | None, n: int | None = None) -> dict:
    """A row without an event time."""
    return {"k": k, "n": n}


Stage = dict[str, list[list[dict]]]


def in_stages(
    query: Callable[[Callable[[str], DataFrame]], DataFrame],
    mode: str,
    *stages: Stage,
    ordered: bool = False,
    progress: bool = True,
    conf: dict[str, str] | None = None,
) -> None:
    """Run a query to the end of its input, once a stage, always from the same checkpoint.

    A stage says what files each stream gets beforehand; a batch reads one file of each stream.  `query` is given a
    function that reads a stream by its name; its rows have time, k and n.
    """
    spark, work = session(), work_directory()
    # A row that the scan itself leaves out is no input row in Spark.
    for key, value in {"spark.sql.json.filterPushdown.enabled": "false", **(conf or {})}.items():
        spark.conf.set(key, value)

    def read(name: str) -> DataFrame:
        os.makedirs(work / name, exist_ok=True)
        events = spark.readStream.schema("time timestamp, k string, n int").option("maxFilesPerTrigger", 1)
        return events.json(str(work / name))

    written: dict[str, int] = {}
    for stage in stages:
        for name, files in stage.items():
            write_files(str(work / name), files, first=written.get(name, 0))
            written[name] = written.get(name, 0) + len(files)
        run(query(read), mode, work, ordered=ordered, progress=progress)


#: Two stages of one stream: rows out of order, late, at the watermark, without a time, without a key.
EVENTS: list[Stage] = [
    {"in": [
        [at(1, "a", 1), at(3, "b", 2), at(4, "a", 3), at(9, "a", 4), at(7.5, "c", 5)],
        [at(14, "a", 6), at(12, "b", 7), at(2, "b", 8), at(21, None, 9)],
        [at(31, "a", 10), at(8, "a", 11), timeless("a", 12), at(33, "c", 13), at(20, "b", 14)],
    ]},
    {"in": [
        [at(5, "a", 15), at(23, "b", 16), at(25, "a", 17), at(40, "b", 18), at(36, "a", 19)],
        [at(75, "c", 20), at(62, "a", 21), at(64, "a", 22), at(30, "a", 23), at(58, "b", 24)],
        [at(66, "a", 25), at(90, "b", 26), at(65, "c", None), at(130, None, 27)],
    ]},
]  # fmt: skip


#: Two stages of two streams for joins: matches, near misses, late rows, rows that match nothing.
PAIRS: list[Stage] = [
    {
        "left": [[at(1, "a", 1), at(3, "b", 2), at(5, "c", 3)], [at(22, "a", 4), at(18, "b", 5), timeless("a", 6)]],
        "right": [[at(2, "a", 1), at(4, "x", 2)], [at(20, "b", 3), at(25, "a", 4), at(6, "c", 5)]],
    },
    {
        "left": [[at(2, "a", 7), at(40, "d", 8), at(31, "a", 9)], [at(62, "a", 10), at(58, "b", 11)], [at(140, "e", 12)]],
        "right": [[at(35, "a", 6), at(41, "d", 7), at(3, "a", 8)], [at(63, "a", 9), at(80, "z", 10)], [at(150, "e", 11)]],
    },
]  # fmt: skip


def both_sides(read: Callable[[str], DataFrame], left: str = "10 seconds", right: str = "10 seconds") -> tuple:
    """The streams of PAIRS, their columns told apart: ltime, lk, ln and rtime, rk, rn."""
    return (
        read("left").toDF("ltime", "lk", "ln").withWatermark("ltime", left),
        read("right").toDF("rtime", "rk", "rn").withWatermark("rtime", right),
    )


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

"""What one may do with a stream, and under which trigger: asked of real Spark (make_streaming.py) and of Penstock."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SOURCE_EVOLUTION = "spark.sql.streaming.queryEvolution.enableSourceEvolution"
LINES = '{"k":"a","v":1}\n{"k":"b","v":null}\n'


class Place:
    """Directories and frames of one case."""

    def __init__(self, spark: Any, root: Path) -> None:
        self.spark, self._root, self._count = spark, root, 0

    def directory(self) -> str:
        """A new one's path; it is not made."""
        self._count += 1
        return str(self._root / f"d{self._count}")

    def files(self) -> str:
        """A directory with one JSON file."""
        path = Path(self.directory())
        path.mkdir(parents=True)
        (path / "a.json").write_text(LINES)
        return str(path)

    def rate(self) -> Any:
        """Ten rows a second."""
        return self.spark.readStream.format("rate").option("rowsPerSecond", 10).load()

    def stream(self, name: str | None = None) -> Any:
        """The rows of `files`."""
        reader = self.spark.readStream.schema("k string, v int").format("json")
        return (reader if name is None else reader.name(name)).load(self.files())


Case = Callable[[Place, Any], Any]


def noop(frame: Any, **trigger: str) -> Any:
    """A writer of nothing."""
    writer = frame.writeStream.format("noop")
    return writer.trigger(**trigger) if trigger else writer


def _continuous(change: Callable[[Any, Any], Any], mode: str = "append") -> Case:
    return lambda p, f: noop(change(p.rate(), f), continuous="1 second").outputMode(mode)


def _async(change: Callable[[Any, Any], Any], sink: str = "noop", mode: str = "append", **trigger: Any) -> Case:
    def case(p: Place, f: Any) -> Any:
        writer = change(p.rate(), f).writeStream.format(sink).outputMode(mode).queryName("q")
        writer = writer.option("asyncProgressTrackingEnabled", "true").option("checkpointLocation", p.directory())
        writer = writer.option("path", p.directory()) if sink == "parquet" else writer
        return writer.trigger(**trigger) if trigger else writer

    return case


def _real_time(
    change: Callable[[Any, Any], Any], sink: str = "console", mode: str = "update", span: str = "5 seconds"
) -> Case:
    return lambda p, f: (
        change(p.rate(), f).writeStream.format(sink).queryName("q").outputMode(mode).trigger(realTime=span)
    )


def _same(frame: Any, f: Any) -> Any:
    return frame


def _observed(*metrics: Callable[[Any], Any]) -> Case:
    return lambda p, f: noop(p.stream().observe("m", *(metric(f) for metric in metrics)))


CASES: dict[str, Case] = {
    "continuous/console": lambda p, f: p.rate().writeStream.format("console").trigger(continuous="1 second"),
    "continuous/memory": lambda p, f: (
        p.rate().writeStream.format("memory").queryName("q").trigger(continuous="1 second")
    ),
    "continuous/noop": _continuous(_same),
    "continuous/update mode": _continuous(_same, "update"),
    "continuous/complete mode": _continuous(_same, "complete"),
    "continuous/foreachBatch": lambda p, f: p.rate().writeStream.foreachBatch(print).trigger(continuous="1 second"),
    "continuous/files": lambda p, f: noop(p.stream(), continuous="1 second"),
    "continuous/rate-micro-batch": lambda p, f: noop(
        p.spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 3).load(), continuous="1 second"
    ),
    "continuous/projection and filter": _continuous(lambda df, f: df.where("value > 3").select(df.value + 1)),
    "continuous/aggregate": _continuous(lambda df, f: df.groupBy("value").count(), "update"),
    "continuous/aggregate without watermark": _continuous(lambda df, f: df.groupBy("value").count()),
    "continuous/distinct": _continuous(lambda df, f: df.dropDuplicates(["value"])),
    "continuous/watermark": _continuous(lambda df, f: df.withWatermark("timestamp", "1 second")),
    "continuous/sort": _continuous(lambda df, f: df.sort("value")),
    "continuous/limit": _continuous(lambda df, f: df.limit(5)),
    "continuous/union": _continuous(lambda df, f: df.union(df)),
    "continuous/static join": lambda p, f: noop(
        p.rate().join(p.spark.range(3).withColumnRenamed("id", "value"), "value"), continuous="1 second"
    ),
    "continuous/explode": _continuous(lambda df, f: df.select(f.explode(f.array("value")))),
    "continuous/current time": _continuous(lambda df, f: df.select(f.current_timestamp())),
    "continuous/repartition": _continuous(lambda df, f: df.repartition(1)),
    "continuous/observe": _continuous(lambda df, f: df.observe("o", f.count(f.lit(1)).alias("c"))),
    "continuous/interval 0": lambda p, f: noop(p.rate(), continuous="0 seconds"),
    "continuous/interval -1": lambda p, f: noop(p.rate(), continuous="-1 second"),
    "continuous/interval word": lambda p, f: noop(p.rate(), continuous="abc"),
    "continuous/interval month": lambda p, f: noop(p.rate(), continuous="1 month"),
    "realTime/rate": _real_time(_same),
    "realTime/noop": _real_time(_same, "noop"),
    "realTime/append": _real_time(_same, mode="append"),
    "realTime/short": _real_time(_same, span="1 second"),
    "realTime/word": _real_time(_same, span="abc"),
    "async/noop": _async(_same),
    "async/console": _async(_same, "console"),
    "async/memory": _async(_same, "memory"),
    "async/parquet": _async(_same, "parquet"),
    "async/once": _async(_same, once=True),
    "async/availableNow": _async(_same, availableNow=True),
    "async/processingTime": _async(_same, processingTime="1 second"),
    "async/aggregate": _async(lambda df, f: df.groupBy().count(), mode="complete"),
    "observe/plain column": _observed(lambda f: f.col("v")),
    "observe/distinct": _observed(lambda f: f.countDistinct("v").alias("x")),
    "observe/twice": lambda p, f: noop(
        p.stream().observe("m", f.count(f.lit(1)).alias("a")).observe("m", f.count(f.lit(1)).alias("b"))
    ),
    "name/not enabled": lambda p, f: noop(p.stream("a")),
}

#: With source evolution on.
NAMED_CASES: dict[str, Case] = {
    "name/one": lambda p, f: noop(p.stream("a")),
    "name/none": lambda p, f: noop(p.stream()),
    "name/one of two": lambda p, f: noop(p.stream("a").union(p.stream())),
    "name/twice": lambda p, f: noop(p.stream("a").union(p.stream("a"))),
    "name/two cases": lambda p, f: noop(p.stream("a").union(p.stream("A"))),
}

#: What is told of the parameters: those whose values do not name classes, paths or ids.
_PARAMS = ("msg", "outputMode", "operation", "source", "sourceName", "interval", "minBatchDuration", "name", "names",
           "expr", "metricName", "errorType", "message", "className", "input")  # fmt: skip


def outcome(case: Case, place: Place, functions: Any, seconds: float) -> dict[str, Any]:
    """`{"runs": true}`, or the error's condition and parameters (condition None: Spark has none for it)."""
    query = None
    try:
        query = case(place, functions).option("checkpointLocation", place.directory()).start()
        deadline = time.monotonic() + seconds
        while query.isActive and time.monotonic() < deadline:
            time.sleep(0.05)
        return {"runs": True} if query.isActive else {"fails": True}
    except Exception as error:
        condition = getattr(error, "getCondition", lambda: None)() or None
        params = getattr(error, "getMessageParameters", dict)() or {}
        return {"condition": condition, "params": {k: v for k, v in sorted(params.items()) if k in _PARAMS}}
    finally:
        if query is not None:
            query.stop()


def swaps(place: Place) -> list[list[list[Any]]]:
    """What a query reads of its named sources (start, end, rows of each) in run after run, as they come and go."""
    first, second, third = (place.files() for _ in range(3))
    checkpoint, out = place.directory(), place.directory()
    seen = []
    for changed, *sources in (
        (None, ("a", first), ("b", second)),
        (first, ("b", second), ("a", first)),
        (second, ("b", second)),
        (second, ("b", second), ("c", third)),
        (first, ("b", second), ("c", third), ("a", first)),
        (None, ("x", second), ("c", third)),
    ):
        if changed is not None:
            (Path(changed) / f"{len(seen)}.json").write_text('{"k":"z","v":9}\n')
        frames = [place.spark.readStream.schema("k string, v int").name(n).json(path) for n, path in sources]
        union = frames[0]
        for frame in frames[1:]:
            union = union.union(frame)
        query = union.writeStream.format("json").option("checkpointLocation", checkpoint).start(out)
        query.processAllAvailable()
        ends = query.recentProgress[0].sources
        seen.append([[s.startOffset, s.endOffset, s.numInputRows] for s in ends])
        query.stop()
    return seen


def metrics(place: Place, f: Any) -> list[Any]:
    """The observed metrics of two batches, at three places of a query and of many types."""
    path = place.files()
    frame = place.spark.readStream.schema("k string, v int").json(path)
    frame = frame.observe(
        "types", f.count(f.lit(1)).alias("rc"), f.sum("v").alias("s"), f.max("k").alias("mk"), f.avg("v").alias("a"),
        f.max(f.lit("2024-01-01").cast("date")).alias("dt"), f.max(f.lit(None).cast("int")).alias("nul"),
    )  # fmt: skip
    frame = frame.where("v is not null").observe("below", f.count(f.lit(1)).alias("c"))
    frame = frame.groupBy("k").count().observe("above", f.count(f.lit(1)).alias("groups"))
    query = noop(frame).outputMode("update").start()
    query.processAllAvailable()
    (Path(path) / "b.json").write_text('{"k":"c","v":5}\n')
    query.processAllAvailable()
    seen = [
        {name: [str(value) for value in row] for name, row in sorted(p.observedMetrics.items())}
        for p in query.recentProgress
        if p.numInputRows
    ]
    query.stop()
    return seen

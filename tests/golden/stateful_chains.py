"""Stateful operators over each other in every output mode, and all that queries with state tell of their progress:
asked of real Spark (make_stateful.py) and of Penstock."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.streaming import StatefulProcessor
from stateful_cases import Place, at

Step = Callable[[Any], Any]


class Total(StatefulProcessor):
    """A running total of every key; its rows carry a time of their own."""

    def init(self, handle: Any) -> None:
        self.total = handle.getValueState("total", "n long")

    def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
        last = None
        for row in rows:
            self.total.update((((self.total.get() or (0,))[0]) + (row.n or 0),))
            last = row.t
        yield Row(t=last, k=key[0], n=self.total.get()[0])


def count(key: Any, frames: Any, state: Any) -> Any:
    """A running count of every key."""
    import pandas as pd

    total = (state.getOption or (0,))[0] + sum(len(frame) for frame in frames)
    state.update((total,))
    yield pd.DataFrame({"t": [pd.Timestamp("2026-03-01 10:00:00")], "k": [key[0]], "n": [total]})


def windowed(df: Any) -> Any:
    """Counts by window; what is above takes the window's time."""
    counts = df.groupBy(F.window("t", "10 seconds"), "k").count()
    return counts.select(F.window_time("window").alias("t"), "k", F.col("count").cast("int").alias("n"))


def _joined(df: Any) -> Any:
    other = df.selectExpr("t AS u", "k AS r", "n AS m")
    return df.join(other, F.expr("k = r AND u BETWEEN t AND t + INTERVAL 5 SECONDS")).select("t", "k", "n")


def _joined_left(df: Any) -> Any:
    other = df.selectExpr("t AS u", "k AS r", "n AS m")
    return df.join(other, F.expr("k = r AND u BETWEEN t AND t + INTERVAL 5 SECONDS"), "left").select("t", "k", "n")


#: Each takes and gives rows with t, k and n.
OPERATORS: dict[str, Step] = {
    "window": windowed,
    "session": lambda df: df.groupBy(F.session_window("t", "5 seconds"), "k").agg(F.sum("n").alias("n")).select(
        F.col("session_window.end").alias("t"), "k", "n"),
    "count": lambda df: df.groupBy("k").agg(F.max("t").alias("t"), F.sum("n").alias("n")),
    "unique": lambda df: df.dropDuplicates(["k"]),
    "unique by time": lambda df: df.dropDuplicates(["k", "t"]),
    "unique for a time": lambda df: df.dropDuplicatesWithinWatermark(["k"]),
    "join": _joined,
    "left join": _joined_left,
    "apply append": lambda df: df.groupBy("k").applyInPandasWithState(
        count, "t timestamp, k string, n long", "n long", "append", "NoTimeout"),
    "apply update": lambda df: df.groupBy("k").applyInPandasWithState(
        count, "t timestamp, k string, n long", "n long", "update", "NoTimeout"),
    "processor": lambda df: df.groupBy("k").transformWithState(
        Total(), "t timestamp, k string, n long", "Append", "None"),
    "processor update": lambda df: df.groupBy("k").transformWithState(
        Total(), "t timestamp, k string, n long", "Update", "None"),
    "limit": lambda df: df.limit(2),
}  # fmt: skip

#: What stands below, then what stands over it; "" is nothing.
PAIRS = [(below, above) for below in OPERATORS for above in ("", *OPERATORS)]
SOME = ("window", "count", "unique", "unique for a time", "left join", "apply update", "processor")
#: Settings that allow more, or less, asked of some.
SETTINGS = ("statefulOperator.checkCorrectness.enabled", "statefulOperator.allowMultiple")
MODES = ("append", "update", "complete")


def chained(place: Place, below: str, above: str, watermark: bool = True) -> Any:
    """The query."""
    frame = place.read()
    frame = OPERATORS[below](frame.withWatermark("t", "10 seconds") if watermark else frame)
    return OPERATORS[above](frame) if above else frame


def allowed(place: Place, below: str, above: str, mode: str, watermark: bool = True) -> str:
    """Nothing if the query starts, or what refuses it."""
    from stateful_cases import conditions

    query = None
    try:
        writer = chained(place, below, above, watermark).writeStream.outputMode(mode).format("noop")
        query = writer.trigger(availableNow=True).start()
    except Exception as error:
        return " ".join(conditions(error))
    finally:
        if query is not None:
            query.stop()
    return ""


# ---------------------------------------------------------------- in batch queries


IN_BATCH: dict[str, Callable[[Any], Any]] = {
    "within watermark": lambda df: df.dropDuplicatesWithinWatermark(["k"]),
    "within watermark, marked": lambda df: df.withWatermark("t", "1 second").dropDuplicatesWithinWatermark(["k"]),
    "within watermark, all columns": lambda df: df.dropDuplicatesWithinWatermark(),
    "unique": lambda df: df.dropDuplicates(["k"]).select("k"),
    "watermark": lambda df: df.withWatermark("t", "1 second").groupBy("k").count(),
    "apply": OPERATORS["apply update"],
}


def in_batch(place: Place, name: str) -> Any:
    """The rows, or what refuses the query."""
    from stateful_cases import conditions, plain

    place.write([at(1, "a", 1), at(2, "a", 1), at(60, "b", 2)])
    frame = place.spark.read.schema("t timestamp, k string, n int").json(str(place.root / "in"))
    try:
        return sorted((plain(row) for row in IN_BATCH[name](frame).collect()), key=repr)
    except Exception as error:
        return " ".join(conditions(error))


# ---------------------------------------------------------------- progress


STATE = ("numRowsTotal", "numRowsUpdated", "numRowsRemoved", "numRowsDroppedByWatermark", "numShufflePartitions",
         "numStateStoreInstances")  # fmt: skip
#: Custom metrics that are not times or bytes, nor of the store's own files.
CUSTOM = (
    "numDroppedDuplicateRows", "numExpiredTimers", "numRegisteredTimers", "numDeletedTimers", "numValueStateVars",
    "numListStateVars", "numMapStateVars", "numValueStateWithTTLVars", "numListStateWithTTLVars",
    "numMapStateWithTTLVars", "numValuesRemovedDueToTTLExpiry", "skippedNullValueCount",
)  # fmt: skip


class Busy(StatefulProcessor):
    """Variables of every kind, and timers."""

    def init(self, handle: Any) -> None:
        self.handle = handle
        self.value = handle.getValueState("value", "n int")
        self.list = handle.getListState("list", "n int")
        self.map = handle.getMapState("map", "k int", "n int")

    def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
        for row in rows:
            self.value.update((row.n,))
            self.list.appendValue((row.n,))
            self.map.updateValue((row.n,), (row.n,))
            self.handle.registerTimer(int(row.t.timestamp() * 1000) + 5000)
            if row.n == 4:
                self.list.clear()
                self.value.clear()
        yield Row(k=key[0])

    def handleExpiredTimer(self, key: Any, timerValues: Any, expiredTimerInfo: Any) -> Iterator[Row]:
        self.map.clear()
        yield Row(k="timer")


PROGRESS: dict[str, tuple[str, Callable[[Place], Any]]] = {
    name: (mode, lambda p, step=step: step(p.read().withWatermark("t", "10 seconds")))
    for name, mode, step in (
        ("window append", "append", OPERATORS["window"]),
        ("window update", "update", OPERATORS["window"]),
        ("window complete", "complete", OPERATORS["window"]),
        ("sliding", "append", lambda df: df.groupBy(F.window("t", "10 seconds", "5 seconds")).count()),
        ("count update", "update", OPERATORS["count"]),
        ("global complete", "complete", lambda df: df.groupBy().agg(F.sum("n"))),
        ("rollup", "update", lambda df: df.rollup("k", "n").count()),
        ("session", "append", OPERATORS["session"]),
        ("session complete", "complete", OPERATORS["session"]),
        ("unique", "append", OPERATORS["unique"]),
        ("unique by time", "append", OPERATORS["unique by time"]),
        ("unique for a time", "append", OPERATORS["unique for a time"]),
        ("join", "append", OPERATORS["join"]),
        ("left join", "append", OPERATORS["left join"]),
        ("limit", "append", lambda df: df.limit(4)),
        ("apply", "update", OPERATORS["apply update"]),
        ("processor", "append",
         lambda df: df.groupBy("k").transformWithState(Busy(), "k string", "Append", "EventTime")),
        ("window over unique", "append", lambda df: windowed(df.dropDuplicates(["k", "t"]))),
        ("unique over window", "append", lambda df: windowed(df).dropDuplicates(["k", "t"])),
    )
}  # fmt: skip
PROGRESS["window with one watermark"] = ("append", lambda p: _one_watermark(p, OPERATORS["window"]))
PROGRESS["unique with one watermark"] = ("append", lambda p: _one_watermark(p, OPERATORS["unique by time"]))
PROGRESS["left join with one watermark"] = ("append", lambda p: _one_watermark(p, OPERATORS["left join"]))
PROGRESS["full join"] = ("append", lambda p: _sides(p, "full"))
PROGRESS["semi join"] = ("append", lambda p: _sides(p, "left_semi"))
PROGRESS["right join"] = ("append", lambda p: _sides(p, "right"))


def _one_watermark(place: Place, step: Step) -> Any:
    place.spark.conf.set("spark.sql.streaming." + SETTINGS[1], "false")
    return step(place.read().withWatermark("t", "10 seconds"))


def _sides(place: Place, kind: str) -> Any:
    left = place.read().withWatermark("t", "10 seconds")
    right = place.read(name="right").selectExpr("t AS u", "k AS r", "n AS m").withWatermark("u", "10 seconds")
    return left.join(right, F.expr("k = r AND u BETWEEN t AND t + INTERVAL 5 SECONDS"), kind)


FILES = [
    [at(1, "a", 1), at(2, "b", 2), at(3, "a", 1), at(3, "a", 3)],
    [at(25, "a", 4), at(26, "c", 2), at(12, "b", 1)],
    [at(5, "a", 1), at(4, "b", 1), at(60, "b", 5)],
    [at(61, "a", 1), at(130, "z", 9)],
]


def told(place: Place, name: str) -> list[Any]:
    """Every batch's stateOperators, without what depends on the machine; of times and bytes whether they make sense."""
    mode, make = PROGRESS[name]
    place.write(*FILES)
    place.write(*FILES[1:], name="right")
    found = place.run(make(place), mode)
    place.spark.conf.unset("spark.sql.streaming." + SETTINGS[1])
    if "refused" in found:
        return [found]
    entries = []
    for progress in place.query.recentProgress:
        p = progress if isinstance(progress, dict) else json.loads(progress.json)
        for operator in p["stateOperators"]:
            custom = {k: v for k, v in operator["customMetrics"].items() if k in CUSTOM}
            times = [operator[k] for k in ("allUpdatesTimeMs", "allRemovalsTimeMs", "commitTimeMs", "memoryUsedBytes")]
            assert all(type(t) is int and t >= 0 for t in times), times
            own = {k: operator[k] for k in STATE}
            entries.append([p["batchId"], operator["operatorName"], own, custom])
    return entries

"""transformWithState over rows: value states, update mode, state that is cleared, restart."""

from collections.abc import Iterator

from lib import run, session, work_directory, write_files
from pyspark.sql import Row
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

spark, work = session(), work_directory()
spark.conf.set(
    "spark.sql.streaming.stateStore.providerClass",
    "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
)

FILES = [
    [{"user": "a", "n": 1}, {"user": "b", "n": 2}, {"user": "a", "n": 3}],
    [{"user": "a", "n": 10}, {"user": "b", "n": 0}, {"user": "c", "n": None}],
    [{"user": "b", "n": 100}, {"user": "a", "n": -1}, {"user": None, "n": 4}],
    [{"user": "a", "n": 7}, {"user": None, "n": 1}, {"user": "c", "n": 1}],
]
write_files(str(work / "in"), FILES[:2])


class Count(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.total = handle.getValueState("total", "rows int, total long")
        self.last = handle.getValueState("last", "n int, names array<string>, at struct<x int, y string>")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        existed, before = self.total.exists(), self.total.get()
        count, total = before or (0, 0)
        last = self.last.get()
        seen = []
        for row in rows:
            count, total = count + 1, total + (row.n or 0)
            self.last.update((row.n, [str(row.n), None], (count, "y")))
            seen.append(str(row))
        if total < 0 or count >= 4:
            self.total.clear()
        else:
            self.total.update((count, total))
        shown = f"{existed} {before} {last} {self.last.get()} {self.total.exists()} {self.total.get()}"
        times = (timerValues.getCurrentProcessingTimeInMs(), timerValues.getCurrentWatermarkInMs())
        yield Row(user=key[0], rows=count, total=total, shown=f"{shown} {times}", seen=seen)

    def close(self) -> None:
        self.total = None


events = spark.readStream.schema("user string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
counts = events.groupBy("user").transformWithState(
    Count(), "user string, rows int, total long, shown string, seen array<string>", "Update", "None"
)
run(counts, "update", work)
write_files(str(work / "in"), FILES[2:], first=2)
run(counts, "update", work)

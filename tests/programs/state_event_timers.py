"""transformWithState with event-time timers: registered, listed, deleted, expired, and registered anew when they do."""

from collections.abc import Iterator

from lib import run, session, work_directory, write_files
from pyspark.sql import Row
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

spark, work = session(), work_directory()
spark.conf.set(
    "spark.sql.streaming.stateStore.providerClass",
    "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
)


def at(second: int, user: str) -> dict:
    return {"time": f"2026-03-01T10:{second // 60:02d}:{second % 60:02d}.000Z", "user": user}


FILES = [
    [at(1, "a"), at(3, "b"), at(8, "a")],
    [at(15, "a"), at(16, "c")],
    [at(40, "b"), at(2, "late"), at(41, "d"), at(42, "d")],
    [at(90, "a"), at(20, "late too")],
    [at(200, "z")],
]
write_files(str(work / "in"), FILES[:3])


class Timers(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.seen = handle.getValueState("seen", "n int")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        n = (self.seen.get() or (0,))[0]
        for row in rows:
            n += 1
            millis = int(row.time.timestamp() * 1000)
            self.handle.registerTimer(millis + 5000)
            if n == 2:
                self.handle.deleteTimer(min(self.handle.listTimers()))
            if key[0] == "d":
                self.handle.registerTimer(millis + 6000)
                self.handle.registerTimer(millis + 6000)
        self.seen.update((n,))
        yield Row(
            user=key[0], what="rows", n=n, timers=list(self.handle.listTimers()),
            watermark=timerValues.getCurrentWatermarkInMs(),
        )  # fmt: skip

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
        (n,) = self.seen.get() or (0,)
        at = expiredTimerInfo.getExpiryTimeInMs()
        if key[0] == "b" and n < 100:
            self.seen.update((n + 100,))
            self.handle.registerTimer(at + 60_000)
        elif key[0] == "c":
            self.seen.clear()
        yield Row(
            user=key[0], what=f"timer {at}", n=n, timers=list(self.handle.listTimers()),
            watermark=timerValues.getCurrentWatermarkInMs(),
        )  # fmt: skip


events = spark.readStream.schema("time timestamp, user string").option("maxFilesPerTrigger", 1).json(str(work / "in"))
timers = (
    events.withWatermark("time", "10 seconds")
    .groupBy("user")
    .transformWithState(
        Timers(), "user string, what string, n int, timers array<long>, watermark long", "Append", "EventTime"
    )
)
run(timers, "append", work)
write_files(str(work / "in"), FILES[3:], first=3)
run(timers, "append", work)

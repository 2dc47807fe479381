"""transformWithState that names its event time, and a windowed count of what it gives, in append mode."""

from collections.abc import Iterator

from lib import run, session, work_directory, write_files
from pyspark.sql import Row
from pyspark.sql import functions as F
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


class First(StatefulProcessor):
    """Passes each user's rows on, with how many came before."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.seen = handle.getValueState("seen", "n int")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        n = (self.seen.get() or (0,))[0]
        for row in rows:
            yield Row(user=key[0], before=n, at=row.time)
            n += 1
        self.seen.update((n,))


events = spark.readStream.schema("time timestamp, user string").option("maxFilesPerTrigger", 1).json(str(work / "in"))
passed = (
    events.withWatermark("time", "10 seconds")
    .groupBy("user")
    .transformWithState(
        First(), "user string, before int, at timestamp", "Append", "EventTime", eventTimeColumnName="at"
    )
)
counts = passed.groupBy(F.window("at", "10 seconds")).agg(F.count("*").alias("rows"), F.max("before").alias("before"))
run(counts, "append", work)
write_files(str(work / "in"), FILES[3:], first=3)
run(counts, "append", work)

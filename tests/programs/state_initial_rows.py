"""transformWithState with an initial state: keys with and without rows in the first batch; a restart ignores it."""

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
    [{"user": "a", "n": 1}, {"user": "b", "n": 2}],
    [{"user": "a", "n": 3}, {"user": "only", "n": 4}],
    [{"user": "a", "n": 5}, {"user": "b", "n": 6}, {"user": "only", "n": 8}],
]
write_files(str(work / "in"), FILES[:2])


class Totals(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.total = handle.getValueState("total", "n long, rows int")

    def handleInitialState(self, key, initialState, timerValues) -> None:
        total, rows = self.total.get() or (0, 0)
        self.total.update((total + initialState.start, rows + len(initialState.asDict())))

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        before = self.total.get()
        total, count = before or (0, 0)
        for row in rows:
            total, count = total + row.n, count + 100
        self.total.update((total, count))
        yield Row(user=key[0], before=str(before), total=total)


initial = spark.createDataFrame([("a", 100), ("only", 50), ("only", 5)], "user string, start int")
events = spark.readStream.schema("user string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
totals = events.groupBy("user").transformWithState(
    Totals(), "user string, before string, total long", "Update", "None", initial.groupBy("user")
)
run(totals, "update", work)
write_files(str(work / "in"), FILES[2:], first=2)
run(totals, "update", work)

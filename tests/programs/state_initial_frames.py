"""transformWithStateInPandas with an initial state, and timers that it registers."""

from collections.abc import Iterator

import pandas as pd
from lib import run, session, work_directory, write_files
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

spark, work = session(), work_directory()
spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
spark.conf.set(
    "spark.sql.streaming.stateStore.providerClass",
    "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
)

FILES = [
    [{"user": "a", "n": 1}, {"user": "b", "n": 2}, {"user": "a", "n": 9}],
    [{"user": "a", "n": 3}, {"user": "only", "n": 4}],
    [{"user": "a", "n": 5}],
]
write_files(str(work / "in"), FILES)


class Totals(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.starts = handle.getMapState("starts", "name string", "n long")

    def handleInitialState(self, key, initialState, timerValues) -> None:
        for item in initialState.itertuples():
            self.starts.updateValue((item.name,), (int(item.start),))
        self.handle.registerTimer(timerValues.getCurrentProcessingTimeInMs() + 1)

    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        total = 0
        for frame in rows:
            total += int(frame["n"].sum())
        before = sorted(str((tuple(k), tuple(v))) for k, v in self.starts.iterator())
        self.starts.updateValue(("total",), (total,))
        yield pd.DataFrame({"user": [key[0]], "before": [before], "total": [total]})

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[pd.DataFrame]:
        yield pd.DataFrame({"user": [key[0]], "before": [["timer"]], "total": [len(list(self.starts.keys()))]})


initial = spark.createDataFrame(
    [("a", "x", 100), ("a", "y", 7), ("only", "x", 50)], "user string, name string, start int"
)
events = spark.readStream.schema("user string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
totals = events.groupBy("user").transformWithStateInPandas(
    Totals(), "user string, before array<string>, total long", "Append", "ProcessingTime", initial.groupBy("user")
)
run(totals, "append", work)

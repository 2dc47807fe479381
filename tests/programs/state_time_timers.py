"""transformWithStateInPandas with processing-time timers that expire in their own batch, the next one, or much later."""

import time
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
    [{"user": "now", "n": 1}, {"user": "next", "n": 2}, {"user": "later", "n": 3}],
    [{"user": "x", "n": 1}],
    [{"user": "next", "n": 10}, {"user": "later", "n": 1}],
    [{"user": "next", "n": 3}],
    [{"user": "x", "n": 3}],
]
write_files(str(work / "in"), FILES)


class Timers(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.total = handle.getValueState("total", "n long")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        now = timerValues.getCurrentProcessingTimeInMs()
        total = (self.total.get() or (0,))[0] + sum(int(frame["n"].sum()) for frame in rows)
        self.total.update((total,))
        delay = {"now": -1000, "next": 1, "later": 10_000_000}.get(key[0])
        if delay is not None:
            self.handle.registerTimer(now + delay)
        counted = len(list(self.handle.listTimers()))
        yield pd.DataFrame({"user": key, "n": [total], "what": ["rows"], "timers": [counted]})

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[pd.DataFrame]:
        late = timerValues.getCurrentProcessingTimeInMs() - expiredTimerInfo.getExpiryTimeInMs()
        counted = len(list(self.handle.listTimers()))
        total = (self.total.get() or (None,))[0]
        self.total.clear()
        yield pd.DataFrame({"user": key, "n": [total], "what": [f"timer {late >= 0}"], "timers": [counted]})

    def close(self) -> None:
        time.sleep(0.02)  # batches must be further apart than the next timer


events = spark.readStream.schema("user string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
timers = events.groupBy("user").transformWithStateInPandas(
    Timers(), "user string, n long, what string, timers int", "Update", "ProcessingTime"
)
run(timers, "update", work)

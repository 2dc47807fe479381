"""transformWithState with a time to live: values, list elements and map entries that expire at once or much later."""

import time
from collections.abc import Iterator

from lib import run, session, work_directory, write_files
from pyspark.sql import Row
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

spark, work = session(), work_directory()
spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
spark.conf.set(
    "spark.sql.streaming.stateStore.providerClass",
    "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
)

FILES = [
    [{"user": "a", "n": 1}, {"user": "b", "n": 2}],
    [{"user": "a", "n": 3}],
    [{"user": "a", "n": 5}, {"user": "b", "n": 6}],
]
write_files(str(work / "in"), FILES)
DAY = 86_400_000


class Fading(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.short = handle.getValueState("short", "n int", 1)
        self.long = handle.getValueState("long", "n int", DAY)
        self.short_list = handle.getListState("short_list", "n int", 1)
        self.long_list = handle.getListState("long_list", "n int", DAY)
        self.short_map = handle.getMapState("short_map", "k int", "n int", 1)
        self.long_map = handle.getMapState("long_map", "k int", "n int", DAY)

    def show(self) -> str:
        values = [self.short.get(), self.long.get(), self.short.exists(), self.long.exists()]
        lists = [[tuple(v) for v in state.get()] for state in (self.short_list, self.long_list)]
        maps = [sorted((tuple(k), tuple(v)) for k, v in m.iterator()) for m in (self.short_map, self.long_map)]
        keys = [len(list(self.short_map.keys())), len(list(self.long_map.values()))]
        looked = [self.short_map.containsKey((1,)), self.long_map.getValue((1,)), self.short_map.exists()]
        return f"{values} {lists} {maps} {keys} {looked} {self.short_list.exists()}"

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        before = self.show()
        for row in rows:
            for state in (self.short, self.long):
                state.update((row.n,))
            for state in (self.short_list, self.long_list):
                state.appendValue((row.n,))
            for state in (self.short_map, self.long_map):
                state.updateValue((row.n % 2,), (row.n,))
        yield Row(user=key[0], before=before, after=self.show())


class Paused(Fading):
    """Batches must be further apart than the short time to live."""

    def close(self) -> None:
        time.sleep(0.02)


events = spark.readStream.schema("user string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
fading = events.groupBy("user").transformWithState(
    Paused(), "user string, before string, after string", "Update", "ProcessingTime"
)
run(fading, "update", work)

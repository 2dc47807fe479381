"""transformWithStateInPandas: list state with all that can be done to it, append mode."""

from collections.abc import Iterator

import pandas as pd
from lib import run, session, work_directory, write_files
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

spark, work = session(), work_directory()
spark.conf.set(
    "spark.sql.streaming.stateStore.providerClass",
    "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
)

FILES = [
    [{"user": 1, "n": 1}, {"user": 2, "n": 2}, {"user": 1, "n": 3}, {"user": 3, "n": 3}],
    [{"user": 1, "n": 10}, {"user": 2, "n": -1}, {"user": 4, "n": 7}],
    [{"user": 1, "n": 5}, {"user": 2, "n": 9}, {"user": 4, "n": -1}, {"user": 3, "n": 4}],
    [{"user": 1, "n": 6}, {"user": 2, "n": 8}],
    [{"user": 1, "n": 3}, {"user": 2, "n": 8}, {"user": 4, "n": 8}],
]
write_files(str(work / "in"), FILES[:3])


class Lists(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.numbers = handle.getListState("numbers", "n int, half double")
        self.names = handle.getListState("names", "name string")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[pd.DataFrame]:
        existed, before = self.numbers.exists(), list(self.numbers.get())
        shown = []
        for frame in rows:
            shown.append(f"{list(frame.columns)} {[str(kind) for kind in frame.dtypes]}")
            for n in frame["n"]:
                if n < 0:
                    self.numbers.clear()
                elif n > 8:
                    self.numbers.put([(n, n / 2), (1, None)])
                elif n > 6:
                    self.numbers.appendList([(int(n), 0.5), (int(n) + 1, None)])
                else:
                    self.numbers.appendValue((int(n), float(n)))
                self.names.appendValue((f"n{n}",))
        twice = [(a, b) for a in self.numbers.get() for b in self.names.get()]
        names = sorted(name for (name,) in self.names.get())
        yield pd.DataFrame(
            {
                "user": [key[0]], "existed": [existed], "before": [str(before)], "after": [str(list(self.numbers.get()))],
                "names": [names], "pairs": [len(twice)], "frames": [";".join(shown)], "exists": [self.numbers.exists()],
            }
        )  # fmt: skip


events = spark.readStream.schema("user int, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
lists = events.groupBy("user").transformWithStateInPandas(
    Lists(),
    "user int, existed boolean, before string, after string, names array<string>, pairs int, frames string, "
    "exists boolean",
    "Append",
    "None",
)
run(lists, "append", work)
write_files(str(work / "in"), FILES[3:], first=3)
run(lists, "append", work)

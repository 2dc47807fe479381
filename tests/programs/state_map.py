"""transformWithState over rows: map state with all that can be done to it, restart."""

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
    [{"user": "a", "page": "x", "n": 1}, {"user": "b", "page": "x", "n": 2}, {"user": "a", "page": "y", "n": 3}],
    [{"user": "a", "page": "x", "n": 10}, {"user": "b", "page": "z", "n": 4}, {"user": "c", "page": "x", "n": 1}],
    [{"user": "a", "page": "x", "n": -1}, {"user": "b", "page": "clear", "n": 0}],
    [{"user": "a", "page": "w", "n": 2}, {"user": "b", "page": "x", "n": 5}, {"user": "c", "page": "clear", "n": 5}],
    [{"user": "c", "page": "x", "n": 2}, {"user": "a", "page": "gone", "n": -1}],
]
write_files(str(work / "in"), FILES[:2])


class Pages(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.pages = handle.getMapState("pages", "page string, even boolean", "n long, text string")
        self.other = handle.getMapState("other", "n int", "n int")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        before = sorted(f"{k}={v}" for k, v in self.pages.iterator())
        existed = self.pages.exists()
        looked = []
        for row in rows:
            page = (row.page, row.n % 2 == 0)
            looked.append(f"{page} {self.pages.containsKey(page)} {self.pages.getValue(page)}")
            if row.page == "clear":
                self.pages.clear()
            elif row.n < 0:
                self.pages.removeKey((row.page, True))
                self.pages.removeKey((row.page, False))
            else:
                old = self.pages.getValue(page)
                self.pages.updateValue(page, ((old[0] if old else 0) + row.n, None if old else "new"))
            self.other.updateValue((row.n % 3,), (row.n,))
        yield Row(
            user=key[0],
            existed=existed,
            before=before,
            looked=looked,
            keys=sorted(str(tuple(k)) for k in self.pages.keys()),  # noqa: SIM118
            values=sorted(str(tuple(v)) for v in self.pages.values()),
            exists=self.pages.exists(),
            other=sorted(f"{tuple(k)} {tuple(v)}" for k, v in self.other.iterator()),
        )


events = (
    spark.readStream.schema("user string, page string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
)
pages = events.groupBy("user").transformWithState(
    Pages(),
    "user string, existed boolean, before array<string>, looked array<string>, keys array<string>, "
    "values array<string>, exists boolean, other array<string>",
    "Append",
    "None",
)
run(pages, "append", work)
write_files(str(work / "in"), FILES[2:], first=2)
run(pages, "append", work)

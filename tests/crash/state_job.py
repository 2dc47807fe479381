"""The job that the crash tests of state kill: running totals, lists, maps and timers of users, to the file sink.

usage: state_job.py IN OUT CHECKPOINT   -- reads all files there are, one a batch, then ends
"""

import sys
from collections.abc import Iterator

from pyspark.sql import Row, SparkSession
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

source, out, checkpoint = sys.argv[1:]


class Running(StatefulProcessor):
    """For every row what came before it; for every timer the user's total."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.total = handle.getValueState("total", "n long")
        self.last = handle.getListState("last", "n long")
        self.times = handle.getMapState("times", "digit int", "n long")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        for row in rows:
            total = (self.total.get() or (0,))[0] + row.n
            self.total.update((total,))
            self.last.appendValue((row.n,))
            last = [n for (n,) in self.last.get()]
            if len(last) > 3:
                self.last.put([(n,) for n in last[-3:]])
            times = (self.times.getValue((row.n % 10,)) or (0,))[0] + 1
            self.times.updateValue((row.n % 10,), (times,))
            if row.n % 7 == 0:
                self.handle.registerTimer(int(row.time.timestamp() * 1000) + 3000)
            yield Row(user=key[0], what="row", total=total, last=sum(last[-3:]), times=times)

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
        at = expiredTimerInfo.getExpiryTimeInMs()
        yield Row(user=key[0], what=f"timer {at}", total=self.total.get()[0], last=0, times=0)


spark = SparkSession.builder.appName("crash").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
events = spark.readStream.schema("time timestamp, user string, n long").option("maxFilesPerTrigger", 1).json(source)
running = (
    events.withWatermark("time", "0 seconds")
    .groupBy("user")
    .transformWithState(Running(), "user string, what string, total long, last long, times long", "Append", "EventTime")
)
query = (
    running.writeStream.format("parquet").option("path", out).option("checkpointLocation", checkpoint)
    .trigger(availableNow=True).start()
)  # fmt: skip
query.awaitTermination()

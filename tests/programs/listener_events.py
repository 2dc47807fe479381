"""What a listener hears of a query that ends and of one that fails, in which order."""

import json
import time

from lib import session, work_directory, write_files
from pyspark.errors import PySparkException
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQueryListener

spark, work = session(), work_directory()
write_files(str(work / "in"), [[{"n": 1}, {"n": 2}], [{"n": 0}]])
heard: list[dict] = []


class Listener(StreamingQueryListener):
    def onQueryStarted(self, event: object) -> None:
        heard.append({"event": "started", "name": event.name, "time": event.timestamp[-1:]})

    def onQueryProgress(self, event: object) -> None:
        p = event.progress
        heard.append(
            {"event": "progress", "name": p.name, "id": p.batchId, "rows": sum(s.numInputRows for s in p.sources)}
        )

    def onQueryIdle(self, event: object) -> None:
        heard.append({"event": "idle"})

    def onQueryTerminated(self, event: object) -> None:
        heard.append(
            {"event": "terminated", "failed": event.exception is not None, "class": event.errorClassOnException}
        )


def run(number: int, name: str, column: object) -> None:
    heard.clear()
    events = spark.readStream.schema("n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
    query = events.select(column).writeStream.format("noop").queryName(name).trigger(availableNow=True).start()
    try:
        query.awaitTermination()
    except PySparkException as error:
        print(json.dumps({"batch": number, "raised": error.getCondition()}))
    for _ in range(900):
        if heard and heard[-1]["event"] == "terminated":
            break
        time.sleep(0.1)
    print(json.dumps({"batch": number, "heard": heard}))


listener = Listener()
spark.streams.addListener(listener)
run(0, "good", F.col("n"))
run(1, "bad", F.lit(1) / F.col("n"))
spark.streams.removeListener(listener)
heard.clear()
query = (
    spark.readStream.schema("n int")
    .json(str(work / "in"))
    .writeStream.format("noop")
    .trigger(availableNow=True)
    .start()
)
query.awaitTermination()
time.sleep(0.5)
print(json.dumps({"batch": 2, "heard": heard}))

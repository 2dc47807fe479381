"""A processingTime trigger: aligned batches, files between them together in one, stop, and a restart that goes on."""

import json
import os
import time

from lib import Recorder, session, work_directory, write_files

spark, work = session(), work_directory()
out = str(work / "batches.jsonl")
write_files(str(work / "in" / "0"), [[{"n": 1}]])


def start() -> object:
    events = spark.readStream.schema("n int").json(str(work / "in" / "*"))
    writer = events.writeStream.foreachBatch(Recorder(out)).option("checkpointLocation", str(work / "checkpoint"))
    return writer.queryName("timed").trigger(processingTime="3 seconds").start()


def wait(count: int) -> None:
    for _ in range(900):
        with open(out, "a+") as file:
            file.seek(0)
            if len(file.readlines()) >= count:
                return
        time.sleep(0.1)


def next_tick() -> str:
    """The tick at which the query triggers next: since the last one it has triggered, and is done with that."""
    for _ in range(900):
        last, progress = time.time() // 3 * 3, query.lastProgress
        if progress and progress["timestamp"] >= stamp(last) and time.time() // 3 * 3 == last:
            break
        time.sleep(0.1)
    return stamp(last + 3)


def stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


spark.conf.set("spark.sql.streaming.noDataProgressEventInterval", "0")  # triggers without data leave progress, too
query = start()
wait(1)
tick = next_tick()
write_files(str(work / "new"), [[{"n": 2}], [{"n": 3}]], first=1)
os.rename(work / "new", work / "in" / "1")  # both at once
wait(2)
query.processAllAvailable()
stamps = [p["timestamp"] for p in query.recentProgress if p["batchId"] == 1 and p["numInputRows"]]
print(json.dumps({"batch": -1, "aligned": all(stamp >= tick for stamp in stamps), "count": len(stamps) > 0}))
query.stop()
print(json.dumps({"batch": -2, "active": query.isActive, "message": query.status["message"]}))
write_files(str(work / "in" / "1"), [[{"n": 4}]], first=3)
query = start()
wait(3)
query.stop()
with open(out) as file:
    print(file.read(), end="")

"""The whole of a progress, without what depends on the machine: offsets, sources, sinks, figures, over a restart."""

import json

from lib import session, show, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()
spark.conf.set("spark.sql.json.filterPushdown.enabled", "false")
TIMES = {"timestamp", "durationMs", "id", "runId", "batchDuration", "inputRowsPerSecond", "processedRowsPerSecond"}
STATE = {"operatorName", "numRowsTotal", "numRowsUpdated", "numRowsRemoved", "numRowsDroppedByWatermark"}  # fmt: skip


def stable(value: object) -> object:
    if isinstance(value, str):
        return value.replace(str(work), "WORK").replace("file:/WORK", "file:WORK")
    if isinstance(value, list):
        return [stable(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "numRowsTotal" in value:
        value = {key: item for key, item in value.items() if key in STATE}
    return {key: stable(item) for key, item in value.items() if key not in TIMES and key not in ("metrics",)}


def run(name: str, frame: object, mode: str, format: str = "noop", **options: object) -> None:
    writer = frame.writeStream.queryName(name).outputMode(mode).format(format).options(**options)
    query = writer.option("checkpointLocation", str(work / name)).trigger(availableNow=True).start()
    query.awaitTermination()
    ids = {(p.id, p.name) for p in query.recentProgress}
    show(name, same_id=ids == {(query.id, name)} or not ids, last=query.lastProgress is not None)
    for p in query.recentProgress:
        show(name, **stable(json.loads(p.json)))
        keys = sorted(key for key in json.loads(p.json)["durationMs"] if key != "commitBatch")
        show(name, durations=keys, timestamp=len(p.timestamp), rows=p.numInputRows, sink=p.sink.numOutputRows)


def rows(second: int) -> list[dict]:
    return [{"t": f"2026-03-01T10:00:{second + i:02d}Z", "n": i} for i in range(3)]


write_files(str(work / "in"), [rows(1), rows(20)])


def read() -> object:
    return spark.readStream.schema("t timestamp, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))


def windows() -> object:
    return read().withWatermark("t", "5 seconds").groupBy(F.window("t", "10 seconds")).count()


run("plain", read(), "append")
run("files", read(), "append", "parquet", path=str(work / "out"))
run("windows", windows(), "append")
write_files(str(work / "in"), [rows(40)], first=2)
run("plain", read(), "append")
run("windows", windows(), "append")
run("windows", windows(), "append")
options = {"rowsPerBatch": 4, "startTimestamp": 1000, "numPartitions": 2}
rate = spark.readStream.format("rate-micro-batch").options(**options).load()
query = rate.writeStream.format("memory").queryName("rate_rows").trigger(once=True).start()
query.awaitTermination()
for p in query.recentProgress:
    show("rate", **stable(json.loads(p.json)))

"""The rate-micro-batch source: its rows, times and the offsets in its progress."""

import json

from lib import Recorder, session, work_directory
from pyspark.sql import functions as F

spark, work = session(), work_directory()
rate = (
    spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 5).option("numPartitions", 2)
    .option("startTimestamp", 1_700_000_000_000).option("advanceMillisPerBatch", 5000).load()
)  # fmt: skip
windows = rate.withWatermark("timestamp", "1 second").groupBy(F.window("timestamp", "10 seconds")).agg(F.sum("value"))
out = str(work / "batches.jsonl")
query = windows.writeStream.outputMode("update").foreachBatch(Recorder(out)).start()
while query.lastProgress is None or query.lastProgress["batchId"] < 4:
    query.awaitTermination(0.1)
query.stop()
with open(out) as file:
    lines = file.read().splitlines()[:4]
print("\n".join(lines))
for entry in query.recentProgress[:4]:
    p = entry if isinstance(entry, dict) else json.loads(entry.json)
    source = p["sources"][0]
    shown = {"description": source["description"], "start": source["startOffset"], "end": source["endOffset"]}
    times = {key: p["eventTime"][key] for key in ("max", "watermark") if key in p["eventTime"]}
    print(json.dumps({"progress": {**shown, "id": p["batchId"], "rows": source["numInputRows"], "times": times}}))

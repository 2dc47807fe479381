"""The sources that count: rate-micro-batch batch by batch with its options and a restart; rate's columns and values."""

from lib import run, session, show, work_directory
from pyspark.sql import functions as F

spark = session()


def counted(**options: object) -> object:
    return spark.readStream.format("rate-micro-batch").options(**options).load()


place = work_directory()
rows = counted(rowsPerBatch=5, startTimestamp=1_000_000, advanceMillisPerBatch=250, numPartitions=2)
show("schema", schema=rows.schema.simpleString())
for _ in range(3):
    run(rows, "append", place, once=True)
sums = (
    rows.withWatermark("timestamp", "0 seconds")
    .groupBy(F.window("timestamp", "1 second"))
    .agg(F.sum("value").alias("s"))
)
place = work_directory()
for _ in range(3):
    run(sums, "update", place, once=True)
rate = spark.readStream.format("rate").option("rowsPerSecond", 50).option("numPartitions", 3).load()
query = rate.writeStream.format("memory").queryName("ticks").start()
for _ in range(200):
    query.awaitTermination(0.1)  # the source gives rows once a second; a loop without a pause can be through before
    query.processAllAvailable()
    if spark.table("ticks").count() >= 50:
        break
query.stop()
ticks = spark.table("ticks")
show("rate", schema=ticks.schema.simpleString(), distinct=ticks.count() == ticks.select("value").distinct().count())
first = ticks.agg(F.min("value").alias("low"), F.max("value").alias("high"), F.count("*").alias("n")).first()
show("dense", low=first["low"], dense=first["high"] - first["low"] + 1 == first["n"])

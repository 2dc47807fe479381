"""toTable makes a table, adds to it after a restart, and readStream.table reads it as a stream; wrong uses."""

import os

from lib import found, run, session, show, work_directory, write_files
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

work = work_directory()
os.chdir(work)
spark = session()
FILES = [[{"k": "a", "n": 1}, {"k": "b", "n": 2}], [{"k": "a", "n": 3}]]
write_files(str(work / "in"), FILES)
for name in ("golden_events", "golden_days", "golden_made"):
    spark.sql(f"DROP TABLE IF EXISTS {name}")


def fill(name: str, **options: object) -> None:
    events = spark.readStream.schema("k string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
    writer = events.writeStream.options(checkpointLocation=str(work / name)).trigger(availableNow=True)
    writer = writer.partitionBy(options["by"]) if "by" in options else writer
    writer.toTable(name).awaitTermination()


fill("golden_events")
show("filled", rows=found(spark.table("golden_events")), schema=spark.table("golden_events").schema.simpleString())
reader = spark.readStream.option("maxFilesPerTrigger", 1).table("golden_events")
show("streaming", streaming=reader.isStreaming, schema=reader.schema.simpleString())
place = work_directory()
counts = reader.groupBy("k").agg(F.sum("n").alias("s"))
run(counts, "complete", place, progress=False)
write_files(str(work / "in"), [[{"k": "c", "n": 10}]], first=2)
fill("golden_events")
run(counts, "complete", place, progress=False)
fill("golden_days", by="k")
show("partitioned", rows=found(spark.table("golden_days")))
run(spark.readStream.table("golden_days").where("k = 'a'"), "append", work_directory(), progress=False)
spark.sql("CREATE TABLE golden_made (k STRING, n INT) USING parquet")
fill("golden_made")
show("made", rows=found(spark.sql("SELECT k, sum(n) AS s FROM golden_made GROUP BY k")))
CASES = {
    "none": lambda: spark.readStream.table("golden_nothing").schema,
    "complete": lambda: counts.writeStream.outputMode("complete").option("checkpointLocation", str(work / "c1")).toTable("golden_c"),
    "no checkpoint": lambda: reader.writeStream.toTable("golden_d"),
    "view": lambda: reader.writeStream.option("checkpointLocation", str(work / "c2")).toTable("a view"),
}  # fmt: skip
for name, attempt in CASES.items():
    try:
        attempt()
        show(name, result="starts")
    except PySparkException as error:
        show(name, condition=error.getCondition())
for query in spark.streams.active:
    query.stop()
for name in ("golden_events", "golden_days", "golden_made", "golden_c", "golden_d"):
    spark.sql(f"DROP TABLE IF EXISTS {name}")

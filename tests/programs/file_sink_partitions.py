"""A partitioned Parquet sink, written in two runs and read back: every row once, partitions as columns."""

import json

from lib import plain, session, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()


def once() -> None:
    events = spark.readStream.schema("k string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
    writer = events.withColumn("odd", F.col("n") % 2 == 1).writeStream.format("parquet").partitionBy("k", "odd")
    writer = writer.option("path", str(work / "out")).option("checkpointLocation", str(work / "checkpoint"))
    writer.trigger(availableNow=True).start().awaitTermination()


def show(number: int) -> None:
    back = spark.read.parquet(str(work / "out"))
    rows = sorted(json.dumps(plain(row), sort_keys=True) for row in back.collect())
    print(json.dumps({"batch": number, "rows": [json.loads(row) for row in rows]}))
    print(json.dumps({"batch": number, "schema": back.schema.simpleString()}))
    directories = sorted({str(path.parent.relative_to(work / "out")) for path in (work / "out").rglob("*.parquet")})
    print(json.dumps({"batch": number, "directories": directories}))


write_files(str(work / "in"), [[{"k": "a", "n": 1}, {"k": "b/c", "n": 2}], [{"k": None, "n": 3}, {"k": "a", "n": 4}]])
once()
show(0)
write_files(str(work / "in"), [[{"k": "a", "n": 5}, {"k": "d e", "n": None}]], first=2)
once()
show(1)
once()
show(2)

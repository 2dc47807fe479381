"""An ORC stream written by a batch query, to ORC, and that again as a stream: types kept, every row once."""

from lib import found, run, session, show, work_directory
from pyspark.sql import functions as F

spark, work = session(), work_directory()
rows = spark.range(6).select(
    "id", F.expr("cast(id as decimal(10,2)) / 4 AS d"), F.expr("date_add(DATE'2026-03-01', int(id)) AS day"),
    F.expr("timestamp_micros(id * 1000001) AS t"), F.expr("IF(id = 3, NULL, array(id, NULL)) AS a"),
    F.expr("map(concat('k', id), id % 2 = 0) AS m"), F.expr("struct(id AS x, string(id) AS y) AS s"),
)  # fmt: skip
rows.repartition(2).write.orc(str(work / "in"))
schema = rows.schema
events = spark.readStream.schema(schema).orc(str(work / "in"))
run(events, "append", work)
out = events.writeStream.format("orc").option("path", str(work / "out")).option("compression", "zlib")
out.option("checkpointLocation", str(work / "cp")).trigger(availableNow=True).start().awaitTermination()
back = spark.readStream.schema(schema).orc(str(work / "out"))
run(back.select("id", "s.y", F.size("a").alias("n")), "append", work_directory())
show("schema", schema=spark.read.orc(str(work / "out")).schema.simpleString())
show("rows", rows=found(spark.read.orc(str(work / "out"))))

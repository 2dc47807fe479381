"""What a program that does something a stream cannot do is told: conditions, by operation."""

import json

from lib import session, work_directory, write_files
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

spark, work = session(), work_directory()
write_files(str(work / "in"), [[{"t": "2026-03-01T10:00:00Z", "k": "a", "n": 1}]])
events = spark.readStream.schema("t timestamp, k string, n int").json(str(work / "in"))
counts = events.groupBy("k").count()
late = events.withWatermark("t", "1 minute")
ATTEMPTS = {
    "append without watermark": lambda: (counts, "append"),
    "complete without aggregate": lambda: (events, "complete"),
    "sort": lambda: (events.orderBy("n"), "append"),
    "sort before update": lambda: (counts.orderBy("count"), "update"),
    "limit in update": lambda: (counts.limit(3), "update"),
    "two aggregates in update": lambda: (counts.groupBy("count").count(), "update"),
    "distinct aggregate": lambda: (events.groupBy("k").agg(F.countDistinct("n")), "update"),
    "unknown column": lambda: (events.select("zz"), "append"),
    "bad mode": lambda: (events, "sometimes"),
    "watermark without delay": lambda: (events.withWatermark("t", "soon"), "append"),
    "negative watermark": lambda: (events.withWatermark("t", "-1 minutes"), "append"),
    "watermark on a string": lambda: (events.withWatermark("k", "1 minute"), "append"),
    "rank": lambda: (events.select(F.expr("row_number() over (partition by k order by n)")), "append"),
    "intersect": lambda: (events.intersect(events), "append"),
    "outer join": lambda: (events.join(spark.range(3).withColumnRenamed("id", "n"), "n", "right"), "append"),
    "collect": lambda: (events.collect(), "append"),
    "write": lambda: (late.write.format("noop").mode("overwrite").save(), "append"),
    "static": lambda: (spark.range(3), "append"),
    "type mismatch": lambda: (events.select(F.col("k") > F.array(F.lit(1))), "append"),
}
for name, attempt in ATTEMPTS.items():
    try:
        frame, mode = attempt()
        query = frame.writeStream.outputMode(mode).format("noop").trigger(availableNow=True).start()
        query.awaitTermination()
        print(json.dumps({"batch": name, "condition": "none"}))
    except PySparkException as error:
        print(json.dumps({"batch": name, "condition": error.getCondition(), "state": error.getSqlState()}))

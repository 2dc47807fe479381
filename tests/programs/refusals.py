"""What Spark refuses over streams, by condition."""

import json

from lib import session, work_directory
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

spark, work = session(), work_directory()
events = spark.readStream.schema("time timestamp, k string, n int").json(str(work))
marked = events.withWatermark("time", "10 seconds")
static = spark.createDataFrame([("a", 1)], "k string, v int")
windows = marked.groupBy(F.window("time", "10 seconds"), "k").count()
sessions = marked.groupBy(F.session_window("time", "10 seconds"), "k").count()
events.createOrReplaceTempView("events")

CASES = {
    "session update": (sessions, "update"),
    "session append without watermark": (events.groupBy(F.session_window("time", "1 second"), "k").count(), "append"),
    "window over window update": (windows.groupBy(F.window("window", "1 minute")).count(), "update"),
    "window over window complete": (windows.groupBy(F.window("window", "1 minute")).count(), "complete"),
    "duplicates by window over window update": (windows.dropDuplicates(["window"]), "update"),
    "join over window update": (windows.join(windows.withColumnRenamed("count", "c2"), ["window", "k"]), "update"),
    "within without watermark": (events.dropDuplicatesWithinWatermark(["k"]), "append"),
    "count distinct": (events.groupBy("k").agg(F.countDistinct("n")), "update"),
    "distinct in SQL append": (spark.sql("SELECT DISTINCT k FROM events"), "append"),
    "distinct complete": (events.select("k").distinct(), "complete"),
    "sort": (events.orderBy("k"), "append"),
    "limit update": (events.limit(3), "update"),
    "offset": (events.offset(3), "append"),
    "static left join": (static.join(events, "k", "left"), "append"),
    "right join static": (events.join(static, "k", "right"), "append"),
    "full join static": (events.join(static, "k", "full"), "append"),
    "static full join": (static.join(events, "k", "full"), "append"),
    "static semi join": (static.join(events, "k", "left_semi"), "append"),
    "static anti join": (static.join(events, "k", "left_anti"), "append"),
    "anti join of streams": (events.join(marked, "k", "left_anti"), "append"),
    "left join without watermark": (events.alias("x").join(events.alias("y"), F.expr("x.k = y.k"), "left"), "append"),
    "intersect": (events.intersect(events), "append"),
    "union with static": (events.select("k").union(static.select("k")), "append"),
}  # fmt: skip

for name, (df, mode) in CASES.items():
    try:
        query = df.writeStream.outputMode(mode).format("noop").option("checkpointLocation", str(work / name)).start()
        query.stop()
        print(json.dumps({"batch": name, "rows": "starts"}))
    except PySparkException as error:
        condition = getattr(error, "getCondition", error.getErrorClass)()
        print(json.dumps({"batch": name, "rows": condition}), flush=True)

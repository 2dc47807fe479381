"""observe: metrics of every batch in the progress, several at once, above and below filters and aggregates."""

import json

from lib import plain, session, show, work_directory, write_files
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

spark, work = session(), work_directory()
spark.conf.set("spark.sql.json.filterPushdown.enabled", "false")
write_files(
    str(work / "in"),
    [[{"k": "a", "n": 1}, {"k": "b", "n": None}, {"k": "a", "n": 7}], [{"k": "c", "n": 3}], [{"k": None}]],
)
events = spark.readStream.schema("k string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
seen = events.observe(
    "all", F.count(F.lit(1)).alias("rows"), F.count("n").alias("known"), F.sum("n").alias("s"), F.max("k").alias("k")
)
some = seen.where("n > 2").observe(
    "big", F.avg("n").alias("mean"), F.expr("percentile(n, 0.5) AS median"), F.collect_list("k").alias("ks")
)
totals = (
    seen.groupBy("k").agg(F.sum("n").alias("s")).observe("groups", F.count("*").alias("n"), F.min("s").alias("low"))
)


def run(name: str, frame: object, mode: str) -> None:
    query = frame.writeStream.outputMode(mode).format("noop").trigger(availableNow=True).start()
    query.awaitTermination()
    for p in query.recentProgress:
        metrics = p.observedMetrics
        show(name, id=p.batchId, metrics={key: plain(metrics[key]) for key in sorted(metrics)})
        text = json.loads(p.json)["observedMetrics"]
        show(name, id=p.batchId, json={key: text[key] for key in sorted(text) if key != "big"})


run("stateless", some, "append")
run("complete", totals, "complete")
run("update", totals, "update")
for name, attempt in {
    "same name": lambda: seen.observe("all", F.count("*").alias("x")),
    "no aggregate": lambda: events.observe("plain", F.col("n")),
    "empty name": lambda: events.observe("", F.count("*").alias("x")),
    "distinct": lambda: events.observe("d", F.count_distinct("n").alias("x")),
}.items():
    try:
        attempt().writeStream.format("noop").trigger(availableNow=True).start().awaitTermination()
        show(name, result="runs")
    except PySparkException as error:
        show(name, condition=error.getCondition())

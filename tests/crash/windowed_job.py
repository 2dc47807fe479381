"""The job that the crash tests kill: windowed counts to the exactly-once file sink.

usage: windowed_job.py IN OUT CHECKPOINT [parquet|json]   -- reads all files there are, one a batch, then ends
"""

import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

source, out, checkpoint, *rest = sys.argv[1:]
spark = SparkSession.builder.appName("crash").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
events = (
    spark.readStream.schema("time timestamp, url string, ms long")
    .format("json").option("maxFilesPerTrigger", 1).load(source)
)  # fmt: skip
counts = (
    events.withWatermark("time", "10 seconds")
    .groupBy(F.window("time", "10 seconds", "5 seconds"), "url")
    .agg(F.count("*").alias("n"), F.sum("ms").alias("ms"), F.max("url").alias("last"))
    .select("window.start", "window.end", "url", "n", "ms", "last")
)
query = (
    counts.writeStream.format(rest[0] if rest else "parquet").option("path", out)
    .option("checkpointLocation", checkpoint).trigger(availableNow=True).start()
)  # fmt: skip
query.awaitTermination()

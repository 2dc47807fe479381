"""The job whose state files are killed in the writing: counts and the largest text of many keys, in partitions, beyond
a memory budget, with a snapshot after every second batch and old versions thrown away.

usage: store_job.py ROOT   -- reads ROOT/in, one file a batch, to ROOT/out; a directory a batch
"""

import sys
import threading
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

ROOT = Path(sys.argv[1])
spark = SparkSession.builder.appName("store").getOrCreate()
for name, value in {
    "spark.penstock.state.partitions": "3",
    "spark.penstock.state.memoryBudget": "1m",
    "spark.sql.streaming.stateStore.minDeltasForSnapshot": "2",
    "spark.sql.streaming.minBatchesToRetain": "2",
    "spark.local.dir": str(ROOT),
}.items():
    spark.conf.set(name, value)


def keep(batch: DataFrame, batch_id: int) -> None:
    """A snapshot is begun in every other batch and written beside the next one, which waits for it here: so there are
    as many as the test counts on, however slow the disk is."""
    if batch_id % 2 == 0:
        for thread in threading.enumerate():
            if thread.name.startswith("state snapshot"):
                thread.join()
    batch.write.mode("overwrite").parquet(str(ROOT / "out" / str(batch_id)))


events = spark.readStream.schema("k long, text string").option("maxFilesPerTrigger", 1).parquet(str(ROOT / "in"))
largest = events.groupBy("k").agg(F.count("*").alias("times"), F.max("text").alias("text"))
writer = largest.writeStream.outputMode("update").foreachBatch(keep).trigger(availableNow=True)
writer.option("checkpointLocation", str(ROOT / "checkpoint")).start().awaitTermination()

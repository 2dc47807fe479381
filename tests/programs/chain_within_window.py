"""Windows over rows without duplicates within the watermark's delay."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "10 seconds").dropDuplicatesWithinWatermark(["k"])
    return events.groupBy(F.window("time", "20 seconds")).agg(
        F.count("*").alias("rows"), F.sort_array(F.collect_list("n"))
    )


in_stages(query, "append", *EVENTS)

"""Windows that begin two seconds after the full ten, with their times, update mode."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "10 seconds")
    counts = events.groupBy(F.window("time", "10 seconds", "10 seconds", "2 seconds"), "k").agg(
        F.count("*").alias("rows")
    )
    return counts.select(F.window_time("window").alias("at"), "window.start", "k", (F.col("rows") * 10).alias("tens"))


in_stages(query, "update", *EVENTS)

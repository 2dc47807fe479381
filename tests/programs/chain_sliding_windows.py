"""Tumbling windows over sliding ones."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "10 seconds")
    sliding = events.groupBy(F.window("time", "10 seconds", "5 seconds"), "k").agg(F.avg("n").alias("mean"))
    return sliding.groupBy(F.window(F.window_time("window"), "20 seconds"), "k").agg(F.max("mean"), F.count("*"))


in_stages(query, "append", *EVENTS)

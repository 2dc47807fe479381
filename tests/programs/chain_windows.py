"""Windows of windows: ten seconds by key, then thirty, then a minute, each from the finished ones below."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "5 seconds")
    small = events.groupBy(F.window("time", "10 seconds"), "k").agg(F.count("*").alias("rows"))
    middle = small.groupBy(F.window("window", "30 seconds")).agg(
        F.sum("rows").alias("rows"), F.max("rows").alias("most")
    )
    return middle.groupBy(F.window(F.window_time("window"), "1 minute")).agg(F.sum("rows"), F.max("most"))


in_stages(query, "append", *EVENTS)

"""Rows multiplied by a generator, then counted by window."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "10 seconds")
    words = events.select("time", F.explode(F.sequence(F.lit(1), F.col("n") % 3)).alias("word"))
    return words.groupBy(F.window("time", "20 seconds"), "word").count()


in_stages(query, "update", *EVENTS)

"""Totals by key, by parity and of all, update mode; no total where no row came."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "10 seconds").withColumn("odd", F.expr("n % 2 = 1"))
    return events.rollup("k", "odd").agg(F.count("*").alias("rows"), F.sum("n"), F.grouping("odd"), F.grouping_id())


in_stages(query, "update", *EVENTS)

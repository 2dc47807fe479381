"""The first three finished windows."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "10 seconds")
    return events.groupBy(F.window("time", "20 seconds")).agg(F.sum("n")).limit(3)


in_stages(query, "append", *EVENTS)

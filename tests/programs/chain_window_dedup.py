"""How many rows a finished window of a key had, each number once."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "5 seconds")
    return events.groupBy(F.window("time", "10 seconds"), "k").count().select("k", "count").distinct()


in_stages(query, "append", *EVENTS)

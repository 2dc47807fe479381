"""A cube over windows and keys: append mode gives the sets that have a window."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "10 seconds")
    return events.cube(F.window("time", "10 seconds"), "k").agg(F.count("*").alias("rows"), F.max("n"), F.grouping_id())


in_stages(query, "append", *EVENTS)

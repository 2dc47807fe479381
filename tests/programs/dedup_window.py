"""One row a window and key: the watermark evicts by the window's end; update mode."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "10 seconds").select(F.window("time", "10 seconds"), "k", "n")
    return events.dropDuplicates(["window", "k"])


in_stages(query, "update", *EVENTS)

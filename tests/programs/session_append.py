"""Sessions of a fixed gap: rows extend, bridge and open them; the watermark ends them; stopped in the middle."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "10 seconds")
    return events.groupBy(F.session_window("time", "5 seconds"), "k").agg(F.count("*").alias("rows"), F.sum("n"))


in_stages(query, "append", *EVENTS)

"""Sessions with a watermark in complete mode: late rows drop out, but nothing is ever removed."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "10 seconds")
    return events.groupBy("k", F.session_window("time", "6 seconds")).agg(F.count("*").alias("rows"), F.max("n"))


in_stages(query, "complete", *EVENTS)

"""Sessions counted by the minute in which they ended: an aggregate over sessions."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "10 seconds")
    sessions = events.groupBy(F.session_window("time", "5 seconds"), "k").agg(F.count("*").alias("rows"))
    return sessions.groupBy(F.window(F.window_time("session_window"), "30 seconds")).agg(F.count("*"), F.sum("rows"))


in_stages(query, "append", *EVENTS)

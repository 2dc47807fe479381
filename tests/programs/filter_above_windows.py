"""Conditions on keys above windows, sessions and a union reach below the watermark: what they remove does not move it."""

from lib import EVENTS, PAIRS, in_stages
from pyspark.sql import functions as F


def windows(read):
    counts = read("in").withWatermark("time", "10 seconds").groupBy(F.window("time", "10 seconds"), "k").count()
    return counts.where("k = 'a' AND count > 1")


def sessions(read):
    events = read("in").withWatermark("time", "10 seconds")
    return events.groupBy(F.session_window("time", "5 seconds"), "k").count().where("k <> 'a'")


def union(read):
    left, right = (read(name).withWatermark("time", "10 seconds") for name in ("left", "right"))
    return left.union(right).groupBy(F.window("time", "10 seconds"), "k").count().where("k IN ('a', 'c')")


in_stages(windows, "append", *EVENTS)
in_stages(sessions, "append", *EVENTS)
in_stages(union, "append", *PAIRS)

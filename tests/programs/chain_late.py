"""Rows that are late for the lower of two aggregates are dropped there, and only there."""

from lib import at, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "0 seconds")
    small = events.groupBy(F.window("time", "5 seconds"), "k").agg(F.sum("n").alias("n"))
    return small.groupBy(F.window(F.window_time("window"), "10 seconds"), "k").agg(F.sum("n").alias("n"))


in_stages(
    query,
    "append",
    {
        "in": [
            [at(1, "a", 1), at(6, "a", 2)],
            [at(20, "a", 4), at(2, "a", 8)],
            [at(3, "a", 16), at(7, "b", 32), at(21, "b", 1)],
        ]
    },
    {"in": [[at(9, "a", 64), at(17, "a", 128)], [at(40, "b", 2), at(23, "b", 4)], [at(24, "b", 8)]]},
)

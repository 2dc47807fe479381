"""Where sessions end: a row at another's end belongs to it, one a microsecond later does not; equal starts; nesting."""

from lib import at, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "0 seconds")
    gap = F.when(F.col("n") == 9, "30 seconds").otherwise("5 seconds")
    return events.groupBy("k", F.session_window("time", gap)).agg(F.sum("n"), F.last("n"), F.avg("n"))


in_stages(
    query,
    "append",
    {"in": [[at(0, "a", 1), at(5, "a", 2), at(10.001, "a", 3)], [at(20, "b", 9), at(21, "b", 1), at(15, "a", 4)]]},
    {
        "in": [
            [at(20, "a", 5), at(20.001, "a", 6), at(28, "b", 2)],
            [at(50.5, "b", 3), at(50, "b", 4)],
            [at(99, "c", 1)],
        ]
    },
)

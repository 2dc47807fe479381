"""Windows over rows without duplicates, append mode."""

from lib import EVENTS, at, in_stages
from pyspark.sql import functions as F


def query(read):
    events = read("in").withWatermark("time", "10 seconds").dropDuplicates(["k", "time"])
    return events.groupBy(F.window("time", "10 seconds")).agg(F.count("*").alias("rows"), F.sum("n"))


AGAIN = {"in": [[at(66, "a", 99), at(67, "a", 30)], [at(131, "d", 1), at(67, "a", 31), at(131, "d", 2)]]}
in_stages(query, "append", *EVENTS, AGAIN)

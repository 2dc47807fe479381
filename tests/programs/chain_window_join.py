"""Finished windows of two streams joined."""

from lib import PAIRS, in_stages
from pyspark.sql import functions as F


def query(read):
    def counts(name):
        events = read(name).withWatermark("time", "5 seconds")
        return events.groupBy(F.window("time", "10 seconds"), "k").agg(
            F.count("*").alias(name), F.sum("n").alias(f"{name}_n")
        )

    return counts("left").join(counts("right"), ["window", "k"])


in_stages(query, "append", *PAIRS)

"""Finished windows of a stream, with those of another where there are any."""

from lib import PAIRS, in_stages
from pyspark.sql import functions as F


def query(read):
    def counts(name):
        return (
            read(name)
            .withWatermark("time", "5 seconds")
            .groupBy(F.window("time", "10 seconds"))
            .agg(F.count("*").alias(name))
        )

    return counts("left").join(counts("right"), "window", "left_outer")


in_stages(query, "append", *PAIRS)

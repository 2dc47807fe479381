"""A count over the first rows of a stream, sorted, complete mode."""

from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def query(read):
    return read("in").limit(7).groupBy("k").agg(F.count("*").alias("rows"), F.sum("n")).orderBy("k").limit(3)


in_stages(query, "complete", *EVENTS, ordered=True)

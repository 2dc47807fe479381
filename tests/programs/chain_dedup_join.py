"""A join of a stream without duplicates with another."""

from lib import PAIRS, both_sides, in_stages
from pyspark.sql import functions as F


def query(read):
    left, right = both_sides(read)
    within = F.expr("lk = rk AND rtime BETWEEN ltime - INTERVAL 10 SECONDS AND ltime + INTERVAL 10 SECONDS")
    return left.dropDuplicatesWithinWatermark(["lk"]).join(right.dropDuplicates(["rk", "rtime"]), within)


in_stages(query, "append", *PAIRS)

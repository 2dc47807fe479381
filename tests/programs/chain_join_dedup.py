"""One pair a key out of a join, within the watermark's delay."""

from lib import PAIRS, both_sides, in_stages
from pyspark.sql import functions as F


def query(read):
    left, right = both_sides(read)
    within = F.expr("lk = rk AND rtime BETWEEN ltime - INTERVAL 10 SECONDS AND ltime + INTERVAL 10 SECONDS")
    return left.join(right, within).drop("rtime").dropDuplicatesWithinWatermark(["lk"])


in_stages(query, "append", *PAIRS)

"""Windows by the right side's time over a join that keeps the right side's rows longer; strict inequalities."""

from lib import PAIRS, both_sides, in_stages
from pyspark.sql import functions as F


def query(read):
    left, right = both_sides(read, "5 seconds", "15 seconds")
    within = F.expr("lk = rk AND ltime > rtime - INTERVAL 3 SECONDS AND ltime < rtime + INTERVAL 12 SECONDS")
    return left.join(right, within).groupBy(F.window("rtime", "10 seconds"), "lk").agg(F.count("*").alias("pairs"))


in_stages(query, "append", *PAIRS)

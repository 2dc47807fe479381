"""Windows over a left outer join: rows without a match are counted when they are given up."""

from lib import PAIRS, both_sides, in_stages
from pyspark.sql import functions as F


def query(read):
    left, right = both_sides(read)
    within = F.expr("lk = rk AND rtime BETWEEN ltime AND ltime + INTERVAL 6 SECONDS")
    joined = left.join(right, within, "left_outer")
    return joined.groupBy(F.window("ltime", "10 seconds")).agg(F.count("*").alias("rows"), F.count("rn").alias("pairs"))


in_stages(query, "append", *PAIRS)

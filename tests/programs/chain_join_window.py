"""Windows over an inner join within a range of times, which holds the watermark back."""

from lib import PAIRS, both_sides, in_stages
from pyspark.sql import functions as F


def query(read):
    left, right = both_sides(read)
    within = F.expr("lk = rk AND rtime BETWEEN ltime - INTERVAL 2 SECONDS AND ltime + INTERVAL 5 SECONDS")
    return (
        left.join(right, within).groupBy(F.window("ltime", "10 seconds")).agg(F.count("*").alias("pairs"), F.sum("rn"))
    )


in_stages(query, "append", *PAIRS)

"""Windows over a full outer join by window."""

from lib import PAIRS, both_sides, in_stages
from pyspark.sql import functions as F


def query(read):
    left, right = both_sides(read)
    left = left.withColumn("lw", F.window("ltime", "10 seconds"))
    right = right.withColumn("rw", F.window("rtime", "10 seconds"))
    joined = left.join(right, F.expr("lw = rw AND lk = rk"), "full_outer")
    return joined.groupBy("lw").agg(
        F.count("*").alias("rows"), F.count("rk").alias("right"), F.count("lk").alias("left")
    )


in_stages(query, "append", *PAIRS)

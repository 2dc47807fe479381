"""Two streams of different delays under one watermark: the slower of the two."""

from lib import PAIRS, in_stages
from pyspark.sql import functions as F


def query(read):
    left = read("left").withWatermark("time", "10 seconds")
    both = left.unionByName(read("right").withWatermark("time", "2 seconds"))
    return both.groupBy(F.window("time", "10 seconds")).agg(F.count("*").alias("rows"), F.sum("n"))


in_stages(query, "append", *PAIRS, conf={"spark.sql.streaming.multipleWatermarkPolicy": "min"})

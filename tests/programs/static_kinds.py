"""Joins of a stream with static rows, every kind that Spark allows, each followed by what the next needs."""

from lib import EVENTS, in_stages
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

LEFT_STREAM = ["inner", "left_outer", "left_semi", "left_anti", "cross"]
RIGHT_STREAM = ["inner", "right_outer", "cross"]


def names():
    spark = SparkSession.getActiveSession()
    return spark.createDataFrame(
        [("a", "ann", 5), ("b", "bob", 10), ("b", "bill", 20), ("z", "zoe", 1)], "k string, name string, top int"
    )


def joined(kind, stream_first):
    def query(read):
        sides = (read("in"), names()) if stream_first else (names(), read("in"))
        sides = [side.alias(name) for side, name in zip(sides, ("x", "y"), strict=True)]
        condition = F.expr("x.k = y.k AND n <= top") if kind != "cross" else F.expr("top = n")
        result = sides[0].join(sides[1], condition, kind if kind != "cross" else "inner")
        return result.select("n", F.col("x.k").alias("xk"), *(["name"] if kind[5:] not in ("semi", "anti") else []))

    return query


for kind in LEFT_STREAM:
    in_stages(joined(kind, True), "append", *EVENTS, progress=False)
for kind in RIGHT_STREAM:
    in_stages(joined(kind, False), "append", *EVENTS, progress=False)

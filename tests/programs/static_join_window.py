"""Windows over a left join with static rows, after duplicates are dropped."""

from lib import EVENTS, in_stages
from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def query(read):
    names = SparkSession.getActiveSession().createDataFrame([("a", "ann"), ("b", "bob")], "k string, name string")
    events = read("in").withWatermark("time", "10 seconds").dropDuplicates(["k", "time"]).join(names, "k", "left")
    return events.groupBy(F.window("time", "20 seconds"), "name").agg(F.count("*").alias("rows"), F.sum("n"))


in_stages(query, "append", *EVENTS)

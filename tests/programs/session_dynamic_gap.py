"""A gap that depends on the row; rows whose gap is zero, negative, missing or no interval are in no session."""

from lib import EVENTS, at, in_stages
from pyspark.sql import functions as F

GAP = F.expr("""CASE WHEN n = 3 THEN '0 seconds' WHEN n = 6 THEN '-1 seconds' WHEN n = 13 THEN 'soon'
                WHEN k = 'a' THEN '8 seconds' WHEN k = 'b' THEN concat(n, ' seconds') END""")


def query(read):
    events = read("in").withWatermark("time", "10 seconds")
    return events.groupBy(F.session_window("time", GAP), "k").agg(F.count("*").alias("rows"), F.min("n"), F.max("n"))


in_stages(query, "append", *EVENTS, {"in": [[at(200, "a", 1)]]})

"""Sessions without a watermark, which only complete mode allows; an early row bridges two old sessions."""

from lib import EVENTS, at, in_stages
from pyspark.sql import functions as F


def query(read):
    return read("in").groupBy(F.session_window("time", "4 seconds"), "k").agg(F.collect_list("n"), F.first("n"))


in_stages(query, "complete", *EVENTS, {"in": [[at(5.5, "a", 90), at(12.5, "a", 91)], [at(10.5, "a", 92)]]})

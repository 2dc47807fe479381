"""Three streams joined, the third with the result of the first two."""

from lib import PAIRS, at, both_sides, in_stages
from pyspark.sql import functions as F

THIRD = [
    {"third": [[at(3, "a", 1), at(4, "b", 2)], [at(26, "a", 3)]]},
    {"third": [[at(19, "b", 4), at(42, "d", 5)], [at(64, "a", 6)], [at(151, "e", 7)]]},
]


def query(read):
    left, right = both_sides(read)
    third = read("third").toDF("ttime", "tk", "tn").withWatermark("ttime", "10 seconds")
    pairs = left.join(
        right, F.expr("lk = rk AND rtime BETWEEN ltime - INTERVAL 3 SECONDS AND ltime + INTERVAL 3 SECONDS")
    )
    pairs = pairs.drop("rtime")  # one event time a stream
    return pairs.join(
        third, F.expr("lk = tk AND ttime BETWEEN ltime - INTERVAL 4 SECONDS AND ltime + INTERVAL 4 SECONDS")
    )


in_stages(query, "append", *({**pair, **third} for pair, third in zip(PAIRS, THIRD, strict=True)))

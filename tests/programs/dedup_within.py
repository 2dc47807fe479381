"""dropDuplicatesWithinWatermark: a key comes back once the watermark has passed its first row by the delay."""

from lib import EVENTS, at, in_stages, timeless


def query(read):
    return read("in").withWatermark("time", "10 seconds").dropDuplicatesWithinWatermark(["k"])


AGAIN = {
    "in": [[timeless("t", 1), at(131, "a", 2)], [timeless("t", 2), at(132, "a", 3), at(133, "b", 4)], [at(160, "b", 5)]]
}
in_stages(query, "append", *EVENTS, AGAIN)

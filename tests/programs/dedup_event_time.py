"""dropDuplicates by key and event time: the watermark evicts keys."""

from lib import EVENTS, at, in_stages


def query(read):
    return read("in").withWatermark("time", "10 seconds").dropDuplicates(["k", "time"])


AGAIN = {
    "in": [[at(66, "a", 99), at(67, "a", 30), at(67, "a", 31)], [at(131, "d", 1)], [at(131, "d", 2), at(67, "a", 32)]]
}
in_stages(query, "append", *EVENTS, AGAIN)

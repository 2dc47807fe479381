"""dropDuplicates by a key that bears no watermark: late rows drop out, keys stay for ever."""

from lib import EVENTS, in_stages


def query(read):
    return read("in").withWatermark("time", "10 seconds").dropDuplicates(["k"])


in_stages(query, "append", *EVENTS)

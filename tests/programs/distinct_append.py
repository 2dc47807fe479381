"""DataFrame.distinct drops duplicates: append mode gives a row once."""

from lib import EVENTS, in_stages


def query(read):
    return read("in").select("k").distinct()


in_stages(query, "append", *EVENTS)

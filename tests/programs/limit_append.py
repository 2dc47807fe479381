"""The first rows of a stream, over batches and a restart."""

from lib import EVENTS, in_stages


def query(read):
    return read("in").where("n % 2 = 1").limit(6)


in_stages(query, "append", *EVENTS)

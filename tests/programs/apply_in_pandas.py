"""applyInPandas on a stream: the groups of each batch by themselves, here of finished windows."""

import pandas as pd
from lib import EVENTS, in_stages
from pyspark.sql import functions as F


def widest(group: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"k": [group["k"].iloc[0]], "windows": [len(group)], "most": [int(group["count"].max())]})


def query(read):
    counts = read("in").withWatermark("time", "10 seconds").groupBy(F.window("time", "10 seconds"), "k").count()
    return counts.groupBy("k").applyInPandas(widest, "k string, windows long, most long")


in_stages(query, "append", *EVENTS)

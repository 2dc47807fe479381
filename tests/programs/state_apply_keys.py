"""applyInPandasWithState over several keys of several types, with rows in chunks and columns of every kind."""

from collections.abc import Iterator

import pandas as pd
from lib import run, session, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()
spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "3")


def row(i: int) -> dict:
    return {
        "day": f"2026-03-0{i % 2 + 1}", "flag": i % 3 == 0, "price": i / 4, "time": f"2026-03-01T10:00:{i:02d}.250Z",
        "tags": [f"t{i}", None], "point": {"x": i, "y": f"y{i}"}, "small": i if i % 4 else None,
    }  # fmt: skip


write_files(str(work / "in"), [[row(i) for i in range(9)], [row(i) for i in range(9, 14)]])


def describe(key: tuple, frames: Iterator[pd.DataFrame], state) -> Iterator[pd.DataFrame]:
    before = state.getOption
    parts, last = [], before[0] if before else None
    for frame in frames:
        for item in frame.itertuples(index=False):
            last = item.time
            parts.append(f"{item.price}/{item.time}/{list(item.tags)}/{item.point}/{item.small}")
    state.update((last, str(before and before[0]), len(parts) / 2, key[0], key[1], bytes(parts[0], "utf8")))
    names = "|".join(type(part).__name__ for part in key)
    yield pd.DataFrame(
        {
            "day": [key[0]], "flag": [bool(key[1])], "double": [key[2]], "names": [names],
            "parts": [sorted(parts)], "before": [str(before)], "key": [str(tuple(str(part) for part in key))],
        }
    )  # fmt: skip


events = (
    spark.readStream.schema(
        "day date, flag boolean, price double, time timestamp, tags array<string>, point struct<x int, y string>, "
        "small tinyint"
    )
    .option("maxFilesPerTrigger", 1)
    .json(str(work / "in"))
)
cheap = events.withColumn("cheap", F.col("price") < 1)
described = cheap.groupBy("day", "flag", "cheap").applyInPandasWithState(
    describe,
    "day date, flag boolean, double boolean, names string, parts array<string>, before string, key string",
    "last timestamp, text string, half double, day date, flag boolean, raw binary",
    "append",
    "NoTimeout",
)
run(described, "append", work)

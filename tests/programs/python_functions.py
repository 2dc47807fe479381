"""Python functions in a stream: scalar, pandas, mapInPandas, mapInArrow, in keys of a GROUP BY, table functions."""

from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
from lib import run, session, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()
spark.conf.set("spark.sql.json.filterPushdown.enabled", "false")
write_files(
    str(work / "in"), [[{"k": "a b", "n": 1}, {"k": None, "n": 2}], [{"k": "c", "n": None}, {"k": "a", "n": 4}]]
)
events = spark.readStream.schema("k string, n int").option("maxFilesPerTrigger", 2).json(str(work / "in"))


@F.udf("array<string>")
def words(text: str | None) -> list[str] | None:
    return None if text is None else text.split()


@F.udf("struct<first: string, size: int>")
def parts(text: str | None) -> tuple | None:
    return None if text is None else (text[0], len(text))


@F.pandas_udf("double")
def half(n: pd.Series) -> pd.Series:
    return n / 2


def doubled(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for frame in frames:
        yield pd.DataFrame({"k": frame["k"], "m": frame["n"].fillna(0).astype("int64") * 2})


def first_letters(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        letters = [None if k is None else k[:1] for k in batch.column("k").to_pylist()]
        yield pa.RecordBatch.from_arrays([pa.array(letters, pa.string())], names=["letter"])


run(events.select("n", F.explode_outer(words("k")).alias("word")), "append", work)
run(events.select(parts("k").alias("p"), half("n").alias("h")).select("p.*", "h"), "append", work_directory())
run(events.where(half("n") > 0.5).select("n"), "append", work_directory())
run(events.mapInPandas(doubled, "k string, m long"), "append", work_directory())
run(events.mapInArrow(first_letters, "letter string").groupBy("letter").count(), "complete", work_directory())
run(events.groupBy(F.size(words("k")).alias("words")).agg(F.sum(half("n")).alias("h")), "update", work_directory())

"""No state: filter, expressions and a corrupt line, append mode."""

from lib import run, session, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()


def at(second: int, url: str | None, user: int) -> dict:
    return {"time": f"2026-03-01T10:00:{second % 60:02d}.000Z" if second < 60 else f"2026-03-01T10:01:{second - 60:02d}.500Z",
            "url": url, "user": user, "ms": second * 1.5}  # fmt: skip


write_files(str(work / "in"), [
    [at(1, "/a", 1), '{"time": "2026-03-01T10:00:05Z", "url": "/bad', at(3, "/b?x=1&y=2", 2)],
    [at(12, "/c", 3), '{"time": "yesterday", "url": "/odd", "user": 7}', "null", at(14, "/d", 4)],
    [],
])  # fmt: skip
events = (
    spark.readStream.schema("time timestamp, url string, user int, ms double").option("maxFilesPerTrigger", 1)
    .json(str(work / "in"))
)  # fmt: skip
rows = events.where("user is null or user <> 2").select(
    "time", F.upper("url").alias("URL"), F.expr("user * 10 + 1 AS u"), F.coalesce("user", F.lit(-1)).alias("known"),
    F.split("url", "/")[1].alias("part"), F.when(F.col("user") > 3, "big").otherwise("small").alias("size"),
)  # fmt: skip
# the JSON reader of Spark applies filters itself, and counts what passed: no progress here
run(rows, "append", work, progress=False)

"""Windows whose slide does not divide their length, update mode."""

from lib import run, session, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()


def at(second: int, url: str | None, user: int) -> dict:
    return {"time": f"2026-03-01T10:00:{second % 60:02d}.000Z" if second < 60 else f"2026-03-01T10:01:{second - 60:02d}.500Z",
            "url": url, "user": user, "ms": second * 1.5}  # fmt: skip


write_files(str(work / "in"), [
    [at(1, "/a", 1), at(3, "/b", 2), at(4, "/a", 2), at(9, "/a", 3)],
    [at(12, "/a", 1), at(14, "/c", 1), at(2, "/b", 9)],
    [at(31, "/a", 4), at(8, "/a", 5), at(33, None, 4)],
    [at(5, "/a", 6), at(7, "/b", 6), at(40, "/b", 7)],
    [at(61, "/c", 8), {"url": "/a", "user": 1}],
    [at(20, "/a", 9), at(62, "/c", 9)],
])  # fmt: skip
events = (
    spark.readStream.schema("time timestamp, url string, user int, ms double").option("maxFilesPerTrigger", 1)
    .json(str(work / "in"))
)  # fmt: skip
counts = (
    events.withWatermark("time", "5 seconds")
    .groupBy(F.window("time", "7 seconds", "3 seconds").alias("w"), "user")
    .count()
)
run(counts.select("w.*", "user", F.col("count").alias("n")), "update", work)

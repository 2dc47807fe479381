"""Stopped after three files, started again with more: counting goes on."""

from lib import run, session, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()


def at(second: int, url: str | None, user: int) -> dict:
    return {"time": f"2026-03-01T10:00:{second % 60:02d}.000Z" if second < 60 else f"2026-03-01T10:01:{second - 60:02d}.500Z",
            "url": url, "user": user, "ms": second * 1.5}  # fmt: skip


FILES = [
    [at(1, "/a", 1), at(3, "/b", 2)], [at(12, "/a", 1)], [at(25, "/c", 1)],
    [at(4, "/late", 1), at(26, "/c", 2)], [at(50, "/a", 1)], [at(59, "/z", 1)],
]  # fmt: skip
write_files(str(work / "in"), FILES[:3])
events = (
    spark.readStream.schema("time timestamp, url string, user int, ms double").option("maxFilesPerTrigger", 1)
    .json(str(work / "in"))
)  # fmt: skip
counts = events.withWatermark("time", "10 seconds").groupBy(F.window("time", "10 seconds"), "url").count()
run(counts, "append", work)
write_files(str(work / "in"), FILES[3:], first=3)
run(counts, "append", work)
run(counts, "append", work)

"""Two streams united, windows over both, update mode."""

from lib import run, session, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()


def at(second: int, url: str | None, user: int) -> dict:
    return {"time": f"2026-03-01T10:00:{second % 60:02d}.000Z" if second < 60 else f"2026-03-01T10:01:{second - 60:02d}.500Z",
            "url": url, "user": user, "ms": second * 1.5}  # fmt: skip


write_files(str(work / "in"), [[at(1, "/a", 1), at(14, "/b", 2)], [at(22, "/a", 3)]])
write_files(str(work / "other"), [[at(2, "/a", 5)], [at(3, "/late", 6), at(25, "/b", 6)]])


def read(name: str):
    return (
        spark.readStream.schema("time timestamp, url string, user int").option("maxFilesPerTrigger", 1)
        .json(str(work / name)).withWatermark("time", "5 seconds")
    )  # fmt: skip


counts = (
    read("in").union(read("other")).groupBy(F.window("time", "10 seconds"), "url").agg(F.sum("user").alias("users"))
)
run(counts, "update", work, progress=False)

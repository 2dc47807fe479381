"""A left semi join of two streams in a time range."""

from lib import run, session, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()
# A row that the scan itself leaves out is no input row in Spark.
spark.conf.set("spark.sql.json.filterPushdown.enabled", "false")


def at(second: int, ad: str | None, n: int) -> dict:
    return {"time": f"2026-03-01T10:{second // 60:02d}:{second % 60:02d}.000Z", "ad": ad, "n": n}


LEFT = [
    [at(1, "a", 1), at(3, "b", 2), at(4, "a", 3), at(5, None, 4)],
    [at(30, "a", 5), at(33, "c", 6)],
    [at(60, "b", 7), {"ad": "a", "n": 8}],
    [at(2, "late", 9), at(61, "a", 10), at(65, "e", 11)],
    [at(150, "f", 12)],
    [at(151, "a", 13), at(90, "late too", 14)],
]
RIGHT = [
    [at(2, "a", 1), at(9, "x", 2), at(6, None, 3)],
    [at(12, "a", 4), at(14, "b", 5), at(34, "c", 6), at(15, "a", 15)],
    [at(62, "b", 7), {"ad": "a", "n": 8}],
    [at(3, "a", 9), at(66, "a", 10), at(64, "e", 11)],
    [at(155, "g", 12), at(158, "f", 17)],
]
write_files(str(work / "left"), LEFT)
write_files(str(work / "right"), RIGHT)


def read(name: str, prefix: str, delay: str):
    events = spark.readStream.schema("time timestamp, ad string, n int").option("maxFilesPerTrigger", 1)
    return (
        events.json(str(work / name))
        .toDF(f"{prefix}time", f"{prefix}ad", f"{prefix}n")
        .withWatermark(f"{prefix}time", delay)
    )


left, right = read("left", "l", "10 seconds"), read("right", "r", "20 seconds")
condition = F.expr("lad = rad AND rtime >= ltime AND rtime <= ltime + INTERVAL 15 SECONDS")
run(left.join(right, condition, "left_semi"), "append", work)

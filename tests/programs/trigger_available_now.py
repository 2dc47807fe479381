"""availableNow over several sources of unlike length, over none, with a watermark's last batch; once over the same."""

from lib import run, session, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()


def rows(first: int) -> list[dict]:
    return [{"time": f"2026-03-01T10:{first:02d}:{s:02d}Z", "n": first * 100 + s} for s in (1, 30)]


write_files(str(work / "a"), [rows(i) for i in range(4)])
write_files(str(work / "b"), [rows(10)])
(work / "none").mkdir()


def read(name: str, most: int) -> object:
    events = spark.readStream.schema("time timestamp, n int").option("maxFilesPerTrigger", most).json(str(work / name))
    return events.withColumn("from", F.lit(name))


both = read("a", 1).union(read("b", 1)).union(read("none", 1))
place = work_directory()
run(both, "append", place)
run(both, "append", place)
counts = read("a", 3).withWatermark("time", "30 seconds").groupBy(F.window("time", "1 minute")).agg(F.sum("n"))
for trigger in ({"availableNow": True}, {"once": True}):
    place = work_directory()
    run(counts, "append", place, **trigger)
    run(counts, "append", place, **trigger)
run(read("none", 1).groupBy().count(), "complete", work_directory())

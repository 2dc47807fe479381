"""dropDuplicates by some columns over a union of unlike streams, with and without a watermark, and after a restart."""

from lib import run, session, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()
spark.conf.set("spark.sql.json.filterPushdown.enabled", "false")


def at(second: int, k: str | None, **more: object) -> dict:
    return {"t": f"2026-03-01T10:00:{second:02d}Z", "k": k, **more}


write_files(
    str(work / "a"), [[at(1, "x", n=1), at(2, "y", n=2), at(1, "x", n=3)], [at(3, "x", n=4), at(30, None, n=5)]]
)
write_files(str(work / "b"), [[at(2, "y", z="p"), at(4, "w", z="q")], [at(1, "late"), at(31, None, z="r")]])


def both(watermark: bool) -> object:
    reader = spark.readStream.option("maxFilesPerTrigger", 1)
    a = reader.schema("t timestamp, k string, n int").json(str(work / "a"))
    b = reader.schema("k string, z string, t timestamp").json(str(work / "b"))
    all = a.unionByName(b, allowMissingColumns=True)
    return all.withWatermark("t", "10 seconds") if watermark else all


QUERIES = [
    lambda: (both(False).dropDuplicates(["k"]).select("k"), "append"),
    lambda: (both(True).dropDuplicates(["k", "t"]).select("k", "t"), "append"),
    lambda: (both(True).select("k", "t").dropDuplicatesWithinWatermark(["k"]), "append"),
    lambda: (both(False).select("k").distinct().groupBy("k").count(), "complete"),
    lambda: (
        both(False).groupBy("k").agg(F.count("*").alias("c"), F.count("n").alias("n"), F.min("z").alias("z")),
        "update",
    ),
]
places = [work_directory() for _ in QUERIES]
for stage in range(2):
    for place, query in zip(places, QUERIES, strict=True):
        run(*query(), place)
    if not stage:
        write_files(str(work / "a"), [[at(40, "x", n=6), at(41, "v", n=7)]], first=2)

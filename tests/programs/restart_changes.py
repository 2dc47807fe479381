"""What may change between two runs of a query from one checkpoint, and what may not: rows, or the error's condition."""

import shutil

from lib import run, session, show, work_directory, write_files
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

spark, work = session(), work_directory()
spark.conf.set("spark.sql.json.filterPushdown.enabled", "false")
FILES = [[{"k": "a", "n": 1}, {"k": "b", "n": 2}], [{"k": "a", "n": 3}], [{"k": "c", "n": 4}], [{"k": "a", "n": 5}]]
MORE = [[{"k": "b", "n": 100}], [{"k": "a", "n": 200}]]


def read(place: object, schema: str = "k string, n int", most: int = 2, name: str = "in") -> object:
    return spark.readStream.schema(schema).option("maxFilesPerTrigger", most).json(str(place / name))


def stateless(place):
    return read(place).where("n > 1"), "append"


def counted(place):
    return read(place).groupBy("k").agg(F.sum("n").alias("s")), "update"


CASES = {
    "other filter": (stateless, lambda p: (read(p).where("k = 'b'"), "append"), {}),
    "fewer files a batch": (stateless, lambda p: (read(p, most=1), "append"), {}),
    "another column": (stateless, lambda p: (read(p, "k string, n int, z double").withColumn("m", F.col("n") * 2), "append"), {}),
    "a static join": (stateless, lambda p: (read(p).join(spark.range(200, 201).toDF("n"), "n"), "append"), {}),
    "another output mode": (counted, lambda p: (counted(p)[0], "complete"), {}),
    "a name for the sum": (counted, lambda p: (read(p).groupBy("k").agg(F.sum("n").alias("t")), "update"), {}),
    "a second aggregate": (counted, lambda p: (read(p).groupBy("k").agg(F.sum("n"), F.max("n")), "update"), {}),
    "another key type": (counted, lambda p: (read(p).groupBy(F.length("k").alias("k")).agg(F.sum("n")), "update"), {}),
    "a filter below the sum": (counted, lambda p: (read(p).where("n <> 100").groupBy("k").agg(F.sum("n").alias("s")), "update"), {}),
    "other shuffle partitions": (counted, counted, {"spark.sql.shuffle.partitions": "5"}),
    "two sources": (stateless, lambda p: (read(p).union(read(p, name="other")), "append"), {}),
    "no watermark": (
        lambda p: (read(p, "k string, n int").select("*", F.timestamp_seconds("n").alias("t")).withWatermark("t", "1 hour").groupBy("k").count(), "update"),
        lambda p: (read(p).groupBy("k").count(), "update"), {}),
}  # fmt: skip
for name, (before, after, conf) in CASES.items():
    place = work_directory()
    write_files(str(place / "other"), [[{"k": "o", "n": 9}]])
    write_files(str(place / "in"), FILES)
    show(name)
    frame, mode = before(place)
    run(frame, mode, place)
    write_files(str(place / "in"), MORE, first=len(FILES))
    for key, value in conf.items():
        spark.conf.set(key, value)
    try:
        frame, mode = after(place)
        run(frame, mode, place)
    except (PySparkException, AssertionError) as error:
        causes = ["STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE", "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE"]
        show("refused", cause=[cause for cause in causes if cause in str(error)])
    for key in conf:
        spark.conf.set(key, "2")
    shutil.rmtree(place)

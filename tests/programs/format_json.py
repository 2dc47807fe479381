"""JSON streams: nested values, documents over lines, corrupt records, formats of times; the partitioned JSON sink."""

import os

from lib import found, run, session, show, work_directory
from pyspark.sql import functions as F

spark, work = session(), work_directory()
SCHEMA = "id int, tags array<string>, who struct<name: string, age: int>, m map<string,int>, day date, bad string"
FILES = [
    '{"id": 1, "tags": ["x", null], "who": {"name": "ann", "age": 3}, "m": {"a": 1}, "day": "01.03.2026"}\n{"id": 2}\n',
    '{"id": "three", "tags": []}\nnot json\n{"id": 4, "who": {"age": 1.5}}\n',
    '{"id": 5, "more": [1, 2], "day": "31.12.1999", "tags": "no list"}\n',
]
(work / "in").mkdir()
(work / "whole").mkdir()
for number, text in enumerate(FILES):
    (work / "in" / f"{number}.json").write_text(text)
    os.utime(work / "in" / f"{number}.json", (1_700_000_000 + number,) * 2)
(work / "whole" / "a.json").write_text('[\n {"id": 1,\n  "tags": ["p"]},\n {"id": 2, "m": {"k": null}}\n]')


def read(directory: str, **options: object) -> object:
    reader = spark.readStream.schema(SCHEMA).options(columnNameOfCorruptRecord="bad", dateFormat="dd.MM.yyyy")
    return reader.options(maxFilesPerTrigger=1, **options).json(str(work / directory))


run(read("in"), "append", work)
run(read("whole", multiLine=True), "append", work_directory(), progress=False)
exploded = read("in").select("id", "who.*", F.explode_outer("tags").alias("tag"))
run(exploded, "append", work_directory(), progress=False)
out = read("in").where("id IS NOT NULL").drop("bad").writeStream.format("json").partitionBy("day")
out = out.option("path", str(work / "out")).option("checkpointLocation", str(work / "cp"))
out.trigger(availableNow=True).start().awaitTermination()
show("text", rows=sorted(row.value for row in spark.read.text(str(work / "out")).collect()))
show("read", rows=found(spark.read.schema("id long, tags array<string>, who struct<age: int>").json(str(work / "out"))))

"""Text streams: lines, whole files, another line separator, file metadata; the text sink, partitioned."""

import os

from lib import found, run, session, show, work_directory
from pyspark.sql import functions as F

spark, work = session(), work_directory()
(work / "in").mkdir()
for number, text in enumerate(["one two\n\ntwo\n", "three;two;\nlast", "ünï ☃\r\nend\n"]):
    path = work / "in" / f"{number}.txt"
    path.write_bytes(text.encode())
    os.utime(path, (1_700_000_000 + number,) * 2)


def lines(**options: object) -> object:
    return spark.readStream.options(maxFilesPerTrigger=1, **options).text(str(work / "in"))


run(lines(), "append", work)
run(lines(wholetext=True).withColumn("size", F.length("value")), "append", work_directory())
run(lines(lineSep=";"), "append", work_directory())
meta = lines().select("value", "_metadata.file_name", "_metadata.file_size", "_metadata.file_modification_time")
run(meta, "append", work_directory())
out = lines().select(F.upper("value").alias("v"), F.length("value").alias("n")).writeStream.format("text")
out = out.partitionBy("n").option("path", str(work / "out")).option("checkpointLocation", str(work / "cp"))
out.trigger(availableNow=True).start().awaitTermination()
show("read", rows=found(spark.read.text(str(work / "out"))))

"""foreachBatch: persist, several writes, joins, SQL over a view, a rewrite by batch id, an empty batch, a failure."""

import json

from lib import found, plain, session, show, work_directory, write_files
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

spark, work = session(), work_directory()
FILES = [[{"k": "a", "n": 1}, {"k": "b", "n": 2}, {"k": "a", "n": 3}], [{"k": "zz", "n": -1}], [{"k": "b", "n": 5}]]
write_files(str(work / "in"), FILES)
root = str(work)


def write(frame: DataFrame, batch_id: int) -> None:
    session = frame.sparkSession
    frame.persist()
    lines = [{"batch": batch_id, "count": frame.count(), "empty": frame.where("n > 0").isEmpty()}]
    frame.write.mode("overwrite").parquet(f"{root}/by_id/batch={batch_id}")
    frame.groupBy("k").agg(F.sum("n").alias("s")).write.mode("append").json(f"{root}/sums")
    frame.createOrReplaceTempView("now")
    top = session.sql("SELECT k, n, rank() OVER (PARTITION BY k ORDER BY n DESC) AS r FROM now").where("r = 1")
    lines.append({"batch": batch_id, "top": sorted(plain(list(row)) for row in top.collect())})
    names = session.createDataFrame([("a", "ann"), ("b", "bob")], "k string, name string")
    both = frame.join(names, "k", "left").withColumn("batch", F.lit(batch_id))
    both.write.mode("append").partitionBy("name").orc(f"{root}/named")
    frame.unpersist()
    with open(f"{root}/lines", "a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
    if batch_id == 1 and not (work / "again").exists():
        (work / "again").touch()
        raise OSError("the table is locked")


def run() -> None:
    events = spark.readStream.schema("k string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
    query = (
        events.where("k <> 'zz'").writeStream.foreachBatch(write).option("checkpointLocation", str(work / "cp"))
        .trigger(availableNow=True).start()
    )  # fmt: skip
    query.awaitTermination()


try:
    run()
except PySparkException as error:
    show("failed", condition=error.getCondition(), told="the table is locked" in str(error))
run()
print((work / "lines").read_text(), end="")
show("by_id", rows=found(spark.read.parquet(f"{root}/by_id")))
show("sums", rows=found(spark.read.schema("k string, s long").json(f"{root}/sums")))
show("named", rows=found(spark.read.orc(f"{root}/named").select("batch", "k", "n", "name")))

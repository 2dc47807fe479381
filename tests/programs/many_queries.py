"""Three queries over one source in one session: names, ids, the manager, one that fails and two that do not."""

import json

from lib import plain, session, work_directory, write_files
from pyspark.errors import PySparkException, StreamingQueryException
from pyspark.sql import functions as F

spark, work = session(), work_directory()
write_files(str(work / "in"), [[{"k": "a", "n": 1}, {"k": "b", "n": 0}], [{"k": "a", "n": 3}]])
events = spark.readStream.schema("k string, n int").json(str(work / "in"))
counts = events.groupBy("k").agg(F.sum("n").alias("s"))
first = counts.writeStream.outputMode("complete").format("memory").queryName("sums").start()
second = events.where("n > 0").writeStream.format("memory").queryName("positive").start()
third = events.select((F.lit(10) / F.col("n")).alias("q")).writeStream.format("memory").queryName("failing").start()


def show(number: int, **facts: object) -> None:
    print(json.dumps({"batch": number, **{key: plain(value) for key, value in facts.items()}}, sort_keys=True))


def rows(text: str) -> list[str]:
    return sorted(json.dumps(plain(row), sort_keys=True) for row in spark.sql(text).collect())


try:
    third.awaitTermination()
except StreamingQueryException as error:
    show(0, condition=error.getCondition(), cause="DIVIDE_BY_ZERO" in str(error))
first.processAllAvailable()
second.processAllAvailable()
show(1, sums=rows("SELECT * FROM sums"), positive=rows("SELECT k, n * 2 AS m FROM positive"))
show(2, active=sorted(query.name for query in spark.streams.active), third=third.isActive)
show(3, found=spark.streams.get(first.id).name, ids=len({first.id, second.id, third.id}))
try:
    events.writeStream.format("memory").queryName("sums").start()
except PySparkException as error:
    show(4, condition=error.getCondition(), kind=type(error).__name__)
try:
    spark.streams.awaitAnyTermination(1000)
except StreamingQueryException as error:
    show(5, condition=error.getCondition())
spark.streams.resetTerminated()
show(6, timed_out=spark.streams.awaitAnyTermination(1))
write_files(str(work / "in"), [[{"k": "c", "n": 8}]], first=2)
first.processAllAvailable()
second.processAllAvailable()
show(7, sums=rows("SELECT * FROM sums"), positive=rows("SELECT k, n FROM positive"))
first.stop()
first.stop()
second.stop()
show(8, active=len(spark.streams.active), status=first.status["message"], exception=str(first.exception()))
show(9, after=rows("SELECT count(*) AS n FROM positive"))

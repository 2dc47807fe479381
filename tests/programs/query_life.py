"""A query's life as the program sees it: status, waiting, names, ids over restarts, stop, and the manager."""

from lib import condition, found, session, show, work_directory, write_files
from pyspark.errors import PySparkException

spark, work = session(), work_directory()
write_files(str(work / "in"), [[{"n": 1}], [{"n": 2}]])
events = spark.readStream.schema("n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))


def start(name: str | None) -> object:
    writer = events.writeStream.foreachBatch(lambda frame, batch_id: None)
    writer = writer.option("checkpointLocation", str(work / "cp"))
    return (writer.queryName(name) if name else writer).start()


query = start("life")
query.processAllAvailable()
show("running", active=query.isActive, status=sorted(query.status), exception=query.exception(), name=query.name)
show("waiting", ended=query.awaitTermination(1), any=spark.streams.awaitAnyTermination(1))
show("manager", names=[q.name for q in spark.streams.active], same=spark.streams.get(query.id).runId == query.runId)
show("progress", ids=[p.batchId for p in query.recentProgress][:2], last=query.lastProgress["batchId"] >= 1)
try:
    start("other")
    show("twice", result="starts")
except PySparkException as error:
    show("twice", condition=error.getCondition(), kind=type(error).__name__)
try:
    show("unknown id", name=spark.streams.get("00000000-0000-0000-0000-000000000000").name)
except (PySparkException, AttributeError) as error:
    show("unknown id", kind=type(error).__name__)
for wait in (-1, 0, "a", None):
    try:
        show(f"wait {wait}", ended=query.awaitTermination(wait) if wait is not None else None)
    except Exception as error:
        show(f"wait {wait}", kind=type(error).__name__, condition=condition(error))
query.stop()
query.stop()
show("stopped", active=query.isActive, message=query.status["message"], ended=query.awaitTermination(1))
again = start(None)
again.processAllAvailable()
show(
    "again",
    same_id=again.id == query.id,
    other_run=again.runId != query.runId,
    name=again.name,
)
again.stop()
spark.streams.resetTerminated()
memory = events.writeStream.format("memory").queryName("held").start()
memory.processAllAvailable()
show("memory", rows=found(spark.table("held")), count=spark.sql("SELECT count(*) AS c FROM held").first()["c"])
try:
    events.writeStream.format("memory").queryName("held").start()
except PySparkException as error:
    show("same name", condition=error.getCondition(), kind=type(error).__name__)
memory.stop()
memory = events.where("n > 1").writeStream.format("memory").queryName("held").start()
memory.processAllAvailable()
show("anew", rows=found(spark.table("held")))
memory.stop()
show("left", rows=found(spark.table("held")), active=len(spark.streams.active))

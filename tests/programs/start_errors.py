"""Streams that cannot start, or fail in their first batch: conditions of what Spark raises."""

from lib import condition, session, show, work_directory, write_files
from pyspark.errors import PySparkException
from pyspark.sql import functions as F

spark, work = session(), work_directory()
write_files(str(work / "in"), [[{"k": "a", "n": 0}]])
(work / "empty").mkdir()
path = str(work / "in")
read = spark.readStream
events = read.schema("k string, n int").json(path)


@F.udf("int")
def failing(n: int) -> int:
    return 1 // n


def to(frame: object, format: str = "noop", mode: str = "append", *partitions: str, **options: object) -> object:
    writer = frame.writeStream.outputMode(mode).format(format).options(**options).trigger(availableNow=True)
    return (writer.partitionBy(*partitions) if partitions else writer).start()


CASES = {
    "no schema": lambda: to(read.json(path)),
    "no schema, no files": lambda: to(read.format("parquet").load(str(work / "empty"))),
    "no path": lambda: to(read.schema("n int").format("json").load()),
    "missing path": lambda: to(read.schema("n int").json(str(work / "nowhere"))),
    "unknown source": lambda: to(read.format("nonsense").load()),
    "unknown sink": lambda: to(events, "nonsense"),
    "file sink without path": lambda: to(events, "parquet", checkpointLocation=str(work / "c1")),
    "file sink without checkpoint": lambda: to(events, "parquet", path=str(work / "o1")),
    "memory without name": lambda: to(events, "memory"),
    "file sink complete": lambda: to(events.groupBy("k").count(), "parquet", "complete", path=str(work / "o2"), checkpointLocation=str(work / "c2")),
    "file sink update": lambda: to(events, "json", "update", path=str(work / "o3"), checkpointLocation=str(work / "c3")),
    "unknown partition": lambda: to(events, "parquet", "append", "zz", path=str(work / "o4"), checkpointLocation=str(work / "c4")),
    "memory partitioned": lambda: to(events, "memory", "append", "k", queryName="m"),
    "failing function": lambda: to(events.select(failing("n"))),
    "division": lambda: to(events.select(F.lit(1) / F.col("n"))),
    "cast": lambda: to(events.select(F.col("k").cast("int"))),
    "zero files a batch": lambda: to(read.schema("n int").option("maxFilesPerTrigger", 0).json(path)),
    "some files a batch": lambda: to(read.schema("n int").option("maxFilesPerTrigger", "some").json(path)),
    "both limits": lambda: to(read.schema("n int").options(maxFilesPerTrigger=1, maxBytesPerTrigger=1).json(path)),
    "bad file age": lambda: to(read.schema("n int").option("maxFileAge", "old").json(path)),
    "bad latestFirst": lambda: to(read.schema("n int").option("latestFirst", "maybe").json(path)),
    "rate of nothing": lambda: to(read.format("rate").option("rowsPerSecond", 0).load()),
    "rate ramp": lambda: to(read.format("rate").option("rampUpTime", "soon").load()),
    "rate with a schema": lambda: to(read.format("rate").schema("n int").load()),
    "rate-micro-batch without rows": lambda: to(read.format("rate-micro-batch").load()),
    "socket without port": lambda: to(read.format("socket").option("host", "x").load()),
    "socket without host": lambda: to(read.format("socket").option("port", 1).load()),
    "no such table": lambda: to(read.table("nothing_here")),
    "duplicate columns": lambda: to(events.select("k", "k"), "parquet", path=str(work / "o8"), checkpointLocation=str(work / "c8")),
}  # fmt: skip
for name, attempt in CASES.items():
    try:
        query = attempt()
        try:
            query.awaitTermination()
            show(name, result="runs")
        except PySparkException as error:
            causes = (
                "DIVIDE_BY_ZERO",
                "CAST_INVALID_INPUT",
                "ZeroDivisionError",
                "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE",
            )
            show(name, result="fails", condition=error.getCondition(), cause=[c for c in causes if c in str(error)])
    except Exception as error:
        show(name, result="refused", condition=condition(error))
for query in spark.streams.active:
    query.stop()

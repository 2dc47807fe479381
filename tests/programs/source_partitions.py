"""Partition columns from directory names: inferred, declared, as strings; globs; a base path; files below files."""

from lib import run, session, show, work_directory, write_files
from pyspark.sql import functions as F

spark, work = session(), work_directory()
NAMES = [
    "day=2026-03-01/hour=07",
    "day=2026-03-01/hour=11",
    "day=2026-03-02/hour=__HIVE_DEFAULT_PARTITION__",
    "day=2026-03-02/hour=12",
]
for number, name in enumerate(NAMES):
    write_files(str(work / "in" / name), [[{"n": number}, {"n": 10 + number}]])


def read(path: str, schema: str, **options: object) -> object:
    return spark.readStream.schema(schema).options(**options).json(path)


root = str(work / "in")
cases = {
    "declared": read(root, "n int, day date, hour int"),
    "as strings": read(root, "n int, day string, hour string"),
    "one hour": read(root + "/day=*/hour=1*", "n int"),
    "recursive": read(root, "n int", recursiveFileLookup=True),
    "metadata": read(root, "n int, day date, hour int").select(
        "hour", "_metadata.file_name", "_metadata.file_block_start"
    ),
}
for name, frame in cases.items():
    show(name, schema=frame.schema.simpleString())
    run(frame, "append", work_directory())
filtered = (
    read(root, "n int, day date, hour int").where("day = DATE'2026-03-01' AND hour > 7").groupBy("hour").agg(F.sum("n"))
)
run(filtered, "complete", work_directory(), progress=False)
spark.conf.set("spark.sql.streaming.schemaInference", "true")
inferred = spark.readStream.json(root)
show("inferred", schema=inferred.schema.simpleString())
run(inferred, "append", work_directory())

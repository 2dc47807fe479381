"""What a batch takes from a directory: files, bytes, newest first, only names, none; and in what order."""

import json
import os

from lib import run, session, show, work_directory, write_files
from pyspark.errors import PySparkException

spark, work = session(), work_directory()
write_files(str(work / "in"), [[{"n": 10 * i + j} for j in range(i + 1)] for i in range(6)])


def read(**options: object) -> object:
    return spark.readStream.schema("n int").options(**options).json(str(work / "in"))


CASES = [
    {"maxFilesPerTrigger": 4},
    {"maxFilesPerTrigger": 2, "latestFirst": True},
    {"maxBytesPerTrigger": 30},
    {"maxBytesPerTrigger": "1k", "latestFirst": True},
    {"maxFilesPerTrigger": 5, "maxCachedFiles": 0},
    {"maxFileAge": "1 second"},
    {"maxFileAge": "1 second", "latestFirst": True, "maxFilesPerTrigger": 3},
    {"pathGlobFilter": "00[1-3].*"},
    {"modifiedAfter": "2023-11-14T22:13:22", "modifiedBefore": "2023-11-14T22:13:25"},
]
for case in CASES:
    show(json.dumps(case))
    try:
        run(read(**case), "append", work_directory())
    except PySparkException as error:
        show("refused", condition=error.getCondition())
# one name in two directories: a file seen already, if only names count
for name in ("fileNameOnly", "none"):
    place, source = work_directory(), work / name
    write_files(str(source / "day=1"), [[{"n": 1}]])
    options = {"fileNameOnly": True} if name == "fileNameOnly" else {}
    events = spark.readStream.schema("n int, day int").options(**options).json(str(source))
    run(events, "append", place)
    os.makedirs(source / "day=2")
    write_files(str(source / "day=2"), [[{"n": 2}], [{"n": 3}]])
    run(events, "append", place)

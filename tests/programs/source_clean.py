"""Files that are done go to an archive, or away: what is left where after each run, and that no row is lost."""

import os

from lib import run, session, show, work_directory, write_files
from pyspark.errors import PySparkException

spark, work = session(), work_directory()
spark.conf.set("spark.sql.streaming.fileSource.cleaner.numThreads", "0")


def files(directory: object) -> list[str]:
    return sorted(
        os.path.relpath(os.path.join(at, name), directory) for at, _, names in os.walk(directory) for name in names
    )


for mode in ("archive", "delete", "off", "Archive"):
    place = work_directory()
    source, archive = place / "in", place / "archive"
    options = {"cleanSource": mode, "sourceArchiveDir": str(archive), "maxFilesPerTrigger": 1}
    for stage in range(2):
        write_files(str(source), [[{"n": 10 * stage + i}] for i in range(3)], first=3 * stage)
        run(spark.readStream.schema("n int").options(**options).json(str(source)), "append", place)
        show(mode, stage=stage, left=files(source), archived=[name.split("/")[-1] for name in files(archive)])

for options in ({"cleanSource": "sometimes"}, {"cleanSource": "archive"},
                {"cleanSource": "archive", "sourceArchiveDir": str(work / "in" / "deeper")}):  # fmt: skip
    write_files(str(work / "in"), [[{"n": 1}]])
    try:
        run(spark.readStream.schema("n int").options(**options).json(str(work / "in")), "append", work_directory())
        show("runs", options=sorted(options))
    except (PySparkException, ValueError) as error:
        show("refused", options=sorted(options), condition=error.getCondition())

"""foreach: a writer that refuses an epoch, one without open and close, one that fails; a restart after the failure."""

import json
import os

from lib import condition, session, show, work_directory, write_files
from pyspark.errors import PySparkException

spark, work = session(), work_directory()
write_files(str(work / "in"), [[{"n": 1}, {"n": 2}], [{"n": 3}], [{"n": 4}, {"n": 5}]])
log = str(work / "log")


def note(**facts: object) -> None:
    with open(log, "a") as file:
        file.write(json.dumps(facts) + "\n")


class Skipping:
    def open(self, partition_id: int, epoch_id: int) -> bool:
        note(open=epoch_id)
        return epoch_id != 1

    def process(self, row: object) -> None:
        note(row=row.n)

    def close(self, error: Exception | None) -> None:
        note(closed=None if error is None else type(error).__name__)


class Bare:
    def process(self, row: object) -> None:
        note(bare=row.n)


class Failing(Skipping):
    def process(self, row: object) -> None:
        if row.n == 4 and not os.path.exists(log + ".again"):
            open(log + ".again", "w").close()
            raise ValueError("not this one")
        note(row=row.n)


def run(writer: object, name: str) -> None:
    events = spark.readStream.schema("n int").option("maxFilesPerTrigger", 1).json(str(work / "in")).coalesce(1)
    query = events.writeStream.foreach(writer).option("checkpointLocation", str(work / name))
    query.trigger(availableNow=True).start().awaitTermination()


run(Skipping(), "skipping")
run(Bare(), "bare")
try:
    run(Failing(), "failing")
except PySparkException as error:
    show("failed", condition=error.getCondition(), told="not this one" in str(error))
note(again=True)
run(Failing(), "failing")
with open(log) as file:
    for line in file:
        show("log", **json.loads(line))
for wrong in (type("Both", (), {"open": 3, "process": lambda self, row: None})(), object(), 42):
    try:
        spark.readStream.format("rate").load().writeStream.foreach(wrong)
        show("wrong", result="taken")
    except Exception as error:
        show("wrong", result=type(error).__name__, condition=condition(error))

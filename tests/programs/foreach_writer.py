"""foreach with a writer (open, process, close) and with a function; they write files, as they run elsewhere."""

import json
import os

from lib import session, work_directory, write_files

spark, work = session(), work_directory()
write_files(str(work / "in"), [[{"k": "a", "n": 1}, {"k": "b", "n": 2}], [{"k": "a", "n": 3}], []])
events = spark.readStream.schema("k string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))


class Writer:
    def __init__(self, path: str) -> None:
        self.path = path

    def open(self, partition_id: int, epoch_id: int) -> bool:
        self.epoch, self.rows = epoch_id, []
        return True

    def process(self, row: object) -> None:
        self.rows.append(row.asDict())

    def close(self, error: Exception | None) -> None:
        if self.rows:
            with open(self.path, "a") as file:
                file.write(json.dumps({"batch": self.epoch, "rows": self.rows, "error": error}) + "\n")


def run(writer: object, name: str) -> str:
    path = str(work / name)
    query = events.coalesce(1).writeStream.foreach(writer(path)).option("checkpointLocation", path + "-checkpoint")
    query.trigger(availableNow=True).start().awaitTermination()
    return path


def function(path: str) -> object:
    def append(row: object) -> None:
        with open(path, "a") as file:
            file.write(json.dumps({"batch": -1, "row": row.asDict()}) + "\n")

    return append


for writer, name in ((Writer, "writer"), (function, "function")):
    with open(run(writer, name)) as file:
        print(file.read(), end="")
assert not os.path.exists(work / "nothing")

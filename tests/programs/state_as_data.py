"""The state of aggregates, duplicates, joins and applyInPandasWithState, read while nothing runs: rows, changes, errors."""

import json
from collections.abc import Iterator

import pandas as pd
from lib import session, work_directory, write_files
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

spark, work = session(), work_directory()
spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")


def at(second: int) -> str:
    return f"2026-03-01T10:00:{second:02d}.000Z"


write_files(str(work / "in"), [
    [{"user": "a", "n": 1, "time": at(1)}, {"user": "b", "n": 2, "time": at(2)}],
    [{"user": "a", "n": 3, "time": at(15)}, {"user": "c", "n": None, "time": at(16)}],
    [{"user": "a", "n": 4, "time": at(40)}],
])  # fmt: skip


def events() -> DataFrame:
    source = spark.readStream.schema("user string, n int, time timestamp").option("maxFilesPerTrigger", 1)
    return source.json(str(work / "in")).withWatermark("time", "5 seconds")


def run(name: str, frame: DataFrame, mode: str = "append") -> None:
    writer = frame.writeStream.outputMode(mode).format("noop").trigger(availableNow=True)
    writer.option("checkpointLocation", str(work / name)).start().awaitTermination()


def read(name: str, form: str = "statestore", **options: object) -> None:
    """Print the schema and the rows, without what depends on the number of partitions, or the error."""
    entry: dict = {"batch": name, "form": form, "options": {key: str(value) for key, value in options.items()}}
    try:
        frame = spark.read.format(form).options(**entry["options"]).load(str(work / name))
        entry["schema"] = frame.schema.simpleString()
        left_out = ["partition_id", "numPartitions", *(["value"] if name == "unique" else [])]  # a value without fields
        if "joinSide" in options:  # whose rows Spark's to_json cannot read whole
            frame = frame.select("key.*", "value.*")
        texts = frame.drop(*left_out).select(F.to_json(F.struct("*"))).collect()
        entry["rows"] = sorted(row[0] for row in texts)
    except PySparkException as error:
        entry["error"] = [type(error).__name__, error.getCondition()]
    print(json.dumps(entry, sort_keys=True), flush=True)


window = F.window("time", "10 seconds")
run("aggregate", events().groupBy(window, "user").agg(F.count("*"), F.sum("n"), F.max("n"), F.min("time")))
read("aggregate")
read("aggregate", batchId=0)
read("aggregate", batchId=1)
read("aggregate", "state-metadata")
read("aggregate", readChangeFeed="true", changeStartBatchId=0)
read("aggregate", readChangeFeed="true", changeStartBatchId=1, changeEndBatchId=1)
for wrong in (
    {"operatorId": 3},
    {"operatorId": -1},
    {"batchId": -1},
    {"joinSide": "left"},
    {"joinSide": "nowhere"},
    {"storeName": ""},
    {"joinSide": "left", "storeName": "x"},
    {"stateVarName": "x"},
    {"readRegisteredTimers": "true"},
    {"changeStartBatchId": 0},
    {"readChangeFeed": "true"},
    {"readChangeFeed": "true", "changeStartBatchId": -1},
    {"readChangeFeed": "true", "changeStartBatchId": 1, "changeEndBatchId": 0},
    {"readChangeFeed": "true", "changeStartBatchId": 0, "batchId": 0},
    {"readChangeFeed": "true", "changeStartBatchId": 0, "joinSide": "left"},
    {"snapshotStartBatchId": 0},
    {"snapshotPartitionId": 0},
    {"snapshotStartBatchId": 5, "snapshotPartitionId": 0},
):
    read("aggregate", **wrong)
read("nothing")

run("average", events().groupBy("user").agg(F.avg("n")), "update")
read("average")
run("unique", events().dropDuplicates(["user", "n"]))
read("unique")
run("unique_for_a_time", events().dropDuplicatesWithinWatermark(["user"]))
read("unique_for_a_time")

left = events().toDF("lu", "ln", "lt")
right = events().toDF("ru", "rn", "rt")
near = F.expr("lu = ru AND rt BETWEEN lt - INTERVAL 5 SECONDS AND lt + INTERVAL 20 SECONDS")
run("join", left.join(right, near, "left_outer"))
read("join")
read("join", joinSide="left")
read("join", joinSide="right")
read("join", joinSide="right", batchId=0)
read("join", storeName="left-keyToNumValues")
read("join", storeName="left-keyWithIndexToValue")
read("join", "state-metadata")


def count(key: tuple, frames: Iterator[pd.DataFrame], state) -> Iterator[pd.DataFrame]:
    state.update((sum(len(frame) for frame in frames), key[0]))
    if key[0] == "a":
        state.setTimeoutTimestamp(10**14)
    yield pd.DataFrame({"n": [1]})


run("apply", events().groupBy("user").applyInPandasWithState(
    count, "n int", "c int, s string", "update", "EventTimeTimeout"
), "update")  # fmt: skip
read("apply")
read("apply", "state-metadata")
read("apply", readChangeFeed="true", changeStartBatchId=0)

"""The state variables and timers of a transformWithState as data."""

import json
from collections.abc import Iterator

from lib import session, work_directory, write_files
from pyspark.errors import PySparkException
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

spark, work = session(), work_directory()
spark.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", "false")
spark.conf.set(
    "spark.sql.streaming.stateStore.providerClass",
    "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
)
write_files(str(work / "in"), [
    [{"user": "a", "n": 1}, {"user": "b", "n": 2}],
    [{"user": "a", "n": 3}, {"user": "c", "n": 3}],
])  # fmt: skip
YEARS = 86_400_000 * 3650


class Everything(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.value = handle.getValueState("value", "n int, s string")
        self.list = handle.getListState("list", "n int")
        self.map = handle.getMapState("map", "k string", "x int, y int")
        self.fading = handle.getValueState("fading", "n int", YEARS)
        self.fading_list = handle.getListState("fading_list", "n int", YEARS)
        self.fading_map = handle.getMapState("fading_map", "k string", "x int", YEARS)

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        for row in rows:
            self.value.update((row.n, "s"))
            self.list.appendList([(row.n,), (row.n + 1,)])
            self.map.updateValue((f"k{row.n}",), (row.n, None))
            self.fading.update((row.n,))
            self.fading_list.appendValue((row.n,))
            self.fading_map.updateValue((f"k{row.n}",), (row.n,))
            self.handle.registerTimer(10**14 + row.n)
        yield Row(user=key[0])


events = spark.readStream.schema("user string, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
everything = events.groupBy("user").transformWithState(Everything(), "user string", "Update", "ProcessingTime")
writer = everything.writeStream.outputMode("update").format("noop").trigger(availableNow=True)
writer.option("checkpointLocation", str(work / "checkpoint")).start().awaitTermination()


def read(**options: object) -> None:
    entry: dict = {"batch": "checkpoint", "options": {key: str(value) for key, value in options.items()}}
    try:
        frame = spark.read.format("statestore").options(**entry["options"]).load(str(work / "checkpoint"))
        entry["schema"] = frame.schema.simpleString()
        shown = frame.drop("partition_id")
        if options.get("flattenCollectionTypes") == "false" and "map_value" in shown.columns:
            shown = shown.withColumn("map_value", F.array_sort(F.map_entries("map_value")))
        texts = [row[0] for row in shown.select(F.to_json(F.struct("*"))).collect()]
        entry["rows"] = sorted(texts) if "fading" not in str(options) else len(texts)
    except PySparkException as error:
        entry["error"] = [type(error).__name__, error.getCondition()]
    print(json.dumps(entry, sort_keys=True), flush=True)


for name in ("value", "list", "map", "fading", "fading_list", "fading_map"):
    for flatten in ("true", "false"):
        read(stateVarName=name, flattenCollectionTypes=flatten)
    read(stateVarName=name, batchId=0)
read(readRegisteredTimers="true")
read()
read(stateVarName="nothing")
read(stateVarName="value", readRegisteredTimers="true")
metadata = spark.read.format("state-metadata").load(str(work / "checkpoint")).collect()
for row in metadata:
    found = {**row.asDict(), "numPartitions": None}
    found["operatorProperties"] = json.loads(found["operatorProperties"])
    found["operatorProperties"]["stateVariables"].sort(key=lambda variable: variable["stateName"])
    print(json.dumps({"batch": "metadata", **found}, sort_keys=True))

"""The state data source with every two of its options, on the checkpoints of three queries: asked of real Spark
(make_stateful.py) and of Penstock."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.streaming import StatefulProcessor
from stateful_cases import Place, at, conditions


class Three(StatefulProcessor):
    """A variable of each kind, and timers."""

    def init(self, handle: Any) -> None:
        self.handle = handle
        self.value = handle.getValueState("value", "n int")
        self.list = handle.getListState("list", "n int")
        self.map = handle.getMapState("map", "k int", "n int")

    def handleInputRows(self, key: Any, rows: Any, timerValues: Any) -> Iterator[Row]:
        for row in rows:
            self.value.update((row.n,))
            self.list.appendValue((row.n,))
            self.map.updateValue((row.n,), (row.n,))
            self.handle.registerTimer(10**14 + row.n)
        yield Row(k=key[0])


def make(place: Place) -> None:
    """Three checkpoints of two batches each."""
    place.write([at(1, "a", 1), at(2, "b", 2)], [at(3, "a", 3), at(4, "c", 4)])
    place.write([at(1, "a", 1), at(2, "b", 2)], [at(3, "a", 3), at(4, "c", 4)], name="right")
    found = [place.run(place.read().groupBy("k").agg(F.sum("n")), "update", "aggregate")]
    left = place.read().withWatermark("t", "10 seconds")
    right = place.read(name="right").selectExpr("t AS u", "k AS r", "n AS m").withWatermark("u", "10 seconds")
    near = F.expr("k = r AND u BETWEEN t AND t + INTERVAL 5 SECONDS")
    found.append(place.run(left.join(right, near), "append", "join"))
    three = place.read().groupBy("k").transformWithState(Three(), "k string", "Update", "ProcessingTime")
    found.append(place.run(three, "update", "processor"))
    assert all("rows" in run for run in found), found


OPTIONS: dict[str, tuple[str, ...]] = {
    "batchId": ("0", "9", "-1"),
    "operatorId": ("1", "-1"),
    "storeName": ("", "default", "left-keyToNumValues", "nothing"),
    "joinSide": ("left", "none", "nowhere"),
    "stateVarName": ("value", "list", "map", "nothing"),
    "readRegisteredTimers": ("true",),
    "readChangeFeed": ("true",),
    "changeStartBatchId": ("0", "9"),
    "changeEndBatchId": ("0",),
    "snapshotStartBatchId": ("0", "7", "-1"),
    "snapshotPartitionId": ("0", "-1"),
    "flattenCollectionTypes": ("false", "perhaps"),
}
SINGLE = [(name, value) for name, values in OPTIONS.items() for value in values]
CHOICES: list[tuple[tuple[str, str], ...]] = [
    (),
    *((one,) for one in SINGLE),
    *(pair for pair in combinations(SINGLE, 2) if pair[0][0] != pair[1][0]),
    *(
        (("readChangeFeed", "true"), ("changeStartBatchId", start), *more)
        for start in ("0", "1", "9", "-1")
        for more in [(), *((one,) for one in SINGLE if one[0] not in ("readChangeFeed", "changeStartBatchId"))]
    ),
    *((("stateVarName", "list"), ("flattenCollectionTypes", "false"), one) for one in SINGLE[:5]),
]


def shown(choice: tuple[tuple[str, str], ...]) -> str:
    """A choice as the key of its answer."""
    return " ".join(f"{name}={value}" for name, value in choice)


def answer(place: Place, name: str, choice: tuple[tuple[str, str], ...]) -> Any:
    """How many rows there are, or what refuses the options."""
    try:
        frame = place.spark.read.format("statestore").options(**dict(choice)).load(str(place.root / name))
        return [frame.columns, len(frame.collect())]
    except Exception as error:
        return " ".join(conditions(error))


def metadata(place: Place, name: str) -> list[Any]:
    """What `state-metadata` tells, with its hidden column."""
    frame = place.spark.read.format("state-metadata").load(str(place.root / name))
    rows = frame.select("*", "_numColsPrefixKey").drop("numPartitions", "operatorProperties").collect()
    return sorted([list(row) for row in rows])

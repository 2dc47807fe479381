"""transformWithState: what becomes of state values of every type, fitting and not, and how keys and rows look."""

import datetime
from collections.abc import Iterator
from decimal import Decimal

import numpy as np
import pandas as pd
from lib import run, session, work_directory, write_files
from pyspark.sql import Row
from pyspark.sql import functions as F
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

spark, work = session(), work_directory()
spark.conf.set("spark.sql.session.timeZone", "America/Los_Angeles")
spark.conf.set(
    "spark.sql.streaming.stateStore.providerClass",
    "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider",
)
write_files(
    str(work / "in"), [[{"at": "2020-01-02T03:04:05Z", "n": 1}, {"at": None, "n": None}], [{"at": None, "n": 2}]]
)

AT = datetime.datetime(2020, 1, 2, 3, 4, 5, 678901)
VALUES = (
    (AT, AT, AT.date(), Decimal("1.239"), b"ab", [AT, None], {"a": 1}, (1, AT), 1.1, 2.5, 3, 4, True, "s", 5),
    (None,) * 15,
    (None, None, None, None, bytearray(b"q"), None, None, None, 1, 1, 1.5, 2.5, 1, 5, 300),
    (None,) * 10 + (2**31 + 5, 2**63 - 1, None, None, None),
    (None,) * 10 + ("5", True, "x", 1.0, None),
    [pd.Timestamp(AT)] + [None] * 8 + [np.float64(1.5), np.int32(4), np.int64(4), np.bool_(True), "q", None],
)


class Types(StatefulProcessor):
    def init(self, handle: StatefulProcessorHandle) -> None:
        self.kept = handle.getValueState(
            "kept",
            "t timestamp, nt timestamp_ntz, d date, dec decimal(10,2), b binary, a array<timestamp>, "
            "m map<string,int>, st struct<x:int,t:timestamp>, f float, db double, i int, l long, bo boolean, "
            "s string, by tinyint",
        )

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        before, found = self.kept.get(), []
        for value in VALUES:
            self.kept.update(value)
            found.append(repr(self.kept.get()))
        self.kept.update(VALUES[0])
        yield Row(key=repr(key), rows=sorted(repr(tuple(row)) for row in rows), before=repr(before), found=found)


events = (
    spark.readStream.schema("at timestamp, n int").option("maxFilesPerTrigger", 1).json(str(work / "in"))
    .withColumns({"d": F.col("at").cast("date"), "dec": F.lit(1).cast("decimal(5,2)"), "bin": F.lit("x").cast("binary"),
                  "arr": F.array("at"), "st": F.struct("at", "n")})
)  # fmt: skip
types = events.groupBy("at").transformWithState(
    Types(), "key string, rows array<string>, before string, found array<string>", "Update", "None"
)
run(types, "update", work)

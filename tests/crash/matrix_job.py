"""The program that the crash matrix kills: one query over two streams of files, into one sink.

usage: matrix_job.py ROOT QUERY SINK   -- reads all files of ROOT/left and ROOT/right, one a batch, then ends

Results are rows of k string, n long, t string.  PENSTOCK_MATRIX_KILL=N kills the process when the user's own part of
the sink has written half of its batch for the Nth time.
"""

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.datasource import DataSource, DataSourceStreamWriter, WriterCommitMessage
from pyspark.sql.streaming import StatefulProcessor, StatefulProcessorHandle

ROOT, QUERY, SINK = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
FORMATS = ("parquet", "json", "csv", "text", "orc", "xml", "avro")
left_to_kill = int(os.environ.get("PENSTOCK_MATRIX_KILL", "0"))


def half_done() -> None:
    """The user's part of the sink has written something of its batch, but not all."""
    global left_to_kill
    left_to_kill -= 1
    if left_to_kill == 0:
        os.kill(os.getpid(), signal.SIGKILL)


# ---------------------------------------------------------------- queries


def read(name: str) -> DataFrame:
    events = spark.readStream.schema("t timestamp, k string, n long").option("maxFilesPerTrigger", 1)
    return events.json(str(ROOT / name))


def rows() -> DataFrame:
    return read("left").withColumn("n", F.col("n") * 2)


def windows() -> DataFrame:
    groups = read("left").withWatermark("t", "2 seconds").groupBy(F.window("t", "5 seconds"), "k")
    return groups.agg(F.sum("n").alias("n")).select("k", "n", F.col("window.end").alias("t"))


def sessions() -> DataFrame:
    groups = read("left").withWatermark("t", "2 seconds").groupBy(F.session_window("t", "3 seconds"), "k")
    return groups.agg(F.sum("n").alias("n")).select("k", "n", F.col("session_window.end").alias("t"))


def duplicates() -> DataFrame:
    return read("left").withWatermark("t", "4 seconds").dropDuplicatesWithinWatermark(["k"])


def outer_join() -> DataFrame:
    one = read("left").withWatermark("t", "2 seconds").alias("l")
    other = read("right").withWatermark("t", "2 seconds").alias("r")
    near = "l.k = r.k AND r.t BETWEEN l.t - INTERVAL 3 SECONDS AND l.t + INTERVAL 3 SECONDS"
    both = one.join(other, F.expr(near), "left")
    return both.select("l.k", (F.col("l.n") * 1000 + F.coalesce("r.n", F.lit(-1))).alias("n"), "l.t")


def join_of(kind: str) -> DataFrame:
    """Both sides keep their rows for a while; what finds no match comes out then, if the kind wants it."""
    one = read("left").withWatermark("t", "2 seconds").alias("l")
    other = read("right").withWatermark("t", "2 seconds").alias("r")
    near = "l.k = r.k AND r.t BETWEEN l.t - INTERVAL 1 SECOND AND l.t + INTERVAL 1 SECOND"
    both = one.join(other, F.expr(near), kind)
    if kind == "left_semi":
        return both.select("k", "n", "t")
    n = F.coalesce("l.n", F.lit(-1)) * 1000 + F.coalesce("r.n", F.lit(-1))
    return both.select(F.coalesce("l.k", "r.k").alias("k"), n.alias("n"), F.coalesce("l.t", "r.t").alias("t"))


def inner_join() -> DataFrame:
    return join_of("inner")


def right_join() -> DataFrame:
    return join_of("right")


def full_join() -> DataFrame:
    return join_of("full")


def semi_join() -> DataFrame:
    return join_of("left_semi")


def join_windows() -> DataFrame:
    one = read("left").withWatermark("t", "2 seconds").alias("l")
    other = read("right").withWatermark("t", "2 seconds").alias("r")
    both = one.join(other, F.expr("l.k = r.k AND r.t BETWEEN l.t AND l.t + INTERVAL 3 SECONDS"))
    groups = both.groupBy(F.window("l.t", "5 seconds"), "l.k").agg(F.sum("r.n").alias("n"))
    return groups.select("k", "n", F.col("window.end").alias("t"))


def totals() -> DataFrame:
    return read("left").groupBy("k").agg(F.sum("n").alias("n"), F.max("t").alias("t"))


class Running(StatefulProcessor):
    """A running total of every key, and what it was when a timer fired."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.total = handle.getValueState("total", "n long")

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        for row in rows:
            total = (self.total.get() or (0,))[0] + row.n
            self.total.update((total,))
            self.handle.registerTimer(int(row.t.timestamp()) * 1000 + 3000)
            yield Row(k=key[0], n=total, t=row.t)

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
        yield Row(k=f"timer {expiredTimerInfo.getExpiryTimeInMs()}", n=self.total.get()[0], t=None)


def processor() -> DataFrame:
    groups = read("left").withWatermark("t", "2 seconds").groupBy("k")
    return groups.transformWithState(Running(), "k string, n long, t timestamp", "Append", "EventTime")


class Living(StatefulProcessor):
    """Values, lists and maps with a time to live, which does not end here, and timers by the clock, all in the past."""

    def init(self, handle: StatefulProcessorHandle) -> None:
        self.handle = handle
        self.total = handle.getValueState("total", "n long", 10**9)
        self.seen = handle.getListState("seen", "n long", 10**9)
        self.times = handle.getMapState("times", "n long", "times long", 10**9)

    def handleInputRows(self, key, rows, timerValues) -> Iterator[Row]:
        for row in rows:
            self.total.update(((self.total.get() or (0,))[0] + row.n,))
            self.seen.appendValue((row.n,))
            self.times.updateValue((row.n % 3,), ((self.times.getValue((row.n % 3,)) or (0,))[0] + 1,))
            times = sum(times for (times,) in self.times.values())
            yield Row(k=f"{key[0]} {len(list(self.seen.get()))} {times}", n=self.total.get()[0], t=row.t)
        self.handle.registerTimer(1000)

    def handleExpiredTimer(self, key, timerValues, expiredTimerInfo) -> Iterator[Row]:
        yield Row(k=f"timer of {key[0]}", n=self.total.get()[0], t=None)


def lifetimes() -> DataFrame:
    groups = read("left").groupBy("k")
    return groups.transformWithState(Living(), "k string, n long, t timestamp", "Append", "ProcessingTime")


def timeouts() -> DataFrame:
    """A running total of every key, given out when nothing has come for three seconds."""

    def total(key, frames, state):
        import pandas as pd

        if state.hasTimedOut:
            yield pd.DataFrame({"k": [f"timeout of {key[0]}"], "n": [state.get[0]], "t": [pd.NaT]})
            state.remove()
            return
        rows = pd.concat(frames)
        state.update(((state.getOption or (0,))[0] + int(rows.n.sum()),))
        last = max(int(rows.t.max().timestamp()) * 1000, state.getCurrentWatermarkMs())
        state.setTimeoutTimestamp(last + 3000)
        yield pd.DataFrame({"k": [key[0]], "n": [state.get[0]], "t": [rows.t.max()]})

    groups = read("left").withWatermark("t", "2 seconds").groupBy("k")
    schema = "k string, n long, t timestamp"
    return groups.applyInPandasWithState(total, schema, "n long", "append", "EventTimeTimeout")


# ---------------------------------------------------------------- sinks


def replace(path: Path, text: str) -> None:
    """The file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name("." + path.name).write_text(text)
    path.with_name("." + path.name).rename(path)


class Once:
    """A ForeachWriter that makes a file of each (partition, epoch), and refuses those that it has: exactly once."""

    def open(self, partition_id: int, epoch_id: int) -> bool:
        self.path, self.rows = ROOT / "out" / f"{epoch_id}-{partition_id}.json", []
        return not self.path.exists()

    def process(self, row: Row) -> None:
        self.rows.append(list(row))
        if len(self.rows) == 2:
            half_done()

    def close(self, error: Exception | None) -> None:
        if error is None and self.rows:
            replace(self.path, json.dumps(self.rows))


class Appending:
    """A ForeachWriter that appends each row at once: what it writes of a batch before a crash comes again."""

    def open(self, partition_id: int, epoch_id: int) -> bool:
        (ROOT / "out").mkdir(exist_ok=True)
        self.epoch, self.file = epoch_id, (ROOT / "out" / "rows").open("a")
        return True

    def process(self, row: Row) -> None:
        self.file.write(json.dumps([self.epoch, *row]) + "\n")
        self.file.flush()
        half_done()

    def close(self, error: Exception | None) -> None:
        self.file.close()


def by_id(batch: DataFrame, batch_id: int) -> None:
    """A directory a batch, and an index of the batches, both written anew when the batch comes again."""
    batch.persist()
    batch.write.mode("overwrite").parquet(str(ROOT / "out" / f"batch={batch_id}"))
    half_done()
    counts = batch.groupBy().agg(F.count("*").alias("rows"))
    counts.write.mode("overwrite").json(str(ROOT / "index" / f"batch={batch_id}"))


def to_database(batch: DataFrame, batch_id: int) -> None:
    """By JDBC into one table: what an earlier try has left of the batch goes first."""
    database = ROOT / "rows.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS found (k TEXT, n BIGINT, t TEXT, batch BIGINT)")
        connection.execute("DELETE FROM found WHERE batch = ?", (batch_id,))
    half, options = batch.withColumn("batch", F.lit(batch_id)), {"url": f"jdbc:sqlite:{database}", "dbtable": "found"}
    for part in ("n % 2 = 0", "n % 2 <> 0"):
        half.where(part).write.format("jdbc").options(**options).mode("append").save()
        half_done()


class Files(DataSource):
    """A sink in Python: partitions write hidden files, the commit makes them visible under the batch's id."""

    @classmethod
    def name(cls) -> str:
        return "files"

    def streamWriter(self, schema, overwrite) -> DataSourceStreamWriter:
        return FilesWriter()


class FilesWriter(DataSourceStreamWriter):
    def write(self, iterator) -> WriterCommitMessage:
        message = WriterCommitMessage()
        message.rows = [list(row) for row in iterator]
        return message

    def commit(self, messages, batchId: int) -> None:
        found = [row for message in messages if message is not None for row in message.rows]
        half_done()
        replace(ROOT / "out" / f"{batchId}.json", json.dumps(found))

    def abort(self, messages, batchId: int) -> None:
        raise AssertionError(f"batch {batchId} was given up")


def started(frame: DataFrame) -> object:
    writer = frame.writeStream.option("checkpointLocation", str(ROOT / "checkpoint")).trigger(availableNow=True)
    writer = writer.outputMode("complete" if QUERY == "totals" else "append")
    name, _, by = SINK.partition("-by-")
    if by:
        writer = writer.partitionBy(*by.split("-"))
    if name == "table":
        return writer.toTable("found")
    if name in FORMATS:
        return writer.format(name).option("rowTag", "row").option("path", str(ROOT / "out")).start()
    if name in ("memory", "console", "noop"):
        return writer.format(name).option("numRows", 1000).option("truncate", False).queryName("found").start()
    if name == "files":
        spark.dataSource.register(Files)
        return writer.format("files").start()
    if name == "foreach-once":
        return writer.foreach(Once()).start()
    if name == "foreach":
        return writer.foreach(Appending()).start()
    return writer.foreachBatch({"foreachBatch": by_id, "jdbc": to_database}[name]).start()


QUERIES: dict[str, Callable[[], DataFrame]] = {
    "rows": rows, "windows": windows, "sessions": sessions, "duplicates": duplicates, "outer join": outer_join,
    "join windows": join_windows, "processor": processor, "totals": totals, "inner join": inner_join,
    "right join": right_join, "full join": full_join, "semi join": semi_join, "lifetimes": lifetimes,
    "timeouts": timeouts,
}  # fmt: skip

os.chdir(ROOT)
spark = SparkSession.builder.appName("matrix").config("spark.sql.warehouse.dir", f"file:{ROOT}/warehouse").getOrCreate()
spark.conf.set("spark.sql.session.timeZone", "UTC")
result = QUERIES[QUERY]().select("k", "n", F.date_format("t", "HH:mm:ss.SSS").alias("t"))
if SINK.startswith("text"):
    result = result.select(F.concat_ws(",", "k", "n", F.coalesce("t", F.lit("-"))).alias("value"), "k")
    result = result if "-by-" in SINK else result.drop("k")
query = started(result)
query.awaitTermination()
if SINK == "memory":
    replace(ROOT / "memory.json", json.dumps([list(row) for row in spark.table("found").collect()]))

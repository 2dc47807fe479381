"""The continuous and the real-time trigger: rows at once, commits once an epoch, at least once over a crash."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors.exceptions.connect import StreamingQueryException
from pyspark.sql import functions as F

from penstock.runtime.metrics import StreamingMetrics
from penstock.testing.memory_stream import MemoryStream
from penstock.testing.session import server_session

#: How long a test waits for what must happen: a machine may stall for seconds.
PATIENCE_S = 120.0

COUNTED = ("penstock_streaming_batches_total", "penstock_streaming_input_rows_total")

#: What the functions and writers below were given: they are pickled by name, so this is one list for all.
SEEN: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    SEEN.clear()


class FailsOnce:
    def process(self, row: Any) -> None:
        if row.n == 3 and "again" not in SEEN:
            raise ValueError("boom")
        SEEN.append(row.n)


class Traces:
    def open(self, partition: int, epoch: int) -> bool:
        SEEN.append(("open", epoch))
        return True

    def process(self, row: Any) -> None:
        SEEN.append(row.n)

    def close(self, error: Any) -> None:
        SEEN.append(("close", error))


def see(row: Any) -> None:
    SEEN.append(tuple(row))


def see_delay(row: Any) -> None:
    SEEN.append(time.time() - float(row.value))


def until(condition: Callable[[], Any], seconds: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.005)


def rows(spark: Any, table: str) -> list[int]:
    return sorted(row[0] for row in spark.table(table).collect())


def continuous(frame: Any, interval: str = "1 hour") -> Any:
    return frame.writeStream.format("memory").queryName("q").trigger(continuous=interval)


def logged(checkpoint: Path, log: str) -> list[str]:
    directory = checkpoint / log
    return sorted(path.name for path in directory.iterdir() if path.name.isdigit()) if directory.exists() else []


def test_rows_come_long_before_the_commit(spark: Any, tmp_path: Path) -> None:
    stream = MemoryStream("n long")
    frame = stream.to_df(spark).where("n % 2 = 1").select((F.col("n") * 10).alias("n"))
    query = continuous(frame).option("checkpointLocation", str(tmp_path / "cp")).start()
    for n in range(6):
        stream.add_data([n])
        if n % 2:
            until(lambda n=n: rows(spark, "q") == [i * 10 for i in range(1, n + 1, 2)])
    assert logged(tmp_path / "cp", "offsets") == [], "the epoch lasts an hour"
    query.stop()
    assert (tmp_path / "cp" / "offsets" / "0").read_text().split("\n")[-1] == "5"
    assert logged(tmp_path / "cp", "commits") == ["0"]


def test_an_epoch_is_committed_every_interval(spark: Any, tmp_path: Path) -> None:
    stream, metrics = MemoryStream("n long"), StreamingMetrics()
    server_session(spark).streams.add_listener(metrics)
    query = continuous(stream.to_df(spark), "50 milliseconds")
    query = query.option("checkpointLocation", str(tmp_path / "cp")).start()
    for n in range(3):
        stream.add_data([n])
        until(lambda n=n: logged(tmp_path / "cp", "commits") == [str(i) for i in range(n + 1)])
    ends = [(tmp_path / "cp" / "offsets" / str(i)).read_text().split("\n")[-1] for i in range(3)]
    assert ends == ["0", "1", "2"]
    assert query.lastProgress is None, "Spark reports no progress of continuous queries"
    query.stop()
    counted = [line.split()[-1] for line in metrics.text().splitlines() if line.startswith(COUNTED)]
    assert counted == ["3", "3"], "but the metrics count them"


def test_process_all_available_ends_the_epoch(spark: Any, tmp_path: Path) -> None:
    stream = MemoryStream("n long")
    query = continuous(stream.to_df(spark)).option("checkpointLocation", str(tmp_path / "cp")).start()
    stream.add_data([1, 2])
    query.processAllAvailable()
    assert (rows(spark, "q"), logged(tmp_path / "cp", "commits")) == ([1, 2], ["0"])
    query.stop()


def test_what_was_not_committed_comes_again(spark: Any, tmp_path: Path) -> None:
    stream = MemoryStream("n long")

    def start() -> Any:
        writer = stream.to_df(spark).writeStream.foreach(FailsOnce()).trigger(continuous="1 hour")
        return writer.option("checkpointLocation", str(tmp_path / "cp")).start()

    query = start()
    stream.add_data([1])
    query.processAllAvailable()
    stream.add_data([2])
    until(lambda: SEEN == [1, 2])
    stream.add_data([3])
    with pytest.raises(StreamingQueryException, match="boom"):
        query.awaitTermination(PATIENCE_S)
    SEEN.append("again")
    query = start()
    query.processAllAvailable()
    query.stop()
    assert SEEN == [1, 2, "again", 2, 3], "2 had been given to the sink, but not committed"


def test_a_writer_is_opened_once_an_epoch(spark: Any) -> None:
    stream = MemoryStream("n long")
    query = stream.to_df(spark).writeStream.foreach(Traces()).trigger(continuous="1 hour").start()
    for n in (1, 2):
        stream.add_data([n])
        until(lambda n=n: n in SEEN)
    query.processAllAvailable()
    stream.add_data([3])
    query.processAllAvailable()
    query.stop()
    assert SEEN == [("open", 0), 1, 2, ("close", None), ("open", 1), 3, ("close", None)]


def test_a_sink_of_whole_batches_ends_the_query(spark: Any, tmp_path: Path) -> None:
    frame = spark.readStream.format("rate").load()
    writer = frame.writeStream.format("json").trigger(continuous="1 second")
    query = writer.option("checkpointLocation", str(tmp_path / "cp")).start(str(tmp_path / "out"))
    with pytest.raises(StreamingQueryException, match="Unknown type of trigger"):
        query.awaitTermination(PATIENCE_S)


def test_the_rate_source_gives_every_row_at_its_time(spark: Any, tmp_path: Path) -> None:
    def run() -> None:
        frame = spark.readStream.format("rate").option("rowsPerSecond", 100).option("numPartitions", 2).load()
        writer = frame.select("value", "timestamp").writeStream.foreach(see)
        writer = writer.trigger(continuous="1 hour").option("checkpointLocation", str(tmp_path / "cp"))
        query, before = writer.start(), len(SEEN)
        until(lambda: len(SEEN) >= before + 15)
        query.stop()

    run()
    run()
    values = [value for value, _ in SEEN]
    assert values == list(range(len(values)))
    first = SEEN[0][1]
    assert [round((at - first).total_seconds() * 100) for _, at in SEEN[:10]] == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8]
    offset = json.loads((tmp_path / "cp" / "offsets" / "1").read_text().split("\n")[-1])
    assert {key: part["value"] for key, part in offset.items()} == {"0": values[-2], "1": values[-1]}


def test_socket_lines_are_there_at_once(spark: Any) -> None:
    server = socket.create_server(("127.0.0.1", 0))
    reader = spark.readStream.format("socket").option("host", "127.0.0.1").option("port", server.getsockname()[1])
    writer = reader.load().writeStream.foreach(see_delay)
    started = threading.Thread(target=lambda: queries.append(writer.trigger(continuous="1 hour").start()))
    queries: list[Any] = []
    started.start()
    connection, _ = server.accept()
    started.join()
    deadline, sent = time.monotonic() + PATIENCE_S, 0
    while sum(delay < 0.1 for delay in SEEN) < 15:  # none would be, if the query looked for lines every so often
        assert time.monotonic() < deadline, sorted(SEEN)
        connection.sendall(f"{time.time()}\n".encode())
        sent += 1
        until(lambda sent=sent: len(SEEN) == sent)
    queries[0].stop()
    connection.close()
    server.close()


# ---------------------------------------------------------------- real time


def real_time(spark: Any, frame: Any, span: str = "1 hour") -> Any:
    return frame.writeStream.format("memory").queryName("q").outputMode("update").trigger(realTime=span)


def test_real_time_reports_when_a_batch_is_over(spark: Any, tmp_path: Path) -> None:
    spark.conf.set("spark.sql.streaming.realTimeMode.minBatchDuration", "100")
    stream = MemoryStream("n long")
    query = real_time(spark, stream.to_df(spark), "300 milliseconds").start()
    for n in range(2):
        stream.add_data([n])
        until(lambda n=n: rows(spark, "q") == list(range(n + 1)))
        until(lambda n=n: [p.batchId for p in query.recentProgress if p.numInputRows] == list(range(n + 1)))
    figures = [(p.batchId, p.numInputRows, p.sink.numOutputRows) for p in query.recentProgress if p.numInputRows]
    assert figures == [(0, 1, 1), (1, 1, 1)]
    query.stop()


def test_real_time_with_state_is_at_the_users_risk(spark: Any, tmp_path: Path) -> None:
    stream = MemoryStream("k string")
    counts = stream.to_df(spark).groupBy("k").count()
    spark.conf.set("spark.sql.streaming.realTimeMode.allowlistCheck", "false")

    def run(word: str, expected: list[Any]) -> None:
        SEEN.clear()
        query = counts.writeStream.foreach(see).outputMode("update")
        query = query.trigger(realTime="1 hour").option("checkpointLocation", str(tmp_path / "cp")).start()
        for _ in range(2):
            stream.add_data([word])
            query.processAllAvailable()
        query.stop()
        assert expected == SEEN

    run("a", [("a", 1), ("a", 2)])
    run("a", [("a", 3), ("a", 4)])


def test_what_real_time_does_not_do(spark: Any) -> None:
    stream = MemoryStream("k string")
    refused = {
        "HashAggregateExec": stream.to_df(spark).groupBy("k").count(),
        "StreamingDeduplicateExec": stream.to_df(spark).dropDuplicates(["k"]),
        "ArrowEvalPythonExec": stream.to_df(spark).select(F.udf(lambda k: k)("k")),
    }
    for name, frame in refused.items():
        with pytest.raises(Exception, match=name) as caught:
            real_time(spark, frame).start()
        assert caught.value.getCondition() == "STREAMING_REAL_TIME_MODE.OPERATOR_OR_SINK_NOT_IN_ALLOWLIST"
    with pytest.raises(Exception, match="asyncProgressTrackingEnabled") as caught:
        real_time(spark, stream.to_df(spark)).option("asyncProgressTrackingEnabled", "true").start()
    assert caught.value.getCondition() == "STREAMING_REAL_TIME_MODE.ASYNC_PROGRESS_TRACKING_NOT_SUPPORTED"

"""Streaming queries through the client: start, ask, await, stop, functions, listeners."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, IllegalArgumentException
from pyspark.errors.exceptions.connect import SparkConnectGrpcException, StreamingQueryException
from pyspark.sql.streaming import StreamingQueryListener

from penstock.runtime.manager import StreamingQueryManager
from penstock.testing.session import server_session

#: How long a test waits for what must happen: a machine may stall for seconds.
PATIENCE_S = 120.0


def until(condition: Callable[[], Any], seconds: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


@pytest.fixture
def numbers(spark: Any, tmp_path: Path) -> Any:
    """A stream of the numbers 0 to 9 from a file."""
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.json").write_text("".join(f'{{"n": {i}}}\n' for i in range(10)))
    return spark.readStream.schema("n int").json(str(source))


def test_life_of_a_query(spark: Any, numbers: Any) -> None:
    query = numbers.writeStream.format("memory").queryName("q").start()
    assert query.name == "q"
    assert [q.id for q in spark.streams.active] == [query.id]
    assert spark.streams.get(query.id).runId == query.runId
    query.processAllAvailable()
    assert sorted(row.n for row in spark.table("q").collect()) == list(range(10))
    assert query.isActive
    assert query.exception() is None
    assert query.lastProgress.numInputRows == 10
    assert len(query.recentProgress) >= 1
    assert query.awaitTermination(0.1) is False
    query.stop()
    assert not query.isActive
    assert query.status == {"message": "Stopped", "isDataAvailable": False, "isTriggerActive": False}
    assert query.awaitTermination(PATIENCE_S) is True
    assert spark.streams.awaitAnyTermination(PATIENCE_S) is True
    spark.streams.resetTerminated()
    assert spark.streams.awaitAnyTermination(0.1) is False
    assert spark.streams.active == []


def test_available_now_ends_by_itself(spark: Any, numbers: Any) -> None:
    query = numbers.writeStream.format("memory").queryName("q").trigger(availableNow=True).start()
    assert query.awaitTermination(PATIENCE_S) is True
    assert spark.sql("SELECT sum(n) FROM q").collect() == [(45,)]


def test_the_end_of_a_query_at_every_moment(spark: Any, numbers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for it finds it while it ceases to be an active one, and who hears of its end finds it ended."""
    manager, remove = server_session(spark).streams, StreamingQueryManager._remove
    found: list[bool] = []
    heard: list[tuple[str, bool]] = []

    def removed(self: StreamingQueryManager, query: Any) -> None:
        remove(self, query)
        found.append(self.find(query.id, query.run_id) is query)

    def hear(event: Any) -> None:
        if event.kind == "QueryTerminatedEvent":
            query = manager.find(event.json["id"], event.json["runId"])
            heard.append((event.json["id"], query is not None and query.is_active))

    monkeypatch.setattr(StreamingQueryManager, "_remove", removed)
    manager.add_listener(hear)
    query = numbers.writeStream.format("noop").trigger(availableNow=True).start()
    assert query.awaitTermination(PATIENCE_S) is True
    assert (found, heard) == ([True], [(query.id, False)])


def test_foreach_batch_gets_a_frame_of_its_session(spark: Any, numbers: Any) -> None:
    spark.conf.set("spark.sql.session.timeZone", "+02:00")
    query = numbers.writeStream.foreachBatch(_write_total).trigger(availableNow=True).start()
    assert query.awaitTermination(PATIENCE_S)
    assert spark.table("global_temp.total").collect() == [(0, 45, "+02:00")]


def _write_total(frame: Any, batch_id: int) -> None:
    session = frame.sparkSession
    frame.createOrReplaceTempView("batch")
    zone = session.conf.get("spark.sql.session.timeZone")
    total = session.sql(f"SELECT {batch_id} AS id, sum(n) AS total, '{zone}' AS zone FROM batch")
    total.localCheckpoint().createOrReplaceGlobalTempView("total")


def test_foreach_with_a_pickled_writer(spark: Any, numbers: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "log")

    class Writer:
        def open(self, partition_id: int, epoch_id: int) -> bool:
            with open(path, "a") as log:
                log.write(f"open {partition_id} {epoch_id}\n")
            return True

        def process(self, row: Any) -> None:
            with open(path, "a") as log:
                log.write(f"{row.n}\n")

        def close(self, error: Exception | None) -> None:
            with open(path, "a") as log:
                log.write(f"close {error}\n")

    assert numbers.writeStream.foreach(Writer()).trigger(availableNow=True).start().awaitTermination(PATIENCE_S)
    lines = Path(path).read_text().splitlines()
    assert lines == ["open 0 0", *map(str, range(10)), "close None"]


def test_a_function_that_fails(spark: Any, numbers: Any) -> None:
    def fail(frame: Any, batch_id: int) -> None:
        raise ValueError("boom")

    query = numbers.writeStream.foreachBatch(fail).start()
    with pytest.raises(StreamingQueryException) as caught:
        query.awaitTermination(PATIENCE_S)
    assert caught.value.getCondition() == "STREAM_FAILED"
    assert "ValueError: boom" in str(caught.value)
    assert "in fail" in str(caught.value)  # the user's traceback
    assert "STREAM_FAILED" in str(query.exception())
    with pytest.raises(StreamingQueryException):
        spark.streams.awaitAnyTermination()


def test_await_can_be_interrupted(spark: Any) -> None:
    query = spark.readStream.format("rate").load().writeStream.format("noop").start()
    outcome: list[str] = []

    def wait() -> None:
        spark.addTag("waiting")
        try:
            query.awaitTermination()
        except SparkConnectGrpcException as error:
            outcome.append(error.getCondition() or "")

    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: spark.interruptTag("waiting"))
    thread.join(PATIENCE_S)
    assert outcome == ["OPERATION_CANCELED"]
    assert query.isActive
    query.stop()


def test_interrupts_stop_queries_and_no_listeners(spark: Any) -> None:
    """As in Spark: all queries of the session, or those started under a tag; listeners hear of their end."""
    ended: list[str] = []

    class Ends(StreamingQueryListener):
        def onQueryStarted(self, event: Any) -> None: ...

        def onQueryProgress(self, event: Any) -> None: ...

        def onQueryTerminated(self, event: Any) -> None:
            ended.append(str(event.id))

    spark.streams.addListener(listener := Ends())
    rate = spark.readStream.format("rate").load()
    spark.addTag("mine")
    tagged = rate.writeStream.format("noop").start()
    spark.clearTags()
    other = rate.writeStream.format("noop").start()
    assert spark.interruptTag("nobody's") == []
    assert len(spark.interruptTag("mine")) == 1
    until(lambda: ended == [tagged.id])
    assert (tagged.isActive, other.isActive) == (False, True)
    assert len(spark.interruptAll()) >= 1
    until(lambda: ended == [tagged.id, other.id])
    assert spark.streams.active == []
    spark.streams.removeListener(listener)


class Recorder(StreamingQueryListener):
    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def onQueryStarted(self, event: Any) -> None:
        self.events.append(("started", event.name))

    def onQueryProgress(self, event: Any) -> None:
        self.events.append(("progress", event.progress.numInputRows))

    def onQueryIdle(self, event: Any) -> None:
        self.events.append(("idle", None))

    def onQueryTerminated(self, event: Any) -> None:
        self.events.append(("terminated", event.exception))


@pytest.mark.parametrize("reattachable", [True, False])
def test_listeners(connect: Any, tmp_path: Path, reattachable: bool) -> None:
    spark, recorder = connect(reattachable=reattachable), Recorder()
    (tmp_path / "a.json").write_text('{"n": 1}\n')
    spark.streams.addListener(recorder)
    stream = spark.readStream.schema("n int").json(str(tmp_path))
    query = stream.writeStream.format("noop").queryName("heard").trigger(availableNow=True).start()
    assert query.awaitTermination(PATIENCE_S)
    until(lambda: ("terminated", None) in recorder.events)
    spark.streams.removeListener(recorder)
    assert recorder.events[:2] == [("started", "heard"), ("progress", 1)]
    assert spark.streams._sqlb._execution_thread is None


def test_refusals(spark: Any, tmp_path: Path) -> None:
    rate = spark.readStream.format("rate").load()
    console = rate.writeStream.format("console")
    cases: list[tuple[Callable[[], Any], type[Exception], str]] = [
        (lambda: spark.range(1).writeStream.format("console").start(), AnalysisException, "WRITE_STREAM_NOT_ALLOWED"),
        (lambda: rate.write.parquet("/nowhere"), AnalysisException, "CALL_ON_STREAMING_DATASET_UNSUPPORTED"),
        (lambda: rate.writeStream.outputMode("foo").format("console").start(), IllegalArgumentException,
         "STREAMING_OUTPUT_MODE.INVALID"),
        (lambda: console.trigger(processingTime="abc").start(), IllegalArgumentException,
         "INVALID_INTERVAL_FORMAT.UNRECOGNIZED_NUMBER"),
        (lambda: rate.writeStream.format("memory").start(), AnalysisException, "_LEGACY_ERROR_TEMP_1194"),
        (lambda: rate.writeStream.format("nosuch").start(), Exception, "DATA_SOURCE_NOT_FOUND"),
        (lambda: rate.writeStream.format("parquet").start(str(tmp_path / "o")), AnalysisException,
         "_LEGACY_ERROR_TEMP_1298"),
        (lambda: rate.writeStream.toTable("t"), Exception, "_LEGACY_ERROR_TEMP_1298"),
        (lambda: spark.streams.get("abc"), IllegalArgumentException, ""),
    ]  # fmt: skip
    for action, kind, condition in cases:
        with pytest.raises(kind) as caught:
            action()
        assert (caught.value.getCondition() or "") == condition  # type: ignore[attr-defined]
    assert spark.streams.active == []

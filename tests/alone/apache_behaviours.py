"""What Apache's own tests of pyspark.sql.streaming (test_streaming, test_streaming_listener, test_streaming_foreach,
test_streaming_foreach_batch and their Connect parity tests) ask of an engine, behaviour by behaviour."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, PySparkPicklingError, PySparkValueError
from pyspark.errors.exceptions.connect import StreamingPythonRunnerInitializationException, StreamingQueryException
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQueryListener
from pyspark.sql.types import IntegerType, StringType, StructField, StructType

LINES = ["hello", "this", "2024-05-24 15:03:20;1"]


def until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


@pytest.fixture
def texts(tmp_path: Path) -> str:
    """Text files in nested directories."""
    source = tmp_path / "texts"
    (source / "time").mkdir(parents=True)
    (source / "text-test.txt").write_text("hello\nthis\n")
    (source / "time" / "text-test-1.txt").write_text("2024-05-24 15:03:20;1\n")
    return str(source)


@pytest.fixture
def stream(spark: Any, texts: str) -> Any:
    return spark.readStream.format("text").option("recursiveFileLookup", "true").load(texts)


# ---------------------------------------------------------------- reader, writer, query, manager


def test_the_reader_takes_its_path_as_an_option(spark: Any, texts: str) -> None:
    schema = StructType([StructField("data", StringType(), False)])
    frame = spark.readStream.format("text").option("path", texts).schema(schema).load()
    assert frame.isStreaming
    assert frame.schema.simpleString() == "struct<data:string>"


def test_load_wins_over_what_was_said_before(spark: Any, texts: str) -> None:
    spark.conf.set("spark.sql.legacy.pathOptionBehavior.enabled", True)
    schema = StructType([StructField("data", StringType(), False)])
    reader = spark.readStream.format("csv").option("path", "/no/where")
    reader = reader.schema(StructType([StructField("test", IntegerType(), False)]))
    frame = reader.load(path=texts, schema=schema, format="text")
    assert frame.isStreaming
    assert frame.schema.simpleString() == "struct<data:string>"


def test_start_wins_over_what_was_said_before(spark: Any, stream: Any, tmp_path: Path) -> None:
    spark.conf.set("spark.sql.legacy.pathOptionBehavior.enabled", True)
    fake1, fake2, out, checkpoint = (str(tmp_path / name) for name in ("fake1", "fake2", "out", "cp"))
    writer = stream.writeStream.option("checkpointLocation", fake1).format("memory").option("path", fake2)
    writer = writer.queryName("fake_query").outputMode("append")
    query = writer.start(path=out, format="parquet", queryName="this_query", checkpointLocation=checkpoint)
    assert (query.name, query.isActive) == ("this_query", True)
    query.processAllAvailable()
    query.stop()
    assert sorted(row.value for row in spark.read.parquet(out).collect()) == sorted(LINES)
    assert len(os.listdir(checkpoint)) > 0
    assert not os.path.isdir(fake1)
    assert not os.path.isdir(fake2)


def test_a_literal_column_partitions_the_output(spark: Any, stream: Any, tmp_path: Path) -> None:
    writer = stream.withColumn("id", F.lit(1)).writeStream.format("parquet").partitionBy("id").queryName("this_query")
    query = writer.option("checkpointLocation", str(tmp_path / "cp")).option("path", str(tmp_path / "out")).start()
    query.processAllAvailable()
    query.stop()
    assert [p.suffix for p in (tmp_path / "out" / "id=1").iterdir() if not p.name.startswith(".")] == [".parquet"]


def test_progress_and_status_while_a_slow_batch_runs(spark: Any, stream: Any, tmp_path: Path) -> None:
    go_on = str(tmp_path / "go on")

    def slow(text: str) -> str:
        for _ in range(6000):
            if os.path.exists(go_on):
                return text
            time.sleep(0.01)
        raise TimeoutError

    frame = stream.select(F.udf(slow)("value").alias("value"))
    query = frame.writeStream.start(
        path=str(tmp_path / "out"), format="parquet", queryName="this_query", checkpointLocation=str(tmp_path / "cp")
    )
    assert query.lastProgress is None
    assert set(query.status) == {"message", "isDataAvailable", "isTriggerActive"}
    Path(go_on).touch()
    query.processAllAvailable()
    last = query.lastProgress
    assert (last["name"], last["id"], last["runId"]) == (query.name, query.id, query.runId) or (
        last.name, str(last.id), str(last.runId)) == (query.name, query.id, query.runId)  # fmt: skip
    assert any(progress == last for progress in query.recentProgress)
    query.explain()
    query.stop()


def test_names_of_queries(spark: Any, stream: Any) -> None:
    query = stream.writeStream.format("noop").start()
    assert query.name is None
    query.stop()
    with pytest.raises(PySparkValueError):
        stream.writeStream.queryName("")


def test_directories_that_are_no_partitions_are_not_entered(spark: Any, texts: str) -> None:
    query = spark.readStream.text(texts).writeStream.format("memory").queryName("flat").start()
    query.processAllAvailable()
    query.stop()
    assert sorted(row.value for row in spark.table("flat").collect()) == ["hello", "this"]


def test_a_table_keeps_how_it_is_clustered(spark: Any, stream: Any, tmp_path: Path) -> None:
    writer = stream.writeStream.clusterBy("value").option("checkpointLocation", str(tmp_path / "cp"))
    query = writer.toTable("clustered", format="parquet")
    query.processAllAvailable()
    query.stop()
    assert [tuple(row) for row in spark.sql("DESCRIBE clustered").collect()] == [
        ("value", "string", None),
        ("# Clustering Information", "", ""),
        ("# col_name", "data_type", "comment"),
        ("value", "string", None),
    ]
    assert values(spark.table("clustered")) == sorted(LINES)
    with pytest.raises(AnalysisException, match="SPECIFY_CLUSTER_BY_WITH_PARTITIONED_BY_IS_NOT_ALLOWED"):
        writer.partitionBy("value").toTable("both")
    with pytest.raises(AnalysisException, match="'nope'"):
        stream.writeStream.clusterBy("nope").format("noop").start()


def test_a_view_of_a_stream_is_a_stream(spark: Any, stream: Any) -> None:
    stream.createOrReplaceTempView("test_view")
    viewed = spark.sql("SELECT CONCAT('view_', value) AS vv FROM test_view")
    assert viewed.isStreaming
    query = viewed.writeStream.format("memory").queryName("of_view").start()
    query.processAllAvailable()
    query.stop()
    assert sorted(row.vv for row in spark.table("of_view").collect()) == sorted(f"view_{line}" for line in LINES)


def test_waits_take_numbers_and_last_as_long_as_they_say(spark: Any, stream: Any) -> None:
    query = stream.writeStream.format("noop").start()
    for wait in (query.awaitTermination, spark.streams.awaitAnyTermination):
        with pytest.raises(ValueError):
            wait("hello")
        begun = time.monotonic()
        assert wait(0.3) is False
        assert time.monotonic() - begun >= 0.3
    query.processAllAvailable()
    query.stop()
    query.awaitTermination()
    assert not query.isActive


def test_a_failing_function_is_the_querys_exception(spark: Any, stream: Any) -> None:
    query = stream.select(F.udf(lambda x: 1 / 0)("value")).writeStream.format("memory").queryName("q").start()
    with pytest.raises(StreamingQueryException, match="ZeroDivisionError"):
        query.processAllAvailable()
    error = query.exception()
    assert isinstance(error, StreamingQueryException)
    assert "ZeroDivisionError" in str(error)
    query.stop()


def test_the_manager(spark: Any) -> None:
    assert spark.streams == spark.streams
    query = spark.readStream.format("rate").load().writeStream.format("noop").start()
    assert spark.streams.get(query.id).id == query.id
    query.stop()
    assert spark.streams.get(query.id) is None


# ---------------------------------------------------------------- listeners


class Everything(StreamingQueryListener):
    """Keeps the events; has no onQueryIdle, as listeners of before Spark 3.5."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.progress: list[Any] = []
        self.terminated: list[Any] = []

    def onQueryStarted(self, event: Any) -> None:
        self.started.append(event)

    def onQueryProgress(self, event: Any) -> None:
        self.progress.append(event)

    def onQueryTerminated(self, event: Any) -> None:
        self.terminated.append(event)


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")


def check_progress(progress: Any) -> None:
    """Every field is there, and of the type that Spark's documentation gives it."""
    assert isinstance(progress.id, uuid.UUID) and isinstance(progress.runId, uuid.UUID)
    for text in (progress.json, progress.prettyJson, str(progress)):
        json.loads(text)
    moment(progress.timestamp)
    assert isinstance(progress.batchId, int) and isinstance(progress.batchDuration, int)
    steps = {"triggerExecution", "queryPlanning", "getBatch", "commitOffsets", "latestOffset", "addBatch", "walCommit"}
    assert set(progress.durationMs) <= steps
    assert all(isinstance(value, int) for value in progress.durationMs.values())
    assert all(isinstance(value, str) for value in progress.eventTime.values())
    assert isinstance(progress.observedMetrics, dict)
    for operator in progress.stateOperators:
        assert isinstance(operator.operatorName, str) and isinstance(operator.customMetrics, dict)
        names = ("numRowsTotal", "numRowsUpdated", "allUpdatesTimeMs", "numRowsRemoved", "allRemovalsTimeMs",
                 "commitTimeMs", "memoryUsedBytes", "numRowsDroppedByWatermark", "numShufflePartitions",
                 "numStateStoreInstances")  # fmt: skip
        assert all(isinstance(getattr(operator, name), int) for name in names)
    for source in progress.sources:
        offsets = (source.startOffset, source.endOffset, source.latestOffset)
        assert all(isinstance(offset, (str, type(None))) for offset in offsets)
        assert isinstance(source.description, str) and isinstance(source.metrics, dict)
        assert isinstance(source.numInputRows, int)
        assert isinstance(source.inputRowsPerSecond, float) and isinstance(source.processedRowsPerSecond, float)
    assert isinstance(progress.sink.description, str) and isinstance(progress.sink.metrics, dict)
    assert isinstance(progress.sink.numOutputRows, int)


def test_listeners_hear_of_a_stateful_query_with_metrics(spark: Any, stream: Any) -> None:
    listener = Everything()
    spark.streams.addListener(listener)
    observed = stream.observe("my_event", F.count(F.lit(1)).alias("rc"), F.count(F.col("value")).alias("erc"))
    query = observed.groupBy().count().writeStream.format("noop").queryName("test").outputMode("complete").start()
    query.processAllAvailable()
    query.stop()
    until(lambda: listener.terminated)
    (started,), (ended,) = listener.started, listener.terminated
    assert (str(started.id), str(started.runId), started.name) == (query.id, query.runId, "test")
    moment(started.timestamp)
    assert started.jobTags == set()
    first = listener.progress[0].progress
    assert tuple(first.observedMetrics["my_event"]) == (3, 3)
    assert first.observedMetrics["my_event"]["rc"] == 3
    assert len(first.stateOperators) == 1
    check_progress(first)
    assert (str(ended.id), ended.exception, ended.errorClassOnException) == (query.id, None, None)
    spark.streams.removeListener(listener)
    spark.streams.removeListener(listener)


def test_listeners_hear_why_a_query_failed(spark: Any, stream: Any) -> None:
    listener = Everything()
    spark.streams.addListener(listener)
    query = stream.select(F.udf(lambda x: 1 / 0)("value")).writeStream.format("noop").start()
    until(lambda: listener.terminated)
    query.stop()
    (ended,) = listener.terminated
    assert "ZeroDivisionError" in ended.exception
    assert ended.errorClassOnException == "PYTHON_EXCEPTION"
    spark.streams.removeListener(listener)


def test_a_listener_that_fails_disturbs_nobody(spark: Any, stream: Any) -> None:
    class Failing(Everything):
        def onQueryProgress(self, event: Any) -> None:
            raise ValueError("boom")

    failing, listener = Failing(), Everything()
    spark.streams.addListener(failing)
    spark.streams.addListener(listener)
    query = stream.writeStream.format("noop").start()
    query.processAllAvailable()
    until(lambda: listener.progress)
    assert query.isActive
    query.stop()
    until(lambda: listener.terminated)  # the client's removal waits for ever when an event comes meanwhile
    spark.streams.removeListener(failing)
    spark.streams.removeListener(listener)


# ---------------------------------------------------------------- foreach


class Writer:
    """Writes a file for each call, numbered: foreach's functions work on copies of what they are given."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, event: str) -> None:
        (self.path / f"{len(os.listdir(self.path)):06d}").write_text(event)

    def process(self, row: Any) -> None:
        self.note(f"process {row.value}")


class Opening(Writer):
    wanted = True

    def open(self, partition_id: int, epoch_id: int) -> bool:
        self.note(f"open {partition_id} {epoch_id}")
        return self.wanted


class Refusing(Opening):
    wanted = False


class Closing(Writer):
    def close(self, error: Any) -> None:
        self.note(f"close {error}")


class Whole(Opening, Closing):
    pass


class RefusingWhole(Refusing, Closing):
    pass


class FailingWriter(Closing):
    def process(self, row: Any) -> None:
        raise RuntimeError("test error")


def written(spark: Any, source: Path, writer: Any, log: Path, count: int = 2) -> list[str]:
    """What a writer does with so many files of one line each, a batch each."""
    source.mkdir()
    query = spark.readStream.format("text").load(str(source)).writeStream.foreach(writer).start()
    for number in range(count):
        (source.parent / "next").write_text("text\n")
        (source.parent / "next").rename(source / str(number))
        query.processAllAvailable()
    query.stop()
    return [path.read_text() for path in sorted(log.iterdir())]


PROCESS, CLOSE = "process text", "close None"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Writer, [PROCESS, PROCESS]),
        (Opening, ["open 0 0", PROCESS, "open 0 1", PROCESS]),
        (Closing, [PROCESS, CLOSE, PROCESS, CLOSE]),
        (Whole, ["open 0 0", PROCESS, CLOSE, "open 0 1", PROCESS, CLOSE]),
        (RefusingWhole, ["open 0 0", CLOSE, "open 0 1", CLOSE]),
    ],
)
def test_a_writer_with_some_methods(spark: Any, tmp_path: Path, kind: type[Writer], expected: list[str]) -> None:
    (log := tmp_path / "log").mkdir()
    assert written(spark, tmp_path / "in", kind(log), log) == expected


def test_a_function_gets_every_row(spark: Any, tmp_path: Path) -> None:
    (log := tmp_path / "log").mkdir()
    writer = Writer(log)
    assert written(spark, tmp_path / "in", lambda row: writer.process(row), log) == [PROCESS, PROCESS]


def test_a_writer_that_fails_is_closed_with_the_error(spark: Any, tmp_path: Path) -> None:
    (log := tmp_path / "log").mkdir()
    with pytest.raises(StreamingQueryException, match="test error") as caught:
        written(spark, tmp_path / "in", FailingWriter(log), log, 1)
    assert "FOREACH_USER_FUNCTION_ERROR" in str(caught.value)
    assert [path.read_text() for path in log.iterdir()] == ["close test error"]


class NoProcess:
    def open(self, partition: int) -> None: ...


class ProcessIsNoFunction:
    process = True


class ProcessTakesNothing:
    def process(self) -> None: ...


class OpenIsNoFunction(Writer):
    open = True


class OpenTakesNothing(Writer):
    def open(self) -> None: ...


class CloseIsNoFunction(Writer):
    close = True


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: NoProcess(), "ATTRIBUTE_NOT_CALLABLE"),
        (lambda path: ProcessIsNoFunction(), "ATTRIBUTE_NOT_CALLABLE"),
        (lambda path: ProcessTakesNothing(), "takes 1 positional argument"),
        (OpenIsNoFunction, "ATTRIBUTE_NOT_CALLABLE"),
        (OpenTakesNothing, "takes 1 positional argument"),
        (CloseIsNoFunction, "ATTRIBUTE_NOT_CALLABLE"),
        (lambda path: lambda rows: [print(row) for row in rows.nothing], "nothing"),
    ],
)
def test_writers_that_are_none(spark: Any, tmp_path: Path, make: Callable[[Path], Any], said: str) -> None:
    (log := tmp_path / "log").mkdir()
    with pytest.raises(Exception, match=said):
        written(spark, tmp_path / "in", make(log), log, 1)


# ---------------------------------------------------------------- foreachBatch


def ran(stream: Any, function: Callable[[Any, int], None]) -> None:
    query = stream.writeStream.foreachBatch(function).start()
    query.processAllAvailable()
    query.stop()


def values(frame: Any) -> list[Any]:
    return sorted(row[0] for row in frame.collect())


def test_a_batch_becomes_a_table(spark: Any, stream: Any) -> None:
    def collect(batch: Any, batch_id: int) -> None:
        batch.createOrReplaceTempView("updates")
        assert batch.sparkSession.sql("SELECT * FROM updates").count() == len(LINES)
        batch.write.format("parquet").saveAsTable("t")

    ran(stream, collect)
    assert values(spark.table("t")) == sorted(LINES)


def test_a_batch_meets_other_frames_of_its_session(spark: Any, stream: Any, texts: str) -> None:
    def collect(batch: Any, batch_id: int) -> None:
        session = batch.sparkSession
        made = session.createDataFrame([("structured",), ("streaming",)])
        read = session.read.format("text").option("recursiveFileLookup", "true").load(texts)
        made.union(read).union(batch).write.mode("append").saveAsTable("t")

    ran(stream, collect)
    assert values(spark.table("t")) == sorted(["structured", "streaming", *LINES, *LINES])


def test_a_function_uses_what_is_around_it(spark: Any, stream: Any) -> None:
    column, other = F.col("value"), spark.range(100)
    made = spark.createDataFrame([("you", "can")])

    def inner() -> int:
        return 3

    def collect(batch: Any, batch_id: int) -> None:
        batch.select(column.alias("result")).write.saveAsTable("t")
        other.createOrReplaceTempView("updates")
        made.createOrReplaceTempView("made")
        spark.createDataFrame([(inner(),), (batch_id,)]).createOrReplaceTempView("numbers")

    ran(stream, collect)
    assert values(spark.sql("SELECT result FROM t")) == sorted(LINES)
    assert spark.sql("SELECT * FROM updates").count() == 100
    assert spark.table("made").count() == 1
    assert values(spark.table("numbers")) == [0, 3]


def test_errors_of_the_function_are_the_querys(spark: Any, stream: Any) -> None:
    def fail(batch: Any, batch_id: int) -> None:
        raise RuntimeError("this should fail the query")

    query = stream.writeStream.foreachBatch(fail).start()
    with pytest.raises(StreamingQueryException, match="this should fail") as caught:
        query.processAllAvailable()
    assert "FOREACH_BATCH_USER_FUNCTION_ERROR" in str(caught.value)


class NoPickle:
    def __reduce__(self) -> Any:
        raise ValueError("No pickle")


class NoUnpickle:
    @staticmethod
    def fail() -> None:
        raise ValueError("Cannot unpickle this object")

    def __reduce__(self) -> Any:
        return NoUnpickle.fail, ()


def test_what_cannot_be_pickled(spark: Any, stream: Any) -> None:
    thing = NoPickle()
    with pytest.raises(PySparkPicklingError):
        stream.writeStream.foreachBatch(lambda batch, batch_id: print(thing)).start()


def test_what_cannot_be_unpickled(spark: Any, stream: Any) -> None:
    thing = NoUnpickle()
    kind = StreamingPythonRunnerInitializationException
    with pytest.raises(kind, match="Streaming Runner initialization failed") as caught:
        stream.writeStream.foreachBatch(lambda batch, batch_id: print(thing)).start()
    assert "Cannot unpickle this object" in str(caught.value)

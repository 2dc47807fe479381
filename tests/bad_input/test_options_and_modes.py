"""Options, triggers, formats and output modes that do not exist or do not go together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import (
    AnalysisException,
    IllegalArgumentException,
    PySparkValueError,
    StreamingQueryException,
    UnsupportedOperationException,
)
from pyspark.errors.exceptions.connect import UnknownException
from pyspark.sql import functions as F

from tests.bad_input.failing import ROWS, Job, fails

OPTION = "STDS_INVALID_OPTION_VALUE.WITH_MESSAGE"
MODE = "STREAMING_OUTPUT_MODE"
PENSTOCK = "UNSUPPORTED_FEATURE.PENSTOCK"


@pytest.fixture
def job(spark: Any, tmp_path: Path) -> Job:
    made = Job(spark, tmp_path)
    made.add("a", ROWS)
    return made


# ---------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("maxFilesPerTrigger", "many", "a whole number"),
        ("maxFilesPerTrigger", "-1", "a positive integer"),
        ("maxFilesPerTrigger", "0", "a positive integer"),
        ("latestFirst", "maybe", "true or false"),
        ("fileNameOnly", "1", "true or false"),
        ("maxFileAge", "old", "7d"),
    ],
)
def test_a_file_streams_option(job: Job, option: str, value: str, expected: str) -> None:
    """Read when the query starts, as in Spark; a corrected start on the same checkpoint reads everything."""
    job.options = {option: value}
    job.fails(OPTION, repr(value), repr(option), expected)
    job.options = {}
    job.run()
    assert job.rows() == job.batch_rows()


def test_two_limits_at_once(job: Job) -> None:
    job.options = {"maxBytesPerTrigger": "10", "maxFilesPerTrigger": "1"}
    job.fails("STDS_CONFLICT_OPTIONS", "maxBytesPerTrigger", "maxFilesPerTrigger")


def test_max_bytes(job: Job) -> None:
    frame = job.spark.readStream.schema(job.schema).option("maxBytesPerTrigger", "x").json(str(job.root / "in"))
    writer = frame.writeStream.format("noop").option("checkpointLocation", str(job.checkpoint))
    query = writer.trigger(availableNow=True).start()
    names = (f"[{OPTION}]", "'maxBytesPerTrigger'", "'x'")
    fails(lambda: query.awaitTermination(120), StreamingQueryException, "STREAM_FAILED", *names)


@pytest.mark.parametrize(
    ("source", "option", "value", "expected"),
    [
        ("rate", "rowsPerSecond", "lots", "a whole number"),
        ("rate", "rowsPerSecond", "-1", "a positive integer"),
        ("rate", "rowsPerSecond", "0", "a positive integer"),
        ("rate", "numPartitions", "0", "a positive integer"),
        ("rate", "rampUpTime", "-1s", "a time such as"),
        ("rate-micro-batch", "rowsPerBatch", "0", "a positive integer"),
        ("rate-micro-batch", "rowsPerBatch", "some", "a whole number"),
        ("socket", "includeTimestamp", "perhaps", "true or false"),
    ],
)
def test_an_option_of_other_sources(spark: Any, source: str, option: str, value: str, expected: str) -> None:
    reader = spark.readStream.format(source).option("host", "localhost").option("port", "9").option(option, value)
    error = fails(lambda: reader.load().schema, IllegalArgumentException, OPTION, repr(value), repr(option), expected)
    assert error.getSqlState() == "42616"


def test_a_missing_option(spark: Any) -> None:
    reader = spark.readStream.format("rate-micro-batch")
    fails(lambda: reader.load().schema, IllegalArgumentException, "STDS_REQUIRED_OPTION_UNSPECIFIED", "'rowsPerBatch'")


def test_an_unknown_parse_mode_is_permissive_with_a_warning(job: Job, caplog: pytest.LogCaptureFixture) -> None:
    """As in Spark, whose programs have to run: but the warning names the value and the three modes."""
    job.options = {"mode": "LENIENT"}
    job.add("b", ["{broken"])
    job.run()
    assert job.spark.read.parquet(str(job.out)).count() == len(ROWS) + 1
    assert "mode='LENIENT' is none of PERMISSIVE, DROPMALFORMED and FAILFAST" in caplog.text


def test_an_unknown_save_mode(spark: Any, tmp_path: Path) -> None:
    writer = spark.range(1).write.mode("upsert")
    fails(lambda: writer.parquet(str(tmp_path / "x")), PySparkValueError, "UNSUPPORTED_OPERATION", "upsert")


def test_a_setting_of_the_session(spark: Any) -> None:
    for key, value, condition in (
        ("spark.sql.shuffle.partitions", "many", "INVALID_CONF_VALUE.TYPE_MISMATCH"),
        ("spark.sql.session.timeZone", "Mars/Phobos", "INVALID_CONF_VALUE.TIME_ZONE"),
        ("spark.sql.streaming.multipleWatermarkPolicy", "median", "INVALID_CONF_VALUE.REQUIREMENT"),
    ):
        fails(lambda k=key, v=value: spark.conf.set(k, v), IllegalArgumentException, condition, key, value)


# ---------------------------------------------------------------- formats


def test_an_unknown_format(spark: Any, job: Job) -> None:
    fails(lambda: spark.read.format("frob").load().schema, UnknownException, "DATA_SOURCE_NOT_FOUND", "'frob'", "json")
    fails(lambda: spark.readStream.format("frob").load().schema, UnknownException, "DATA_SOURCE_NOT_FOUND", "'frob'")
    fails(lambda: job.frame().writeStream.format("frob").start(), UnknownException, "DATA_SOURCE_NOT_FOUND", "'frob'")


def test_a_format_that_only_spark_has(spark: Any, job: Job) -> None:
    read = spark.readStream.format("kafka").option("subscribe", "t")
    error = fails(lambda: read.load().schema, UnsupportedOperationException, PENSTOCK, "the kafka data source", "json")
    assert error.getSqlState() == "0A000"
    write = job.frame().selectExpr("k AS value").writeStream.format("kafka")
    fails(lambda: write.start(), UnsupportedOperationException, PENSTOCK, "the kafka data sink", "parquet")


# ---------------------------------------------------------------- triggers


@pytest.mark.parametrize(
    ("interval", "condition", "names"),
    [
        ("5 parsecs", "INVALID_INTERVAL_FORMAT.INVALID_UNIT", ["'5 parsecs'", "'10 seconds'"]),
        ("often", "INVALID_INTERVAL_FORMAT.UNRECOGNIZED_NUMBER", ["'often'", "'10 seconds'"]),
        ("-5 seconds", None, ["should not be negative", "-5000 ms"]),
        ("1 month", "_LEGACY_ERROR_TEMP_3262", ["'1 month'", "days"]),
    ],
)
def test_a_wrong_interval(job: Job, interval: str, condition: str | None, names: list[str]) -> None:
    writer = job.frame().writeStream.format("noop").trigger(processingTime=interval)
    fails(lambda: writer.start(), IllegalArgumentException, condition, *names)
    assert job.spark.streams.active == []


def test_triggers_that_the_client_refuses(job: Job) -> None:
    writer = job.frame().writeStream
    fails(lambda: writer.trigger(processingTime=""), PySparkValueError, "VALUE_NOT_NON_EMPTY_STR", "processingTime")
    fails(lambda: writer.trigger(once=True, availableNow=True), PySparkValueError, "ONLY_ALLOW_SINGLE_TRIGGER")


def test_the_continuous_trigger(job: Job) -> None:
    writer = job.frame().writeStream.format("noop").trigger(continuous="1 second")
    fails(lambda: writer.start(), AnalysisException, "_LEGACY_ERROR_TEMP_3102", "Continuous", "StreamingRelation")


# ---------------------------------------------------------------- output modes


COUNT: Callable[[Any], Any] = lambda f: f.groupBy("k").count()  # noqa: E731


@pytest.mark.parametrize(
    ("transform", "mode", "sink", "condition", "names"),
    [
        (COUNT, "append", "noop", f"{MODE}.UNSUPPORTED_OPERATION", ["append", "without watermark", "withWatermark"]),
        (lambda f: f, "complete", "noop", f"{MODE}.UNSUPPORTED_OPERATION", ["complete", "no streaming aggregations"]),
        (lambda f: f, "update", "parquet", f"{MODE}.UNSUPPORTED_DATASOURCE", ["parquet", "Update", "Append"]),
        (COUNT, "complete", "json", f"{MODE}.UNSUPPORTED_DATASOURCE", ["json", "Complete", "foreachBatch"]),
    ],
)
def test_a_mode_that_does_not_fit(
    job: Job, transform: Callable[[Any], Any], mode: str, sink: str, condition: str, names: list[str]
) -> None:
    writer = transform(job.frame()).writeStream.outputMode(mode).format(sink).option("path", str(job.out))
    writer = writer.option("checkpointLocation", str(job.checkpoint))
    error = fails(lambda: writer.start(), AnalysisException, condition, *names)
    assert error.getSqlState() == "42KDE"
    job.run()  # the checkpoint is as good as new
    assert job.rows() == job.batch_rows()


def test_an_unknown_output_mode(job: Job) -> None:
    writer = job.frame().writeStream.outputMode("upsert").format("noop")
    names = ("upsert", "append", "complete", "update")
    fails(lambda: writer.start(), IllegalArgumentException, f"{MODE}.INVALID", *names)


# ---------------------------------------------------------------- operations


@pytest.mark.parametrize(
    ("transform", "kind", "condition", "names"),
    [
        (lambda f: f.orderBy("v"), AnalysisException, "_LEGACY_ERROR_TEMP_3102", ["Sorting", "Complete"]),
        (
            lambda f: f.groupBy("k").agg(F.count_distinct("v")),
            AnalysisException,
            "_LEGACY_ERROR_TEMP_3102",
            ["Distinct aggregations", "approx_count_distinct"],
        ),
        (
            lambda f: f.selectExpr("row_number() OVER (ORDER BY v) AS n"),
            AnalysisException,
            "NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING",
            ["ROW_NUMBER()", "window()"],
        ),
        (
            lambda f: f.withColumn("i", F.monotonically_increasing_id()),
            AnalysisException,
            "_LEGACY_ERROR_TEMP_3102",
            ["monotonically_increasing_id()"],
        ),
    ],
)
def test_an_operation_that_no_stream_has(
    job: Job, transform: Callable[[Any], Any], kind: type[Exception], condition: str, names: list[str]
) -> None:
    writer = transform(job.frame()).writeStream.outputMode("update").format("noop")
    fails(lambda: writer.start(), kind, condition, *names)


def test_something_that_penstock_lacks(job: Job, tmp_path: Path) -> None:
    writer = job.frame().writeStream.format("parquet").option("checkpointLocation", str(tmp_path / "cp"))
    start = writer.option("maxRecordsPerFile", 5).start
    names = "Penstock does not support", "maxRecordsPerFile"
    fails(lambda: start(str(tmp_path / "out")), UnsupportedOperationException, PENSTOCK, *names)


def test_streams_and_batches_confused(spark: Any, job: Job) -> None:
    stream = job.frame()
    fails(lambda: stream.collect(), AnalysisException, "_LEGACY_ERROR_TEMP_3102", "writeStream.start()")
    batch_write = stream.write.format("noop").mode("append")
    fails(
        lambda: batch_write.save(),
        AnalysisException,
        "CALL_ON_STREAMING_DATASET_UNSUPPORTED",
        "`write`",
        "`writeStream`",
    )
    stream_write = spark.range(1).writeStream.format("noop")
    fails(lambda: stream_write.start(), AnalysisException, "WRITE_STREAM_NOT_ALLOWED", "`writeStream`", "`write`")


def test_what_a_sink_needs(job: Job) -> None:
    stream = job.frame()
    parquet = stream.writeStream.format("parquet")
    fails(lambda: parquet.start(str(job.out)), AnalysisException, "_LEGACY_ERROR_TEMP_1298", "checkpointLocation")
    placed = stream.writeStream.format("parquet").option("checkpointLocation", str(job.checkpoint))
    fails(lambda: placed.start(), IllegalArgumentException, "_LEGACY_ERROR_TEMP_2047", "path")
    memory = stream.writeStream.format("memory")
    fails(lambda: memory.start(), AnalysisException, "_LEGACY_ERROR_TEMP_1194", "queryName")
    unknown = stream.writeStream.format("parquet").partitionBy("zz").option("checkpointLocation", str(job.checkpoint))
    with pytest.raises(AnalysisException, match="zz"):
        unknown.start(str(job.out))


def test_two_queries_of_one_name(job: Job) -> None:
    def start() -> Any:
        return job.frame().writeStream.format("noop").queryName("same").start()

    query = start()
    fails(start, IllegalArgumentException, None, '"same"', "Stop it first")
    query.stop()
    start().stop()

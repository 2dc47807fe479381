"""Sinks that cannot take what they are given, tables of bad names, options that streams do not have, corrupt files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, ParseException, StreamingQueryException

from tests.bad_input.failing import ROWS, Job, fails, with_batches


@pytest.fixture
def job(spark: Any, tmp_path: Path) -> Job:
    made = Job(spark, tmp_path, schema="k string, v int")
    made.add("a", ROWS)
    return made


@pytest.mark.parametrize("sink", ["memory", "foreach", "foreachBatch"])
def test_rows_that_cannot_be_divided(job: Job, sink: str) -> None:
    """partitionBy is not passed over where there are no directories."""
    writer = job.frame().writeStream.partitionBy("k").queryName("divided")
    if sink == "foreach":
        writer = writer.foreach(print)
    elif sink == "foreachBatch":
        writer = with_batches(writer, lambda frame, batch_id: None)
    else:
        writer = writer.format(sink)
    fails(writer.start, AnalysisException, "_LEGACY_ERROR_TEMP_1197", sink, "partitionBy")


def test_a_partition_column_that_is_not_there(job: Job) -> None:
    writer = job.frame().writeStream.partitionBy("zz").option("checkpointLocation", str(job.checkpoint))
    start = writer.format("parquet").option("path", str(job.out)).start
    fails(start, AnalysisException, "_LEGACY_ERROR_TEMP_1196", "'zz'", "k, v")
    assert not job.checkpoint.exists()


@pytest.mark.parametrize(
    ("name", "condition", "near"),
    [
        ("a view", "PARSE_SYNTAX_ERROR", "'view'"),
        ("a-b", "INVALID_IDENTIFIER", "`a-b`"),
        ("x;y", "PARSE_SYNTAX_ERROR", "';'"),
        ("t(v)", "PARSE_SYNTAX_ERROR", "'('"),
    ],
)
def test_what_is_no_name_of_a_table(job: Job, name: str, condition: str, near: str) -> None:
    writer = job.frame().writeStream.option("checkpointLocation", str(job.checkpoint))
    fails(lambda: writer.toTable(name), ParseException, condition, near)


@pytest.mark.parametrize("option", ["modifiedBefore", "modifiedAfter"])
def test_an_option_for_batches_only(job: Job, option: str) -> None:
    job.options = {option: "2026-01-01T00:00:00"}
    fails(job.run, StreamingQueryException, "STREAM_FAILED", option, "is for batches")


@pytest.mark.parametrize("as_setting", [False, True])
def test_corrupt_parquet_files_ignored(spark: Any, tmp_path: Path, as_setting: bool) -> None:
    """Then they are left out, in a stream as in a batch; otherwise they end the query."""
    source = tmp_path / "in"
    spark.range(3).coalesce(1).write.parquet(str(source))
    (source / "z.parquet").write_bytes(b"PAR1 this is none PAR1")
    options = {} if as_setting else {"ignoreCorruptFiles": "true"}
    seen: list[int] = []

    def run(options: dict[str, str]) -> None:
        frame = spark.readStream.schema("id long").options(**options).parquet(str(source))
        writer = with_batches(frame.writeStream, lambda batch, _: seen.extend(row.id for row in batch.collect()))
        assert writer.trigger(availableNow=True).start().awaitTermination(120)

    fails(lambda: run({}), StreamingQueryException, "STREAM_FAILED", "FAILED_READ_FILE", "z.parquet")
    if as_setting:
        spark.conf.set("spark.sql.files.ignoreCorruptFiles", "true")
    try:
        run(options)
        assert spark.read.options(**options).parquet(str(source)).count() == 3
    finally:
        spark.conf.unset("spark.sql.files.ignoreCorruptFiles")
    assert sorted(seen) == [0, 1, 2]


def test_an_option_of_a_table_that_is_read_as_a_stream(spark: Any, tmp_path: Path, job: Job) -> None:
    """The options given to readStream count for a table as for a path."""
    for number in range(3):
        spark.range(number, number + 1).write.mode("append").parquet(str(tmp_path / "rows"))
    spark.sql(f"CREATE TABLE limited (id BIGINT) USING parquet LOCATION '{tmp_path / 'rows'}'")
    batches: list[int] = []
    try:
        frame = spark.readStream.option("maxFilesPerTrigger", 2).table("limited")
        writer = with_batches(frame.writeStream, lambda batch, _: batches.append(batch.count()))
        assert writer.trigger(availableNow=True).start().awaitTermination(120)
        wrong = spark.readStream.option("maxFilesPerTrigger", "some").table("limited").writeStream.format("noop")
        fails(wrong.start().awaitTermination, StreamingQueryException, "STREAM_FAILED", "maxFilesPerTrigger", "some")
    finally:
        spark.sql("DROP TABLE limited")
    assert batches == [2, 1]

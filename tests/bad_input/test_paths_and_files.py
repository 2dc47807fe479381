"""Input that is not there, is not what it should be, or cannot be read; and places where output cannot go."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException, IllegalArgumentException, StreamingQueryException
from pyspark.errors.exceptions.connect import SparkException

from penstock.core import faults
from penstock.testing.failing_files import FailingFiles, failing_files
from tests.bad_input.failing import ROWS, SCHEMA, Job, fails, with_batches

BROKEN = '{"k": "c", "v'
WRONG_TYPE = '{"k": "d", "v": "many"}'


@pytest.fixture
def job(spark: Any, tmp_path: Path) -> Job:
    made = Job(spark, tmp_path)
    made.add("a", ROWS)
    return made


# ---------------------------------------------------------------- paths


@pytest.mark.parametrize("kind", ["json", "parquet", "csv", "text"])
def test_a_missing_path(spark: Any, tmp_path: Path, kind: str) -> None:
    path = str(tmp_path / "nowhere")
    schema = "value string"
    batch = lambda: spark.read.format(kind).schema(schema).load(path).schema  # noqa: E731
    error = fails(batch, AnalysisException, "PATH_NOT_FOUND", f"file:{path}", "spelling")
    assert error.getSqlState() == "42K03"
    stream = spark.readStream.format(kind).schema(schema).load(path)
    write = stream.writeStream.format("noop").option("checkpointLocation", str(tmp_path / "checkpoint"))
    with pytest.raises((AnalysisException, StreamingQueryException), match=f"PATH_NOT_FOUND.*file:{path}"):
        write.trigger(availableNow=True).start().awaitTermination(120)


def test_a_path_that_appears_later(job: Job) -> None:
    source = job.root / "in"
    source.rename(job.root / "later")
    with pytest.raises((AnalysisException, StreamingQueryException), match="PATH_NOT_FOUND"):
        job.run()
    (job.root / "later").rename(source)
    job.run()
    assert job.rows() == job.batch_rows()


def test_no_path_at_all(spark: Any) -> None:
    reader = spark.readStream.schema(SCHEMA).format("json")
    fails(lambda: reader.load().schema, IllegalArgumentException, "_LEGACY_ERROR_TEMP_2047", "path", "load()")


def test_a_path_of_another_file_system(spark: Any) -> None:
    reader = spark.readStream.schema(SCHEMA)
    with pytest.raises(Exception, match=r"gopher://.*Use a local path"):
        reader.json("gopher://host/data").schema  # noqa: B018


def test_a_stream_without_schema(spark: Any, tmp_path: Path) -> None:
    names = (".schema(", "spark.sql.streaming.schemaInference")
    for reader in (spark.readStream, spark.readStream.schema("")):
        fails(
            lambda reader=reader: reader.json(str(tmp_path)).schema,
            IllegalArgumentException,
            "_LEGACY_ERROR_TEMP_2048",
            *names,
        )


def test_no_files_to_infer_from(spark: Any, tmp_path: Path) -> None:
    reader = spark.read
    names = ("JSON", ".schema(")
    fails(lambda: reader.json(str(tmp_path)).schema, AnalysisException, "UNABLE_TO_INFER_SCHEMA", *names)


def test_a_file_as_the_path(job: Job) -> None:
    """A stream over one file reads that file."""
    frame = job.spark.readStream.schema(SCHEMA).json(str(job.root / "in" / "a.json"))
    seen: list[int] = []
    writer = frame.writeStream.option("checkpointLocation", str(job.checkpoint)).trigger(availableNow=True)
    assert with_batches(writer, lambda rows, _: seen.append(rows.count())).start().awaitTermination(120)
    assert seen == [len(ROWS)]


def test_a_directory_without_permission(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so the operating system's answer is simulated."""

    def forbid(function: Any) -> Any:
        def forbidden(path: Any = ".") -> Any:
            if str(path).endswith("/in"):
                raise PermissionError(errno.EACCES, "Permission denied", path)
            return function(path)

        return forbidden

    with monkeypatch.context() as patch:
        for name in ("scandir", "listdir"):
            patch.setattr(os, name, forbid(getattr(os, name)))
        job.fails("FAILED_READ_FILE.NO_HINT", f"file:{job.root}/in", "permission denied", "right to read")
    job.run()
    assert job.rows() == job.batch_rows()


# ---------------------------------------------------------------- corrupt JSON


def test_permissive(job: Job) -> None:
    """Bad records become NULL, or their text where the schema has the column for it."""
    job.schema = "k string, v int, _corrupt_record string"
    job.add("b", [BROKEN, WRONG_TYPE])
    job.run()
    good, bad = [("a", 1, None), ("b", 0, None)], [("d", None, WRONG_TYPE), (None, None, BROKEN)]
    assert job.rows() == sorted([*good, *bad], key=repr)
    assert job.rows() == job.batch_rows()


def test_drop_malformed(job: Job) -> None:
    job.options = {"mode": "DROPMALFORMED"}
    job.add("b", [BROKEN, WRONG_TYPE, '{"k": "e", "v": 5}'])
    job.run()
    assert [row[:2] for row in job.rows()] == [("a", 1), ("b", 0), ("e", 5)]
    assert job.rows() == job.batch_rows()


@pytest.mark.parametrize("line", [BROKEN, WRONG_TYPE])
def test_fail_fast(job: Job, line: str) -> None:
    job.options = {"mode": "FAILFAST"}
    job.run()
    bad = job.add("b", [ROWS[0], line])
    names = ("in batch 1", line, "FAILFAST", "mode=PERMISSIVE")
    job.fails("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", *names)
    assert len(job.rows()) == len(ROWS)
    bad.write_text('{"k": "f", "v": 6}\n')  # the record put right
    job.run()
    assert job.rows() == job.batch_rows()
    assert len(job.rows()) == len(ROWS) + 1


def test_fail_fast_given_up(job: Job) -> None:
    job.options = {"mode": "FAILFAST"}
    job.add("b", [BROKEN])
    job.fails("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", BROKEN)
    job.options = {"mode": "PERMISSIVE"}
    job.run()
    assert job.rows() == job.batch_rows()


# ---------------------------------------------------------------- files


class ParquetJob(Job):
    """Reads Parquet."""

    def frame(self) -> Any:
        return self.spark.readStream.schema("id long").option("maxFilesPerTrigger", "1").parquet(str(self.root / "in"))

    def batch_rows(self) -> list[tuple[Any, ...]]:
        return sorted(tuple(row) for row in self.spark.read.parquet(str(self.root / "in")).collect())


@pytest.mark.parametrize("content", [b"", b"PAR1 this is none PAR1", b"\x00" * 100, "cut"])
def test_a_corrupt_parquet_file(spark: Any, tmp_path: Path, content: bytes | str) -> None:
    job = ParquetJob(spark, tmp_path)
    spark.range(5).write.parquet(str(tmp_path / "in"))
    job.run()
    good = next((tmp_path / "in").glob("*.parquet"))
    bad = tmp_path / "in" / "z.parquet"
    bad.write_bytes(good.read_bytes()[:-20] if isinstance(content, str) else content)
    later = good.stat().st_mtime + 5
    os.utime(bad, (later, later))
    job.fails("FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER", "in batch 1", str(bad), "Parquet")
    assert job.rows() == [(n,) for n in range(5)]
    bad.write_bytes(good.read_bytes())
    job.run()
    assert job.rows() == job.batch_rows()
    assert len(job.rows()) == 10


@contextmanager
def at_point(name: str, action: Any) -> Iterator[None]:
    """Runs `action` whenever a batch passes the point."""
    faults.hooks[name] = action
    try:
        yield
    finally:
        del faults.hooks[name]


@pytest.mark.parametrize("point", ["after_offset_log", "after_sources"])
def test_a_file_that_disappears_before_it_is_read(job: Job, point: str) -> None:
    """After it was listed, and after the batch was made."""
    gone = job.add("b", ROWS)
    content = gone.read_text()
    with at_point(point, lambda: gone.unlink(missing_ok=True)):
        job.fails("FAILED_READ_FILE.FILE_NOT_EXIST", str(gone), "spark.sql.files.ignoreMissingFiles")
    gone.write_text(content)
    job.run()
    assert job.rows() == job.batch_rows()


def test_missing_files_ignored(job: Job) -> None:
    """The remedy that the message names, where the file is lost for good."""
    gone = job.add("b", ROWS)
    with at_point("after_offset_log", lambda: gone.unlink(missing_ok=True)):
        job.fails("FAILED_READ_FILE.FILE_NOT_EXIST", str(gone))
    job.add("c", ROWS[:1])
    job.spark.conf.set("spark.sql.files.ignoreMissingFiles", "true")
    try:
        job.run()
    finally:
        job.spark.conf.unset("spark.sql.files.ignoreMissingFiles")
    assert job.rows() == job.batch_rows()
    assert len(job.rows()) == 3


# ---------------------------------------------------------------- places


def test_a_checkpoint_location_that_is_a_file(job: Job) -> None:
    job.checkpoint.write_text("not a directory")
    names = ("job", str(job.checkpoint), "where a directory is needed", "checkpointLocation")
    fails(job.run, SparkException, "TASK_WRITE_FAILED", *names)
    job.checkpoint.unlink()
    job.run()
    assert job.rows() == job.batch_rows()


def test_a_checkpoint_location_below_a_file(job: Job, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    writer = job.frame().writeStream.format("noop").option("checkpointLocation", str(tmp_path / "file" / "checkpoint"))
    fails(lambda: writer.start(), SparkException, "TASK_WRITE_FAILED", str(tmp_path / "file"), "where a directory")


def test_an_output_path_that_is_a_file(job: Job) -> None:
    job.out.write_text("not a directory")
    fails(job.run, SparkException, "TASK_WRITE_FAILED", str(job.out), "choose another path")
    job.out.unlink()
    job.run()
    assert job.rows() == job.batch_rows()


@pytest.mark.parametrize("error", [errno.EACCES, errno.EROFS])
@pytest.mark.parametrize("pattern", ["*/checkpoint*", "*/out*"])
def test_a_place_that_may_not_be_written(job: Job, error: int, pattern: str) -> None:
    failing = FailingFiles(pattern, operations=("write", "make_directory"), error=error)
    with failing_files(failing):
        names = (str(job.root), os.strerror(error), "choose another")
        fails(job.run, SparkException, "TASK_WRITE_FAILED", *names)
    assert failing.failed
    job.run()
    assert job.rows() == job.batch_rows()

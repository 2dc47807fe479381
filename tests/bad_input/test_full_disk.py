"""A disk that fills up, or fails, at each write of a batch.

The query stops with the place, the cause and the remedy; once there is space again, it goes on from the same checkpoint
and its result is exactly the batch query's.
"""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.errors.exceptions.connect import SparkException
from pyspark.sql import functions as F

from penstock.testing.failing_files import FailingFiles, failing_files
from tests.bad_input.failing import Job

DISK = "TASK_WRITE_FAILED"
STATE = "CANNOT_WRITE_STATE_STORE.CANNOT_COMMIT"

#: Everything that a batch writes, in order, with the condition of the failure.
WRITES = {
    "*/sources/0/*": DISK,
    "*/offsets/*": DISK,
    "*/state/0/0/*.delta": STATE,
    "*/out/*.parquet": DISK,
    "*/out/_spark_metadata/*": DISK,
    "*/commits/*": DISK,
}


@pytest.fixture
def job(spark: Any, tmp_path: Path) -> Job:
    """Windowed sums, a file a minute; the last row is far ahead and closes all windows but its own."""
    made = Job(spark, tmp_path)
    made.transform = lambda f: (
        f.withWatermark("t", "0 seconds")
        .groupBy(F.window("t", "1 minute"), "k")
        .agg(F.sum("v").alias("s"))
        .select("k", F.col("window.start").cast("string").alias("start"), "s")
        .where("start < '2024-01-01 01:00:00'")
    )
    for minute in range(3):
        rows = [{"k": k, "v": minute * 10 + i, "t": f"2024-01-01T00:0{minute}:0{i}Z"} for i, k in enumerate("xyx")]
        made.add(f"minute{minute}", rows)
    made.add("z", [{"k": "x", "v": 1, "t": "2024-01-01T02:00:00Z"}])
    return made


@pytest.mark.parametrize("pattern", WRITES)
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_no_space_left(job: Job, pattern: str, nth: int) -> None:
    failing = FailingFiles(pattern, nth=nth)
    with failing_files(failing):
        job.fails(WRITES[pattern], str(job.root), "No space left on device", "start")
        job.fails(WRITES[pattern], "No space left on device")  # as long as the disk is full
    assert failing.failed >= 2
    job.run()
    assert job.rows() == job.batch_rows()
    assert len(job.rows()) == 6


@pytest.mark.parametrize(("pattern", "error"), [("*/commits/1", errno.EIO), ("*/offsets/1", errno.EDQUOT)])
def test_other_failures_of_the_device(job: Job, pattern: str, error: int) -> None:
    with failing_files(FailingFiles(pattern, error=error, times=1)):
        job.fails(DISK, str(job.checkpoint / pattern[2:]), "start the query again on the same checkpoint")
        job.run()  # it was gone at once
    assert job.rows() == job.batch_rows()


@pytest.mark.parametrize("pattern", ["*/checkpoint/metadata", "*/state/0/_schema", "*/state/0/_metadata/metadata"])
def test_no_space_at_the_first_start(job: Job, pattern: str) -> None:
    expected = "TASK_WRITE_FAILED.*job.*No space left on device.*free some space"
    with failing_files(FailingFiles(pattern)), pytest.raises((SparkException, StreamingQueryException), match=expected):
        job.run()
    job.run()
    assert job.rows() == job.batch_rows()


def test_a_directory_that_cannot_be_made(job: Job) -> None:
    for pattern in ("*/state*", "*/sources*", "*/commits", "*/_spark_metadata"):
        failing = FailingFiles(pattern, operations=("make_directory",))
        with failing_files(failing), pytest.raises(Exception, match=r"TASK_WRITE_FAILED.*No space left"):
            job.run()
        assert failing.failed, pattern
    job.run()
    assert job.rows() == job.batch_rows()

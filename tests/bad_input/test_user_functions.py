"""The user's own code in a query: functions that fail, are none, or want to end the program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import IllegalArgumentException, PySparkAttributeError, StreamingQueryException

from tests.bad_input.failing import ROWS, Job, fails, with_batches

BATCH, ROW = "FOREACH_BATCH_USER_FUNCTION_ERROR", "FOREACH_USER_FUNCTION_ERROR"


@pytest.fixture
def job(spark: Any, tmp_path: Path) -> Job:
    made = Job(spark, tmp_path, schema="k string, v int")
    made.add("a", ROWS)
    made.add("b", [{"k": "c", "v": 3}])
    return made


class Table:
    """A table that the user's function fills, a batch once; fails at one batch until it is put right."""

    def __init__(self, bad_batch: int) -> None:
        self.bad_batch = bad_batch
        self.batches: dict[int, list[Any]] = {}

    def __call__(self, frame: Any, batch_id: int) -> None:
        if batch_id == self.bad_batch:
            raise ConnectionError(f"the table is locked at batch {batch_id}")
        self.batches[batch_id] = [tuple(row) for row in frame.collect()]

    @property
    def rows(self) -> list[Any]:
        return sorted((row for rows in self.batches.values() for row in rows), key=repr)


def test_foreach_batch_raises(job: Job) -> None:
    """The condition, the reason and the user's lines, without ours; the failed batch comes again, with its id."""
    table = Table(bad_batch=1)
    job.function = table
    error = job.fails(BATCH, "in batch 1", "ConnectionError: the table is locked at batch 1", "39000")
    assert f'File "{__file__}", line ' in str(error)
    assert "in __call__" in str(error)
    assert "raise ConnectionError(" in str(error)
    assert "/penstock/" not in str(error).replace("/bad_input/", "")
    assert list(table.batches) == [0]
    table.bad_batch = -1
    job.run()
    assert list(table.batches) == [0, 1]
    assert table.rows == job.batch_rows()


def test_an_error_of_a_query_within_foreach_batch(job: Job) -> None:
    """A wrong query of the user's own inside the function says what is wrong with it."""
    job.function = lambda frame, batch_id: frame.select("nothing").collect()
    error = job.fails(BATCH, "UNRESOLVED_COLUMN.WITH_SUGGESTION", "`nothing`", "in batch 0")
    assert 'frame.select("nothing").collect()' in str(error)


def test_foreach_batch_with_wrong_arguments(job: Job) -> None:
    def of_one(frame: Any) -> None:
        """Lacks the batch id."""

    job.function = of_one  # type: ignore[assignment]
    error = job.fails(BATCH, "of_one() takes 1 positional argument but 2 were given")
    assert "/penstock/" not in str(error)


def test_foreach_batch_ends_the_program(job: Job) -> None:
    """sys.exit in a query's thread ends the query, not the process."""
    job.function = lambda frame, batch_id: sys.exit(3)
    job.fails(BATCH, "SystemExit: 3")


def test_what_is_no_function(job: Job) -> None:
    writer = job.frame().writeStream.option("checkpointLocation", str(job.checkpoint))
    for wrong in (42, "f", None):
        start = with_batches(writer, wrong).start
        fails(start, IllegalArgumentException, None, "foreachBatch takes a function", type(wrong).__name__)
    fails(lambda: writer.foreach(42), PySparkAttributeError, "ATTRIBUTE_NOT_CALLABLE", "process")
    assert job.spark.streams.active == []


class Writer:
    """A writer for foreach that fails in one of its methods."""

    def __init__(self, failing: str) -> None:
        self.failing = failing

    def _do(self, method: str) -> None:
        if method == self.failing:
            raise OSError(f"cannot {method}")

    def open(self, partition_id: int, epoch_id: int) -> bool:
        self._do("open")
        return True

    def process(self, row: Any) -> None:
        self._do("process")

    def close(self, error: Exception | None) -> None:
        self._do("close")


@pytest.mark.parametrize("method", ["open", "process", "close"])
def test_foreach_raises(job: Job, method: str) -> None:
    writer = job.frame().writeStream.foreach(Writer(method)).queryName("rows")
    query = writer.option("checkpointLocation", str(job.checkpoint)).trigger(availableNow=True).start()
    names = (f"[{ROW}]", "Query rows [id = ", f"cannot {method}", "OSError", "39000", "in _do")
    fails(lambda: query.awaitTermination(120), StreamingQueryException, "STREAM_FAILED", *names)
    again = job.frame().writeStream.foreach(Writer("nothing")).option("checkpointLocation", str(job.checkpoint))
    assert again.trigger(availableNow=True).start().awaitTermination(120)


def test_what_the_query_and_the_manager_tell(job: Job) -> None:
    """exception(), awaitTermination(), awaitAnyTermination(), processAllAvailable() and status agree."""
    job.spark.streams.resetTerminated()
    writer = with_batches(job.frame().writeStream, Table(bad_batch=0)).queryName("told")
    query = writer.option("checkpointLocation", str(job.checkpoint)).start()
    for wait in (query.awaitTermination, job.spark.streams.awaitAnyTermination, query.processAllAvailable):
        fails(wait, StreamingQueryException, "STREAM_FAILED", "Query told [id = ", f"[{BATCH}]", "locked at batch 0")
    assert "locked at batch 0" in str(query.exception())
    assert "locked at batch 0" in query.status["message"]
    assert not query.isActive
    query.stop()  # no error, and nothing to wait for
    job.spark.streams.resetTerminated()

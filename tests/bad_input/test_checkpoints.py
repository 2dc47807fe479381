"""Checkpoints that are damaged, incomplete, of another query, or in use.

Every damage is told with the file and the way out; with the file put back, the query goes on and its result is that of
the batch query.  None is passed over in silence: that would lose or repeat rows.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import UnsupportedOperationException
from pyspark.errors.exceptions.connect import SparkException, UnknownException
from pyspark.sql import functions as F

from tests.bad_input.failing import Job, fails

REMEDY = "another checkpointLocation"
STATE_REMEDY = "Restore the file"


class Totals:
    """The newest total of every key: what the query's foreachBatch keeps, as a table would."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}

    def __call__(self, frame: Any, batch_id: int) -> None:
        self.rows.update({row.k: row.s for row in frame.collect()})


@pytest.fixture
def job(spark: Any, tmp_path: Path) -> Job:
    """Two batches of a running sum are done, a third file waits."""
    made = Job(spark, tmp_path, schema="k string, v int", mode="update", function=Totals())
    made.transform = lambda f: f.groupBy("k").agg(F.sum("v").alias("s"))
    made.add("a", [{"k": "x", "v": 1}, {"k": "y", "v": 2}])
    made.add("b", [{"k": "x", "v": 10}])
    made.run()
    made.add("c", [{"k": "x", "v": 100}])
    return made


def goes_on(job: Job) -> None:
    """Started again, the query ends with the batch query's result."""
    job.run()
    totals: Any = job.function
    assert sorted(totals.rows.items()) == job.batch_rows()


# ---------------------------------------------------------------- damaged logs


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def write(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


LOGS = ("offsets/1", "commits/1", "sources/0/0", "sources/0/1")
DAMAGES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "cut": (cut, "MALFORMED_LOG_FILE", "does not parse"),
    "empty": (write(b""), "MALFORMED_LOG_FILE", "incomplete"),
    "no version": (write(b"garbage\n{}"), "MALFORMED_LOG_FILE", "first line is 'garbage'"),
    "binary": (write(b"\xff\xfe\x00"), "MALFORMED_LOG_FILE", "UTF-8"),
    "no JSON": (write(b"v1\n[1"), "MALFORMED_LOG_FILE", "'[1'"),
    "no object": (write(b"v1\n17"), "MALFORMED_LOG_FILE", "'17'"),
    "newer": (write(b"v9\n{}"), "INVALID_LOG_VERSION.MAX_SUPPORTED_VERSION", "v9"),
}


@pytest.mark.parametrize(
    ("log", "damage"), [(log, damage) for log in LOGS for damage in DAMAGES if (log, damage) != ("commits/1", "empty")]
)
def test_a_damaged_log_file(job: Job, log: str, damage: str) -> None:
    path = job.checkpoint / log
    whole = path.read_bytes()
    harm, condition, words = DAMAGES[damage]
    harm(path)
    job.fails(condition, str(path), words, REMEDY)
    path.write_bytes(whole)
    goes_on(job)


@pytest.mark.parametrize("log", ["offsets/1", "commits/1"])
def test_a_log_file_that_ends_after_its_version(job: Job, log: str) -> None:
    path = job.checkpoint / log
    whole = path.read_bytes()
    path.write_bytes(b"v1")
    job.fails("MALFORMED_LOG_FILE", str(path), "ends after the version line")
    path.write_bytes(whole)
    goes_on(job)


@pytest.mark.parametrize(
    ("log", "named"),
    [("offsets/1", "offsets/1"), ("sources/0/0", "sources/0/0"), ("sources/0/1", "sources/0")],
)
@pytest.mark.parametrize("emptied", [False, True])
def test_a_lost_log_file(job: Job, log: str, named: str, emptied: bool) -> None:
    """Files of the source that are not in its log any more must not be read a second time."""
    path = job.checkpoint / log
    whole = path.read_bytes()
    path.unlink()
    if emptied and log.startswith("sources"):
        path.write_text("v1")
    job.fails("BATCH_METADATA_NOT_FOUND", str(job.checkpoint / named))
    path.write_bytes(whole)
    goes_on(job)


@pytest.mark.parametrize("lose", [Path.unlink, write(b"")])
def test_a_lost_commit(job: Job, lose: Callable[[Path], object]) -> None:
    """Then the batch is done again, from the state before it, under the same id.  Empty is what a failing machine
    leaves of the newest one, which no batch waits for."""
    lose(job.checkpoint / "commits/1")
    goes_on(job)


def test_all_offsets_lost(job: Job) -> None:
    shutil.rmtree(job.checkpoint / "offsets")
    job.fails("BATCH_METADATA_NOT_FOUND", str(job.checkpoint / "offsets/1"), "batch 1 is committed")


@pytest.mark.parametrize(
    ("offset", "condition", "names"),
    [
        ("nonsense", "STREAMING_SOURCES_NOT_MATCH_IN_CHECKPOINT", ["'nonsense'", "FileStreamSource", REMEDY]),
        ('{"offset":5}', "STREAMING_SOURCES_NOT_MATCH_IN_CHECKPOINT", ['{"offset":5}', "FileStreamSource"]),
        ('{"logOffset":99}', "BATCH_METADATA_NOT_FOUND", ['{"logOffset":99}', "sources/0"]),
    ],
)
def test_an_offset_that_the_source_cannot_have_given(job: Job, offset: str, condition: str, names: list[str]) -> None:
    path = job.checkpoint / "offsets/1"
    whole = path.read_text()
    path.write_text("\n".join([*whole.split("\n")[:2], offset]))
    job.fails(condition, *names)
    path.write_text(whole)
    goes_on(job)


# ---------------------------------------------------------------- damaged metadata


@pytest.mark.parametrize("content", [b"", b"hello", b'{"id":', b"{}", b"\xff\xfe"])
def test_a_damaged_metadata_file(job: Job, content: bytes) -> None:
    path = job.checkpoint / "metadata"
    whole = path.read_bytes()
    path.write_bytes(content)
    fails(job.run, UnknownException, "MALFORMED_LOG_FILE", str(path), REMEDY)
    path.write_bytes(whole)
    goes_on(job)


def test_a_lost_metadata_file(job: Job) -> None:
    path = job.checkpoint / "metadata"
    whole = path.read_bytes()
    path.unlink()
    error = fails(job.run, SparkException, "STREAMING_CHECKPOINT_MISSING_METADATA_FILE", str(job.checkpoint), REMEDY)
    assert error.getSqlState() == "42K03"
    path.write_bytes(whole)
    goes_on(job)


# ---------------------------------------------------------------- damaged state


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("version", "harm", "condition", "words"),
    [
        (2, cut, "UNCATEGORIZED", "truncated"),
        (1, write(b""), "UNCATEGORIZED", "0 bytes"),
        (2, flip, "UNCATEGORIZED", "checksum"),
        (1, Path.unlink, "CANNOT_READ_DELTA_FILE_NOT_EXISTS", "does not exist"),
        (2, Path.unlink, "CANNOT_READ_DELTA_FILE_NOT_EXISTS", "does not exist"),
    ],
)
def test_a_damaged_state_file(
    job: Job, version: int, harm: Callable[[Path], object], condition: str, words: str
) -> None:
    path = job.checkpoint / f"state/0/0/{version}.delta"
    whole = path.read_bytes()
    harm(path)
    job.fails(f"CANNOT_LOAD_STATE_STORE.{condition}", str(path), words, STATE_REMEDY, "58030")
    path.write_bytes(whole)
    goes_on(job)


@pytest.mark.parametrize("content", [b"x", b"[]", b"{}", b""])
def test_a_damaged_state_schema(job: Job, content: bytes) -> None:
    path = job.checkpoint / "state/0/_schema"
    whole = path.read_bytes()
    path.write_bytes(content)
    fails(job.run, SparkException, "CANNOT_LOAD_STATE_STORE.UNCATEGORIZED", str(path), STATE_REMEDY)
    path.write_bytes(whole)
    goes_on(job)


@pytest.mark.parametrize("lost", ["state", "state/0/_metadata"])
def test_lost_state(job: Job, lost: str, tmp_path: Path) -> None:
    shutil.move(job.checkpoint / lost, tmp_path / "kept")
    job.fails("STREAMING_STATEFUL_OPERATOR_MISSING_STATE_DIRECTORY", str(job.checkpoint), "stateStoreSave", REMEDY)
    shutil.rmtree(job.checkpoint / lost, ignore_errors=True)
    shutil.move(tmp_path / "kept", job.checkpoint / lost)
    goes_on(job)


# ---------------------------------------------------------------- a damaged log of the file sink


@pytest.mark.parametrize(
    ("harm", "condition"),
    [(cut, "MALFORMED_LOG_FILE"), (write(b""), "MALFORMED_LOG_FILE"), (Path.unlink, "BATCH_METADATA_NOT_FOUND")],
)
def test_a_damaged_sink_log(spark: Any, tmp_path: Path, harm: Callable[[Path], object], condition: str) -> None:
    """Readers say so; they give neither fewer rows nor those of files that are not committed."""
    job = Job(spark, tmp_path, schema="k string, v int")
    for number in range(3):
        job.add(f"f{number}", [{"k": "x", "v": number}])
    job.run()
    path = job.out / "_spark_metadata/1"
    whole = path.read_bytes()
    harm(path)
    fails(job.rows, UnknownException, condition, str(path), "Restore the file")
    path.write_bytes(whole)
    assert job.rows() == job.batch_rows()


# ---------------------------------------------------------------- other queries


def test_other_grouping_keys(job: Job) -> None:
    own, job.transform = job.transform, lambda f: f.groupBy("v").agg(F.sum("v").alias("s"))
    names = ("key columns", "k:string", "v:int", "checkpointLocation")
    fails(job.run, UnsupportedOperationException, "STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE", *names)
    job.transform = own
    goes_on(job)


def test_other_aggregates(job: Job) -> None:
    own, job.transform = job.transform, lambda f: f.groupBy("k").agg(F.max("k").alias("s"))
    names = ("value columns", "int64", "string", "checkpointLocation")
    fails(job.run, UnsupportedOperationException, "STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE", *names)
    job.transform = own
    goes_on(job)


def test_other_operators(job: Job) -> None:
    own, job.transform = job.transform, lambda f: f.selectExpr("k", "v AS s")
    job.fails("STREAMING_STATEFUL_OPERATOR_NOT_MATCH_IN_STATE_METADATA", "stateStoreSave", REMEDY)
    job.transform = own
    goes_on(job)


def test_a_stateless_query_becomes_stateful(spark: Any, tmp_path: Path) -> None:
    job = Job(spark, tmp_path, schema="k string, v int", function=Totals(), mode="update")
    job.transform = lambda f: f.selectExpr("k", "v AS s")
    job.add("a", [{"k": "x", "v": 1}])
    job.run()
    job.add("b", [{"k": "y", "v": 2}])
    own, job.transform = job.transform, lambda f: f.groupBy("k").agg(F.sum("v").alias("s"))
    job.fails("STREAMING_STATEFUL_OPERATOR_MISSING_STATE_DIRECTORY", "stateStoreSave", REMEDY)
    job.transform = own
    goes_on(job)


def test_another_number_of_sources(job: Job) -> None:
    own = job.transform
    job.transform = lambda f: own(f.union(job.spark.readStream.schema(job.schema).json(str(job.root / "in"))))
    job.fails("STREAMING_SOURCES_NOT_MATCH_IN_CHECKPOINT", "1 sources", "has 2", REMEDY)
    job.transform = own
    goes_on(job)


class RateJob(Job):
    """The same query on another source."""

    source = "rate"

    def frame(self) -> Any:
        rate = self.spark.readStream.format(self.source).option("rowsPerBatch", "1").load()
        return self.transform(rate.selectExpr("'x' AS k", "CAST(value AS INT) AS v"))


@pytest.mark.parametrize("source", ["rate", "rate-micro-batch"])
def test_another_kind_of_source(job: Job, source: str) -> None:
    other = RateJob(**vars(job))
    other.source = source
    other.fails(
        "STREAMING_SOURCES_NOT_MATCH_IN_CHECKPOINT", "Rate", "a.json" if source == "rate" else "logOffset", REMEDY
    )
    goes_on(job)


@pytest.mark.parametrize("source", ["rate", "rate-micro-batch"])
def test_files_on_a_rate_sources_checkpoint(spark: Any, tmp_path: Path, source: str) -> None:
    rate = RateJob(spark, tmp_path, schema="k string, v int", function=lambda frame, batch_id: None, mode="update")
    rate.source = source
    rate.run()
    files = Job(**{key: value for key, value in vars(rate).items() if key != "source"})
    files.add("a", [{"k": "x", "v": 1}])
    files.fails("", str(tmp_path), REMEDY)


# ---------------------------------------------------------------- in use


def test_a_checkpoint_in_use(spark: Any, tmp_path: Path) -> None:
    """A second start stops the first (Spark's default), or is refused where the setting says so; neither hangs, and
    the one that runs is whole."""
    job = Job(spark, tmp_path, name="second")
    job.add("a", [{"k": "x", "v": 1}])
    writer = job.frame().writeStream.format("parquet").option("path", str(job.out)).queryName("first")
    first = writer.option("checkpointLocation", str(job.checkpoint)).start()
    first.processAllAvailable()
    spark.conf.set("spark.sql.streaming.stopActiveRunOnRestart", "false")
    try:
        names = (first.id, "stopActiveRunOnRestart")
        fails(job.run, UnknownException, "CONCURRENT_QUERY", *names)
    finally:
        spark.conf.unset("spark.sql.streaming.stopActiveRunOnRestart")
    assert first.isActive
    job.add("b", [{"k": "y", "v": 2}])
    job.run()
    assert not first.isActive
    assert first.exception() is None
    assert job.rows() == job.batch_rows()


def test_a_checkpoint_in_use_by_another_process(spark: Any, tmp_path: Path) -> None:
    import fcntl

    job = Job(spark, tmp_path)
    job.add("a", [{"k": "x", "v": 1}])
    job.run()
    with (job.checkpoint / ".lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        error = fails(job.run, SparkException, "CONCURRENT_STREAM_LOG_UPDATE", str(job.checkpoint), "stop the other")
        assert error.getSqlState() == "40000"
    job.add("b", [{"k": "y", "v": 2}])
    job.run()
    assert job.rows() == job.batch_rows()

import json
import os

import duckdb
import pytest
from writing import SIMPLE, context, simple

from penstock.core import faults, files
from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.plan.nodes import Read
from penstock.sinks import registry
from penstock.sources import registry as sources


def opened(path, form="parquet", **changes):
    return registry.open(form, context(path, **changes))


def read(path, form="parquet"):
    found = sources.resolve(Read(form, {}, (str(path),)), Conf())
    scan = found.scan([(name, name) for name in found.schema.names], "UTC")
    with duckdb.connect() as connection:
        return sorted(connection.sql(scan.sql).fetchall(), key=repr)


def log_names(path):
    return sorted(os.listdir(path / "_spark_metadata"))


def data_files(path):
    return sorted(str(p.relative_to(path)) for p in path.rglob("part-*"))


def test_a_batch_and_its_log_entry(tmp_path):
    sink = opened(tmp_path)
    assert sink.description == f"FileSink[file:{tmp_path}]"
    assert sink.write(0, simple((1, "x"))) is None
    (name,) = data_files(tmp_path)
    assert name.startswith("part-00000-") and name.endswith("-c000.snappy.parquet")
    version, line = (tmp_path / "_spark_metadata" / "0").read_text().split("\n")
    entry = json.loads(line)
    file = tmp_path / name
    assert (version, list(entry)) == (
        "v1", ["path", "size", "isDir", "modificationTime", "blockReplication", "blockSize", "action"])  # fmt: skip
    assert entry["path"] == file.as_uri()
    assert (entry["size"], entry["action"]) == (file.stat().st_size, "add")
    assert read(tmp_path) == [(1, "x")]


def test_the_same_batch_twice_changes_nothing(tmp_path):
    opened(tmp_path).write(0, simple((1, "x")))
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in data_files(tmp_path)}
    again = opened(tmp_path)
    again.write(0, simple((1, "x")))
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in data_files(tmp_path)} == before
    again.write(1, simple((2, "y")))
    assert read(tmp_path) == [(1, "x"), (2, "y")]


class Killed(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize("point", ["before_sink_files", "after_sink_files", "after_sink_commit"])
def test_killed_and_tried_again(tmp_path, monkeypatch, point):
    opened(tmp_path).write(0, simple((1, "x")))

    def kill():
        raise Killed

    monkeypatch.setitem(faults.hooks, point, kill)
    with pytest.raises(Killed):
        opened(tmp_path).write(1, simple((2, "y")))
    expected = [(1, "x"), (2, "y")] if point == "after_sink_commit" else [(1, "x")]
    assert read(tmp_path) == expected
    monkeypatch.delitem(faults.hooks, point)
    opened(tmp_path).write(1, simple((2, "y")))
    assert read(tmp_path) == [(1, "x"), (2, "y")]
    assert len(data_files(tmp_path)) == 2


def test_empty_batches_are_in_the_log(tmp_path):
    opened(tmp_path).write(0, simple())
    assert (tmp_path / "_spark_metadata" / "0").read_text() == "v1"
    assert data_files(tmp_path) == []


def test_compaction(tmp_path):
    sink = opened(tmp_path)
    for i in range(21):
        sink.write(i, simple((i, "x")))
    assert {"9.compact", "19.compact", "20"} <= set(log_names(tmp_path))
    assert (tmp_path / "_spark_metadata" / "19.compact").read_text().count("\n") == 20
    assert [a for a, _ in sorted(read(tmp_path))] == list(range(21))
    reopened = opened(tmp_path)
    reopened.write(20, simple((99, "no")))
    assert len(read(tmp_path)) == 21


def test_partitions(tmp_path):
    sink = opened(tmp_path, partition_by=("S",))
    sink.write(0, simple((1, "x:y"), (2, None), (3, "x:y"), (4, "")))
    assert sorted(p.name for p in tmp_path.iterdir() if "=" in p.name) == ["s=__HIVE_DEFAULT_PARTITION__", "s=x%3Ay"]
    assert read(tmp_path) == [(1, "x:y"), (2, None), (3, "x:y"), (4, None)]


@pytest.mark.parametrize("form", ["json", "csv", "text"])
def test_text_formats(tmp_path, form):
    from penstock.plan.types import STRING, StructType

    schema = StructType().add("s", STRING)
    sink = registry.open(form, context(tmp_path, schema))
    sink.write(0, simple((1, "a"), (2, "b")).select(["s"]))
    assert read(tmp_path, form) == [("a",), ("b",)]


def test_two_queries_on_one_path(tmp_path):
    one, other = opened(tmp_path), opened(tmp_path, query_id="q2")
    one.write(0, simple((1, "x")))
    with pytest.raises(SparkError, match=str(tmp_path)) as caught:
        other.write(0, simple((2, "y")))
    assert caught.value.condition == "CONCURRENT_STREAM_LOG_UPDATE"
    assert read(tmp_path) == [(1, "x")]
    assert len(data_files(tmp_path)) == 1


def test_what_is_refused(tmp_path):
    for mode in ("complete", "update"):
        with pytest.raises(SparkError, match="STREAMING_OUTPUT_MODE.UNSUPPORTED_DATASOURCE"):
            opened(tmp_path, output_mode=mode)
    with pytest.raises(SparkError, match="'path'"):
        opened(None)
    with pytest.raises(SparkError, match="PARTITION_COLUMN_NOT_FOUND_IN_SCHEMA"):
        opened(tmp_path, partition_by=("nope",))
    with pytest.raises(SparkError, match="ALL_PARTITION_COLUMNS_NOT_ALLOWED"):
        opened(tmp_path, partition_by=("a", "s"))
    with pytest.raises(SparkError, match="one column"):
        registry.open("text", context(tmp_path, SIMPLE))
    with pytest.raises(SparkError, match="DATA_SOURCE_NOT_FOUND"):
        registry.open("nosuch", context(tmp_path))
    with pytest.raises(SparkError, match="kafka"):
        registry.open("kafka", context(tmp_path))


def test_a_full_disk(tmp_path, monkeypatch):
    sink = opened(tmp_path)

    class Full(files.LocalFiles):
        def write(self, path, data, *, durable=True):
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(files, "fs", Full())
    with pytest.raises(SparkError, match="disk is full") as caught:
        sink.write(0, simple((1, "x")))
    assert caught.value.condition == "TASK_WRITE_FAILED"
    monkeypatch.undo()
    sink.write(0, simple((1, "x")))
    assert read(tmp_path) == [(1, "x")]


def test_a_path_that_is_a_file(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(SparkError, match="TASK_WRITE_FAILED"):
        opened(tmp_path / "f")

import json
import os

import pytest
from reading import read, relation

from penstock.checkpoint.compactible_log import CompactibleLog
from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.plan.types import LONG, STRING
from penstock.sources.files.listing import ListingOptions, list_files


def put(root, name, text='{"a":1}\n'):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(root, *paths, **options):
    found = list_files([str(p) for p in paths or (root,)], ListingOptions.of(options, Conf()))
    return [os.path.relpath(file.path, root) for file in found]


def test_hidden_files_and_directories_are_not_seen(tmp_path):
    for name in ("a.json", "_SUCCESS", ".crc", "_temporary/x.json", "sub/b.json", "_k=1/c.json"):
        put(tmp_path, name)
    assert names(tmp_path, recursivefilelookup="true") == ["_k=1/c.json", "a.json", "sub/b.json"]
    assert names(tmp_path / "sub", tmp_path / "sub") == ["b.json"]


def test_globs(tmp_path):
    for name in ("d1/a.json", "d2/b.json", "e/c.txt", "odd[1].json"):
        put(tmp_path, name)
    assert names(tmp_path, tmp_path / "d*") == ["d1/a.json", "d2/b.json"]
    assert names(tmp_path, tmp_path / "{d1,e}") == ["d1/a.json", "e/c.txt"]
    assert names(tmp_path, tmp_path / "odd[1].json") == ["odd[1].json"]
    assert names(tmp_path, pathglobfilter="*.txt", recursivefilelookup="true") == ["e/c.txt"]
    assert names(tmp_path) == ["odd[1].json"]  # directories that are no partitions are not entered
    assert names(tmp_path, tmp_path, tmp_path / "d1") == ["odd[1].json", "d1/a.json"]
    assert read("json", tmp_path / "odd[1].json", {"a": LONG}) == [(1,)]


def test_modification_times(tmp_path):
    os.utime(put(tmp_path, "old.json"), (1_600_000_000, 1_600_000_000))
    put(tmp_path, "new.json")
    assert names(tmp_path, modifiedbefore="2021-01-01T00:00:00") == ["old.json"]
    assert names(tmp_path, modifiedafter="2021-01-01T00:00:00") == ["new.json"]
    with pytest.raises(SparkError, match="modifiedAfter"):
        names(tmp_path, modifiedafter="yesterday")


def test_partitions(tmp_path):
    put(tmp_path, "k=1/d=2024-01-02/a.json")
    put(tmp_path, "k=__HIVE_DEFAULT_PARTITION__/d=2024-01-03/b.json")
    put(tmp_path, "k=3/d=2024-01-04/c.json")
    found = relation("json", tmp_path)
    assert found.schema.simpleString() == "struct<a:bigint,k:int,d:date>"
    assert [(row[1], str(row[2])) for row in read("json", tmp_path)] == [
        (1, "2024-01-02"), (3, "2024-01-04"), (None, "2024-01-03")]  # fmt: skip
    assert relation("json", tmp_path, recursiveFileLookup="true").schema.names == ["a"]
    assert relation("json", tmp_path / "k=1", basePath=str(tmp_path)).schema.names == ["a", "k", "d"]
    assert (
        relation("json", tmp_path, {"a": LONG, "k": STRING}).schema.simpleString() == "struct<a:bigint,k:string,d:date>"
    )


def test_partition_types(tmp_path):
    for value in ("1", "2.5", "99999999999"):
        put(tmp_path, f"n={value}/a.json")
    assert relation("json", tmp_path).schema["n"].dataType.simpleString() == "double"
    put(tmp_path, "n=x%3Ay/a.json")
    assert relation("json", tmp_path).schema["n"].dataType.simpleString() == "string"
    assert ("x:y") in [row[1] for row in read("json", tmp_path)]
    off = Conf({"spark.sql.sources.partitionColumnTypeInference.enabled": "false"})
    assert relation("json", tmp_path, conf=off).schema["n"].dataType.simpleString() == "string"


def test_conflicting_partitions(tmp_path):
    put(tmp_path, "a=1/x.json")
    put(tmp_path, "b=1/x.json")
    with pytest.raises(SparkError, match="CONFLICTING_PARTITION_COLUMN_NAMES"):
        relation("json", tmp_path)


def test_only_committed_files_of_a_sink_are_read_and_the_directory_may_move(tmp_path):
    out = tmp_path / "out"
    committed, leftover = put(out, "part-0.json"), put(out, "part-1.json")
    entry = {"path": committed.as_uri(), "size": 8, "isDir": False, "modificationTime": 1, "blockReplication": 1,
             "blockSize": 1, "action": "add"}  # fmt: skip
    put(out, "_spark_metadata/0", "v1\n" + json.dumps(entry))
    assert leftover.exists()
    assert read("json", out) == [(1,)]
    out.rename(tmp_path / "moved")
    assert read("json", tmp_path / "moved") == [(1,)]


def test_missing_and_empty(tmp_path):
    with pytest.raises(SparkError, match="PATH_NOT_FOUND") as caught:
        relation("json", tmp_path / "no")
    assert caught.value.params == {"path": f"file:{tmp_path}/no"}
    with pytest.raises(SparkError, match="UNABLE_TO_INFER_SCHEMA"):
        relation("parquet", tmp_path)
    assert read("parquet", tmp_path, {"a": LONG}) == []
    with pytest.raises(SparkError, match="scheme s3://"):
        relation("json", "s3://bucket/x")


def test_unknown_formats():
    with pytest.raises(SparkError, match="DATA_SOURCE_NOT_FOUND") as caught:
        relation("nosuch", "x")
    assert caught.value.params == {"provider": "nosuch"}
    with pytest.raises(SparkError, match="kafka"):
        relation("kafka", "x")


def test_class_names(tmp_path):
    put(tmp_path, "a.json")
    name = "org.apache.spark.sql.execution.datasources.json.JsonFileFormat"
    assert read(name, tmp_path) == read("JSON", tmp_path) == [(1,)]


def test_a_sinks_log_that_is_compacted_while_it_is_read(tmp_path, monkeypatch):
    """The reader has listed the log's files, and the sink removes them before they are read: twice in a row."""
    data = [put(tmp_path, f"part-{i}") for i in range(22)]
    log = CompactibleLog(tmp_path / "_spark_metadata", cleanup_delay_ms=-60_000)
    entries = [json.dumps({"path": f"file://{path}", "size": 1, "modificationTime": 1}) for path in data]
    for batch_id in range(9):
        log.add(batch_id, [entries[batch_id]])
    listed, meanwhile = CompactibleLog._listed, [range(9, 12), range(12, 22)]

    def listed_too_early(reader):
        found = listed(reader)
        for batch_id in meanwhile.pop(0) if meanwhile else ():
            log.add(batch_id, [entries[batch_id]])
        return found

    monkeypatch.setattr(CompactibleLog, "_listed", listed_too_early)
    assert sorted(names(tmp_path)) == sorted(path.name for path in data)
    left = {int(path.name) for path in (tmp_path / "_spark_metadata").iterdir() if path.name.isdigit()}
    assert meanwhile == [] and left == {20, 21}

"""The option mergeSmallFiles: fewer files, the same rows, for every reader that follows the log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from writing import context
from writing import simple as rows

import penstock
from penstock.core.errors import SparkError
from penstock.plan.types import LONG, StructType
from penstock.sinks import merging, registry
from penstock.sinks.base import Sink
from penstock.sinks.merging import FileMerger


@pytest.fixture(scope="module")
def spark() -> Any:
    return penstock.session()


def opened(
    root: Path, format_name: str, schema: Any = None, partition_by: tuple[str, ...] = (), **options: str
) -> Sink:
    lower = {"mergesmallfiles": "1m", **{key.lower(): value for key, value in options.items()}}
    more = {} if schema is None else {"schema": schema}
    return registry.open(format_name, context(root, options=lower, partition_by=partition_by, **more))


def batches(root: Path, format_name: str, count: int, **options: str) -> None:
    """Batch n holds the rows (n, "a,b") and (n, the first letter of a word)."""
    sink = opened(root, format_name, **options)
    for n in range(count):
        sink.write(n, rows((n, "a,b"), (n, chr(97 + n % 26))))
    sink.stop()


def log(root: Path, batch: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / "_spark_metadata" / batch).read_text().split("\n")[1:]]


def named(entry: dict[str, Any]) -> str:
    return str(entry["path"]).rpartition("/")[2]


EXPECTED = sorted((n, s) for n in range(33) for s in ("a,b", chr(97 + n % 26)))


@pytest.mark.parametrize(
    ("format_name", "options"),
    [
        ("parquet", {}),
        ("parquet", {"compression": "zstd"}),
        ("json", {}),
        ("json", {"compression": "gzip"}),
        ("csv", {}),
        ("csv", {"header": "true"}),
        ("csv", {"compression": "bzip2"}),
    ],
)
def test_same_rows_in_fewer_files(spark: Any, tmp_path: Path, format_name: str, options: dict[str, str]) -> None:
    batches(tmp_path, format_name, 33, **options)
    assert len(log(tmp_path, "29.compact")) < 10
    reader = spark.read.format(format_name).schema("a long, s string").options(**options)
    assert sorted(tuple(row) for row in reader.load(str(tmp_path)).collect()) == EXPECTED


def test_partitions_are_merged_apart(spark: Any, tmp_path: Path) -> None:
    sink = opened(tmp_path, "parquet", partition_by=("s",))
    for n in range(20):
        sink.write(n, rows((n, "x"), *([(n, "y")] if n < 5 else [])))
    found = log(tmp_path, "19.compact")
    assert sorted(str(e["path"]).split("/")[-2] for e in found) == ["s=x", *["s=y"] * 5]
    frame = spark.read.parquet(str(tmp_path))
    assert frame.groupBy("s").count().orderBy("s").collect() == [("x", 20), ("y", 5)]


def test_small_files_stay_until_nobody_can_read_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr(merging.time, "time", lambda: now[0])
    sink = opened(tmp_path, "json")
    for n in range(10):
        sink.write(n, rows((n, "x")))
    (merged,) = log(tmp_path, "9.compact")
    assert merged["mergedAt"] == 1_000_000_000 and len(merged["replaces"]) == 10
    small = [tmp_path / name for name in merged["replaces"]]
    for n in range(10, 20):
        sink.write(n, rows((n, "x")))
    assert all(path.exists() for path in small)
    now[0] += 600
    for n in range(20, 30):
        sink.write(n, rows((n, "x")))
    assert not any(path.exists() for path in small)
    assert "replaces" not in next(e for e in log(tmp_path, "29.compact") if e["path"] == merged["path"])


def test_files_of_other_columns_are_left_alone(tmp_path: Path) -> None:
    batches(tmp_path, "parquet", 5)
    sink = opened(tmp_path, "parquet", schema=StructType().add("other", LONG))
    for n in range(5, 10):
        sink.write(n, pa.table({"other": [n]}))
    assert len(log(tmp_path, "9.compact")) == 10


def test_a_merge_that_was_cut_short_is_made_again(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches(tmp_path, "json", 9)
    merge = FileMerger.__call__

    def cut(self: FileMerger, batch_id: int, lines: list[bytes]) -> list[bytes]:
        merge(self, batch_id, lines)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileMerger, "__call__", cut)
    with pytest.raises(SparkError):
        batches_from(tmp_path, 9)
    before = set(tmp_path.glob("part-*"))
    monkeypatch.setattr(FileMerger, "__call__", merge)
    batches_from(tmp_path, 9)
    (entry,) = log(tmp_path, "9.compact")
    assert tmp_path / named(entry) in before  # the same name again: nothing is left over
    read = spark.read.schema("a long, s string").json(str(tmp_path))
    assert sorted(row.a for row in read.collect()) == [n for n in range(10) for _ in range(2)]


def batches_from(root: Path, n: int) -> None:
    opened(root, "json").write(n, rows((n, "a,b"), (n, "c")))


def test_large_files_are_not_merged(tmp_path: Path) -> None:
    batches(tmp_path, "json", 20, mergeSmallFiles="10b")
    assert len(log(tmp_path, "19.compact")) == 20


def test_a_stream_does_not_read_what_is_merged(spark: Any, tmp_path: Path) -> None:
    batches(tmp_path / "out", "json", 10)
    stream = spark.readStream.schema("a long, s string").json(str(tmp_path / "out"))
    query = stream.writeStream.format("memory").queryName("merged").start()
    with pytest.raises(Exception, match="mergeSmallFiles"):
        query.processAllAvailable()


@pytest.mark.parametrize(
    ("format_name", "options", "fault"),
    [
        ("json", {"mergeSmallFiles": "many"}, "mergeSmallFiles"),
        ("json", {"mergeSmallFiles": "0m"}, "mergeSmallFiles"),
        ("xml", {"rowTag": "r"}, "mergeSmallFiles for xml"),
        ("csv", {"header": "true", "compression": "gzip"}, "and a header"),
        ("json", {"compression": "deflate"}, "deflate"),
        ("json", {"encoding": "UTF-16"}, "utf-16"),
    ],
)
def test_what_cannot_be(tmp_path: Path, format_name: str, options: dict[str, str], fault: str) -> None:
    with pytest.raises(SparkError, match=fault):
        opened(tmp_path, format_name, **options)

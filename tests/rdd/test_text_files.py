"""Lines of files: compressed ones, ends of all kinds, and what a path means."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkValueError

from penstock.rdd.errors import Py4JJavaError

PACKED: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".deflate": zlib.compress}
LINES = [f"line {i} " + "x" * (i % 50) for i in range(5000)]


@pytest.mark.parametrize("suffix", PACKED)
def test_a_compressed_file_is_read_to_its_end(sc: Any, tmp_path: Path, suffix: str) -> None:
    data = "\n".join(LINES).encode()
    (tmp_path / f"a{suffix}").write_bytes(PACKED[suffix](data))
    read = sc.textFile(str(tmp_path), 3)
    assert read.getNumPartitions() == 1
    assert read.collect() == LINES
    text = "org.apache.hadoop.mapred.TextInputFormat"
    names = ("org.apache.hadoop.io.LongWritable", "org.apache.hadoop.io.Text")
    if suffix != ".deflate":
        assert sc.hadoopFile(str(tmp_path), text, *names).values().collect() == LINES


@pytest.mark.parametrize("partitions", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_line_is_in_one_split(sc: Any, tmp_path: Path, end: str, partitions: int) -> None:
    (tmp_path / "a").write_bytes(end.join([*LINES[:300], ""]).encode())
    assert sc.textFile(str(tmp_path / "a"), partitions).collect() == LINES[:300]


def test_an_empty_file_has_no_partition(sc: Any, tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").write_text("1\n")
    assert sc.textFile(str(tmp_path / "a"), 3).getNumPartitions() == 0
    assert sc.textFile(str(tmp_path), 1).glom().collect() == [["1"]]


def test_what_a_path_means(sc: Any, tmp_path: Path) -> None:
    for name in ("a1", "a2", "b1", "_a3"):
        (tmp_path / name).write_text(name)
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "c1").write_text("c1")

    def read(path: str) -> list[str]:
        found: list[str] = sc.textFile(path.replace("@", str(tmp_path))).collect()
        return found

    assert read("@/a*") == ["a1", "a2"]
    assert read("@/{a,b}1") == ["a1", "b1"]
    assert read("@/{a{1,2},b1},@/d") == ["a1", "a2", "b1", "c1"]
    assert read("@/[ab]1") == ["a1", "b1"]
    assert read("@/*/c1") == ["c1"]
    assert read("file://@/b1,@/a1") == ["b1", "a1"]
    for nothing in ("@/z", "@/z*", "@/{y,z}"):
        with pytest.raises(PySparkValueError, match="Input path does not exist") as caught:
            read(nothing)
        assert isinstance(caught.value, Py4JJavaError)

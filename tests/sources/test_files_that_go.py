"""Files that are removed after they were listed, and files that end before they should."""

from __future__ import annotations

import bz2
import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from reading import read, relation, rows
from reading import run as table_of

from penstock.core.config import Conf
from penstock.core.errors import SparkError
from penstock.plan.types import LONG, STRING, StructField, StructType
from penstock.sinks.formats import encoder
from penstock.sources.files.listing import list_files
from penstock.sources.files.relation import FileRelation

FORMS = ("json", "csv", "text", "xml", "orc", "avro", "parquet", "binaryfile")
OPTIONS = {"xml": {"rowTag": "p"}}


def listed(tmp_path: Path, form: str, **options: str) -> tuple[FileRelation, list[Path]]:
    """A directory of two files, as a relation knows it."""
    kind = "text" if form == "binaryfile" else form
    paths = []
    for name in ("x", "y"):
        made = encoder(kind, _schema("value" if kind == "text" else "a"), _lower(OPTIONS.get(form, {})), "UTC")
        path = tmp_path / f"{name}{made.extension}"
        path.write_bytes(bytes(made.encode(pa.table({"a": [name]}))))
        paths.append(path)
    made_relation = relation(form, tmp_path, **OPTIONS.get(form, {}), **options)
    assert isinstance(made_relation, FileRelation)
    return made_relation, paths


def _schema(name: str) -> StructType:
    return StructType([StructField(name, STRING)])


def _lower(options: dict[str, str]) -> dict[str, str]:
    return {key.lower(): value for key, value in options.items()}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_is_removed_after_it_was_listed(tmp_path: Path, form: str) -> None:
    found, paths = listed(tmp_path, form)
    files = list_files([str(tmp_path)], found.listing)
    columns = [(name, name) for name in found.schema.names]
    paths[0].unlink()
    with pytest.raises(Exception, match="FILE_NOT_EXIST|No files found|Cannot open file|does not exist"):
        table_of(found.scan_files(files, columns, "UTC"))
    tolerant = relation(form, tmp_path, **OPTIONS.get(form, {}), ignoreMissingFiles="true")
    assert isinstance(tolerant, FileRelation)
    assert table_of(tolerant.scan_files(files, columns, "UTC")).num_rows == 1


LINES = "".join(f'{{"a":{i},"b":"{i * i}"}}\n' for i in range(3000)).encode()
PACKED: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".bz2": bz2.compress, ".deflate": zlib.compress}


@pytest.mark.parametrize("suffix", PACKED)
def test_the_lines_before_the_damage(tmp_path: Path, suffix: str) -> None:
    whole = PACKED[suffix](LINES)
    (tmp_path / f"cut.json{suffix}").write_bytes(whole[: len(whole) * 2 // 3])
    fields = {"a": LONG, "b": STRING}
    with pytest.raises(Exception, match="FAILED_READ_FILE.NO_HINT"):
        read("json", tmp_path, fields)
    found = relation("json", tmp_path, fields, ignoreCorruptFiles="true")
    got = rows(found.scan([("a", "a"), ("b", "b")], "UTC"))
    assert got == [(i, str(i * i)) for i in range(len(got))]
    assert len(got) < 3000
    assert len(got) > (1000 if suffix != ".bz2" else -1)  # bzip2 packs blocks of 900 kB


def test_a_record_that_is_a_whole_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(LINES)[:-2000])
    assert read("text", tmp_path, wholetext="true", ignoreCorruptFiles="true") == []
    assert read("json", tmp_path, {"a": LONG}, multiLine="true", ignoreCorruptFiles="true") == []


def test_by_the_sessions_settings(tmp_path: Path) -> None:
    (tmp_path / "bad.gz").write_bytes(b"none")
    conf = Conf({"spark.sql.files.ignoreCorruptFiles": "true"})
    assert rows(relation("text", tmp_path, conf=conf).scan([("value", "value")], "UTC")) == []
    strict = relation("text", tmp_path, conf=conf, ignoreCorruptFiles="false")
    with pytest.raises(Exception, match="FAILED_READ_FILE.NO_HINT"):
        table_of(strict.scan([("value", "value")], "UTC"))


def test_a_wrong_value(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(SparkError, match="'perhaps'.*'ignoreCorruptFiles'"):
        relation("json", tmp_path, ignoreCorruptFiles="perhaps")

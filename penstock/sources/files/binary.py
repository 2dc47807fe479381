"""binaryFile: a row a file, with its path, time, length and content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock.core.errors import SPARK, SparkError, analysis_error
from penstock.plan.types import BINARY, LONG, STRING, TIMESTAMP, StructField, StructType
from penstock.sources.files import by_path, raw
from penstock.sources.files.listing import DataFile, to_uri
from penstock.sources.files.relation import Columns, Fragment

SCHEMA = StructType([
    StructField("path", STRING, False), StructField("modificationTime", TIMESTAMP, False),
    StructField("length", LONG, False), StructField("content", BINARY, True),
])  # fmt: skip


class BinaryFormat:
    """Option: ignoreMissingFiles.  A file longer than spark.sql.sources.binaryFile.maxLength is an error."""

    name = "binaryFile"

    def __init__(self, options: Mapping[str, str], conf: Mapping[str, str]) -> None:
        self._tolerance = raw.Tolerance.of(options, conf)
        self._limit = int(conf.get("spark.sql.sources.binaryFile.maxLength") or 2**31 - 1)

    def infer(self, files: Sequence[DataFile]) -> StructType | None:
        return SCHEMA

    def check(self, schema: StructType) -> None:
        if [(f.name, f.dataType) for f in schema.fields] != [(f.name, f.dataType) for f in SCHEMA.fields]:
            message = f"The binaryFile data source has the schema {SCHEMA.simpleString()}: leave .schema(...) out."
            raise analysis_error("_LEGACY_ERROR_TEMP_3121", message, "XXKD0", schema=schema.simpleString())

    def fragment(self, files: Sequence[DataFile], columns: Columns, schema: StructType, time_zone: str) -> Fragment:
        settings = {"limit": str(self._limit), **self._tolerance.as_settings()}
        return by_path.fragment(
            "binaryFile", files, columns, settings, lambda wanted: lambda path: self._read(path, wanted)
        )

    def row_count(self, files: Sequence[DataFile]) -> int | None:
        return len(files)

    def _read(self, path: str, wanted: StructType) -> tuple[Sequence[Any], int]:
        status = Path(path).stat()
        row: list[Any] = []
        for field in wanted.fields:
            if field.name == "content":
                row.append(self._content(path, status.st_size))
            else:
                row.append({"path": to_uri(path), "modificationTime": status.st_mtime_ns // 1_000_000 * 1000,
                            "length": status.st_size}[field.name])  # fmt: skip
        return by_path.arrays_of([row], wanted)

    def _content(self, path: str, size: int) -> bytes:
        if size > self._limit:
            message = (
                f"The file {path} has {size} bytes, more than spark.sql.sources.binaryFile.maxLength allows "
                f"({self._limit}). Raise the limit, or leave the column content out."
            )
            params = {"path": f"file:{path}", "len": str(size), "limit": str(self._limit)}
            raise SparkError("FAILED_READ_FILE.NO_HINT", message, params, sqlstate="KD001", classes=SPARK)
        return Path(path).read_bytes()

"""Text files: one STRING column `value`, a row a line (or a file, with wholetext)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.core.errors import SparkError
from penstock.plan.types import STRING, StringType, StructField, StructType
from penstock.sources import options as opt
from penstock.sources.duckdb_types import identifier
from penstock.sources.files import by_path, raw
from penstock.sources.files.lines import lines_sql
from penstock.sources.files.listing import DataFile
from penstock.sources.files.relation import Columns, Fragment


class TextFormat:
    """Options: wholetext, lineSep, ignoreCorruptFiles, ignoreMissingFiles."""

    name = "text"

    def __init__(self, options: Mapping[str, str], conf: Mapping[str, str]) -> None:
        self.whole = opt.boolean(options, "wholetext", False)
        self.separator = options.get("linesep")
        self._tolerance = raw.Tolerance.of(options, conf)
        if self.separator == "":
            raise opt.bad_value("lineSep", "", "at least one character")

    def infer(self, files: Sequence[DataFile]) -> StructType | None:
        return StructType([StructField("value", STRING)])

    def check(self, schema: StructType) -> None:
        if len(schema.fields) == 1 and not isinstance(schema.fields[0].dataType, StringType):
            shown = schema.fields[0].dataType.simpleString()
            message = f"Text data is read as one string column, not as {shown}. Read it as a string and cast it."
            params = {"format": "Text", "columnName": f"`{schema.fields[0].name}`", "columnType": f'"{shown.upper()}"'}
            raise SparkError("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", message, params, sqlstate="0A000")

    def fragment(self, files: Sequence[DataFile], columns: Columns, schema: StructType, time_zone: str) -> Fragment:
        settings = {"whole": str(self.whole), "separator": repr(self.separator), **self._tolerance.as_settings()}
        slow = by_path.fragment("text", files, columns, settings, lambda wanted: lambda path: self._read(path, wanted))
        if self.whole or self.separator is not None:
            return slow
        items = ", ".join(f"coalesce(line, '') AS {identifier(sql_name)}" for _, sql_name in columns)
        return Fragment(f"SELECT {items or 'NULL AS none'} FROM ({lines_sql([file.path for file in files])})", slow.sql)

    def row_count(self, files: Sequence[DataFile]) -> int | None:
        return len(files) if self.whole else None

    def _read(self, path: str, wanted: StructType) -> tuple[Sequence[Any], int]:
        rows = raw.texts(path, "utf-8", self._tolerance, whole=self.whole, separator=self.separator)
        return by_path.arrays_of([[row] * len(wanted.fields) for row in rows], wanted)

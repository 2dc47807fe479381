"""The schema of CSV files by Spark's rules: names from the header (or `_c0`, `_c1`, ...), types with inferSchema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from penstock.core.sql_text import quoted
from penstock.plan.types import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    LONG,
    STRING,
    TIMESTAMP,
    DataType,
    DecimalType,
    StructField,
    StructType,
)
from penstock.sources.files.listing import DataFile

if TYPE_CHECKING:
    from penstock.sources.files.csv import CsvFormat

_MAX_COLUMNS = 20480
#: Tried in this order; a column has the first type that all its texts fit.
_CANDIDATES: tuple[DataType, ...] = (INTEGER, LONG, DecimalType(38, 0), DOUBLE, DATE, TIMESTAMP, BOOLEAN)
#: The spelling that a text must have besides, lest 2.5 count as a decimal or a timestamp as a date.
_SPELLINGS = {"decimal": "[+-]?[0-9]+", "date": "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"}


def infer_schema(csv: CsvFormat, files: Sequence[DataFile]) -> StructType | None:
    """From the first row of the first file that is not empty, and with inferSchema from all rows."""
    if not files:
        return StructType([])
    first = _first_row(csv, files[0].path)
    names = _names(first, csv.case_sensitive) if csv.header else [f"_c{i}" for i in range(len(first))]
    types = _types(csv, [file.path for file in files], len(names)) if csv.infer_types else [STRING] * len(names)
    return StructType([StructField(name, data_type) for name, data_type in zip(names, types, strict=True)])


def _first_row(csv: CsvFormat, path: str) -> list[str | None]:
    import csv as reader

    with open(path, encoding="utf-8-sig", newline="") as file:  # noqa: PTH123
        lines = (line for line in file if line.strip() and not (csv.comment and line.startswith(csv.comment)))
        separator = csv.separator if len(csv.separator) == 1 else "\x1f"
        prepared = (line.replace(csv.separator, separator) for line in lines)
        quote = csv.quote or None
        for row in reader.reader(
            prepared, delimiter=separator, quotechar=quote, escapechar=csv.escape if csv.escape != quote else None,
            quoting=reader.QUOTE_MINIMAL if quote else reader.QUOTE_NONE,
        ):  # fmt: skip
            return [text or None for text in row][:_MAX_COLUMNS]
    return []


def _names(header: list[str | None], case_sensitive: bool) -> list[str]:
    """Column names: an empty one is `_c<i>`, one that occurs again gets its position appended."""
    keys = [name if case_sensitive or name is None else name.lower() for name in header]
    return [
        f"_c{i}" if name is None else f"{name}{i}" if keys.count(key) > 1 else name
        for i, (name, key) in enumerate(zip(header, keys, strict=True))
    ]


def _types(csv: CsvFormat, paths: list[str], count: int) -> list[DataType]:
    """One pass over the data, that asks of every column and every type whether all texts fit."""
    import duckdb

    checks = [
        f"bool_and({csv.text(f't{i}')} IS NULL OR ({_fits(csv, csv.text(f't{i}'), candidate)}))"
        for i in range(count)
        for candidate in _CANDIDATES
    ]
    known = [f"count({csv.text(f't{i}')})" for i in range(count)]
    with duckdb.connect() as connection:
        tokens = csv.tokens_sql(paths, count, parallel=False)
        row = connection.execute(f"SELECT {', '.join([*checks, *known])} FROM ({tokens})").fetchone() or ()
    fits, counts = row[: len(checks)], row[len(checks) :]
    width = len(_CANDIDATES)
    return [_first_that_fits(fits[i * width : (i + 1) * width]) if counts[i] else STRING for i in range(count)]


def _fits(csv: CsvFormat, text: str, candidate: DataType) -> str:
    fits = f"({csv.value(text, candidate, '')}) IS NOT NULL"
    spelling = _SPELLINGS.get(candidate.typeName())
    if spelling is None or (candidate == DATE and csv.date_formats):
        return fits
    return f"{fits} AND regexp_full_match({text}, {quoted(spelling)})"


def _first_that_fits(fits: Sequence[object]) -> DataType:
    return next((candidate for candidate, fit in zip(_CANDIDATES, fits, strict=True) if fit), STRING)

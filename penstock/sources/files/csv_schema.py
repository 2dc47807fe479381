"""The schema of CSV files by Spark's rules: names from the header (or `_c0`, `_c1`, ...), types with inferSchema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from penstock.core.beside_main import beside_main
from penstock.core.sql_text import quoted
from penstock.plan.types import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    LONG,
    NULL,
    STRING,
    DataType,
    NullType,
    StructField,
    StructType,
)
from penstock.sources.files.listing import DataFile
from penstock.sources.records.csv_rows import CsvValues
from penstock.sources.records.functions import csv_times
from penstock.sources.records.infer_text import CsvGuess

if TYPE_CHECKING:
    from penstock.sources.files.csv import CsvFormat

#: Types that SQL can tell for sure, and the spelling that all texts of such a column have.
_SURE: tuple[tuple[DataType, str], ...] = (
    (INTEGER, "[+-]?[0-9]{1,9}"),
    (LONG, "[+-]?[0-9]{1,18}"),
    (DOUBLE, "[+-]?([0-9]{1,18}([.][0-9]*)?|[.][0-9]+)"),
    (BOOLEAN, "(?i)true|false"),
    (DATE, "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"),
)


def infer_schema(csv: CsvFormat, files: Sequence[DataFile]) -> StructType | None:
    """From the first record of the first file that has one, and with inferSchema from all records."""
    first = next((tokens for file in files for _, tokens in csv.all_records(file.path)), None)
    if first is None:
        return StructType([])
    values = CsvValues(csv.options, csv_times(csv.options, csv.zone))
    names = (
        _names([values.datum(token) for token in first], csv.case_sensitive)
        if csv.header
        else [f"_c{i}" for i in range(len(first))]
    )
    types = _types(csv, [file.path for file in files], len(names)) if csv.infer_types else [STRING] * len(names)
    return StructType([StructField(name, data_type) for name, data_type in zip(names, types, strict=True)])


def _names(header: list[str | None], case_sensitive: bool) -> list[str]:
    """Column names: an empty one is `_c<i>`, one that occurs again gets its position appended."""
    keys = [name if case_sensitive or name is None else name.lower() for name in header]
    return [
        f"_c{i}" if name is None else f"{name}{i}" if keys.count(key) > 1 else name
        for i, (name, key) in enumerate(zip(header, keys, strict=True))
    ]


def _types(csv: CsvFormat, paths: list[str], count: int) -> list[DataType]:
    sure = _sure_types(csv, paths, count)
    open_columns = [i for i, t in enumerate(sure) if t is None]
    guessed = _guessed(csv, paths, open_columns) if open_columns else {}
    return [t if t is not None else guessed[i] for i, t in enumerate(sure)]


def _sure_types(csv: CsvFormat, paths: list[str], count: int) -> list[DataType | None]:
    """What one pass of SQL tells; None for a column whose texts must be looked at one by one."""
    import duckdb

    if csv.exact_only or csv.sampling_ratio < 1:
        return [None] * count
    texts = [csv.text(f"t{i}") for i in range(count)]
    checks = [
        f"bool_and(({text}) IS NULL OR regexp_full_match({text}, {quoted(spelling)}))"
        for text in texts
        for _, spelling in _SURE
    ]
    try:
        with duckdb.connect() as connection:
            known = [f"count({text})" for text in texts]
            query = f"SELECT {', '.join([*checks, *known])} FROM ({csv.tokens_sql(paths, count)})"
            row = beside_main(lambda: connection.execute(query).fetchone(), connection.interrupt) or ()
    except duckdb.Error:
        return [None] * count
    width = len(_SURE)
    return [
        next((t for (t, _), fits in zip(_SURE, row[i * width : (i + 1) * width], strict=True) if fits), None)
        if row[len(checks) + i] else STRING
        for i in range(count)
    ]  # fmt: skip


def _guessed(csv: CsvFormat, paths: list[str], columns: list[int]) -> dict[int, DataType]:
    from penstock.sources.files.json_schema import sampled_pairs

    times = csv_times(csv.options, csv.zone)
    guess, values = CsvGuess(csv.options, times), CsvValues(csv.options, times)
    found: dict[int, DataType] = dict.fromkeys(columns, NULL)
    for path in paths:
        for _, tokens in sampled_pairs(csv.records(path), csv.sampling_ratio):
            for i in [i for i in columns if found[i] != STRING and i < len(tokens)]:
                found[i] = guess.field(found[i], values.datum(tokens[i]))
    return {i: STRING if isinstance(t, NullType) else t for i, t in found.items()}

"""CSV as Spark reads it.

Two scans give the same rows.  In the *fast* one DuckDB splits regular lines (quotes only around whole values, nothing
escaped) into texts, which become values by Spark's rules; anything else makes it raise.  The *exact* one then takes
over in Python (penstock.sources.records); options that change how lines are taken apart leave nothing to the fast one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock.core.errors import analysis_error, illegal_argument
from penstock.plan.types import (
    BooleanType,
    ByteType,
    CharType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
)
from penstock.sources import options as opt
from penstock.sources.duckdb_types import duckdb_type, file_list, identifier, quoted
from penstock.sources.files import by_path, raw
from penstock.sources.files.csv_schema import infer_schema
from penstock.sources.files.json import corrupt_column, parse_mode, refuse_other_locales, sampling_ratio
from penstock.sources.files.lines import lines_sql
from penstock.sources.files.listing import DataFile
from penstock.sources.files.relation import Columns, Fragment
from penstock.sources.files.text_values import date_sql, timestamp_sql
from penstock.sources.raising import NOT_CLEAN
from penstock.sources.records.csv_rows import CsvReader, CsvValues, unsupported_type
from penstock.sources.records.csv_text import CsvRecords, CsvSyntax, tokens
from penstock.sources.records.errors import BadRecord
from penstock.sources.records.functions import csv_error, csv_times
from penstock.sources.records.modes import SafeReader, without

#: Options that only the exact scan knows, and the values that mean the default.
_EXACT_ONLY = {
    "charToEscapeQuoteEscaping": "", "unescapedQuoteHandling": "stop_at_delimiter", "maxColumns": "20480",
    "maxCharsPerColumn": "-1", "lineSep": "\n", "timestampNTZFormat": "", "enableDateTimeParsingFallback": "",
    "preferDate": "true", "dateFormat": "", "timestampFormat": "", "enforceSchema": "true", "multiLine": "false",
    "comment": "", "ignoreLeadingWhiteSpace": "false", "ignoreTrailingWhiteSpace": "false", "nanValue": "NaN",
    "positiveInf": "Inf", "negativeInf": "-Inf",
}  # fmt: skip
_EXTRA = "extra tokens"


class CsvFormat:
    """Options: sep (delimiter), quote, escape, charToEscapeQuoteEscaping, unescapedQuoteHandling, comment, header,
    inferSchema, samplingRatio, preferDate, enforceSchema, mode, columnNameOfCorruptRecord, columnPruning, nullValue,
    emptyValue, nanValue, positiveInf, negativeInf, ignoreLeadingWhiteSpace, ignoreTrailingWhiteSpace, multiLine,
    lineSep, maxColumns, maxCharsPerColumn, dateFormat, timestampFormat, timestampNTZFormat, timeZone,
    enableDateTimeParsingFallback, encoding, locale (en only), ignoreCorruptFiles, ignoreMissingFiles."""

    name = "csv"

    def __init__(self, options: Mapping[str, str], conf: Mapping[str, str]) -> None:
        opt.refuse(options, "csv", ("singleVariantColumn",))
        refuse_other_locales(options, "csv")
        self.options = options
        self.syntax = CsvSyntax.of(options)
        self.header = opt.boolean(options, "header", False)
        self.infer_types = opt.boolean(options, "inferSchema", False)
        self.sampling_ratio = sampling_ratio(options)
        self.multi_line = opt.boolean(options, "multiLine", False)
        self.case_sensitive = (conf.get("spark.sql.caseSensitive") or "false").lower() == "true"
        self.zone = options.get("timezone") or conf.get("spark.sql.session.timeZone") or "UTC"
        self._enforce = opt.boolean(options, "enforceSchema", True)
        pruning = (conf.get("spark.sql.csv.parser.columnPruning.enabled") or "true").lower() == "true"
        self._prunes = opt.boolean(options, "columnPruning", pruning)
        self.mode = parse_mode(options)
        self.corrupt = corrupt_column(options, conf)
        self._charset = raw.encoding(options)
        self._tolerance = raw.Tolerance.of(options, conf)
        self._separator = options.get("linesep")
        if self._separator is not None and not 1 <= len(self._separator) <= 2:
            message = "The option lineSep must have one or two characters."
            raise illegal_argument("_LEGACY_ERROR_TEMP_3250", message)
        self.exact_only = (
            self._charset != "utf-8"
            or self.syntax.quote in ("", *"\r\n\t ")
            or self.mode != "permissive"
            or any(options.get(name.lower(), usual).lower() != usual.lower() for name, usual in _EXACT_ONLY.items())
        )
        csv_times(options, self.zone)

    def infer(self, files: Sequence[DataFile]) -> StructType | None:
        """The number of columns, and their names, are those of the largest file, which Spark reads first."""
        with_data = sorted((file for file in files if file.size), key=lambda file: -file.size)
        return infer_schema(self, with_data) if files else None

    def check(self, schema: StructType) -> None:
        for field in without(schema, self.corrupt)[0].fields:
            self.value("x", field.dataType, field.name)
        for field in schema.fields:
            if field.name == self.corrupt and not isinstance(field.dataType, StringType):
                message = f"The column {self.corrupt!r} takes corrupt records, so it must be a nullable string."
                shown = f'"{field.dataType.simpleString().upper()}"'
                params = {"columnName": f"`{field.name}`", "actualType": shown}
                raise analysis_error("INVALID_CORRUPT_RECORD_TYPE", message, "42804", **params)

    def fragment(self, files: Sequence[DataFile], columns: Columns, schema: StructType, time_zone: str) -> Fragment:
        if [f.name for f, _ in columns] == [self.corrupt] and len(schema.fields) > 1:
            message = (
                f"A query on raw CSV files that uses nothing but {self.corrupt!r} is not allowed: save the rows first."
            )
            raise analysis_error("UNSUPPORTED_FEATURE.QUERY_ONLY_CORRUPT_RECORD_COLUMN", message, "0A000")
        zone = self.options.get("timezone", time_zone)
        settings = {
            **self.options,
            "$corrupt": self.corrupt,
            "$zone": zone,
            "$all": schema.json(),
            "$prune": str(self._prunes),
            **self._tolerance.as_settings(),
        }
        exact = by_path.fragment(
            "csv", files, columns, settings, lambda wanted: self._file_reader(wanted, schema, zone)
        )
        if self.exact_only or zone != time_zone or any(f.name == self.corrupt for f, _ in columns):
            return exact
        return Fragment(self._fast([file.path for file in files], columns, without(schema, self.corrupt)[0]), exact.sql)

    def row_count(self, files: Sequence[DataFile]) -> int | None:
        return None

    # ------------------------------------------------------------ fast

    def _fast(self, paths: list[str], columns: Columns, schema: StructType) -> str:
        positions = {f.name: f"t{i}" for i, f in enumerate(schema.fields)}
        items = ", ".join(f"{self._item(positions[f.name], f)} AS {identifier(sql_name)}" for f, sql_name in columns)
        source = self.tokens_sql(paths, len(schema.fields))
        return f"SELECT {items or 'NULL AS none'} FROM ({source})"

    def tokens_sql(self, paths: list[str], count: int) -> str:
        """SELECT of the texts of all rows: t0, t1, ... and those too many in one further column.  Raises where a line
        is not regular."""
        names = [f"t{i}" for i in range(count)] + [_EXTRA]
        columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
        s = self.syntax
        return (
            f"SELECT * FROM read_csv({file_list(paths)}, columns={{{columns}}}, delim={quoted(s.separator)}, "
            f"quote={quoted(s.quote)}, escape={quoted(s.quote)}, comment='', header={str(self.header).lower()}, "
            f"auto_detect=false, strict_mode=false, null_padding=true, nullstr='', allow_quoted_nulls=false, "
            f"hive_partitioning=false, parallel=true) "
            f"WHERE (SELECT CASE WHEN ({self._odd_lines(paths)}) > 0 THEN {NOT_CLEAN} ELSE true END)"
        )

    def _odd_lines(self, paths: list[str]) -> str:
        quote, sep = re.escape(self.syntax.quote), re.escape(self.syntax.separator)
        bare = f"[^{quote}{re.escape(self.syntax.escape)}]*"
        outside = f"(?:[^{quote}{sep}]*)" if len(self.syntax.separator) == 1 else f"[^{quote}]*?"
        regular = f"(?:{quote}{bare}{quote}|{outside})(?:{sep}(?:{quote}{bare}{quote}|{outside}))*"
        unlike = f"(contains(line, {quoted(self.syntax.quote)}) AND NOT regexp_full_match(line, {quoted(regular)}))"
        blank = "(line[1] <= ' ' AND regexp_full_match(line, '\\s+'))"
        return f"SELECT count(*) FROM ({lines_sql(paths)}) WHERE {unlike} OR {blank}"

    def text(self, token: str) -> str:
        """A token with nullValue and emptyValue applied (by default `""` is NULL, too)."""
        null, empty = self.options.get("nullvalue", ""), self.options.get("emptyvalue", "")
        text = f"CASE WHEN {token} = '' THEN {quoted(empty)} ELSE {token} END" if empty else token
        if null:
            text = f"coalesce({text}, {quoted(null)})"
        return f"nullif({text}, {quoted(null)})"

    def value(self, text: str, data_type: DataType, name: str) -> str:
        """The value of `data_type` in a text; NULL if it does not fit."""
        if isinstance(data_type, (StringType, CharType, VarcharType)):
            return text
        if isinstance(data_type, (ByteType, ShortType, IntegerType, LongType)):
            number = f"TRY_CAST({text} AS {duckdb_type(data_type)})"
            return f"CASE WHEN regexp_full_match({text}, '[+-]?[0-9]+') THEN {number} END"
        if isinstance(data_type, (FloatType, DoubleType)):
            return self._floating(text, duckdb_type(data_type))
        if isinstance(data_type, BooleanType):
            return f"CASE lower({text}) WHEN 'true' THEN true WHEN 'false' THEN false END"
        if isinstance(data_type, DecimalType):
            plain = f"regexp_full_match({text}, '[-+]?[0-9]+([.][0-9]*)?')"
            return f"CASE WHEN {plain} THEN TRY_CAST({text} AS {duckdb_type(data_type)}) END"
        if isinstance(data_type, DateType):
            return date_sql(text)
        if isinstance(data_type, (TimestampType, TimestampNTZType)):
            return timestamp_sql(text, zoned=isinstance(data_type, TimestampType))
        if isinstance(data_type, NullType):
            return "CAST(NULL AS INTEGER)"
        raise unsupported_type(name, data_type)

    def _floating(self, text: str, duckdb: str) -> str:
        words = {"NaN": "nan", "Inf": "inf", "-Inf": "-inf", "Infinity": "inf", "-Infinity": "-inf"}
        cases = " ".join(f"WHEN {quoted(word)} THEN CAST('{number}' AS {duckdb})" for word, number in words.items())
        plain = "'[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][-+]?[0-9]+)?'"
        number = f"CASE WHEN regexp_full_match({text}, {plain}) THEN TRY_CAST({text} AS {duckdb}) END"
        return f"CASE {text} {cases} ELSE {number} END"

    def _item(self, token: str, field: StructField) -> str:
        """Texts that do not fit are NULL where DuckDB surely knows, else for the exact scan to decide."""
        text = self.text(token)
        value = self.value(text, field.dataType, field.name)
        if isinstance(field.dataType, (StringType, BooleanType, ByteType, ShortType, IntegerType, LongType, NullType)):
            return value
        return f"CASE WHEN ({text}) IS NOT NULL AND ({value}) IS NULL THEN {NOT_CLEAN} ELSE {value} END"

    # ------------------------------------------------------------ exact

    def _file_reader(self, wanted: StructType, schema: StructType, zone: str) -> by_path.ReadFile:
        data, at = without(wanted, self.corrupt)
        known = without(schema, self.corrupt)[0]
        names = known.names
        counts = not self._prunes or len(data.fields) == len(known.fields)
        values = CsvValues(self.options, csv_times(self.options, zone))
        positions = [names.index(f.name) for f in data.fields]
        reader = CsvReader(data, positions, len(names), self.syntax, values, counts=counts)

        def read(path: str) -> tuple[Sequence[Any], int]:
            rows: list[list[Any]] = []
            for record, found in self.records(path, known):
                safe = SafeReader(lambda _, found=found: reader.row_of(found), wanted, self.mode, at, "CSV")  # type: ignore[misc]
                rows.extend(safe.read(record))
            return by_path.arrays_of(rows, wanted)

        return read

    def records(self, path: str, schema: StructType | None = None) -> Iterator[tuple[str, list[str | None]]]:
        """The text and the tokens of every record of a file, without the header, which is checked against `schema` if
        enforceSchema is false."""
        found = self.all_records(path)
        if self.header:
            header = next(found, None)
            if header is not None and schema is not None and not self._enforce:
                self._check_header(path, header[1], schema)
        return found

    def all_records(self, path: str) -> Iterator[tuple[str, list[str | None]]]:
        """As `records`, with the header."""
        text = raw.text(path, self._charset, self._tolerance)
        return self._long_records(text) if self.multi_line else self._lines(text)

    def _lines(self, text: str) -> Iterator[tuple[str, list[str | None]]]:
        comment = self.syntax.comment
        for line in raw.lines(text, self._separator):
            if line.strip(_SPACES) and not (comment and line.startswith(comment)):
                try:
                    yield line, tokens(line, self.syntax)
                except BadRecord:
                    raise csv_error(line) from None

    def _long_records(self, text: str) -> Iterator[tuple[str, list[str | None]]]:
        """Records that may go over several lines."""
        newline = self._separator or "\n"
        if self._separator is None:
            text = text.replace("\r\n", "\n") if "\r\n" in text else text.replace("\r", "\n")
        reader = CsvRecords(text, self.syntax, newline=newline)
        while not reader.done():
            start = reader.at
            end = text.find(newline, start)
            line = text[start : end if end >= 0 else len(text)]
            if not line.strip(_SPACES) or (self.syntax.comment and line.startswith(self.syntax.comment)):
                reader.at = start + len(line) + len(newline)
                continue
            try:
                found = reader.record()
            except BadRecord:
                raise csv_error(line) from None
            yield text[start : reader.at].removesuffix(newline), found

    def _check_header(self, path: str, header: list[str | None], schema: StructType) -> None:
        names = schema.names
        fold = (lambda name: name) if self.case_sensitive else (lambda name: (name or "").lower())
        if len(header) == len(names) and [fold(name) for name in header] == [fold(name) for name in names]:
            return
        message = (
            f"The header of the CSV file {path} does not conform to the schema: it has {', '.join(map(str, header))}, "
            f"the schema {', '.join(names)}. Correct the schema, or leave enforceSchema at true: columns by position."
        )
        raise illegal_argument("_LEGACY_ERROR_TEMP_3241", message)


_SPACES = "".join(map(chr, range(33)))

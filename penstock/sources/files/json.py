"""JSON lines (and whole JSON files with multiLine) as Spark reads them.

Two scans give the same rows.  The *fast* one lets DuckDB's JSON reader split the lines into fields and converts those
with strict rules; anything it might get wrong makes it raise.  The *exact* one then takes over, record by record, in
Python (penstock.sources.records); options that change what JSON is leave nothing to the fast one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock.core.errors import SPARK, SparkError, analysis_error, illegal_argument, unsupported
from penstock.plan.types import (
    STRING,
    BinaryType,
    DataType,
    DateType,
    DecimalType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)
from penstock.sources import options as opt
from penstock.sources.duckdb_types import file_list, identifier, quoted
from penstock.sources.files import by_path, raw
from penstock.sources.files.json_schema import fast_schema, sampled
from penstock.sources.files.json_values import JsonValues, nested_lambdas
from penstock.sources.files.lines import lines_sql
from penstock.sources.files.listing import DataFile
from penstock.sources.files.relation import Columns, Fragment
from penstock.sources.raising import NOT_CLEAN
from penstock.sources.records.errors import Malformed
from penstock.sources.records.functions import json_times
from penstock.sources.records.infer_json import JsonGuess, Merging
from penstock.sources.records.json_rows import JsonReader
from penstock.sources.records.json_text import NOTHING, JsonSyntax, parse
from penstock.sources.records.kernels import rows_function
from penstock.sources.records.modes import SafeReader, without

_log = logging.getLogger(__name__)

#: Options that change what counts as JSON, or how values are spelled: DuckDB does not read such files.
_EXACT_ONLY = {
    "allowComments": "false", "allowUnquotedFieldNames": "false", "allowNumericLeadingZeros": "false",
    "allowBackslashEscapingAnyCharacter": "false", "allowUnquotedControlChars": "false", "allowSingleQuotes": "true",
    "allowNonNumericNumbers": "true", "timestampNTZFormat": "", "enableDateTimeParsingFallback": "", "dateFormat": "",
    "timestampFormat": "",
}  # fmt: skip
_GUESSING = ("primitivesasstring", "prefersdecimal", "infertimestamp", "dropfieldifallnull")
_REFUSED = ("singleVariantColumn", "maxNestingDepth", "maxNumLen", "maxStringLen")
#: Files with fewer bytes together are read whole by the exact scan; larger ones line by line.
_SMALL = 256 * 1024 * 1024
#: Arrays and maps in each other; the SQL of deeper ones takes DuckDB longer to bind than most files take to read.
_DEEPEST = 6
#: Lines that DuckDB's reader takes and Spark's does not.
_ODD_LINES = r",\s*[]}]|^\s*null"


class JsonFormat:
    """Options: mode, columnNameOfCorruptRecord, multiLine, primitivesAsString, prefersDecimal, inferTimestamp,
    dropFieldIfAllNull, dateFormat, timestampFormat, timestampNTZFormat, enableDateTimeParsingFallback, timeZone,
    samplingRatio, lineSep, encoding, locale (en only), ignoreCorruptFiles, ignoreMissingFiles, and the allow...
    options."""

    name = "json"

    def __init__(self, options: Mapping[str, str], conf: Mapping[str, str]) -> None:
        opt.refuse(options, "json", _REFUSED)
        refuse_other_locales(options, "json")
        self.mode = parse_mode(options)
        self.corrupt = corrupt_column(options, conf)
        self.multi_line = opt.boolean(options, "multiLine", False)
        self.sampling_ratio = sampling_ratio(options)
        self._options = options
        self._zone = options.get("timezone") or conf.get("spark.sql.session.timeZone") or "UTC"
        self._syntax = JsonSyntax.of(options)
        self._guess = JsonGuess(options, json_times(options, self._zone))
        self._charset = raw.encoding(options)
        self._tolerance = raw.Tolerance.of(options, conf)
        self._separator = options.get("linesep")
        if self._separator == "":
            raise opt.bad_value("lineSep", "", "at least one character")
        if self._charset not in ("utf-8", "ascii") and self._separator is None and not self.multi_line:
            message = f"The encoding {options.get('encoding', self._charset)} needs the option lineSep."
            raise illegal_argument("_LEGACY_ERROR_TEMP_3250", message)
        #: Files that DuckDB cannot take apart into lines, or that are one record.
        self._whole = self._charset != "utf-8" or self._separator not in (None, "\n")
        self._exact_only = (
            self._whole
            or self.multi_line
            or any(options.get(name.lower(), usual).lower() != usual for name, usual in _EXACT_ONLY.items())
        )
        self.values = JsonValues()

    def infer(self, files: Sequence[DataFile]) -> StructType | None:
        if not files:
            return None
        kept = [file for file in files if file.size]
        if not self._exact_only and not any(name in self._options for name in _GUESSING):
            found = fast_schema([file.path for file in kept], self.sampling_ratio)
            if found is not None:
                return found
        merging = Merging(self.corrupt, self.mode)
        for text in sampled(self._texts(kept), self.sampling_ratio):
            self._merge(merging, text)
        found = self._guess.canonical(merging.result())
        return found if isinstance(found, StructType) else StructType([])

    def _texts(self, files: Sequence[DataFile]) -> Iterator[str]:
        for file in files:
            yield from self._records(file.path)

    def _records(self, path: str) -> list[str]:
        return raw.texts(path, self._charset, self._tolerance, whole=self.multi_line, separator=self._separator)

    def _merge(self, merging: Merging, text: str) -> None:
        try:
            tree = parse(text, self._syntax)
            if tree is not NOTHING:
                merging.add(self._guess.type_of(tree))
        except Malformed:
            if self.mode == "failfast":
                message = (
                    "A record is malformed, and the option mode is FAILFAST. Fix the file, or use mode=PERMISSIVE."
                )
                params = {"badRecord": self.corrupt, "failFastMode": "FAILFAST"}
                condition = "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"
                raise SparkError(condition, message, params, sqlstate="22023", classes=SPARK) from None
            if self.mode == "permissive":
                merging.add(StructType([StructField(self.corrupt, STRING, True)]))

    def check(self, schema: StructType) -> None:
        for field in schema.fields:
            self.values.value("x", field.dataType)
            if field.name == self.corrupt and not isinstance(field.dataType, StringType):
                message = f"The column {self.corrupt!r} takes corrupt records, so it must be a nullable string."
                shown = f'"{field.dataType.simpleString().upper()}"'
                params = {"columnName": f"`{self.corrupt}`", "actualType": shown}
                raise analysis_error("INVALID_CORRUPT_RECORD_TYPE", message, "42804", **params)

    def fragment(self, files: Sequence[DataFile], columns: Columns, schema: StructType, time_zone: str) -> Fragment:
        self._refuse_only_corrupt(columns, schema)
        exact = self._exact(files, columns, time_zone)
        zone = self._options.get("timezone", time_zone)
        too_deep = any(nested_lambdas(f.dataType) > _DEEPEST for f, _ in columns)
        if self._exact_only or zone != time_zone or too_deep:
            return exact
        utc = time_zone in ("UTC", "Z", "GMT", "Etc/UTC")
        return Fragment(self._fast([file.path for file in files], columns, utc), exact.sql)

    def row_count(self, files: Sequence[DataFile]) -> int | None:
        return None

    def _refuse_only_corrupt(self, columns: Columns, schema: StructType) -> None:
        if [f.name for f, _ in columns] == [self.corrupt] and self.corrupt in schema.names and len(schema.fields) > 1:
            message = (
                f"A query on raw JSON files that uses nothing but {self.corrupt!r} is not allowed. Cache or save the "
                "parsed rows first, then query that column."
            )
            raise analysis_error("UNSUPPORTED_FEATURE.QUERY_ONLY_CORRUPT_RECORD_COLUMN", message, "0A000")

    # ------------------------------------------------------------ fast

    def _fast(self, paths: list[str], columns: Columns, utc: bool) -> str:
        must_fit = self.mode != "permissive" or len([f for f, _ in columns if f.name == self.corrupt]) > 0
        data = [(f, sql_name) for f, sql_name in columns if f.name != self.corrupt]
        types = (
            ", ".join(f"{quoted(f.name)}: '{self._reader_type(f.dataType, utc)}'" for f, _ in data) or "'none': 'JSON'"
        )
        chosen = [f"{self._fast_item(f, must_fit, utc)} AS {identifier(sql_name)}" for f, sql_name in columns]
        items = ", ".join(chosen or ["NULL AS none"])
        where = f" WHERE {self._no_odd_lines(paths)}" if must_fit else ""
        return (
            f"SELECT {items} FROM read_json({file_list(paths)}, format='newline_delimited', records=true, "
            f"hive_partitioning=false, columns={{{types}}}){where}"
        )

    def _no_odd_lines(self, paths: list[str]) -> str:
        odd = f"SELECT count(*) FROM ({lines_sql(paths)}) WHERE regexp_matches(line, {quoted(_ODD_LINES)})"
        return f"(SELECT CASE WHEN ({odd}) > 0 THEN {NOT_CLEAN} ELSE true END)"

    def _reader_type(self, data_type: DataType, utc: bool) -> str:
        """What DuckDB's reader makes of a field: the raw JSON, but for the types where it is exact or raises."""
        if isinstance(data_type, StringType):
            return "VARCHAR"
        if isinstance(data_type, TimestampType) and utc:  # it takes times without a zone for UTC
            return "TIMESTAMPTZ"
        return "JSON"

    def _fast_item(self, field: StructField, must_fit: bool, utc: bool) -> str:
        if field.name == self.corrupt:
            return "CAST(NULL AS VARCHAR)"
        reader_type, column = self._reader_type(field.dataType, utc), identifier(field.name)
        if reader_type == "TIMESTAMPTZ":
            return column
        if reader_type == "VARCHAR":
            return _surely_string(column)
        text = f"CAST({column} AS VARCHAR)"
        value = self.values.value(text, field.dataType)
        if isinstance(field.dataType, DecimalType):
            value = f"CASE WHEN strlen({text}) > 16 THEN {NOT_CLEAN} ELSE {value} END"
        if not must_fit and not isinstance(field.dataType, (DateType, TimestampType, TimestampNTZType, BinaryType)):
            return value
        return f"CASE WHEN {self.values.is_bad(text, field.dataType)} THEN {NOT_CLEAN} ELSE {value} END"

    # ------------------------------------------------------------ exact

    def _exact(self, files: Sequence[DataFile], columns: Columns, time_zone: str) -> Fragment:
        """Every record by the exact reader."""
        settings = {**self._options, "$corrupt": self.corrupt, "$zone": self._options.get("timezone", time_zone)}
        settings |= self._tolerance.as_settings()
        wanted = StructType([StructField(f.name, f.dataType) for f, _ in columns])
        if self._whole or self.multi_line or sum(file.size for file in files) < _SMALL:
            return by_path.fragment("json", files, columns, settings, lambda one: self._file_reader(one, settings))
        name = rows_function("json", wanted, settings, lambda: self._reader(wanted, settings).read)
        items = ", ".join(f"r.c{i} AS {identifier(sql_name)}" for i, (_, sql_name) in enumerate(columns))
        lines = lines_sql([file.path for file in files])
        return Fragment(f"SELECT {items or 'NULL AS none'} FROM (SELECT unnest({name}(line)) AS r FROM ({lines}))")

    def _reader(self, wanted: StructType, settings: Mapping[str, str]) -> SafeReader:
        data, at = without(wanted, self.corrupt)
        times = json_times(settings, settings["$zone"])
        reader = JsonReader(data, self._syntax, times, exact=True, arrays=True)
        return SafeReader(reader.rows, wanted, self.mode, at, "JSON")

    def _file_reader(self, wanted: StructType, settings: Mapping[str, str]) -> by_path.ReadFile:
        reader = self._reader(wanted, settings)

        def read(path: str) -> tuple[Sequence[Any], int]:
            return by_path.arrays_of([row for record in self._records(path) for row in reader.read(record)], wanted)

        return read


def _surely_string(column: str) -> str:
    """A string as it is; a number with a fraction may have stood in the file with other digits (1.50)."""
    number = f"regexp_full_match({column}, '-?[0-9]+([.][0-9]+([eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)')"
    return f"CASE WHEN {column} < ':' THEN CASE WHEN {number} THEN {NOT_CLEAN} ELSE {column} END ELSE {column} END"


def parse_mode(options: Mapping[str, str]) -> str:
    """What to do with bad records.  An unknown word means PERMISSIVE, with a warning, as in Spark."""
    mode = options.get("mode", "permissive").strip().lower()
    if mode in ("permissive", "dropmalformed", "failfast"):
        return mode
    _log.warning("mode=%r is none of PERMISSIVE, DROPMALFORMED and FAILFAST: PERMISSIVE is used", options["mode"])
    return "permissive"


def corrupt_column(options: Mapping[str, str], conf: Mapping[str, str]) -> str:
    """The name of the column that takes the text of bad records."""
    set_for_session = conf.get("spark.sql.columnNameOfCorruptRecord") or "_corrupt_record"
    return options.get("columnnameofcorruptrecord") or set_for_session


def sampling_ratio(options: Mapping[str, str]) -> float:
    """Which part of the records tells the schema."""
    text = options.get("samplingratio", "1.0")
    try:
        ratio = float(text)
    except ValueError:
        raise opt.bad_value("samplingRatio", text, "a number above 0") from None
    if not ratio > 0:
        raise opt.bad_value("samplingRatio", text, "a number above 0")
    return min(ratio, 1.0)


def refuse_other_locales(options: Mapping[str, str], source: str) -> None:
    """Only texts in English can be read."""
    if options.get("locale", "en-US").lower() not in ("en-us", "en"):
        raise unsupported(f"the option locale={options['locale']!r} of the {source} data source")

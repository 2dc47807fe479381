"""CSV as Spark reads it: DuckDB splits the lines, all columns as text; the texts become values by Spark's rules.

A quoted value may hold line ends, whatever multiLine says (Spark without multiLine tears such rows apart).  The option
only tells that there are some, so that the reader need not find out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.core.errors import analysis_error, illegal_argument, unsupported
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
from penstock.sources.files.csv_schema import infer_schema
from penstock.sources.files.json import corrupt_column, formats, parse_mode, refuse_other_encodings
from penstock.sources.files.listing import DataFile
from penstock.sources.files.relation import Columns, Fragment
from penstock.sources.files.text_values import date_sql, timestamp_sql
from penstock.sources.raising import raise_sql

_REFUSED = (
    "charToEscapeQuoteEscaping", "unescapedQuoteHandling", "maxColumns", "maxCharsPerColumn", "lineSep",
    "columnPruning",
    "singleVariantColumn", "timestampNTZFormat", "enableDateTimeParsingFallback", "samplingRatio", "preferDate",
)  # fmt: skip
_HARMLESS = {"lineSep": "\n", "columnPruning": "true", "samplingRatio": "1.0", "preferDate": "true"}
_EXTRA = "extra tokens"


class CsvFormat:
    """Options: sep (delimiter), quote, escape, comment, header, inferSchema, enforceSchema (true), mode, nullValue,
    emptyValue, nanValue, positiveInf, negativeInf, ignoreLeadingWhiteSpace, ignoreTrailingWhiteSpace, multiLine,
    dateFormat, timestampFormat, encoding (UTF-8 only), locale (en only)."""

    name = "csv"

    def __init__(self, options: Mapping[str, str], conf: Mapping[str, str]) -> None:
        opt.refuse(options, "csv", _REFUSED, _HARMLESS)
        refuse_other_encodings(options, "csv")
        self._options = options
        self.separator = options.get("sep", options.get("delimiter", ",")).replace("\\t", "\t")
        self.quote = _one_character(options, "quote", '"')
        self.escape = _one_character(options, "escape", "\\")
        self.comment = _one_character(options, "comment", "")
        if not 1 <= len(self.separator) <= 4:
            message = f"The separator {self.separator!r} must have 1 to 4 characters."
            condition = "INVALID_DELIMITER_VALUE.DELIMITER_LONGER_THAN_EXPECTED"
            raise illegal_argument(condition, message, "42602", str=self.separator)
        self.header = opt.boolean(options, "header", False)
        self.infer_types = opt.boolean(options, "inferSchema", False)
        if not opt.boolean(options, "enforceSchema", True):
            raise unsupported(
                "the option enforceSchema='false' of the csv data source", "Columns are taken by position."
            )
        self.mode = parse_mode(options)
        self.corrupt = corrupt_column(options, conf)
        self.multi_line = opt.boolean(options, "multiLine", False)
        self.case_sensitive = (conf.get("spark.sql.caseSensitive") or "false").lower() == "true"
        self.date_formats, self.timestamp_formats = formats(options, "dateFormat"), formats(options, "timestampFormat")

    def infer(self, files: Sequence[DataFile]) -> StructType | None:
        return infer_schema(self, [file for file in files if file.size]) if files else None

    def check(self, schema: StructType) -> None:
        for field in schema.fields:
            self.value("x", field.dataType, field.name)
            if field.name == self.corrupt:
                raise unsupported(f"the column {self.corrupt!r} of the csv data source", "Leave it out of the schema.")

    def fragment(self, files: Sequence[DataFile], columns: Columns, schema: StructType, time_zone: str) -> Fragment:
        if self._options.get("timezone", time_zone) != time_zone:
            raise unsupported("the option timeZone of the csv data source", "Set spark.sql.session.timeZone.")
        paths = [file.path for file in files]
        positions = {f.name: f"t{i}" for i, f in enumerate(schema.fields)}
        items = ", ".join(f"{self._item(positions[f.name], f)} AS {identifier(sql_name)}" for f, sql_name in columns)
        where = self._mode_condition(positions, columns)
        parallel, serial = (self.tokens_sql(paths, len(schema.fields), parallel=choice) for choice in (True, False))
        fast, slow = (f"SELECT {items or 'NULL AS none'} FROM ({tokens}){where}" for tokens in (parallel, serial))
        return Fragment(slow) if self.multi_line else Fragment(fast, slow)

    def row_count(self, files: Sequence[DataFile]) -> int | None:
        return None

    def tokens_sql(self, paths: list[str], count: int, *, parallel: bool, header: bool | None = None) -> str:
        """SELECT of the texts of all rows: t0, t1, ... and those too many in one further column."""
        names = [f"t{i}" for i in range(count)] + ([_EXTRA] if self.mode == "permissive" else [])
        columns = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in names)
        drop, fail = self.mode == "dropmalformed", self.mode == "failfast"
        return (
            f"SELECT * FROM read_csv({file_list(paths)}, columns={{{columns}}}, delim={quoted(self.separator)}, "
            f"quote={quoted(self.quote)}, escape={quoted(self.escape)}, comment={quoted(self.comment)}, "
            f"header={str(self.header if header is None else header).lower()}, auto_detect=false, strict_mode=false, "
            f"null_padding={str(not (drop or fail)).lower()}, ignore_errors={str(drop).lower()}, nullstr='', "
            f"allow_quoted_nulls=false, hive_partitioning=false, parallel={str(parallel).lower()})"
        )

    def text(self, token: str) -> str:
        """A token with the options for blanks, nullValue and emptyValue applied (by default `""` is NULL, too)."""
        trimmed = token
        if opt.boolean(self._options, "ignoreLeadingWhiteSpace", False):
            trimmed = f"ltrim({trimmed}, ' \t')"
        if opt.boolean(self._options, "ignoreTrailingWhiteSpace", False):
            trimmed = f"rtrim({trimmed}, ' \t')"
        null, empty = self._options.get("nullvalue", ""), self._options.get("emptyvalue", "")
        if empty:
            trimmed = f"CASE WHEN {trimmed} = '' THEN {quoted(empty)} ELSE {trimmed} END"
        return f"nullif({trimmed}, {quoted(null)})"

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
            number = f"TRY_CAST(replace({text}, ',', '') AS {duckdb_type(data_type)})"
            return f"CASE WHEN regexp_full_match({text}, '[-+0-9.,eE]+') THEN {number} END"
        if isinstance(data_type, DateType):
            return date_sql(text, self.date_formats)
        if isinstance(data_type, (TimestampType, TimestampNTZType)):
            return timestamp_sql(text, self.timestamp_formats, zoned=isinstance(data_type, TimestampType))
        if isinstance(data_type, NullType):
            return "CAST(NULL AS INTEGER)"
        shown = data_type.simpleString().upper()
        message = f"CSV data cannot hold the column {name!r} of type {shown}. Read it as a string and parse that."
        params = {"format": "CSV", "columnName": f"`{name}`", "columnType": f'"{shown}"'}
        raise analysis_error("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", message, "0A000", **params)

    def _floating(self, text: str, duckdb: str) -> str:
        words = {
            self._options.get("nanvalue", "NaN"): "nan",
            self._options.get("positiveinf", "Inf"): "inf",
            self._options.get("negativeinf", "-Inf"): "-inf",
            "Infinity": "inf",
            "-Infinity": "-inf",
        }
        cases = " ".join(f"WHEN {quoted(word)} THEN CAST('{number}' AS {duckdb})" for word, number in words.items())
        number = f"CASE WHEN regexp_matches({text}, '^[-+ ]*[.0-9]') THEN TRY_CAST({text} AS {duckdb}) END"
        return f"CASE {text} {cases} ELSE {number} END"

    def _item(self, token: str, field: StructField) -> str:
        return self.value(self.text(token), field.dataType, field.name)

    def _is_bad(self, token: str, field: StructField) -> str:
        return f"(({self.text(token)}) IS NOT NULL AND ({self._item(token, field)}) IS NULL)"

    def _mode_condition(self, positions: Mapping[str, str], columns: Columns) -> str:
        if self.mode == "permissive" or not columns:
            return ""
        bad = " OR ".join(self._is_bad(positions[f.name], f) for f, _ in columns)
        if self.mode == "dropmalformed":
            return f" WHERE NOT ({bad})"
        message = (
            "The CSV record {value} does not fit the schema, and the option mode is FAILFAST. With mode=PERMISSIVE "
            "such values become NULL."
        )
        record = f"concat_ws({quoted(self.separator)}, {', '.join(positions.values())})"
        raised = raise_sql(
            "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", message, record, param="badRecord", sqlstate="22023",
            kind="spark", failFastMode="FAILFAST",
        )  # fmt: skip
        return f" WHERE CASE WHEN {bad} THEN {raised} ELSE true END"


def _one_character(options: Mapping[str, str], name: str, default: str) -> str:
    text = options.get(name, default)
    if len(text) > 1:
        message = f"The option {name!r} must be one character, but is {text!r}."
        raise illegal_argument("OPTION_VALUE_EXCEEDS_ONE_CHARACTER", message, "22023", paramName=name, actualValue=text)
    return text

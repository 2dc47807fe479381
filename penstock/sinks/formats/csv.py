"""CSV as Spark writes it: quotes only where needed, a backslash before quotes inside quotes, `""` for empty strings."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from penstock.core.errors import illegal_argument
from penstock.core.files import Buffer
from penstock.core.sql_text import quoted
from penstock.plan.types import (
    ArrayType,
    BinaryType,
    CharType,
    DataType,
    DateType,
    DoubleType,
    FloatType,
    MapType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
    VariantType,
)
from penstock.sinks.errors import refuse_other_locales, unsupported_column
from penstock.sinks.formats.sql_lines import Compression, LineBuilder, date_text, in_charset, timestamp_text
from penstock.sinks.options import bad_value, charset, flag, line_end

_NOT_CSV = (ArrayType, MapType, StructType, BinaryType, VariantType)


_FLAGS = ("header", "quoteAll", "escapeQuotes", "ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace")


class CsvEncoder:
    """Options: header, sep, quote, escape, quoteAll, escapeQuotes, nullValue, emptyValue, ignoreLeadingWhiteSpace,
    ignoreTrailingWhiteSpace, dateFormat, timestampFormat, timestampNTZFormat, lineSep, compression, extension,
    charToEscapeQuoteEscaping, encoding, timeZone, locale (en only)."""

    def __init__(
        self, schema: StructType, options: Mapping[str, str], time_zone: str, *, keep_empty: bool = False
    ) -> None:
        refuse_other_locales(options, "csv")
        self._charset = charset(options)
        self._options = options
        self._compression = Compression(options)
        self._time_zone = options.get("timezone", time_zone)
        self._separator = options.get("sep", options.get("delimiter", ",")).replace("\\t", "\t")
        if not self._separator:
            raise bad_value("sep", "", "at least one character")
        self._quote = _one_character(options, "quote", '"')
        self._escape = _one_character(options, "escape", "\\")
        self._before_escape = _one_character(options, "charToEscapeQuoteEscaping", self._escape)
        self._extension = _extension(options)
        self._end = line_end(options)
        self._comment = options.get("comment", "#")
        for name in _FLAGS:
            flag(options, name, False)
        items = [self._text(f"c{i}", f.dataType, f.name) for i, f in enumerate(schema.fields)]
        separator = f" || {quoted(self._separator)} || "
        line = separator.join(items)
        if len(items) == 1 and not keep_empty:  # a line without anything is left out
            line = f"nullif({line}, '')"
        self._lines = LineBuilder(f"coalesce({line} || {quoted(self._end)}, '')", schema)
        self._header = self._header_line(schema) if self._flag("header", False) else b""

    @property
    def extension(self) -> str:
        return f".{self._extension}{self._compression.extension}"

    @property
    def header(self) -> bytes:
        """The line with which each file begins; empty without the option header."""
        return self._header

    def encode(self, table: pa.Table) -> Buffer:
        return self._compression.compress(in_charset(self._header + self._lines.build(table), self._charset))

    def _flag(self, name: str, default: bool) -> bool:
        return flag(self._options, name, default)

    def _header_line(self, schema: StructType) -> bytes:
        names = [self._quoted_if_needed(quoted(f.name)) for f in schema.fields]
        import duckdb

        with duckdb.connect() as connection:
            row = connection.execute(f"SELECT concat_ws({quoted(self._separator)}, {', '.join(names)})").fetchone()
        return (str(row[0]) if row else "").encode() + self._end.encode()

    def _text(self, value: str, data_type: DataType, name: str) -> str:
        """SQL for a value's text, never NULL."""
        if isinstance(data_type, _NOT_CSV):
            raise unsupported_column("CSV", name, data_type)
        null = self._options.get("nullvalue", "")
        null = quoted(f"{self._quote}{null}{self._quote}" if self._flag("quoteAll", False) else null)
        if isinstance(data_type, (StringType, CharType, VarcharType)):
            return f"coalesce({self._string(value, first=value == 'c0')}, {null})"
        return f"coalesce({self._plain(value, data_type)}, {null})"

    def _plain(self, value: str, data_type: DataType) -> str:
        if isinstance(data_type, DateType):
            return self._quoted_if_needed(date_text(value, self._options.get("dateformat")))
        if isinstance(data_type, (TimestampType, TimestampNTZType)):
            zoned = isinstance(data_type, TimestampType)
            pattern = self._options.get("timestampformat" if zoned else "timestampntzformat")
            return self._quoted_if_needed(timestamp_text(value, self._time_zone, pattern, zoned=zoned))
        text = f"CAST({value} AS VARCHAR)"
        if isinstance(data_type, (FloatType, DoubleType)):
            words = "WHEN 'nan' THEN 'NaN' WHEN 'inf' THEN 'Infinity' WHEN '-inf' THEN '-Infinity'"
            text = f"CASE {text} {words} ELSE {text} END"
        return f"{quoted(self._quote)} || {text} || {quoted(self._quote)}" if self._flag("quoteAll", False) else text

    def _string(self, value: str, *, first: bool) -> str:
        trimmed = value
        if self._flag("ignoreLeadingWhiteSpace", True):
            trimmed = f"ltrim({trimmed}, ' \t')"
        if self._flag("ignoreTrailingWhiteSpace", True):
            trimmed = f"rtrim({trimmed}, ' \t')"
        empty = quoted(self._options.get("emptyvalue", '""'))
        return f"CASE WHEN {trimmed} = '' THEN {empty} ELSE {self._quoted_if_needed(trimmed, first=first)} END"

    def _quoted_if_needed(self, text: str, *, first: bool = False) -> str:
        quote, escape = quoted(self._quote), quoted(self._escape)
        inside = text
        if self._escape != self._quote:
            inside = f"replace({inside}, {escape}, {quoted(self._before_escape + self._escape)})"
        inside = f"replace({inside}, {quote}, {quoted(self._escape + self._quote)})"
        enclosed = f"{quote} || {inside} || {quote}"
        if self._flag("quoteAll", False):
            return enclosed
        special = [self._separator, "\n", "\r", *([self._quote] if self._flag("escapeQuotes", True) else [])]
        needed = " OR ".join(f"contains({text}, {quoted(one)})" for one in special)
        if first and self._comment:  # else the line would be taken for a comment
            needed += f" OR starts_with({text}, {quoted(self._comment)})"
        return f"CASE WHEN {needed} THEN {enclosed} ELSE {text} END"


def _extension(options: Mapping[str, str]) -> str:
    """How the names of files end: three characters, or letters."""
    text = options.get("extension", "csv")
    if len(text) != 3 and not (text.isalpha() or not text):
        message = f"The option 'extension' must be three characters or letters only, but is {text!r}."
        raise illegal_argument("INVALID_FILE_EXTENSION", message, extension=text)
    return text


def _one_character(options: Mapping[str, str], name: str, default: str) -> str:
    text = options.get(name.lower(), default) or "\0"
    if len(text) != 1:
        message = f"The option {name!r} must be one character, but is {text!r}."
        raise illegal_argument("OPTION_VALUE_EXCEEDS_ONE_CHARACTER", message, "22023", paramName=name, actualValue=text)
    return text

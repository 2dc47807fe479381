"""CSV tokens as rows of a schema, by the rules of Spark's parser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penstock.core.errors import analysis_error
from penstock.plan.types import (
    BooleanType,
    CharType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    NullType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    VarcharType,
)
from penstock.sources.records import values
from penstock.sources.records.csv_text import CsvSyntax, tokens
from penstock.sources.records.errors import BadRecord, BadValue
from penstock.sources.records.times import Times

Convert = Callable[[str], Any]


class CsvValues:
    """Texts of tokens as values of types, with the options nullValue, emptyValue, nanValue, positiveInf and
    negativeInf."""

    def __init__(self, options: Mapping[str, str], times: Times) -> None:
        self.null = options.get("nullvalue", "")
        self.empty = options.get("emptyvalue", "")
        self._times = times
        self._words = {
            options.get("nanvalue", "NaN"): float("nan"),
            options.get("negativeinf", "-Inf"): float("-inf"),
            options.get("positiveinf", "Inf"): float("inf"),
        }

    def datum(self, token: str | None) -> str | None:
        """The text that counts for a token; None for NULL."""
        text = self.null if token is None else token or self.empty
        return None if text == self.null else text

    def converter(self, t: DataType, name: str) -> Convert:
        """Text to value."""
        if isinstance(t, (StringType, CharType, VarcharType)):
            return lambda text: text
        if t.typeName() in values.BITS:
            bits = values.BITS[t.typeName()]
            return lambda text: values.whole(text, bits)
        if isinstance(t, DecimalType):
            return lambda text: values.decimal(values.big_decimal(text.replace(",", "")), t.precision, t.scale)
        simple: dict[type[DataType], Convert] = {
            FloatType: self.floating,
            DoubleType: self.floating,
            BooleanType: values.boolean,
            DateType: self._times.date,
            TimestampType: self._times.timestamp,
            TimestampNTZType: self._times.local_timestamp,
            NullType: lambda text: None,
        }
        if type(t) not in simple:
            raise unsupported_type(name, t)
        return simple[type(t)]

    def floating(self, text: str) -> float:
        """A number, or one of the words of the options."""
        return self._words[text] if text in self._words else values.floating(text)


def unsupported_type(name: str, t: DataType) -> Exception:
    """A type that CSV cannot hold."""
    shown = t.simpleString().upper()
    message = f"CSV data cannot hold the column {name!r} of type {shown}. Read it as a string and parse that."
    params = {"format": "CSV", "columnName": f"`{name}`", "columnType": f'"{shown}"'}
    return analysis_error("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE", message, "0A000", **params)


class CsvReader:
    """Reads single lines.  `positions` are those of the wanted columns among `width` tokens; `counts`: a record with
    another number of tokens is bad (Spark does not look when it reads some columns only)."""

    def __init__(
        self, wanted: StructType, positions: list[int], width: int, syntax: CsvSyntax, csv: CsvValues, *, counts: bool
    ) -> None:
        self._syntax, self._csv, self._counts = syntax, csv, counts
        self._columns = [
            (position, csv.converter(f.dataType, f.name)) for position, f in zip(positions, wanted.fields, strict=True)
        ]  # fmt: skip
        self._width = width

    def rows(self, line: str) -> list[Any]:
        """The row of one line.  BadRecord."""
        return self.row_of(tokens(line, self._syntax))

    def row_of(self, found: list[str | None]) -> list[Any]:
        """The row of the tokens of a record."""
        bad = self._counts and len(found) != self._width
        row: list[Any] = []
        for position, convert in self._columns:
            text = self._csv.datum(found[position] if position < len(found) else None)
            try:
                row.append(None if text is None else convert(text))
            except BadValue:
                row.append(None)
                bad = True
        if bad:
            raise BadRecord([row])
        return [row]

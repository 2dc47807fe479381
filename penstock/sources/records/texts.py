"""Many texts at once: the schema and the rows of spark.read.json(df), .csv(df) and .xml(df)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from penstock.plan.types import STRING, DataType, NullType, StructField, StructType
from penstock.sources import options as opt
from penstock.sources.records import arrow
from penstock.sources.records.csv_rows import CsvReader, CsvValues
from penstock.sources.records.csv_text import CsvSyntax, tokens
from penstock.sources.records.errors import BadRecord, BadValue, Malformed
from penstock.sources.records.functions import csv_error, csv_times, json_times, parse_mode, xml_times
from penstock.sources.records.infer_json import JsonGuess, Merging
from penstock.sources.records.infer_text import CsvGuess, XmlGuess
from penstock.sources.records.infer_xml import XmlSchema
from penstock.sources.records.json_rows import JsonReader
from penstock.sources.records.json_text import NOTHING, JsonSyntax, parse
from penstock.sources.records.modes import SafeReader, without
from penstock.sources.records.xml_rows import XmlReader
from penstock.sources.records.xml_text import XmlSyntax

_SPACES = "".join(map(chr, range(33)))


def read(
    form: str, texts: Sequence[str | None], schema: StructType | None, settings: Mapping[str, str]
) -> tuple[pa.Table, StructType]:
    """The rows of some texts (NULLs are none), and their schema.  `settings`: options in lower case, and `$corrupt`
    (the name of the column for corrupt records), `$zone`, `$case`."""
    known = [text for text in texts if text is not None]
    if form == "csv":
        known, names = _csv_lines(known, settings)
        found = schema or _csv_schema(known, names, settings)
    else:
        found = schema or (_json_schema if form == "json" else _xml_schema)(known, settings)
    data, at = without(found, settings["$corrupt"])
    safe = SafeReader(_reader(form, data, settings), found, parse_mode(settings), at, form.upper())
    rows = [row for text in known for row in safe.read(text)]
    arrays = [arrow.array([row[i] for row in rows], f.dataType) for i, f in enumerate(found.fields)]
    types = pa.schema([pa.field(f.name, arrow.arrow_type(f.dataType)) for f in found.fields])
    return pa.Table.from_arrays(arrays, schema=types), found


def _reader(form: str, data: StructType, settings: Mapping[str, str]) -> Any:
    zone = settings["$zone"]
    if form == "json":
        return JsonReader(data, JsonSyntax.of(settings), json_times(settings, zone), exact=False, arrays=True).rows
    if form == "xml":
        return XmlReader(data, XmlSyntax.of(settings), xml_times(settings, zone)).rows
    width = len(data.fields)
    values = CsvValues(settings, csv_times(settings, zone))
    return CsvReader(data, list(range(width)), width, CsvSyntax.of(settings), values, counts=True).rows


def _json_schema(texts: Sequence[str], settings: Mapping[str, str]) -> StructType:
    guess, syntax = JsonGuess(settings, json_times(settings, settings["$zone"])), JsonSyntax.of(settings)
    merging = Merging(settings["$corrupt"], parse_mode(settings))
    for text in texts:
        try:
            tree = parse(text, syntax)
            if tree is not NOTHING:
                merging.add(guess.type_of(tree))
        except Malformed:
            if parse_mode(settings) != "dropmalformed":
                merging.add(StructType([StructField(settings["$corrupt"], STRING, True)]))
    found = guess.canonical(merging.result())
    return found if isinstance(found, StructType) else StructType([])


def _xml_schema(texts: Sequence[str], settings: Mapping[str, str]) -> StructType:
    schema = XmlSchema(XmlSyntax.of(settings), XmlGuess(settings, xml_times(settings, settings["$zone"])))
    found: DataType = StructType([])
    for text in texts:
        try:
            found = schema.compatible(found, schema.type_of(text))
        except (Malformed, BadValue):
            if parse_mode(settings) != "dropmalformed":
                found = schema.compatible(found, StructType([StructField(settings["$corrupt"], STRING, True)]))
    canonical = schema.canonical(found)
    return canonical if isinstance(canonical, StructType) else StructType([])


def _csv_lines(texts: Sequence[str], settings: Mapping[str, str]) -> tuple[list[str], list[str | None] | None]:
    """The lines that hold records, and the names in the header."""
    syntax = CsvSyntax.of(settings)
    lines = [text for text in texts if text.strip(_SPACES) and not (syntax.comment and text.startswith(syntax.comment))]
    if not opt.boolean(settings, "header", False) or not lines:
        return lines, None
    return [line for line in lines if line != lines[0]], _tokens(lines[0], syntax)


def _tokens(line: str, syntax: CsvSyntax) -> list[str | None]:
    try:
        return tokens(line, syntax)
    except BadRecord:
        raise csv_error(line) from None


def _csv_schema(lines: Sequence[str], header: list[str | None] | None, settings: Mapping[str, str]) -> StructType:
    syntax, times = CsvSyntax.of(settings), csv_times(settings, settings["$zone"])
    values, guess = CsvValues(settings, times), CsvGuess(settings, times)
    first = header if header is not None else _tokens(lines[0], syntax) if lines else []
    names = [(values.datum(token) if header is not None else None) or f"_c{i}" for i, token in enumerate(first)]
    types: list[DataType] = [NullType() for _ in names]
    if opt.boolean(settings, "inferSchema", False):
        for line in lines:
            for i, token in enumerate(_tokens(line, syntax)[: len(types)]):
                types[i] = guess.field(types[i], values.datum(token))
    return StructType(
        [StructField(n, STRING if isinstance(t, NullType) else t, True) for n, t in zip(names, types, strict=True)]
    )

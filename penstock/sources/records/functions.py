"""What from_json, from_csv, from_xml and schema_of_... do with one text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penstock.core.errors import RUNTIME, SparkError, analysis_error, unsupported
from penstock.plan.types import NULL, STRING, ArrayType, DataType, StringType, StructField, StructType, VariantType
from penstock.sources.records.csv_rows import CsvReader, CsvValues
from penstock.sources.records.csv_text import CsvSyntax, tokens
from penstock.sources.records.errors import BadRecord, BadValue, Malformed
from penstock.sources.records.infer_json import JsonGuess
from penstock.sources.records.infer_text import CsvGuess, XmlGuess
from penstock.sources.records.infer_xml import XmlSchema
from penstock.sources.records.json_rows import JsonReader
from penstock.sources.records.json_text import NOTHING, JsonSyntax, parse
from penstock.sources.records.kernels import value_function
from penstock.sources.records.modes import PERMISSIVE, SafeReader, malformed, without
from penstock.sources.records.times import Times
from penstock.sources.records.xml_rows import XmlReader
from penstock.sources.records.xml_text import XmlSyntax

Read = Callable[[str], Any]


def corrupt_column(options: Mapping[str, str], conf: Mapping[str, Any]) -> str:
    """The name of the column that takes the text of bad records."""
    default = conf.get("spark.sql.columnNameOfCorruptRecord") or "_corrupt_record"
    return str(options.get("columnnameofcorruptrecord") or default)


def parse_mode(options: Mapping[str, str]) -> str:
    """PERMISSIVE unless the option names another one that there is."""
    mode = options.get("mode", PERMISSIVE).strip().lower()
    return mode if mode in ("permissive", "dropmalformed", "failfast") else PERMISSIVE


def json_times(options: Mapping[str, str], time_zone: str) -> Times:
    """Dates and times in JSON."""
    return Times.of(options, time_zone, day_numbers=True)


def csv_times(options: Mapping[str, str], time_zone: str) -> Times:
    """Dates and times in CSV."""
    date = "yyyy-MM-dd" if options.get("preferdate", "true").lower() == "true" else None
    return Times.of(options, time_zone, default_date=date)


def xml_times(options: Mapping[str, str], time_zone: str) -> Times:
    """Dates and times in XML: nothing but the formats."""
    date = "yyyy-MM-dd" if options.get("preferdate", "true").lower() == "true" else None
    return Times.of({**options, "enabledatetimeparsingfallback": "false"}, time_zone, default_date=date)


def value_sql(name: str, t: DataType, settings: Mapping[str, str]) -> str:
    """The SQL function that reads one text as a value of type `t`."""
    if isinstance(t, VariantType):
        raise unsupported(f"{name} of the type variant", "Use parse_json.")
    return value_function(name, t, settings, lambda: _MAKERS[name](t, settings))


def _safe(rows: Callable[[StructType], Read], t: DataType, settings: Mapping[str, str], source: str) -> Read:
    """A reader of structs with the mode applied."""
    assert isinstance(t, StructType)
    data, at = without(t, settings["$corrupt"])
    _check_corrupt(t, at)
    safe = SafeReader(rows(data), t, parse_mode(settings), at, source)

    def read(text: str) -> Any:
        found = safe.read(text)
        return found[0] if found else None

    return read


def _check_corrupt(t: StructType, at: int | None) -> None:
    if at is not None and not isinstance(t.fields[at].dataType, StringType):
        shown = f'"{t.fields[at].dataType.simpleString().upper()}"'
        message = (
            f"The column {t.fields[at].name!r} takes corrupt records, so it must be a nullable string, not {shown}."
        )
        params = {"columnName": f"`{t.fields[at].name}`", "actualType": shown}
        raise analysis_error("INVALID_CORRUPT_RECORD_TYPE", message, "42804", **params)


def _json_reader(t: DataType, settings: Mapping[str, str]) -> Read:
    syntax, times = JsonSyntax.of(settings), json_times(settings, settings["$zone"])

    def rows(schema: DataType) -> Read:
        return JsonReader(schema, syntax, times, exact=False, arrays=False).rows

    if isinstance(t, StructType):
        return _safe(rows, t, settings, "JSON")
    fails = parse_mode(settings) == "failfast"
    read_rows = rows(t)

    def read(text: str) -> Any:
        try:
            found = read_rows(text)
        except BadRecord as bad:
            if fails:
                raise malformed(text, "JSON", bad.condition) from None
            found = bad.rows
        return found[0] if found else None

    return read


def _csv_reader(t: DataType, settings: Mapping[str, str]) -> Read:
    csv = CsvValues(settings, csv_times(settings, settings["$zone"]))
    syntax = CsvSyntax.of(settings)

    def rows(schema: StructType) -> Read:
        count = len(schema.fields)
        reader = CsvReader(schema, list(range(count)), count, syntax, csv, counts=True)

        def one(line: str) -> Any:
            try:
                return reader.rows(line)
            except BadRecord as bad:
                if bad.condition is not None:
                    raise csv_error(line) from None
                raise

        return one

    return _safe(rows, t, settings, "CSV")


def csv_error(line: str) -> Exception:
    """A record that the CSV parser cannot take apart."""
    from penstock.sources.records.modes import raised

    message = (
        f"The CSV record {line[:1000]} cannot be taken apart: it has too many columns or characters, or stray quotes."
    )
    return raised("MALFORMED_CSV_RECORD", message, sqlstate="KD000", kind="runtime", badRecord=line[:1000])


def _xml_reader(t: DataType, settings: Mapping[str, str]) -> Read:
    syntax, times = XmlSyntax.of(settings), xml_times(settings, settings["$zone"])
    return _safe(lambda schema: XmlReader(schema, syntax, times).rows, t, settings, "XML")


_MAKERS: dict[str, Callable[[DataType, Mapping[str, str]], Read]] = {
    "from_json": _json_reader,
    "from_csv": _csv_reader,
    "from_xml": _xml_reader,
}


# ---------------------------------------------------------------- schemas


def json_schema(text: str, options: Mapping[str, str], time_zone: str) -> DataType:
    """schema_of_json."""
    guess = JsonGuess(options, json_times(options, time_zone))
    try:
        tree = parse(text, JsonSyntax.of(options))
        found = NULL if tree is NOTHING else guess.type_of(tree)
    except Malformed:
        message = f"The text {text!r} is no JSON, so it has no schema."
        raise SparkError("_LEGACY_ERROR_TEMP_2165", message, {"failFastMode": "FAILFAST"}, classes=RUNTIME) from None
    return guess.canonical(found) or (STRING if not isinstance(found, (StructType, ArrayType)) else StructType([]))


def csv_schema(text: str, options: Mapping[str, str], time_zone: str) -> DataType:
    """schema_of_csv: fields _c0, _c1, ..."""
    guess = CsvGuess(options, csv_times(options, time_zone))
    csv = CsvValues(options, csv_times(options, time_zone))
    types = [guess.field(NULL, csv.datum(token)) for token in tokens(text, CsvSyntax.of(options))]
    return StructType([StructField(f"_c{i}", STRING if t == NULL else t, True) for i, t in enumerate(types)])


def xml_schema(text: str, options: Mapping[str, str], time_zone: str) -> DataType:
    """schema_of_xml."""
    schema = XmlSchema(XmlSyntax.of(options), XmlGuess(options, xml_times(options, time_zone)))
    try:
        found = schema.type_of(text)
    except (Malformed, BadValue):
        return StructType([StructField(options.get("columnnameofcorruptrecord", "_corrupt_record"), STRING, True)])
    return schema.canonical(found) or StructType([])

"""JSON lines (and whole JSON files with multiLine) as Spark reads them.

Two scans give the same rows.  The *fast* one lets DuckDB's JSON reader split the lines into fields and converts those
with strict rules; anything it might get wrong makes it raise.  The *tolerant* one then takes over: it reads lines as
text and decides line by line and field by field, by the option `mode`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from penstock.core.errors import analysis_error, unsupported
from penstock.plan.types import DataType, DecimalType, StringType, StructField, StructType, TimestampType
from penstock.sources import options as opt
from penstock.sources.duckdb_types import file_list, identifier, quoted
from penstock.sources.files.json_schema import infer_schema
from penstock.sources.files.json_values import JsonValues
from penstock.sources.files.lines import lines_sql, whole_sql
from penstock.sources.files.listing import DataFile
from penstock.sources.files.relation import Columns, Fragment
from penstock.sources.files.text_values import strptime_formats
from penstock.sources.raising import NOT_CLEAN, raise_sql

_log = logging.getLogger(__name__)

#: An object without nested ones at the start of a line: what follows it on the line does not count.
_FLAT_OBJECT = r'^\s*\{[^{}"]*("([^"\\]|\\.)*"[^{}"]*)*\}'
_REFUSED = (
    "allowComments", "allowUnquotedFieldNames", "allowNumericLeadingZeros", "allowBackslashEscapingAnyCharacter",
    "allowUnquotedControlChars", "prefersDecimal", "inferTimestamp", "lineSep", "singleVariantColumn",
    "dropFieldIfAllNull",
    "timestampNTZFormat", "enableDateTimeParsingFallback", "maxNestingDepth", "maxNumLen", "maxStringLen",
)  # fmt: skip
_HARMLESS = {name: "false" for name in _REFUSED if name not in ("lineSep", "singleVariantColumn")} | {"lineSep": "\n"}


class JsonFormat:
    """Options: mode, columnNameOfCorruptRecord, multiLine, primitivesAsString, dateFormat, timestampFormat, timeZone,
    samplingRatio, encoding (UTF-8 only), locale (en only)."""

    name = "json"

    def __init__(self, options: Mapping[str, str], conf: Mapping[str, str]) -> None:
        opt.refuse(options, "json", _REFUSED, _HARMLESS)
        refuse_other_encodings(options, "json")
        self.mode = parse_mode(options)
        self.corrupt = corrupt_column(options, conf)
        self.multi_line = opt.boolean(options, "multiLine", False)
        self.primitives_as_string = opt.boolean(options, "primitivesAsString", False)
        self.sampling_ratio = sampling_ratio(options)
        self.time_zone = options.get("timezone")
        self.values = JsonValues(formats(options, "dateFormat"), formats(options, "timestampFormat"))

    def infer(self, files: Sequence[DataFile]) -> StructType | None:
        if not files:
            return None
        records = self._records([file.path for file in files if file.size])
        return infer_schema(records, self.corrupt, self.mode, self.primitives_as_string, self.sampling_ratio)

    def check(self, schema: StructType) -> None:
        for field in schema.fields:
            self.values.value("x", field.dataType)
            if field.name == self.corrupt and not isinstance(field.dataType, StringType):
                message = f"The column {self.corrupt!r} takes corrupt records, so it must be a nullable string."
                shown = f'"{field.dataType.simpleString().upper()}"'
                params = {"columnName": f"`{self.corrupt}`", "actualType": shown}
                raise analysis_error("INVALID_CORRUPT_RECORD_TYPE", message, "42804", **params)

    def fragment(self, files: Sequence[DataFile], columns: Columns, schema: StructType, time_zone: str) -> Fragment:
        if self.time_zone is not None and self.time_zone != time_zone:
            option = f"the option timeZone={self.time_zone!r} of the json data source"
            raise unsupported(option, "Set spark.sql.session.timeZone.")
        self._refuse_only_corrupt(columns, schema)
        paths = [file.path for file in files]
        tolerant = self._tolerant(paths, columns)
        return Fragment(tolerant) if self.multi_line else Fragment(self._fast(paths, columns), tolerant)

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

    def _fast(self, paths: list[str], columns: Columns) -> str:
        must_fit = self.mode != "permissive" or len([f for f, _ in columns if f.name == self.corrupt]) > 0
        data = [(f, sql_name) for f, sql_name in columns if f.name != self.corrupt]
        types = ", ".join(f"{quoted(f.name)}: '{self._reader_type(f.dataType)}'" for f, _ in data) or "'none': 'JSON'"
        chosen = [f"{self._fast_item(f, must_fit)} AS {identifier(sql_name)}" for f, sql_name in columns]
        items = ", ".join(chosen or ["NULL AS none"])
        return (
            f"SELECT {items} FROM read_json({file_list(paths)}, format='newline_delimited', records=true, "
            f"hive_partitioning=false, columns={{{types}}})"
        )

    def _reader_type(self, data_type: DataType) -> str:
        """What DuckDB's reader makes of a field: the raw JSON, but for the types where it is exact or raises."""
        if isinstance(data_type, StringType):
            return "VARCHAR"
        if isinstance(data_type, TimestampType) and not self.values.timestamp_formats:
            return "TIMESTAMPTZ"
        return "JSON"

    def _fast_item(self, field: StructField, must_fit: bool) -> str:
        if field.name == self.corrupt:
            return "CAST(NULL AS VARCHAR)"
        reader_type, column = self._reader_type(field.dataType), identifier(field.name)
        if reader_type == "TIMESTAMPTZ":
            return column
        if reader_type == "VARCHAR":
            return _surely_string(column)
        text = f"CAST({column} AS VARCHAR)"
        value = self.values.value(text, field.dataType)
        if isinstance(field.dataType, DecimalType):
            value = f"CASE WHEN strlen({text}) > 16 THEN {NOT_CLEAN} ELSE {value} END"
        if not must_fit:
            return value
        return f"CASE WHEN {self.values.is_bad(text, field.dataType)} THEN {NOT_CLEAN} ELSE {value} END"

    # ------------------------------------------------------------ tolerant

    def _records(self, paths: list[str]) -> str:
        """SELECT of (line, item): one row a record; `item` is the record's text, NULL if it is not JSON."""
        if not paths:
            return "SELECT CAST(NULL AS VARCHAR) AS line, CAST(NULL AS VARCHAR) AS item WHERE false"
        source = whole_sql(paths) if self.multi_line else lines_sql(paths)
        spelled, head = """replace(line, chr(39), '"')""", f"regexp_extract(line, {quoted(_FLAT_OBJECT)})"
        text = (
            f"CASE WHEN json_valid(line) THEN line "
            f"WHEN NOT contains(line, '\"') AND json_valid({spelled}) THEN {spelled} "
            f"WHEN json_valid({head}) THEN {head} END"
        )
        kept = f"SELECT line, {text} AS item FROM ({source}) WHERE regexp_matches(line, '\\S')"
        items = "CAST(TRY_CAST(CAST(item AS JSON) AS JSON[]) AS VARCHAR[])"
        is_array = "coalesce(starts_with(ltrim(item), '['), false)"
        return f"SELECT line, unnest(CASE WHEN {is_array} THEN {items} ELSE [item] END) AS item FROM ({kept})"

    def _tolerant(self, paths: list[str], columns: Columns) -> str:
        data = [f for f, _ in columns if f.name != self.corrupt]
        is_object = "coalesce(starts_with(ltrim(item), '{'), false)"
        keyed = (
            f"SELECT line, {is_object} AS is_object, CASE WHEN {is_object} THEN json_keys(item) END AS names, "
            f"CASE WHEN {is_object} THEN json_extract(item, '$.*') END AS texts FROM ({self._records(paths)})"
        )
        members = "".join(f", {_last_member(f)} AS f{i}" for i, f in enumerate(data))
        rows = f"SELECT line, is_object{members} FROM ({keyed})"
        bad = " OR ".join(["NOT is_object", *(self.values.is_bad(f"f{i}", f.dataType) for i, f in enumerate(data))])
        items = ", ".join(f"{self._tolerant_item(f, data, bad)} AS {identifier(sql_name)}" for f, sql_name in columns)
        where = f" WHERE {self._mode_condition(bad)}" if self.mode != "permissive" else ""
        return f"SELECT {items or 'NULL AS none'} FROM ({rows}){where}"

    def _mode_condition(self, bad: str) -> str:
        if self.mode == "dropmalformed":
            return f"NOT ({bad})"
        message = (
            "The JSON record {value} is malformed or does not fit the schema, and the option mode is FAILFAST. "
            "With mode=PERMISSIVE such values become NULL."
        )
        raised = raise_sql(
            "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", message, "line", param="badRecord", sqlstate="22023",
            kind="spark", failFastMode="FAILFAST",
        )  # fmt: skip
        return f"CASE WHEN {bad} THEN {raised} ELSE true END"

    def _tolerant_item(self, field: StructField, data: list[StructField], bad: str) -> str:
        if field.name == self.corrupt:
            return f"CASE WHEN {bad} THEN line END"
        return self.values.value(f"f{data.index(field)}", field.dataType)


def _last_member(field: StructField) -> str:
    """The text of a record's field, of the last of that name; numbers that are to be kept digit by digit are looked up
    in the line itself, because DuckDB writes fractions anew."""
    position = f"len(names) - list_position(list_reverse(names), {quoted(field.name)}) + 1"
    found = f"nullif(CAST(texts[{position}] AS VARCHAR), 'null')"
    if not isinstance(field.dataType, (StringType, DecimalType)):
        return found
    name = field.name.replace("\\E", "\\E\\\\E\\Q")
    digits = quoted('"\\Q' + name + '\\E"\\s*:\\s*(-?[0-9][-+.0-9eE]*)')
    spelled = f"regexp_extract_all(line, {digits}, 1)"
    is_fraction = f"regexp_matches({found}, '^-?[0-9].*[.eE]')"
    return f"CASE WHEN {is_fraction} AND len({spelled}) = 1 THEN {spelled}[1] ELSE {found} END"


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


def formats(options: Mapping[str, str], name: str) -> tuple[str, ...]:
    """The DuckDB formats of a date-time option; none when the option is not set."""
    pattern = options.get(name.lower())
    return strptime_formats(pattern) if pattern else ()


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


def refuse_other_encodings(options: Mapping[str, str], source: str) -> None:
    """Only UTF-8 texts in English can be read."""
    opt.refuse(options, source, ("encoding", "charset"), {"encoding": "utf-8", "charset": "utf-8"})
    if options.get("locale", "en-US").lower() not in ("en-us", "en"):
        raise unsupported(f"the option locale={options['locale']!r} of the {source} data source")

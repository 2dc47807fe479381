"""XML files: a row an element of the option rowTag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from penstock.core.errors import analysis_error
from penstock.plan.types import STRING, DataType, StructField, StructType
from penstock.sources import options as opt
from penstock.sources.files import by_path, raw
from penstock.sources.files.json import parse_mode, refuse_other_locales, sampling_ratio
from penstock.sources.files.json_schema import sampled
from penstock.sources.files.listing import DataFile
from penstock.sources.files.relation import Columns, Fragment
from penstock.sources.records.errors import BadValue, Malformed
from penstock.sources.records.functions import xml_times
from penstock.sources.records.infer_text import XmlGuess
from penstock.sources.records.infer_xml import XmlSchema
from penstock.sources.records.modes import SafeReader, without
from penstock.sources.records.xml_rows import XmlReader
from penstock.sources.records.xml_text import XmlSyntax, is_whole, records

_REFUSED = ("rowValidationXSDPath", "singleVariantColumn")


class XmlFormat:
    """Options: rowTag (needed), attributePrefix, valueTag, excludeAttribute, ignoreSurroundingSpaces, nullValue,
    ignoreNamespace, wildcardColName, inferSchema, prefersDecimal, preferDate, samplingRatio, mode,
    columnNameOfCorruptRecord, dateFormat, timestampFormat, timestampNTZFormat, timeZone, encoding, locale (en only),
    ignoreCorruptFiles, ignoreMissingFiles."""

    name = "xml"

    def __init__(self, options: Mapping[str, str], conf: Mapping[str, str]) -> None:
        opt.refuse(options, "xml", _REFUSED)
        refuse_other_locales(options, "xml")
        if "rowtag" not in options:
            message = "The xml data source needs the option rowTag: the name of the elements that are rows."
            raise analysis_error("XML_ROW_TAG_MISSING", message, "42KDF", rowTag="`rowTag`")
        self._options = {**options, "$case": (conf.get("spark.sql.caseSensitive") or "false").lower()}
        self._syntax = XmlSyntax.of(self._options)
        self._mode = parse_mode(options)
        self._corrupt = options.get("columnnameofcorruptrecord", "_corrupt_record")
        self._sampling_ratio = sampling_ratio(options)
        self._charset = raw.encoding(options)
        self._tolerance = raw.Tolerance.of(options, conf)
        self._zone = options.get("timezone") or conf.get("spark.sql.session.timeZone") or "UTC"

    def infer(self, files: Sequence[DataFile]) -> StructType | None:
        if not files:
            return None
        schema = XmlSchema(self._syntax, XmlGuess(self._options, xml_times(self._options, self._zone)))
        found: DataType = StructType([])
        for record in sampled(self._records(files), self._sampling_ratio):
            found = schema.compatible(found, self._type(schema, record))
        canonical = schema.canonical(found)
        return canonical if isinstance(canonical, StructType) else StructType([])

    def check(self, schema: StructType) -> None:
        """Every type but intervals and variants; checked when rows are read."""

    def fragment(self, files: Sequence[DataFile], columns: Columns, schema: StructType, time_zone: str) -> Fragment:
        settings = {**self._options, "$zone": time_zone, **self._tolerance.as_settings()}
        times = xml_times(self._options, time_zone)

        def make(wanted: StructType) -> by_path.ReadFile:
            data, at = without(wanted, self._corrupt)
            safe = SafeReader(XmlReader(data, self._syntax, times).rows, wanted, self._mode, at, "XML")
            return lambda path: self._read(path, safe, wanted)

        return by_path.fragment("xml", files, columns, settings, make)

    def row_count(self, files: Sequence[DataFile]) -> int | None:
        return None

    def _read(self, path: str, safe: SafeReader, wanted: StructType) -> tuple[Sequence[Any], int]:
        rows: list[list[Any]] = []
        whole = raw.text(path, self._charset, self._tolerance)
        for record in records(whole, self._syntax.row_tag):
            rows.extend(safe.read(record, shown=whole))
            if not is_whole(record):  # Spark's parser cannot find its way back
                break
        return by_path.arrays_of(rows, wanted)

    def _records(self, files: Sequence[DataFile]) -> Iterator[str]:
        for file in files:
            yield from records(raw.text(file.path, self._charset, self._tolerance), self._syntax.row_tag)

    def _type(self, schema: XmlSchema, record: str) -> StructType:
        try:
            found = schema.type_of(record)
        except (Malformed, BadValue):
            if self._mode == "dropmalformed":
                return StructType([])
            if self._mode == "failfast":
                message = (
                    "A record is malformed, and the option mode is FAILFAST. Fix the file, or use mode=PERMISSIVE."
                )
                raise analysis_error(
                    "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION",
                    message,
                    "22023",
                    badRecord=self._corrupt,
                    failFastMode="FAILFAST",
                ) from None
            return StructType([StructField(self._corrupt, STRING, True)])
        assert isinstance(found, StructType)
        return found

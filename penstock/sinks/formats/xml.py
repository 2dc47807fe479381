"""XML files: the rows as elements of the option rowTag, in one element of the option rootTag."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import pyarrow as pa

from penstock.core.errors import SPARK, SparkError, analysis_error
from penstock.core.files import Buffer
from penstock.core.xml_writer import XmlWriter, declaration
from penstock.plan.types import ArrayType, BinaryType, CalendarIntervalType, DataType, StructType, VariantType
from penstock.sinks.errors import refuse_other_locales, unsupported_column
from penstock.sinks.formats.python_values import rows
from penstock.sinks.formats.sql_lines import Compression
from penstock.sinks.options import bad_value, charset, flag

_START = "A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u3001-\ud7ff"
_NAME = re.compile(f"[{_START}][{_START}0-9.\u00b7-]*")


class XmlEncoder:
    """Options: those of XmlWriter, rootTag, declaration, compression, encoding, validateName.  Keys of maps become
    names, too, and are not looked at."""

    def __init__(self, schema: StructType, options: Mapping[str, str], time_zone: str) -> None:
        if "rowtag" not in options:
            message = "The xml data sink needs the option rowTag: the name of the elements that are rows."
            raise analysis_error("XML_ROW_TAG_MISSING", message, "42KDF", rowTag="`rowTag`")
        refuse_other_locales(options, "xml")
        for field in schema.fields:
            if isinstance(field.dataType, (BinaryType, CalendarIntervalType, VariantType)):
                raise unsupported_column("XML", field.name, field.dataType)
        if flag(options, "validateName", True):
            _check_names(schema, options)
        self._writer = XmlWriter(schema, options, time_zone)
        self._start, self._end = declaration(options)
        self._indent = options.get("indent", "    ")
        self._charset = charset(options)
        self._compression = Compression(options)

    @property
    def extension(self) -> str:
        return ".xml" + self._compression.extension

    def encode(self, table: pa.Table) -> Buffer:
        if not table.num_rows:
            return self._compression.compress(b"")
        lines = [self._start, *(self._writer.row(row, 1 if self._indent else 0) for row in rows(table)), self._end]
        return self._compression.compress("\n".join(lines).encode(self._charset))


def _check_names(schema: StructType, options: Mapping[str, str]) -> None:
    """Raise for names that XML does not allow for elements."""
    if not _NAME.fullmatch(options["rowtag"]):
        raise bad_value("rowTag", options["rowtag"], "a name of XML, or validateName false")
    for name in _names(schema):
        if not _NAME.fullmatch(name):
            message = (
                f"The name {name!r} cannot be the name of an XML element. Rename the field, or set the option "
                "validateName to false."
            )
            raise SparkError("TASK_WRITE_FAILED", message, {"path": name}, sqlstate="58030", classes=SPARK)


def _names(data_type: DataType) -> Iterator[str]:
    if isinstance(data_type, StructType):
        for field in data_type.fields:
            yield field.name
            yield from _names(field.dataType)
    elif isinstance(data_type, ArrayType):
        yield from _names(data_type.elementType)

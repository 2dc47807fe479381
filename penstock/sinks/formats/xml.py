"""XML files: the rows as elements of the option rowTag, in one element of the option rootTag."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from penstock.core.errors import analysis_error
from penstock.core.files import Buffer
from penstock.core.xml_writer import XmlWriter, declaration
from penstock.plan.types import BinaryType, CalendarIntervalType, StructType, VariantType
from penstock.sinks.errors import unsupported_column
from penstock.sinks.formats.python_values import rows
from penstock.sinks.formats.sql_lines import Compression


class XmlEncoder:
    """Options: those of XmlWriter, rootTag, declaration, compression, encoding."""

    def __init__(self, schema: StructType, options: Mapping[str, str], time_zone: str) -> None:
        if "rowtag" not in options:
            message = "The xml data sink needs the option rowTag: the name of the elements that are rows."
            raise analysis_error("XML_ROW_TAG_MISSING", message, "42KDF", rowTag="`rowTag`")
        for field in schema.fields:
            if isinstance(field.dataType, (BinaryType, CalendarIntervalType, VariantType)):
                raise unsupported_column("XML", field.name, field.dataType)
        self._writer = XmlWriter(schema, options, time_zone)
        self._start, self._end = declaration(options)
        self._indent = options.get("indent", "    ")
        self._charset = options.get("encoding", options.get("charset", "utf-8"))
        self._compression = Compression(options)

    @property
    def extension(self) -> str:
        return ".xml" + self._compression.extension

    def encode(self, table: pa.Table) -> Buffer:
        if not table.num_rows:
            return self._compression.compress(b"")
        lines = [self._start, *(self._writer.row(row, 1 if self._indent else 0) for row in rows(table)), self._end]
        return self._compression.compress("\n".join(lines).encode(self._charset))

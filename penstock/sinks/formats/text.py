"""Text files: the lines of one string column."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from penstock.core.errors import analysis_error
from penstock.core.files import Buffer
from penstock.core.sql_text import quoted
from penstock.plan.types import CharType, StringType, StructType, VarcharType
from penstock.sinks.errors import unsupported_column
from penstock.sinks.formats.sql_lines import Compression, LineBuilder
from penstock.sinks.options import line_end


class TextEncoder:
    """Options: lineSep, compression.  NULL is an empty line."""

    def __init__(self, schema: StructType, options: Mapping[str, str]) -> None:
        if len(schema.fields) != 1:
            message = (
                f"Text data is written from one column, but there are {len(schema.fields)}. Concatenate them first."
            )
            raise analysis_error("_LEGACY_ERROR_TEMP_1290", message, "XXKD0", schemaSize=len(schema.fields))
        field = schema.fields[0]
        if not isinstance(field.dataType, (StringType, CharType, VarcharType)):
            raise unsupported_column("Text", field.name, field.dataType)
        self._compression = Compression(options)
        self._lines = LineBuilder(f"coalesce(c0, '') || {quoted(line_end(options))}", schema)

    @property
    def extension(self) -> str:
        return ".txt" + self._compression.extension

    def encode(self, table: pa.Table) -> Buffer:
        return self._compression.compress(self._lines.build(table))

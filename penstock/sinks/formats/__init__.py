"""Encoders: a table as the bytes of one file.  Shared by the streaming file sink and by batch writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa

from penstock.core.files import Buffer
from penstock.plan.types import StructType

FILE_FORMATS = ("parquet", "json", "csv", "text", "orc", "xml", "avro")


class Encoder(Protocol):
    """One format with its options, for rows of one schema; both are checked when it is made."""

    @property
    def extension(self) -> str:
        """How the names of its files end: `.snappy.parquet`."""

    def encode(self, table: pa.Table) -> Buffer:
        """The bytes of a file with these rows (columns by position)."""


def encoder(format_name: str, schema: StructType, options: Mapping[str, str], time_zone: str) -> Encoder:
    """The encoder of a file format; `options` keys are lower-case."""
    if format_name == "parquet":
        from penstock.sinks.formats.parquet import ParquetEncoder

        return ParquetEncoder(schema, options)
    if format_name == "json":
        from penstock.sinks.formats.json import JsonEncoder

        return JsonEncoder(schema, options, time_zone)
    if format_name == "csv":
        from penstock.sinks.formats.csv import CsvEncoder

        return CsvEncoder(schema, options, time_zone)
    if format_name == "orc":
        from penstock.sinks.formats.orc import OrcEncoder

        return OrcEncoder(schema, options, time_zone)
    if format_name == "xml":
        from penstock.sinks.formats.xml import XmlEncoder

        return XmlEncoder(schema, options, time_zone)
    if format_name == "avro":
        from penstock.sinks.formats.avro import AvroEncoder

        return AvroEncoder(schema, options)
    from penstock.sinks.formats.text import TextEncoder

    return TextEncoder(schema, options)

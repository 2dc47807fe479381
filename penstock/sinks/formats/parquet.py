"""Parquet files that Spark reads as its own: micros for timestamps, the Spark schema in the file's metadata."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.types as pat

from penstock.core.errors import illegal_argument
from penstock.core.files import Buffer
from penstock.plan.types import (
    ArrayType,
    CalendarIntervalType,
    DataType,
    MapType,
    NullType,
    StructField,
    StructType,
    VariantType,
)
from penstock.sinks.errors import unsupported_column

_SCHEMA_KEY = b"org.apache.spark.sql.parquet.row.metadata"
_CODECS = {
    "none": "none",
    "uncompressed": "none",
    "snappy": "snappy",
    "gzip": "gzip",
    "zstd": "zstd",
    "brotli": "brotli",
    "lz4": "lz4",
    "lz4_raw": "lz4",
}
_EXTENSIONS = {"none": "", "gzip": ".gz", "lz4": ".lz4raw", "brotli": ".br"}


class ParquetEncoder:
    """Options: compression (snappy)."""

    def __init__(self, schema: StructType, options: Mapping[str, str]) -> None:
        for field in schema.fields:
            _check(field.name, field.dataType)
        self._codec = _codec(options.get("compression", options.get("parquet.compression", "snappy")))
        self._schema = schema
        self._metadata = {_SCHEMA_KEY: _nullable(schema).json().encode(), b"org.apache.spark.version": b"4.2.0"}

    @property
    def extension(self) -> str:
        return _EXTENSIONS.get(self._codec, f".{self._codec}") + ".parquet"

    def encode(self, table: pa.Table) -> Buffer:
        import pyarrow.parquet as pq

        out = pa.BufferOutputStream()
        data = _storable(table, self._schema)
        with pq.ParquetWriter(
            out, data.schema, compression=self._codec, coerce_timestamps="us", store_schema=False
        ) as writer:
            writer.write_table(data)
            writer.add_key_value_metadata(self._metadata)
        return memoryview(out.getvalue())


def _storable(table: pa.Table, schema: StructType) -> pa.Table:
    """Intervals as their numbers, which is how Spark stores them; a field of a struct that is NULL is NULL, too."""
    arrays = [
        column.cast(pa.duration("us")).cast(pa.int64())
        if pat.is_duration(column.type)
        else column.cast(_optional(column.type))
        for column in table.columns
    ]
    return pa.Table.from_arrays(arrays, names=schema.names)


def _optional(data_type: pa.DataType) -> pa.DataType:
    """The type with fields that may all be NULL, as in every file that Spark writes."""
    if pat.is_struct(data_type):
        return pa.struct([pa.field(f.name, _optional(f.type), True, f.metadata) for f in data_type])
    if pat.is_list(data_type):
        item = data_type.value_field
        return pa.list_(pa.field(item.name, _optional(item.type), True, item.metadata))
    return data_type


def _codec(name: str) -> str:
    if name.lower() not in _CODECS:
        message = f"The codec {name!r} is not available for Parquet; the codecs are {', '.join(sorted(_CODECS))}."
        params = {"codecName": name, "availableCodecs": ", ".join(sorted(_CODECS))}
        raise illegal_argument("CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION", message, "56038", **params)
    return _CODECS[name.lower()]


def _check(name: str, data_type: DataType) -> None:
    if isinstance(data_type, (NullType, CalendarIntervalType, VariantType)):
        raise unsupported_column("Parquet", name, data_type)
    if isinstance(data_type, StructType):
        for field in data_type.fields:
            _check(name, field.dataType)
    if isinstance(data_type, ArrayType):
        _check(name, data_type.elementType)
    if isinstance(data_type, MapType):
        _check(name, data_type.keyType)
        _check(name, data_type.valueType)


def _nullable(schema: StructType) -> StructType:
    return StructType([StructField(f.name, f.dataType, True, f.metadata) for f in schema.fields])

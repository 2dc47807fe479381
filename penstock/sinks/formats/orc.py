"""ORC files.  A TIMESTAMP is written as the time on the clock of the session's zone, as ORC has it."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.types as pat

from penstock.core.errors import illegal_argument
from penstock.core.files import Buffer
from penstock.plan.types import CalendarIntervalType, NullType, StructType, VariantType
from penstock.sinks.errors import unsupported_column

_CODECS = {
    "none": "uncompressed",
    "uncompressed": "uncompressed",
    "snappy": "snappy",
    "zlib": "zlib",
    "zstd": "zstd",
    "lz4": "lz4",
}
_TYPE_KEY = b"spark.sql.catalyst.type"


class OrcEncoder:
    """Options: compression (zstd)."""

    def __init__(self, schema: StructType, options: Mapping[str, str], time_zone: str) -> None:
        for field in schema.fields:
            if isinstance(field.dataType, (NullType, CalendarIntervalType, VariantType)):
                raise unsupported_column("ORC", field.name, field.dataType)
        name = options.get("compression", options.get("orc.compress", "zstd")).lower()
        if name not in _CODECS:
            message = f"The codec {name!r} is not available for ORC; the codecs are {', '.join(sorted(_CODECS))}."
            params = {"codecName": name, "availableCodecs": ", ".join(sorted(_CODECS))}
            raise illegal_argument("CODEC_NOT_AVAILABLE.WITH_AVAILABLE_CODECS_SUGGESTION", message, "56038", **params)
        self._codec = _CODECS[name]
        self._schema, self._zone = schema, time_zone

    @property
    def extension(self) -> str:
        return ".orc" if self._codec == "uncompressed" else f".{self._codec}.orc"

    def encode(self, table: pa.Table) -> Buffer:
        from pyarrow import orc

        arrays = [_storable(column.combine_chunks(), self._zone) for column in table.columns]
        fields = [
            _field(f.name, array, f.dataType.simpleString())
            for f, array in zip(self._schema.fields, arrays, strict=True)
        ]
        out = pa.BufferOutputStream()
        orc.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), out, compression=self._codec)
        return memoryview(out.getvalue())


def _field(name: str, array: pa.Array, spark: str) -> pa.Field:
    """With a note for types that ORC does not know."""
    noted = spark == "timestamp_ntz" or spark.startswith("interval")
    return pa.field(name, array.type, metadata={_TYPE_KEY: spark.encode()} if noted else None)


def _storable(array: pa.Array, zone: str) -> pa.Array:
    import pyarrow.compute as pc

    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    t = array.type
    if pat.is_timestamp(t) and t.tz is not None:
        return pc.local_timestamp(array.cast(pa.timestamp("us", tz=zone)))
    if pat.is_duration(t):
        return array.cast(pa.duration("us")).cast(pa.int64())
    if pat.is_struct(t):
        children = [_storable(array.field(i), zone) for i in range(t.num_fields)]
        fields = [pa.field(t.field(i).name, child.type) for i, child in enumerate(children)]
        return pa.StructArray.from_arrays(children, fields=fields, mask=array.is_null())
    if pat.is_list(t):
        return pa.ListArray.from_arrays(array.offsets, _storable(array.values, zone), mask=array.is_null())
    if pat.is_map(t):
        keys, items = _storable(array.keys, zone), _storable(array.items, zone)
        return pa.MapArray.from_arrays(array.offsets, keys, items, mask=array.is_null())
    return array

"""partitionBy: a table split by the values of some columns, and those values as directory names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from penstock.core.errors import analysis_error
from penstock.core.text import texts, zone
from penstock.plan.types import ArrayType, DataType, MapType, StructField, StructType

_DEFAULT = "__HIVE_DEFAULT_PARTITION__"
_ESCAPED = frozenset("\"#%'*/:=?\\\x7f{[]^") | {chr(code) for code in range(1, 32)}


class Partitioner:
    """Splits rows of one schema by columns given by name (without regard to case)."""

    def __init__(self, schema: StructType, partition_by: Sequence[str], time_zone: str) -> None:
        self._indices = [_index(schema, name) for name in partition_by]
        if partition_by and len(self._indices) == len(schema.fields):
            message = "All columns are partition columns: none is left for the files. Leave one out of partitionBy."
            raise analysis_error("ALL_PARTITION_COLUMNS_NOT_ALLOWED", message, "KD005")
        self._schema = schema
        self._zone = zone(time_zone)
        kept = [i for i in range(len(schema.fields)) if i not in self._indices]
        self._kept = kept
        self.data_schema = StructType([schema.fields[i] for i in kept])

    def split(self, table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
        """(relative directory, its rows without the partition columns); without partitionBy, "" and all rows."""
        if not self._indices:
            yield "", table
            return
        names = [self._directory_names(table.column(i), self._schema.fields[i]) for i in self._indices]
        directories = pc.binary_join_element_wise(*names, "/") if len(names) > 1 else names[0]
        encoded = (
            directories.combine_chunks().dictionary_encode() if table.num_rows else pa.array([]).dictionary_encode()
        )
        data = table.select(self._kept)
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(encoded.dictionary) + 1))
        for i, directory in enumerate(encoded.dictionary.to_pylist()):
            yield directory, data.take(pa.array(order[bounds[i] : bounds[i + 1]]))

    def _directory_names(self, column: pa.ChunkedArray, field: StructField) -> pa.ChunkedArray:
        """`name=value` for every row; the texts are made once a distinct value."""
        encoded = pa.chunked_array([column.combine_chunks()]).combine_chunks().dictionary_encode(null_encoding="encode")
        values = texts(pa.chunked_array([encoded.dictionary]), field.dataType, self._zone)
        names = pa.array([f"{escape(field.name)}={_DEFAULT if not v else escape(v)}" for v in values], pa.string())
        return pa.chunked_array([names.take(encoded.indices)])


def escape(text: str) -> str:
    """A name or value as a part of a path: characters with a meaning in paths as `%3A`."""
    if not any(character in _ESCAPED for character in text):
        return text
    return "".join(f"%{ord(c):02X}" if c in _ESCAPED else c for c in text)


def _index(schema: StructType, name: str) -> int:
    for i, field in enumerate(schema.fields):
        if field.name.lower() == name.lower():
            _check(field.dataType)
            return i
    shown = ", ".join(schema.names)
    message = f"The partition column {name!r} is not among the columns {shown}."
    raise analysis_error("PARTITION_COLUMN_NOT_FOUND_IN_SCHEMA", message, "42000", column=name, schema=shown)


def _check(data_type: DataType) -> None:
    if isinstance(data_type, (ArrayType, MapType, StructType)):
        shown = f'"{data_type.simpleString().upper()}"'
        message = f"A column of type {shown} cannot be a partition column: its values have no directory names."
        raise analysis_error("INVALID_PARTITION_COLUMN_DATA_TYPE", message, "0A000", type=shown)

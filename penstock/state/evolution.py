"""State whose value columns have changed since it was written, by Avro's rules of schema resolution, as in Spark.

Columns and the fields of structs in them are known by name: those that are new are NULL in old rows, those that are
gone are left out, and types may widen.  In files a column has a number of its own that no later column gets, so that
rows of any age are read rightly, and a column that went and came back begins empty.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from penstock.state.bridge import record_batch

#: What may be read as what, and as itself, in terms of Avro's types.
_WIDER = {
    "int": ("long", "float", "double"),
    "long": ("float", "double"),
    "float": ("double",),
    "string": ("bytes",),
    "bytes": ("string",),
}


@dataclass(frozen=True)
class Columns:
    """The value columns of a store: their types, what they are called in its files, the first number that no column
    has had, and what the columns were before."""

    schema: pa.Schema
    stored: tuple[str, ...]
    next: int
    past: tuple[pa.Schema, ...] = ()

    @staticmethod
    def new(schema: pa.Schema) -> Columns:
        """Of a store that has no files yet."""
        return Columns(schema, tuple(f"v{i}" for i in range(len(schema))), len(schema))

    def json(self) -> dict[str, Any]:
        """For the schema file."""
        past = [_text(schema) for schema in self.past]
        return {"columns": list(self.stored), "next": self.next, "arrow": _text(self.schema), "past": past}

    @staticmethod
    def of(content: Mapping[str, Any]) -> Columns | None:
        """From the schema file; None if it does not say."""
        if "arrow" not in content:
            return None
        past = tuple(_schema(text) for text in content["past"])
        return Columns(_schema(content["arrow"]), tuple(content["columns"]), int(content["next"]), past)

    def become(self, schema: pa.Schema) -> Columns | None:
        """The same columns with other names, types and places; None if the old rows cannot be read so."""
        if schema.equals(self.schema):
            return self
        past = (*self.past, self.schema)
        if not all(may_become(was.field(f.name).type, f.type) for was in past for f in schema if f.name in was.names):
            return None
        known = dict(zip(self.schema.names, self.stored, strict=True))
        stored, number = [], self.next
        for field in schema:
            stored.append(known.get(field.name, f"v{number}"))
            number += field.name not in known
        return Columns(schema, tuple(stored), number, past)


def _text(schema: pa.Schema) -> str:
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def _schema(text: str) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text)))


def may_become(stored: pa.DataType, ours: pa.DataType) -> bool:
    """Whether values of the type `stored` can be read as the type `ours`."""
    if stored.equals(ours):
        return True
    was, now = _avro(stored), _avro(ours)
    if was is not None and now is not None:
        return (
            now in _WIDER.get(was, ()) if was != now else was in ("int", "long") and ours.bit_width >= stored.bit_width
        )
    if pa.types.is_struct(stored) and pa.types.is_struct(ours):
        known = {field.name: field.type for field in stored}
        return all(f.name not in known or may_become(known[f.name], f.type) for f in ours)
    if pa.types.is_map(stored) and pa.types.is_map(ours):
        return bool(stored.key_type.equals(ours.key_type)) and may_become(stored.item_type, ours.item_type)
    if pa.types.is_list(stored) and pa.types.is_list(ours):
        return may_become(stored.value_type, ours.value_type)
    return False


def _avro(kind: pa.DataType) -> str | None:
    """Avro's name for a type whose values are one number or one text; dates are ints there, and times longs."""
    if pa.types.is_date32(kind) or (pa.types.is_signed_integer(kind) and kind.bit_width <= 32):
        return "int"
    if pa.types.is_int64(kind) or pa.types.is_timestamp(kind):
        return "long"
    names = {pa.float32(): "float", pa.float64(): "double", pa.string(): "string", pa.binary(): "bytes"}
    return names.get(kind)


def fitted(rows: pa.RecordBatch, stored: Sequence[str], schema: pa.Schema) -> pa.RecordBatch:
    """The value columns of `rows` of a file, where they are called `stored`, as those of `schema`."""
    made = []
    for name, field in zip(stored, schema, strict=True):
        place = rows.schema.get_field_index(name)
        made.append(pa.nulls(rows.num_rows, field.type) if place < 0 else converted(rows.column(place), field.type))
    return record_batch(made, schema, rows.num_rows)


def converted(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """An array of a type that may become `kind`."""
    if array.type.equals(kind):
        return array
    if pa.types.is_struct(kind) and pa.types.is_struct(array.type):
        old = {field.name: part for field, part in zip(array.type, array.flatten(), strict=True)}
        parts = [converted(old[f.name], f.type) if f.name in old else pa.nulls(len(array), f.type) for f in kind]
        return pa.StructArray.from_arrays(parts, fields=list(kind), mask=array.is_null())
    if pa.types.is_map(kind) and pa.types.is_map(array.type):
        return _map(array, kind)
    if pa.types.is_list(kind) and pa.types.is_list(array.type):
        own = _from_zero(array)
        return pa.ListArray.from_arrays(own.offsets, converted(own.values, kind.value_type), kind, mask=own.is_null())
    if pa.types.is_temporal(array.type):
        array = array.view(pa.int32() if array.type.bit_width == 32 else pa.int64())
    if pa.types.is_timestamp(kind):
        return array.cast(pa.int64()).view(kind)
    return array.cast(kind, safe=False)


def _map(array: pa.Array, kind: pa.DataType) -> pa.Array:
    own = _from_zero(array)
    keys, items = converted(own.keys, kind.key_type), converted(own.items, kind.item_type)
    return pa.MapArray.from_arrays(own.offsets, keys, items, kind, mask=own.is_null())


def _from_zero(array: pa.Array) -> pa.Array:
    """Lists whose offsets are not those of a slice."""
    return array if not array.offset else pa.concat_arrays([array])

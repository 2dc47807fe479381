"""What the columns of a state store mean: a file `_fields` beside its types, for those who read state as data.

A store's rows are told as structs: `key` and `value`, and for maps `user_key`.  A field of these has a name, a Spark
type and the stored column that holds it, or fields of its own (a window that is stored as its start and its end).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql.types import ArrayType, MapType, StructField, StructType

from penstock.core import files
from penstock.plan.types import DataType
from penstock.state import errors
from penstock.state.evolution import converted

FILE = "_fields"


@dataclass(frozen=True)
class Field:
    """One field: held by `column`, or made of `parts`."""

    name: str
    type: DataType
    column: str | None = None
    parts: tuple[Field, ...] = ()
    default: int | None = None  # for NULL

    def array(self, columns: dict[str, pa.Array], rows: int) -> pa.Array:
        """The field of stored rows; NULL where a file of an earlier version has no such column."""
        from pyspark.sql.pandas.types import to_arrow_type

        if not self.parts:
            found = columns.get(str(self.column))
            wanted = to_arrow_type(self.type, timezone="UTC")
            if found is None:
                return pa.nulls(rows, wanted)
            made = found if found.type.equals(wanted) else _cast(found, wanted)
            return made if self.default is None else made.fill_null(self.default)
        return struct_array(self.parts, columns, rows)

    def json(self) -> dict[str, Any]:
        """For the file."""
        own: dict[str, Any] = {"name": self.name, "type": self.type.jsonValue(), "column": self.column}
        if self.default is not None:
            own["default"] = self.default
        return {**own, "parts": [part.json() for part in self.parts]} if self.parts else own


@dataclass(frozen=True)
class Layout:
    """The rows of one store.  kind: "row" (one a key), "list" (a row an element, numbered), "map" (a row an entry) or
    "timers"; variable: the state variable of a transformWithState; expires: the column that holds the time at which a
    row ends (milliseconds)."""

    key: tuple[Field, ...]
    value: tuple[Field, ...]
    kind: str = "row"
    user_key: tuple[Field, ...] = ()
    variable: str | None = None
    expires: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)

    @property
    def key_type(self) -> StructType:
        """The key as a struct."""
        return struct_type(self.key)

    @property
    def value_type(self) -> StructType:
        """The value as a struct."""
        return struct_type(self.value)


def struct_type(fields: Iterable[Field]) -> StructType:
    """Fields as a struct."""
    return StructType([StructField(f.name, f.type, True) for f in fields])


def struct_array(fields: Sequence[Field], columns: dict[str, pa.Array], rows: int) -> pa.Array:
    """Fields of stored rows as an array of structs."""
    arrays = [f.array(columns, rows) for f in fields]
    if not arrays:
        return pa.array([{}] * rows, pa.struct([]))
    return pa.StructArray.from_arrays(
        arrays, fields=[pa.field(f.name, a.type) for f, a in zip(fields, arrays, strict=True)]
    )


def stored_names(key_schema: pa.Schema, value_schema: pa.Schema, values: Sequence[str] | None = None) -> dict[str, str]:
    """What the columns of a query's state are called in its files; `values`: see KeyedStore.stored_names."""
    keys = {name: f"k{i}" for i, name in enumerate(key_schema.names)}
    own = values or [f"v{i}" for i in range(len(value_schema))]
    return {**dict(zip(value_schema.names, own, strict=True)), **keys}


def write_layout(store: Path, layout: Layout) -> None:
    """Keep the meaning of a store's columns beside its files (`<state>/<store>`)."""
    content = {
        "version": 1,
        "kind": layout.kind,
        "variable": layout.variable,
        "expires": layout.expires,
        "properties": layout.properties,
        **{name: [f.json() for f in getattr(layout, name)] for name in ("key", "value", "user_key")},
    }
    data = json.dumps(content, indent=1).encode()
    path = store / FILE
    if not path.exists() or files.fs.read(path) != data:
        files.fs.make_directory(store)
        files.fs.write_atomic(path, data)


def check_layout(store: Path, layout: Layout) -> None:
    """Raise Spark's error if the store has rows of another layout, as far as the types of its columns do not tell: of
    other keys, of another kind of state variable, or of a count where the query now has something that may be NULL."""
    found = read_layout(store)
    if found is None:
        return
    for was, now in ((found.key, layout.key), (found.user_key, layout.user_key)):
        if _shape(struct_type(was)) != _shape(struct_type(now)):
            raise errors.schema_mismatch("KEY", store / FILE, _shown(was), _shown(now))
    _check_properties(found, layout)
    if layout.kind == "row" and any(
        was.name == "count" != now.name for was, now in zip(found.value, layout.value, strict=False)
    ):
        raise errors.schema_mismatch("VALUE", store / FILE, _shown(found.value), _shown(layout.value))


def _check_properties(found: Layout, layout: Layout) -> None:
    was, now = found.properties, layout.properties
    if was.get("variableType") != now.get("variableType"):
        raise errors.other_variable(str(layout.variable), str(was.get("variableType")), str(now.get("variableType")))
    for name in ("timeMode", "outputMode"):
        if name in was and str(was[name]).lower() != str(now.get(name)).lower():
            raise errors.other_setting(name, str(was[name]), str(now.get(name)))


def _shape(kind: DataType) -> object:
    """A type without the names of fields and whether they may be NULL."""
    if isinstance(kind, StructType):
        return [_shape(f.dataType) for f in kind.fields]
    if isinstance(kind, ArrayType):
        return ("array", _shape(kind.elementType))
    return ("map", _shape(kind.keyType), _shape(kind.valueType)) if isinstance(kind, MapType) else kind.jsonValue()


def _shown(fields: Iterable[Field]) -> str:
    return str(struct_type(fields).simpleString())


def read_layout(store: Path) -> Layout | None:
    """The meaning of a store's columns; None if nobody wrote it down."""
    try:
        content = json.loads(files.fs.read(store / FILE))
    except FileNotFoundError:
        return None
    fields = {name: tuple(_field(f) for f in content[name]) for name in ("key", "value", "user_key")}
    return Layout(
        **fields,
        kind=content["kind"],
        variable=content["variable"],
        expires=content["expires"],
        properties=content["properties"],
    )


def _field(content: dict[str, Any]) -> Field:
    from pyspark.sql.types import _parse_datatype_json_value

    parts = tuple(_field(part) for part in content.get("parts", ()))
    return Field(
        content["name"], _parse_datatype_json_value(content["type"]), content["column"], parts, content.get("default")
    )


def _cast(found: pa.Array, wanted: pa.DataType) -> pa.Array:
    if pa.types.is_duration(wanted) and pa.types.is_int64(found.type):
        return found.view(wanted)
    if pa.types.is_null(wanted):
        return pa.nulls(len(found), wanted)
    if pa.types.is_nested(wanted):  # whose fields may have come and gone
        return converted(found, wanted)
    return found.cast(wanted, safe=False)

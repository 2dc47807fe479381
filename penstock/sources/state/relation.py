"""`format("statestore")`: the keys and values of a stateful operator as rows, while its query runs or not.

The state after a batch, or what batches changed.  Columns are Spark's: key and value structs, for lists and maps of
transformWithState the columns that flattenCollectionTypes asks for, and partition_id, which is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa

from penstock.core import files
from penstock.core.errors import SparkError, unsupported
from penstock.plan.types import BOOLEAN, INTEGER, LONG, STRING, ArrayType, MapType, StructField, StructType
from penstock.sources.base import Relation, Scan, StreamContext, StreamSource
from penstock.sources.rate import refuse_schema
from penstock.sources.state import errors
from penstock.sources.state.collapse import indexed, lists, maps
from penstock.sources.state.options import DEFAULT_STORE, StateOptions, read_options
from penstock.state.errors import cannot_load
from penstock.state.fields import Field, Layout, read_layout, struct_array
from penstock.state.layout import StoreFiles
from penstock.state.reading import StateReader


@dataclass(frozen=True)
class StateRelation:
    """One store of a checkpoint."""

    options: StateOptions
    places: StoreFiles
    layout: Layout

    @property
    def schema(self) -> StructType:
        fields = [StructField(name, kind, True) for name, kind in self._columns()]
        if self.options.changes is not None:
            fields = [StructField("batch_id", LONG, True), StructField("change_type", STRING, True), *fields]
        return StructType([*fields, StructField("partition_id", INTEGER, True)])

    def _columns(self) -> list[tuple[str, object]]:
        layout = self.layout
        user_key, value = _struct(layout.user_key), layout.value_type
        if layout.kind == "timers":
            return [("key", layout.key_type), ("expiration_timestamp_ms", LONG)]
        if layout.kind == "map" and self._flat:
            return [("key", layout.key_type), ("user_map_key", user_key), ("user_map_value", value)]
        if layout.kind == "map":
            return [("key", layout.key_type), ("map_value", MapType(user_key, value))]
        if layout.kind == "list":
            name, kind = ("list_element", value) if self._flat else ("list_value", ArrayType(value))
            return [("key", layout.key_type), (name, kind)]
        if layout.kind == "keyToNumValues":
            return [("key", layout.key_type), ("value", StructType([StructField("value", LONG)]))]
        if layout.kind == "keyWithIndexToValue":
            key = StructType([*layout.key_type.fields, StructField("index", LONG)])
            return [("key", key), ("value", value)]
        return [("key", layout.key_type), ("value", value)]

    @property
    def _flat(self) -> bool:
        return self.options.flatten or self.options.changes is not None

    def scan(self, columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
        table = pa.concat_tables(list(self._tables()) or [self._empty()], promote_options="permissive")
        found = {name: table.column(name) for name in table.schema.names}
        chosen = [found[name] for name, _ in columns]
        return Scan(table=pa.Table.from_arrays(chosen, names=[sql for _, sql in columns]))

    def open_stream(self, context: StreamContext) -> StreamSource:
        raise unsupported("the statestore data source as a stream")

    def _tables(self) -> Iterator[pa.Table]:
        reader = StateReader(self.places, self._key_width)
        if self.options.changes is None:
            rows = reader.rows(self.options.batch_id + 1)
            if rows is not None and rows.num_rows:
                yield self._table(rows)
            return
        first, last = self.options.changes
        for change in reader.changes(first + 1, last + 1):
            made = self._table(change.rows, has_values=not change.is_delete)
            kind = "delete" if change.is_delete else ("append" if self.layout.kind == "list" else "update")
            count = made.num_rows
            made = made.add_column(0, "change_type", pa.array([kind] * count, pa.string()))
            yield made.add_column(0, "batch_id", pa.array([change.version - 1] * count, pa.int64()))

    @property
    def _key_width(self) -> int:
        return int(self.layout.properties["keyWidth"])

    def _table(self, rows: pa.RecordBatch, has_values: bool = True) -> pa.Table:
        layout, count = self.layout, rows.num_rows
        stored = dict(zip(rows.schema.names, rows.columns, strict=True))
        key, value = struct_array(layout.key, stored, count), struct_array(layout.value, stored, count)
        if not has_values:
            value = pa.nulls(count, value.type)
        names = [name for name, _ in self._columns()]
        if layout.kind == "timers":
            columns = [key, layout.value[0].array(stored, count)]
        elif layout.kind == "map":
            user_key = struct_array(layout.user_key, stored, count)
            columns = [key, user_key, value] if self._flat else maps(key, user_key, value)
        elif layout.kind == "list":
            columns = lists(key, value, stored["k0"], self._flat)
        elif layout.kind in _JOIN_STORES:
            columns = indexed(key, value, stored["k0"], layout.kind == _JOIN_STORES[0])
        else:
            columns = [key, value]
        partition = pa.array([0] * len(columns[0]), pa.int32())
        return pa.Table.from_arrays([*columns, partition], names=[*names, "partition_id"])

    def _empty(self) -> pa.Table:
        from pyspark.sql.pandas.types import to_arrow_schema

        return to_arrow_schema(self.schema, timezone="UTC").empty_table()


def _struct(fields: Sequence[object]) -> StructType:
    from penstock.state.fields import struct_type

    return struct_type(fields)  # type: ignore[arg-type]


def statestore(
    options: Mapping[str, str], paths: Sequence[str], schema: StructType | None, streaming: bool, conf: object
) -> Relation:
    """The provider of `statestore`."""
    refuse_schema(schema, "statestore")
    if streaming:
        raise unsupported("the statestore data source as a stream", "Read it with spark.read.")
    found = read_options(options, paths)
    places = StoreFiles(found.paths.state, _store_name(found), 0)
    layout = read_layout(places.directory / places.operator)
    if layout is None:
        raise errors.no_schema(str(found))
    _, _, view = found.store.partition("-")
    if view in _JOIN_STORES and layout.properties.get("join"):
        layout = replace(layout, kind=view, value=layout.value if view == _JOIN_STORES[0] else _matched(layout))
    return StateRelation(found, places, layout)


def _matched(layout: Layout) -> tuple[Field, ...]:
    """The columns of a join's rows, with the mark of those that have found a match where it is kept."""
    return (*layout.value, Field("matched", BOOLEAN, layout.properties["matched"]))


def _store_name(options: StateOptions) -> str:
    """The folder of the store that the options mean."""
    number = str(options.operator_id)
    stores = [name for name in files.fs.list(options.paths.state) if name == number or name.startswith(f"{number}-")]
    has_variables = any(_is_variable(options.paths.state, name) for name in stores)
    is_join = f"{number}-left" in stores
    if stores and options.store != DEFAULT_STORE and not is_join and not options.timers:
        raise errors.invalid("storeName", f"the operator has no store {options.store}, only {DEFAULT_STORE}")
    if options.variable is not None or options.timers:
        name = _variable_store(options, number, stores, has_variables)
        if options.side != "none":
            raise _no_sides(options.paths.state / f"{number}-{options.side}")
        return name
    if has_variables:
        raise errors.required("stateVarName")
    if options.side != "none":
        return f"{number}-{options.side}"
    if options.store == DEFAULT_STORE:
        return number
    side, _, name = options.store.partition("-")
    return f"{number}-{side if name in _JOIN_STORES else options.store}"


def _variable_store(options: StateOptions, number: str, stores: Sequence[str], has_variables: bool) -> str:
    """The folder of a state variable, or of the timers."""
    if options.variable is None:
        if f"{number}-timers" not in stores:
            raise errors.invalid("readRegisteredTimers", "Registered timers are those of transformWithState only.")
        return f"{number}-timers"
    if not has_variables:
        why = "Providing state variable names is only supported with the transformWithState operator."
        raise errors.invalid("stateVarName", why)
    name = f"{number}-var.{quote(options.variable, safe='')}"
    if name not in stores:
        raise errors.invalid("stateVarName", f"{options.variable} is no state variable of the operator")
    return name


def _no_sides(folder: Path) -> SparkError:
    message = f"The state in {folder.parent} is that of a transformWithState, which has no joinSide: leave it out."
    return cannot_load("CANNOT_READ_STREAMING_STATE_FILE", message, fileToRead=folder)


_JOIN_STORES = ("keyToNumValues", "keyWithIndexToValue")


def join_stores(side: str) -> list[str]:
    """What Spark calls the two stores that it has for a side of a join."""
    return [f"{side}-{name}" for name in _JOIN_STORES]


def _is_variable(state: Path, store: str) -> bool:
    return "-var." in store or store.endswith("-timers")

"""Readers of records as functions that SQL calls: one text in, the list of its rows out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from penstock.core import row_functions
from penstock.core.errors import SparkError
from penstock.plan.types import DataType, StructField, StructType
from penstock.sources.duckdb_types import duckdb_type
from penstock.sources.records import arrow
from penstock.sources.records.modes import through_engine

#: What the columns of rows are called inside of SQL, whatever their names: c0, c1, ...
Read = Callable[[str], list[Any]]


def positional(schema: StructType) -> StructType:
    """The schema with names by position: names of columns may repeat or differ in case only."""
    return StructType([StructField(f"c{i}", f.dataType) for i, f in enumerate(schema.fields)])


def rows_function(kind: str, schema: StructType, options: Mapping[str, str], make: Callable[[], Read]) -> str:
    """The name of a function VARCHAR -> list of rows (structs with members c0, c1, ...; without columns a member
    `none`).  `kind` and `options` say, together with the schema, what `make` makes; NULL gives NULL."""
    known = positional(schema)
    gives = duckdb_type(known) + "[]" if known.fields else "STRUCT(none INTEGER)[]"
    specification = json.dumps([kind, schema.json(), sorted(options.items())])
    return row_functions.define(specification, lambda: guarded(_many(make(), known)), ("VARCHAR",), gives)


def value_function(kind: str, t: DataType, options: Mapping[str, str], make: Callable[[], Callable[[str], Any]]) -> str:
    """The name of a function VARCHAR -> one value of a type; NULL gives NULL."""
    specification = json.dumps([kind, t.json(), sorted(options.items())])
    return row_functions.define(specification, lambda: guarded(_one(make(), t)), ("VARCHAR",), duckdb_type(t))


def guarded(function: Callable[[Any], pa.Array]) -> Callable[[Any], pa.Array]:
    """The function with Spark's errors in the form in which they get through the engine."""

    def call(column: Any) -> pa.Array:
        try:
            return function(column)
        except SparkError as error:
            raise through_engine(error) from None

    return call


def _many(read: Read, schema: StructType) -> Callable[[Any], pa.Array]:
    def function(texts: Any) -> pa.Array:
        found: list[list[Any] | None] = [None if text is None else read(text) for text in texts.to_pylist()]
        flat = [row for rows in found if rows is not None for row in rows]
        offsets: list[int | None] = []
        at = 0
        for rows in found:
            offsets.append(None if rows is None else at)
            at += len(rows or ())
        structs = arrow.array(flat, schema) if schema.fields else _nothing(len(flat))
        return pa.ListArray.from_arrays(pa.array([*offsets, at], pa.int32()), structs)

    return function


def _nothing(count: int) -> pa.Array:
    return pa.StructArray.from_arrays([pa.nulls(count, pa.int32())], ["none"])


def _one(read: Callable[[str], Any], t: DataType) -> Callable[[Any], pa.Array]:
    def function(texts: Any) -> pa.Array:
        return arrow.array([None if text is None else read(text) for text in texts.to_pylist()], t)

    return function

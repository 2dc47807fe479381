"""Formats that Python reads, a file at a time: their scans call a function with the path and get a list of rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from penstock.core import row_functions
from penstock.plan.types import StructField, StructType
from penstock.sources.duckdb_types import duckdb_type, identifier, quoted
from penstock.sources.files import raw
from penstock.sources.files.listing import DataFile
from penstock.sources.files.relation import Columns, Fragment
from penstock.sources.records import arrow
from penstock.sources.records.kernels import guarded

#: Files that are read at once have no more bytes together than this (or are one file).
_GROUP_BYTES = 64 * 1024 * 1024
#: path -> the rows of a file: one array for each column asked for, and how many rows there are.
ReadFile = Callable[[str], tuple[Sequence[pa.Array], int]]


def fragment(
    kind: str,
    files: Sequence[DataFile],
    columns: Columns,
    settings: Mapping[str, str],
    make: Callable[[StructType], ReadFile],
) -> Fragment:
    """SQL over some files.  `make` gets the columns asked for; `kind` and `settings` say what it makes.

    A file that is gone is FAILED_READ_FILE.FILE_NOT_EXIST, or has no rows (Tolerance, in the settings)."""
    wanted = StructType([StructField(f.name, f.dataType) for f, _ in columns])
    known = StructType([StructField(f"c{i}", f.dataType) for i, f in enumerate(wanted.fields)])
    gives = duckdb_type(known) + "[]" if known.fields else "STRUCT(none INTEGER)[]"
    specification = json.dumps([kind, wanted.json(), sorted(settings.items())])
    tolerant = settings.get(raw.MISSING) == "True"
    name = row_functions.define(
        specification, lambda: guarded(_function(make(wanted), known, tolerant)), ("VARCHAR",), gives
    )
    items = ", ".join(f"r.c{i} AS {identifier(sql_name)}" for i, (_, sql_name) in enumerate(columns))
    selects = []
    for group in _groups(files):
        paths = ", ".join(f"({quoted(file.path)})" for file in group)
        selects.append(
            f"SELECT {items or 'r.none AS none'} FROM (SELECT unnest({name}(p)) AS r FROM (VALUES {paths}) t(p))"
        )
    return Fragment(" UNION ALL ".join(selects))


def _groups(files: Sequence[DataFile]) -> list[list[DataFile]]:
    groups: list[list[DataFile]] = []
    size = 0
    for file in files:
        if not groups or size + file.size > _GROUP_BYTES or len(groups[-1]) >= 1000:
            groups.append([])
            size = 0
        groups[-1].append(file)
        size += file.size
    return groups


def _function(read: ReadFile, schema: StructType, tolerant: bool) -> Callable[[Any], pa.Array]:
    """`tolerant`: files that are gone have no rows."""

    def function(paths: Any) -> pa.Array:
        offsets, parts = [0], []
        for path in paths.to_pylist():
            try:
                arrays, count = read(path)
            except FileNotFoundError:
                if not tolerant:
                    raise raw.missing(path) from None
                arrays, count = arrays_of([], schema)
            offsets.append(offsets[-1] + count)
            parts.append(_struct(arrays, count, schema))
        rows = pa.concat_arrays(parts) if len(parts) != 1 else parts[0]
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), rows)

    return function


def _struct(arrays: Sequence[pa.Array], count: int, schema: StructType) -> pa.Array:
    if not schema.fields:
        return pa.StructArray.from_arrays([pa.nulls(count, pa.int32())], ["none"])
    fields = [pa.field(f.name, arrow.arrow_type(f.dataType)) for f in schema.fields]
    return pa.StructArray.from_arrays([_one_chunk(array) for array in arrays], fields=fields)


def _one_chunk(array: Any) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def arrays_of(rows: Sequence[Sequence[Any]], schema: StructType) -> tuple[Sequence[pa.Array], int]:
    """Rows of Python values as what ReadFile gives."""
    return [arrow.array([row[i] for row in rows], f.dataType) for i, f in enumerate(schema.fields)], len(rows)

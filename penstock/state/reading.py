"""The state of a checkpoint as rows, for whoever looks at it: a version of a store, or what each version changed.

Nothing is written, and a query may run on the checkpoint meanwhile: files of committed versions do not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.core.errors import SparkError
from penstock.state import errors, recovery
from penstock.state.base import Slots
from penstock.state.bridge import is_fixed_width, record_batch, to_numpy
from penstock.state.evolution import converted
from penstock.state.format import BadStateFileError, Section
from penstock.state.layout import StoreFiles
from penstock.state.partitions import read_partitions
from penstock.state.table import SlotTable

Columns = dict[str, pa.Array]
_ATTEMPTS = 3
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Change:
    """What a version changed.  is_delete: the rows were removed (their values are those that they had)."""

    version: int
    rows: pa.RecordBatch
    is_delete: bool


class StateReader:
    """Reads one store; `key_width`: how many of a row's columns are its key."""

    def __init__(self, places: StoreFiles, key_width: int) -> None:
        self._places, self._width = places, key_width
        self._table: SlotTable | None = None
        self._schema: pa.Schema | None = None

    def rows(self, version: int) -> pa.RecordBatch | None:
        """The rows as of `version`, key columns first; None if there never were any."""
        for attempt in range(_ATTEMPTS):
            try:
                self._load(version)
                break
            except SparkError:
                if attempt == _ATTEMPTS - 1:
                    raise  # else a running query has just removed old files; a newer snapshot serves as well
        return None if self._table is None else self._columns(self._table, self._table.live())

    def _load(self, version: int) -> None:
        self._table = self._schema = None
        for section in recovery.sections(self._places, version):
            self._apply(section)

    def changes(self, first: int, last: int) -> Iterator[Change]:
        """What the versions first to last changed, in order.  Raises if the files of one are gone."""
        self.rows(first - 1)
        for version in range(first, last + 1):
            for path in recovery.delta_files(self._places, read_partitions(self._places), version):
                try:
                    sections = recovery.read(path)
                except BadStateFileError as error:
                    raise errors.missing_delta(path, version) from error
                for section in sections:
                    yield from self._change(version, section)

    def _change(self, version: int, section: Section) -> Iterator[Change]:
        if section.name == "removed":
            rows = self._find(section.batch)
            if rows is not None:
                yield Change(version, rows, True)
        elif section.batch.num_rows:
            yield Change(version, section.batch, False)
        self._apply(section)

    def _find(self, keys: pa.RecordBatch) -> pa.RecordBatch | None:
        if self._table is None:
            return None
        found = self._table.find(hash_rows(keys), keys)[0]
        return self._columns(self._table, found[found >= 0])

    def _columns(self, table: SlotTable, slots: Slots) -> pa.RecordBatch:
        assert self._schema is not None, "set with the table"
        columns = [*table.keys(slots).columns, *table.rows(slots).columns]
        return record_batch(columns, self._schema, len(slots))

    def _apply(self, section: Section) -> None:
        batch = section.batch
        if section.name == "removed":
            keys = batch.select(list(range(self._width)))
            if self._table is not None:
                found = self._table.find(hash_rows(keys), keys)[0]
                self._table.remove(self._table.distinct(found[found >= 0]))
            return
        table = self._table_of(batch.schema)
        keys = batch.select(list(range(self._width)))
        slots, _ = table.find_or_add(hash_rows(keys), keys)
        table.put(slots, self._values(batch))

    def _table_of(self, schema: pa.Schema) -> SlotTable:
        """The table that takes rows of this schema: values of an earlier one are carried over by name."""
        if self._table is None or self._schema is None:
            self._schema = schema
            self._table = self._new(schema)
        elif not schema.equals(self._schema):
            slots = self._table.live()
            keys, values = self._table.keys(slots), self._table.rows(slots)
            self._schema, self._table = schema, self._new(schema)
            new, _ = self._table.find_or_add(hash_rows(keys), keys)
            self._table.put(new, self._values(values, is_values=True))
        return self._table

    def _new(self, schema: pa.Schema) -> SlotTable:
        fields = list(schema)
        return SlotTable(pa.schema(fields[: self._width]), pa.schema(fields[self._width :]))

    def _values(self, batch: pa.RecordBatch, is_values: bool = False) -> pa.RecordBatch:
        assert self._schema is not None, "set with the table"
        wanted = pa.schema(list(self._schema)[self._width :])
        own = batch if is_values else batch.select(list(range(self._width, batch.num_columns)))
        return adapted(own, wanted)


def adapted(rows: pa.RecordBatch, wanted: pa.Schema) -> pa.RecordBatch:
    """Stored values in another schema, by name: fields that are new are NULL, those that are gone are left out."""
    if rows.schema.equals(wanted):
        return rows
    columns = []
    for f in wanted:
        place = rows.schema.get_field_index(f.name)
        column = pa.nulls(rows.num_rows, f.type) if place < 0 else rows.column(place)
        columns.append(converted(column, f.type))
    return record_batch(columns, wanted, rows.num_rows)


def hash_rows(keys: pa.RecordBatch) -> NDArray[np.uint64]:
    """A hash of each row, good in this process only."""
    acc = np.zeros(keys.num_rows, np.uint64)
    for column in keys.columns:
        acc = (acc ^ _words(column)) * _FACTOR
        acc ^= acc >> np.uint64(29)
    return acc


def _words(column: pa.Array) -> NDArray[np.uint64]:
    if is_fixed_width(column.type) and column.type.bit_width <= 64 and not pa.types.is_floating(column.type):
        data, valid = to_numpy(column)
        words = data.astype(np.int64).view(np.uint64)
        return words if valid is None else np.where(valid, words, _FACTOR)
    mask = (1 << 64) - 1
    return np.array([hash(str(value)) & mask for value in column.to_pylist()], np.uint64)

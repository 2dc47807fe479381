"""The state of a transformWithState operator: a store a variable, and one for timers, of equal versions.

The stores are `<number>-var.<name>` and `<number>-timers`.  Which variables there are is known once the user's `init`
has run, so they are opened when the state is loaded first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from penstock.operators.groups import HashKeys
from penstock.operators.join_state import hash_numbers
from penstock.pyfn.processor import Variable
from penstock.pyfn.state_cells import EXPIRES, TIMER, TIMER_VALUE, TimerCells, ValueCells, value_schema
from penstock.pyfn.state_collections import ListCells, MapCells
from penstock.pyfn.state_values import Codec
from penstock.state import KeyedStore, open_store
from penstock.state.base import StateMetrics
from penstock.state.fields import Layout, check_layout, write_layout
from penstock.state.grouped import GroupedRows, begin_at
from penstock.state.layout import StoreFiles

NUMBER = pa.schema([("number", pa.int64())])

Cells = ValueCells | ListCells | MapCells


class ProcessorState:
    """See penstock.operators.base.VersionedState.

    declare: runs the user's `init` and tells the variables; has_timers: whether the time mode allows timers; layout_of:
    the meaning of a store's columns, by its variable (None: the timers) and the stored names of the columns.
    """

    def __init__(
        self,
        directory: Path,
        number: int,
        key_schema: pa.Schema,
        hash_keys: HashKeys,
        declare: Callable[[], Mapping[str, Variable]],
        has_timers: bool,
        layout_of: Callable[[Variable | None, Sequence[str]], Layout],
    ) -> None:
        self._directory, self._number, self._key_schema = directory, number, key_schema
        self._hash_keys, self._declare, self._has_timers = hash_keys, declare, has_timers
        self._layout_of = layout_of
        self.cells: dict[str, Any] = {}
        self.timers: TimerCells | None = None
        self._opened = False

    # ------------------------------------------------------------ versions

    def load(self, version: int) -> None:
        """The state as of `version`.  Variables that are new begin empty."""
        if not self._opened:
            self._open()
        stores = list(self._named_stores())
        known = [name for name, _ in stores if _has_files(self._files(name))]
        for name, store in stores:
            if version and known and name not in known:
                begin_at(self._files(name), version)
            store.load(version)
        for cells in self.cells.values():
            if isinstance(cells, MapCells):
                cells.forget()
            if isinstance(cells, ListCells):
                cells.next_number = _next_number(cells.rows.store)

    def commit(self, version: int) -> None:
        """Make the state durable as `version`; a crash between the stores leaves files that the replay replaces."""
        for store in self._stores():
            store.commit(version)

    def purge(self, oldest_version: int) -> None:
        """Versions before this one are not needed any more."""
        for store in self._stores():
            store.purge(oldest_version)

    def metrics(self) -> StateMetrics:
        """The figures of all stores together.  As Spark counts rows, a list is one and timers are none."""
        found = [store.metrics() for store in self._stores()]
        lists = [cells.rows for cells in self.cells.values() if isinstance(cells, ListCells)]
        uncounted = sum(rows.store.metrics().rows_total - rows.group_count for rows in lists)
        if self.timers is not None:
            uncounted += self.timers.rows.store.metrics().rows_total
        index = sum(cells.rows.index_bytes for cells in self._collections())
        return StateMetrics(
            sum(m.rows_total for m in found) - uncounted,
            sum(m.rows_updated for m in found),
            sum(m.rows_removed for m in found),
            sum(m.memory_used_bytes for m in found) + index,
            sum(m.commit_ms for m in found),
            sum(m.spilled_bytes for m in found),
            max((m.partitions for m in found), default=1),
        )

    @property
    def variable_counts(self) -> dict[str, int]:
        """How many variables of each kind there are, under Spark's names."""
        kinds = {"ValueState": ValueCells, "ListState": ListCells, "MapState": MapCells}
        found = {}
        for name, kind in kinds.items():
            own: list[Any] = [cells for cells in self.cells.values() if isinstance(cells, kind)]
            found[f"num{name}Vars"] = sum(not cells.has_ttl for cells in own)
            found[f"num{name}WithTTLVars"] = sum(cells.has_ttl for cells in own)
        return found

    def close(self) -> None:
        """Release memory and files."""
        for store in self._stores():
            store.close()
        for cells in self._collections():
            cells.rows.forget()

    # ------------------------------------------------------------ opening

    def _open(self) -> None:
        variables = self._declare()
        for name, variable in variables.items():
            self.cells[name] = self._cells(variable)
        if self._has_timers or not variables:
            keys = pa.schema([*self._key_schema, TIMER])
            store = self._store(self.timers_name, keys, TIMER_VALUE, None)
            store.track_expiry(TIMER.name)
            self.timers = TimerCells(GroupedRows(store, self._key_schema, True, self._hash_keys), self._hash_keys)
        self._opened = True

    def _cells(self, variable: Variable) -> Cells:
        codec = Codec(variable.schema, "v_")
        values = value_schema(codec, variable.ttl_ms)
        name = self.variable_name(variable.name)
        if variable.kind == "ValueState":
            store = self._store(name, self._key_schema, values, variable)
            return ValueCells(store, codec, variable.ttl_ms)
        if variable.kind == "ListState":
            store = self._store(name, NUMBER, pa.schema([*self._key_schema, *values]), variable, hash_numbers)
            rows = GroupedRows(store, self._key_schema, False, self._hash_keys)
            return ListCells(rows, codec, variable.ttl_ms, hash_numbers)
        assert variable.key is not None, "a map has keys"
        user = Codec(variable.key, "u")
        user.arrow = pa.schema([(f"u{i}", f.type) for i, f in enumerate(user.arrow)])
        store = self._store(name, pa.schema([*self._key_schema, *user.arrow]), values, variable)
        rows = GroupedRows(store, self._key_schema, True, self._hash_keys)
        return MapCells(rows, user, codec, variable.ttl_ms, self._hash_keys)

    def _store(
        self,
        name: str,
        keys: pa.Schema,
        values: pa.Schema,
        variable: Variable | None,
        hash_keys: HashKeys | None = None,
    ) -> KeyedStore:
        what = f"transformWithState, {variable.kind} {variable.name}" if variable else "transformWithState, timers"
        place = self._directory / name
        check_layout(place, self._layout_of(variable, ()))
        store = open_store(
            self._directory, keys, values, hash_keys or self._hash_keys, operator=name, description=what, evolves=True
        )
        if variable is not None and variable.ttl_ms is not None:
            store.track_expiry(EXPIRES.name)
        write_layout(place, self._layout_of(variable, store.stored_names))
        return store

    @property
    def timers_name(self) -> str:
        """The name of the timers' store."""
        return f"{self._number}-timers"

    def variable_name(self, variable: str) -> str:
        """The name of a variable's store."""
        return f"{self._number}-var.{quote(variable, safe='')}"

    def _files(self, name: str) -> StoreFiles:
        return StoreFiles(self._directory, name, 0)

    # ------------------------------------------------------------ the stores

    def _collections(self) -> Iterator[ListCells | MapCells | TimerCells]:
        for cells in self.cells.values():
            if not isinstance(cells, ValueCells):
                yield cells
        if self.timers is not None:
            yield self.timers

    def _stores(self) -> Iterator[KeyedStore]:
        for _, store in self._named_stores():
            yield store if isinstance(store, KeyedStore) else store.store

    def _named_stores(self) -> Iterator[tuple[str, KeyedStore | GroupedRows]]:
        for name, cells in self.cells.items():
            yield self.variable_name(name), cells.store if isinstance(cells, ValueCells) else cells.rows
        if self.timers is not None:
            yield self.timers_name, self.timers.rows


def _has_files(places: StoreFiles) -> bool:
    deltas, snapshots = places.list()
    return bool(deltas or snapshots)


def _next_number(store: KeyedStore) -> int:
    slots = store.live()
    return int(np.max(store.keys(slots).column(0).to_numpy())) + 1 if len(slots) else 0

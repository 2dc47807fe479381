"""The keyed state of one stateful operator's partition: rows in memory, versions on disk.

Every commit writes the changed rows (whole) and the removed keys as one changelog file; snapshots follow in the
background.  No call but `load` and `live` costs time in proportion to the state.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.core import files
from penstock.core.faults import point
from penstock.state import errors, recovery
from penstock.state.base import Slots, StateMetrics
from penstock.state.bridge import record_batch
from penstock.state.budget import MemoryBudget
from penstock.state.columns import FixedColumn
from penstock.state.evolution import Columns, fitted
from penstock.state.format import Section, encode
from penstock.state.layout import StoreFiles
from penstock.state.maintenance import Maintenance, whole_rows
from penstock.state.options import options_of
from penstock.state.partitions import read_partitions, split, take
from penstock.state.table import SlotTable

#: The hash of each key; need not be the same function in the next release, as hashes are never stored.
HashKeys: TypeAlias = Callable[[pa.RecordBatch], NDArray[np.uint64]]


def open_store(
    directory: Path,
    key_schema: pa.Schema,
    value_schema: pa.Schema,
    hash_keys: HashKeys,
    *,
    operator: str,
    description: str = "",
    snapshot_every: int | None = None,
    evolves: bool = False,
    budget: MemoryBudget | None = None,
    partitions: int | None = None,
) -> KeyedStore:
    """The store of `<directory>/<operator>`, holding version 0 until `load`.

    `description` tells a reader of the checkpoint what the operator is; `snapshot_every`: commits between snapshots
    at least; `evolves`: the value columns are known by name and may come, go and widen; `budget`: the memory it
    shares with other stores; `partitions`: as how many files a version is written from now on, whatever there were
    before (by default, all three are what is assigned to `directory`).
    Raises STATE_STORE_{KEY,VALUE}_SCHEMA_NOT_COMPATIBLE when the checkpoint has state of other types.
    """
    assigned = options_of(directory)
    budget, partitions = budget or assigned.budget, partitions or assigned.partitions
    snapshot_every = snapshot_every or assigned.snapshot_every
    places = StoreFiles(directory, operator, 0)
    files.fs.make_directory(places.folder)
    files.fs.remove_temporary(places.folder.parent)
    for number in range(read_partitions(places).most):
        files.fs.make_directory(places.of(number).folder)
        files.fs.remove_temporary(places.of(number).folder)
    columns = _check_schema(places, key_schema, value_schema, description, evolves)
    return KeyedStore(places, key_schema, columns, hash_keys, snapshot_every, budget, partitions)


class KeyedStore:
    """See StateStore (penstock.state.base) for the contract."""

    def __init__(
        self,
        places: StoreFiles,
        key_schema: pa.Schema,
        columns: Columns,
        hash_keys: HashKeys,
        snapshot_every: int,
        budget: MemoryBudget,
        partitions: int,
    ) -> None:
        self._partitions = partitions
        self.budget = budget
        self._places, self._hash_keys = places, hash_keys
        self._key_schema, self._value_schema = key_schema, columns.schema
        #: What the value columns are called in files.
        self.stored_names = columns.stored
        self._maintenance = Maintenance(places, snapshot_every, columns.stored)
        self._expiry_columns: list[str] = []
        self._metrics = StateMetrics(0, 0, 0, 0, 0)
        self._version: int | None = None
        self._rewrites = True  # whether files of the next version may exist already
        self._table: SlotTable | None = None
        self.load(0)

    @property
    def version(self) -> int | None:
        """The version loaded or committed last; None after `abort`, until the store is loaded again."""
        return self._version

    def load(self, version: int) -> None:
        """Make the store hold exactly `version`; nothing is read when it does already."""
        if version < 0:
            raise errors.unexpected_version(version)
        if version == self._version and not self._touched and not self._removed:
            return
        self._version = None
        self._table = SlotTable(self._key_schema, self._value_schema, self.budget)
        self._forget_changes()
        for section in recovery.sections(self._places, version, self._rows.reserve):
            self._apply(section)
            self.budget.relieve()
        for name in self._expiry_columns:
            self._rows.track_expiry(name)
        self._maintenance.restart()
        self._version, self._rewrites = version, True

    def locate(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch) -> Slots:
        return self._rows.find(hashes, keys)[0]

    def locate_or_add(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch) -> tuple[Slots, NDArray[np.bool_]]:
        slots, new = self._rows.find_or_add(hashes, keys)
        if new.any():
            self._added, self._located = slots[new], slots
            self._touched.append(self._added)
            self.budget.relieve()
        return slots, new

    def keys(self, slots: Slots) -> pa.RecordBatch:
        return self._rows.keys(slots)

    def values(self, slots: Slots) -> pa.RecordBatch:
        return self._rows.rows(slots)

    def numeric(self, column: int) -> NDArray[Any]:
        """A fixed-width value column as the live array over all slots; NULL slots hold zero.  Change it in place, then
        `touch(slots)`.  Booleans are bool, times int32 or int64, decimals raw 16-byte words."""
        found = self._fixed(column)
        if column not in self._handed_out:
            self._handed_out.append(column)
        return found.data

    def valid(self, column: int) -> NDArray[np.bool_]:
        """The live validity of a fixed-width value column, for kernels that make NULLs themselves."""
        return self._fixed(column).valid

    def put(self, slots: Slots, values: pa.RecordBatch) -> None:
        self._rows.put(slots, values)
        # What was located just before is usually what is put: then it need not be counted twice.
        is_fresh = bool(self._touched) and self._touched[-1] is self._added
        if is_fresh and (slots is self._located or np.array_equal(slots, self._added)):
            self._touched.pop()
        self._touched.append(slots)
        self.budget.relieve()

    def touch(self, slots: Slots, columns: tuple[int, ...] | None = None) -> None:
        """These slots were changed through `numeric`.  They become not NULL in `columns`; by default in all columns
        that `numeric` gave since the last `touch`.  Pass () after changing validity through `valid`."""
        for column in self._handed_out if columns is None else columns:
            self._fixed(column).set_valid(slots)
        self._handed_out.clear()
        self._rows.changed_in_place(slots)
        self._touched.append(slots)
        self._repeats = True

    def remove(self, slots: Slots) -> None:
        if len(slots):
            self._removed.append(self._rows.keys(slots))
            self._rows.remove(slots)

    def live(self) -> Slots:
        return self._rows.live()

    def track_expiry(self, column: str) -> None:
        """Keep slots ordered by this key or value column (integer, date or timestamp), for `expired`."""
        self._rows.track_expiry(column)
        if column not in self._expiry_columns:
            self._expiry_columns.append(column)

    def expired(self, column: str, threshold: int) -> Slots:
        """The slots in use whose `column` (as its integer: microseconds, days) is <= threshold; NULL never is.  Costs
        what expires, not what is in the state.  Slots that are not removed are returned again next time."""
        return self._rows.expired(column, threshold)

    def commit(self, version: int) -> None:
        """Make the changes durable as the next `version`; a file that a replayed batch left is replaced."""
        started = time.perf_counter()
        if self._version is None or version != self._version + 1:
            raise errors.out_of_order(f"state version {version} was to be committed after version {self._version}")
        changed, removed = self._changed(), self._removed_keys()
        self._write(version, changed, removed)
        self._forget_changes()
        self._version = version
        updated, gone = len(changed), 0 if removed is None else removed.num_rows
        self._maintenance.committed(version, updated + gone, self._rows)
        elapsed = int((time.perf_counter() - started) * 1000)
        spilled = self._rows.spilled_bytes
        held = self._rows.nbytes - spilled
        self._metrics = StateMetrics(self._rows.count, updated, gone, held, elapsed, spilled, self._partitions)
        if self.budget.is_spilling:
            self.budget.relieve()
            self.budget.let_go()

    def abort(self) -> None:
        """Forget the changes since the last commit, with everything else: the store must be loaded again."""
        self._version = None
        self._table = None
        self._forget_changes()

    def purge(self, oldest_version: int) -> None:
        """Versions before this one are not needed any more; removes a few old files a call."""
        self._maintenance.purge(oldest_version)

    def metrics(self) -> StateMetrics:
        return self._metrics

    def close(self) -> None:
        self.abort()
        self._maintenance.stop()

    def _write(self, version: int, changed: Slots, removed: pa.RecordBatch | None) -> None:
        sections = []
        if removed is not None:
            sections.append(Section("removed", whole_rows(removed, _NOTHING, ())))
        if len(changed):
            rows = whole_rows(self._rows.keys(changed), self._rows.rows(changed), self.stored_names)
            sections.append(Section("rows", rows))
        path = self._places.delta(version)
        try:
            if self._rewrites:
                self._maintenance.begin(version, self._partitions)
                self._rewrites = False
            for number, own in enumerate(self._split(sections)):
                if number:
                    point("between_state_files")
                path = self._places.of(number).delta(version)
                data = encode(own, kind="delta", operator=self._places.operator, version=version)
                files.fs.write_atomic(path, data)
        except OSError as error:
            raise errors.cannot_commit(path, error) from error

    def _split(self, sections: list[Section]) -> list[list[Section]]:
        """What of each section belongs to each partition."""
        if self._partitions == 1:
            return [sections]
        parts: list[list[Section]] = [[] for _ in range(self._partitions)]
        for section in sections:
            width = len(self._key_schema)
            keys = record_batch(section.batch.columns[:width], self._key_schema, section.batch.num_rows)
            for part, places in zip(parts, split(keys, self._partitions), strict=True):
                if len(places):
                    part.append(Section(section.name, take(section.batch, places)))
        return parts

    def _apply(self, section: Section) -> None:
        columns, count, split = section.batch.columns, section.batch.num_rows, len(self._key_schema)
        keys = record_batch(columns[:split], self._key_schema, count)
        hashes = self._hash_keys(keys)
        if section.name == "removed":
            found = self._rows.find(hashes, keys)[0]
            self._rows.remove(self._rows.distinct(found[found >= 0]))
        else:
            slots, _ = self._rows.find_or_add(hashes, keys)
            self._rows.put(slots, fitted(section.batch, self.stored_names, self._value_schema))

    def _changed(self) -> Slots:
        if not self._touched:
            return np.empty(0, np.int64)
        once = len(self._touched) == 1 and not self._repeats
        touched = self._touched[0] if once else self._rows.distinct(np.concatenate(self._touched))
        return touched[self._rows.is_live(touched)] if self._removed else touched

    def _removed_keys(self) -> pa.RecordBatch | None:
        if not self._removed:
            return None
        if not self._key_schema.names:  # concat_batches loses the rows of batches without columns
            return record_batch([], self._key_schema, sum(keys.num_rows for keys in self._removed))
        return self._removed[0] if len(self._removed) == 1 else pa.concat_batches(self._removed)

    def _forget_changes(self) -> None:
        self._touched: list[Slots] = []
        self._removed: list[pa.RecordBatch] = []
        self._handed_out: list[int] = []
        self._repeats = False  # whether an array of touched slots may have repeats
        self._added = self._located = np.empty(0, np.int64)

    @property
    def _rows(self) -> SlotTable:
        if self._table is None:
            raise errors.out_of_order("the state was used after abort or close, without being loaded again")
        return self._table

    def _fixed(self, column: int) -> FixedColumn:
        found = self._rows.values[column]
        if not isinstance(found, FixedColumn):
            raise TypeError(f"state column {self._value_schema.names[column]!r} ({found.type}) is not of fixed width")
        return found


_NOTHING = pa.RecordBatch.from_arrays([], names=[])


def _check_schema(
    places: StoreFiles, key_schema: pa.Schema, value_schema: pa.Schema, description: str, evolves: bool
) -> Columns:
    """Write the schema file, or compare with the one that is there: the types of the columns by place, those of values
    that evolve by name.  Gives the value columns."""
    found = _read_schema(places.schema)
    columns = Columns.new(value_schema)
    ours = {"key": _types(key_schema), "value": _types(value_schema)}
    if found is not None:
        kept = (Columns.of(found) or _by_place(found["value"], value_schema)) if evolves else None
        evolved = kept.become(value_schema) if kept is not None else None
        if found["key"] != ours["key"]:
            raise errors.schema_mismatch("KEY", places.schema, ", ".join(found["key"]), ", ".join(ours["key"]))
        if kept is not None and evolved is None:
            raise errors.cannot_evolve(places.schema, kept.schema, value_schema)
        if evolved is None and found["value"] != ours["value"]:
            raise errors.schema_mismatch("VALUE", places.schema, ", ".join(found["value"]), ", ".join(ours["value"]))
        columns = evolved or columns
    content = {"version": 1, "operator": description or places.operator, **ours, **(columns.json() if evolves else {})}
    if found is None or (evolves and content != found):
        files.fs.write_atomic(places.schema, json.dumps(content, indent=1).encode())
    return columns


def _read_schema(path: Path) -> dict[str, Any] | None:
    try:
        stored = json.loads(files.fs.read(path))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise errors.damaged(path, f"it is not JSON ({error})") from error
    for part in ("key", "value"):
        if not isinstance(stored, dict) or not isinstance(stored.get(part), list):
            raise errors.damaged(path, f"it does not tell the types of the {part} columns")
    return dict(stored)


def _by_place(stored: list[str], ours: pa.Schema) -> Columns | None:
    """The columns of an earlier release's file, which does not name them, if they are as they were."""
    return Columns.new(ours) if stored == _types(ours) else None


def _types(schema: pa.Schema) -> list[str]:
    return [str(field.type) for field in schema]

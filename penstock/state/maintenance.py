"""When snapshots are taken and which files are kept."""

from __future__ import annotations

import bisect

import pyarrow as pa

from penstock.core import files
from penstock.core.faults import point
from penstock.state.bridge import record_batch
from penstock.state.layout import SnapshotId, StoreFiles
from penstock.state.partitions import Partitions, read_partitions, split, take
from penstock.state.recovery import available
from penstock.state.snapshot import SnapshotWriter
from penstock.state.table import SlotTable

#: Opening a changelog file costs about as much as applying this many rows.
_FILE_ROWS = 1024
_SMALLEST_PIECE = 8192
_REMOVALS_A_PURGE = 32


class Maintenance:
    """The snapshots and old files of one store; called by the query's thread after each commit.

    A snapshot is begun after `every` commits, once replaying them would cost half of what loading the whole state does:
    so at most about two rows are written to snapshots for each row that changes.
    """

    def __init__(self, store: StoreFiles, every: int, stored_names: tuple[str, ...]) -> None:
        self._store, self._every, self._stored_names = store, every, stored_names
        self._partitions = Partitions()
        self._writers: list[SnapshotWriter] = []  # one a partition
        self._deltas: list[int] = []
        self._snapshots: list[SnapshotId] = []
        self._cursor: int | None = None  # next slot to collect; None: nothing left to collect
        self._commits = self._cost = 0

    def restart(self) -> None:
        """The store was loaded: look at the files anew."""
        self.stop()
        deltas, snapshots = available(self._store)
        self._partitions = read_partitions(self._store)
        self._deltas, self._snapshots = sorted(deltas), sorted(snapshots)
        self._commits = self._cost = 0

    def begin(self, version: int, count: int) -> None:
        """`version` is about to be written, perhaps anew, as `count` partitions, and all later ones: what builds on
        its former content must go."""
        found = [store.list() for store in self._stores]
        for store, (deltas, snapshots) in zip(self._stores, found, strict=True):
            for snapshot in [s for s in snapshots if s.version >= version]:
                files.fs.remove(store.snapshot(snapshot))
            for delta in sorted((v for v in deltas if v >= version), reverse=True):
                files.fs.remove(store.delta(delta))
        self._snapshots = [s for s in self._snapshots if s.version < version]
        self._deltas = [v for v in self._deltas if v < version]
        changed = self._partitions.changed(version, count)
        for number in range(count):
            files.fs.make_directory(self._store.of(number).folder)
        if changed != self._partitions:
            changed.write(self._store)
            self._partitions = changed

    @property
    def _stores(self) -> list[StoreFiles]:
        return [self._store.of(number) for number in range(self._partitions.most)]

    def committed(self, version: int, changes: int, table: SlotTable) -> None:
        """`version` is durable and is what `table` holds; `changes` rows were changed or removed."""
        self._deltas.append(version)
        self._commits += 1
        self._cost += max(changes, _FILE_ROWS)
        self._reap()
        if not self._writers and self._commits >= self._every and 2 * self._cost >= table.count:
            count = self._partitions.at(version)
            self._writers = [SnapshotWriter(self._store.of(number), version) for number in range(count)]
            self._cursor = 0
            self._commits = self._cost = 0
        if self._writers and self._cursor is not None:
            self._collect(self._cursor, max(_SMALLEST_PIECE, 2 * changes), version, table)

    def _collect(self, start: int, size: int, version: int, table: SlotTable) -> None:
        stop = start + size
        keys, values = table.part(start, stop)
        if keys.num_rows:
            self._hand_out(keys, whole_rows(keys, values, self._stored_names))
        self._cursor = stop
        if stop >= table.high:
            self._cursor = None
            for writer in self._writers:
                writer.finish(version)

    def _hand_out(self, keys: pa.RecordBatch, rows: pa.RecordBatch) -> None:
        if len(self._writers) == 1:
            self._writers[0].add(rows)
            return
        for writer, places in zip(self._writers, split(keys, len(self._writers)), strict=True):
            if len(places):
                writer.add(take(rows, places))

    def _reap(self) -> None:
        if self._writers and self._cursor is None and not any(writer.running for writer in self._writers):
            self._note()

    def _note(self) -> None:
        written = {writer.written for writer in self._writers}
        first = written.pop()
        if first is not None and not written:  # all partitions have it
            bisect.insort(self._snapshots, first)
        self._writers = []

    def stop(self) -> None:
        """Let a complete snapshot be written, give up an incomplete one."""
        for writer in self._writers:
            writer.abandon()
        if self._writers:
            self._note()
        self._cursor = None

    def purge(self, oldest_version: int) -> None:
        """Remove files that no version >= `oldest_version` needs, even if its best snapshot turns out to be damaged.
        A few files a call."""
        usable = [s for s in self._snapshots if s.version <= oldest_version]
        if len(usable) < 2:
            return
        for snapshot in usable[:-2]:
            for store in self._stores:
                files.fs.remove(store.snapshot(snapshot))
            self._snapshots.remove(snapshot)
        needless = bisect.bisect_right(self._deltas, min(s.base for s in usable[-2:]))
        for version in self._deltas[: min(needless, _REMOVALS_A_PURGE)]:
            point("during_purge")
            for number in range(self._partitions.at(version)):
                files.fs.remove(self._store.of(number).delta(version))
        del self._deltas[: min(needless, _REMOVALS_A_PURGE)]


def whole_rows(keys: pa.RecordBatch, values: pa.RecordBatch, stored_names: tuple[str, ...]) -> pa.RecordBatch:
    """Rows as files hold them: columns k0, k1, ... and, mostly, v0, v1, ... (names in the query may change between
    runs)."""
    names = [*(f"k{i}" for i in range(keys.num_columns)), *stored_names]
    columns = [*keys.columns, *values.columns]
    schema = pa.schema([(name, column.type) for name, column in zip(names, columns, strict=True)])
    return record_batch(columns, schema, keys.num_rows)

"""When snapshots are taken and which files are kept."""

from __future__ import annotations

import bisect

import pyarrow as pa

from penstock.core import files
from penstock.state.bridge import record_batch
from penstock.state.layout import SnapshotId, StoreFiles
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

    def __init__(self, store: StoreFiles, every: int) -> None:
        self._store, self._every = store, every
        self._writer: SnapshotWriter | None = None
        self._deltas: list[int] = []
        self._snapshots: list[SnapshotId] = []
        self._cursor: int | None = None  # next slot to collect; None: nothing left to collect
        self._commits = self._cost = 0

    def restart(self) -> None:
        """The store was loaded: look at the files anew."""
        self.stop()
        deltas, snapshots = self._store.list()
        self._deltas, self._snapshots = sorted(deltas), sorted(snapshots)
        self._commits = self._cost = 0

    def forget_from(self, version: int) -> None:
        """`version` is about to be written anew: what builds on its former content must go."""
        for snapshot in [s for s in self._snapshots if s.version >= version]:
            files.fs.remove(self._store.snapshot(snapshot))
            self._snapshots.remove(snapshot)
        while self._deltas and self._deltas[-1] >= version:
            files.fs.remove(self._store.delta(self._deltas.pop()))

    def committed(self, version: int, changes: int, table: SlotTable) -> None:
        """`version` is durable and is what `table` holds; `changes` rows were changed or removed."""
        self._deltas.append(version)
        self._commits += 1
        self._cost += max(changes, _FILE_ROWS)
        self._reap()
        if self._writer is None and self._commits >= self._every and 2 * self._cost >= table.count:
            self._writer, self._cursor = SnapshotWriter(self._store, version), 0
            self._commits = self._cost = 0
        if self._writer is not None and self._cursor is not None:
            self._collect(self._writer, self._cursor, max(_SMALLEST_PIECE, 2 * changes), version, table)

    def _collect(self, writer: SnapshotWriter, start: int, size: int, version: int, table: SlotTable) -> None:
        stop = start + size
        keys, values = table.part(start, stop)
        if keys.num_rows:
            writer.add(whole_rows(keys, values))
        self._cursor = stop
        if stop >= table.high:
            self._cursor = None
            writer.finish(version)

    def _reap(self) -> None:
        if self._writer is not None and self._cursor is None and not self._writer.running:
            self._note(self._writer)

    def _note(self, writer: SnapshotWriter) -> None:
        if writer.written is not None:
            bisect.insort(self._snapshots, writer.written)
        self._writer = None

    def stop(self) -> None:
        """Let a complete snapshot be written, give up an incomplete one."""
        if self._writer is not None:
            self._writer.abandon()
            self._note(self._writer)
        self._cursor = None

    def purge(self, oldest_version: int) -> None:
        """Remove files that no version >= `oldest_version` needs, even if its best snapshot turns out to be damaged.
        A few files a call."""
        usable = [s for s in self._snapshots if s.version <= oldest_version]
        if len(usable) < 2:
            return
        for snapshot in usable[:-2]:
            files.fs.remove(self._store.snapshot(snapshot))
            self._snapshots.remove(snapshot)
        needless = bisect.bisect_right(self._deltas, min(s.base for s in usable[-2:]))
        for version in self._deltas[: min(needless, _REMOVALS_A_PURGE)]:
            files.fs.remove(self._store.delta(version))
        del self._deltas[: min(needless, _REMOVALS_A_PURGE)]


def whole_rows(keys: pa.RecordBatch, values: pa.RecordBatch) -> pa.RecordBatch:
    """Rows as files hold them: columns k0, k1, ... and v0, v1, ... (names in the query may change between runs)."""
    names = [f"k{i}" for i in range(keys.num_columns)] + [f"v{i}" for i in range(values.num_columns)]
    columns = [*keys.columns, *values.columns]
    schema = pa.schema([(name, column.type) for name, column in zip(names, columns, strict=True)])
    return record_batch(columns, schema, keys.num_rows)

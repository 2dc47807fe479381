"""What a state store is: versioned keyed state of one operator, changed a batch at a time, whole Arrow columns at once.

A row of state is: key columns, then value columns (Arrow types fixed at creation).  A key lives in a *slot*, an index
into dense columns; slots of deleted keys are reused.  Hashes are given by the caller (uint64, of the key columns;
DuckDB's `hash()` in the segment) and must be those of the store's `hash_keys`; equality is always decided on the key
columns themselves, never on the hash alone.  Arrays of slots are distinct, unless a method says otherwise.
Version N is the state after batch N-1, as in Spark; version 0 is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Slots = NDArray[np.int64]


@dataclass(frozen=True)
class StateMetrics:
    """For progress: rows in state, rows put and removed in this batch, bytes held in memory, milliseconds for the
    commit, bytes held in scratch files beyond the memory budget, partitions of a version's files."""

    rows_total: int
    rows_updated: int
    rows_removed: int
    memory_used_bytes: int
    commit_ms: int
    spilled_bytes: int = 0
    partitions: int = 1


class StateStore(Protocol):
    """The state of one operator.  Not thread-safe: the query's thread alone calls it."""

    def load(self, version: int) -> None:
        """Make the store hold exactly version `version`; raises SparkError naming the file when one is corrupt."""

    def locate(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch) -> Slots:
        """The slot of each key (keys must be distinct), -1 where the key is not in the state."""

    def locate_or_add(self, hashes: NDArray[np.uint64], keys: pa.RecordBatch) -> tuple[Slots, NDArray[np.bool_]]:
        """As `locate`, but a missing key gets a slot (its values are NULL); the second result tells which were new."""

    def keys(self, slots: Slots) -> pa.RecordBatch:
        """The key columns of these slots."""

    def values(self, slots: Slots) -> pa.RecordBatch:
        """The value columns of these slots."""

    def numeric(self, column: int) -> NDArray[np.generic]:
        """A fixed-width value column as the live array over all slots, for in-place kernels (`a[slots] += b`): then
        tell `touch(slots)`.  NULL slots (new keys) hold zero.  The array is invalid after the next `locate_or_add`."""

    def valid(self, column: int) -> NDArray[np.bool_]:
        """The live validity of a fixed-width value column, for kernels that make NULLs (put zero where it is false)."""

    def put(self, slots: Slots, values: pa.RecordBatch) -> None:
        """Set the value columns of these slots."""

    def touch(self, slots: Slots, columns: tuple[int, ...] | None = None) -> None:
        """These slots (repeats are fine) were changed through `numeric`.  They become not NULL in `columns`; by default
        in all columns that `numeric` gave since the last `touch`; () leaves validity alone."""

    def remove(self, slots: Slots) -> None:
        """Delete the keys in these slots."""

    def live(self) -> Slots:
        """All slots in use."""

    def track_expiry(self, column: str) -> None:
        """Keep slots ordered by this integer, date or timestamp column (key or value), for `expired`."""

    def expired(self, column: str, threshold: int) -> Slots:
        """The slots in use whose `column` (as its integer: microseconds, days) is <= threshold; NULL never is."""

    def commit(self, version: int) -> None:
        """Make the changes since the last commit durable as `version` (a changelog; snapshots in the background)."""

    def abort(self) -> None:
        """Forget the changes since the last commit (the store must be loaded again)."""

    def purge(self, oldest_version: int) -> None:
        """Versions before this one are not needed any more."""

    def metrics(self) -> StateMetrics:
        """Figures of the last batch."""

    def close(self) -> None:
        """Wait for background work and release memory."""

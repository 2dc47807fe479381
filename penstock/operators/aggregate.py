"""Incremental GROUP BY: merges each batch's partial buffers into the groups kept in state.

Input rows are one a group: `hash`, the key columns, the partial buffers (made by the segment below).  Output rows are
key
columns and merged buffers (the segment above finishes them).  The cost of a batch is that of its groups and of the
groups
it evicts, whatever the state holds; complete mode, which returns everything, is the exception by its nature.
Semantics: Spark's StateStoreSaveExec.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from penstock.operators.base import OperatorFigures
from penstock.operators.late import without_late
from penstock.operators.merging import Merge, RunSql, merge_buffers
from penstock.state import KeyedStore
from penstock.state.base import Slots

HASH = "hash"


class AggregateOperator:
    """GROUP BY in append, update or complete mode.

    event_time_key: the name of the key column (timestamp, us) that the watermark evicts by, or None when nothing is
    evicted.
    """

    name = "stateStoreSave"

    def __init__(
        self,
        store: KeyedStore,
        key_schema: pa.Schema,
        merges: Sequence[Merge],
        output_mode: str,
        event_time_key: str | None,
        run_sql: RunSql,
    ) -> None:
        self.store = store
        self.figures = OperatorFigures()
        self._key_schema = key_schema
        self._merges = tuple(merges)
        self._value_schema = pa.schema([(m.column, m.type) for m in merges])
        self._mode = output_mode
        self._event_time_key = event_time_key
        self._run_sql = run_sql

    @property
    def evicts(self) -> bool:
        """See KeepsState: complete mode gives everything whenever it runs, and removes nothing."""
        return self._mode != "complete"

    def process(self, batch: pa.Table, late_us: int, evict_us: int) -> pa.Table:
        """See StatefulOperator: keys and merged buffers of the groups that the output mode emits."""
        started = time.perf_counter_ns()
        batch, dropped = without_late(batch, self._event_time_key, late_us)
        # Each group is one row.  Strings of more than 2 GB do not become one chunk.
        parts = [self._merge(rows) for rows in batch.combine_chunks().to_batches()] if batch.num_rows else []
        updated = np.concatenate([np.empty(0, np.int64), *parts])
        merged_at = time.perf_counter_ns()
        result, removed = self._emit(updated, evict_us)
        self.figures = OperatorFigures(
            rows_updated=len(updated),
            rows_removed=removed,
            rows_dropped_by_watermark=dropped,
            update_ms=(merged_at - started) // 1_000_000,
            remove_ms=(time.perf_counter_ns() - merged_at) // 1_000_000,
        )
        return result

    def _merge(self, rows: pa.RecordBatch) -> Slots:
        hashes = (
            rows.column(rows.schema.get_field_index(HASH)).to_numpy(zero_copy_only=False).astype(np.uint64, copy=False)
        )
        keys = _select(rows, self._key_schema)
        partial = _select(rows, self._value_schema)
        slots, is_new = self.store.locate_or_add(hashes, keys)
        if is_new.all():
            self.store.put(slots, partial)
        else:
            old = self.store.values(slots)
            self.store.put(slots, merge_buffers(self._merges, old, partial, pa.array(is_new), self._run_sql))
        return slots

    def _emit(self, updated: Slots, evict_us: int) -> tuple[pa.Table, int]:
        if self._mode == "complete":
            return self._rows(self.store.live()), 0
        expired = self._expired(evict_us)
        if self._mode == "append":
            result = self._rows(expired)
        else:
            result = self._rows(updated)
        if len(expired):
            self.store.remove(expired)
        return result, len(expired)

    def _expired(self, evict_us: int) -> Slots:
        if self._event_time_key is None or evict_us <= 0:
            return np.empty(0, np.int64)
        return self.store.expired(self._event_time_key, evict_us)

    def _rows(self, slots: Slots) -> pa.Table:
        keys, values = self.store.keys(slots), self.store.values(slots)
        return pa.Table.from_arrays(
            [*keys.columns, *values.columns], schema=pa.schema([*self._key_schema, *self._value_schema])
        )


def _select(rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The columns of `schema` by name, in its types (a time zone differs from UTC only in its label)."""
    columns = [rows.column(rows.schema.get_field_index(field.name)) for field in schema]
    return pa.RecordBatch.from_arrays(
        [c if c.type == f.type else c.cast(f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
    )

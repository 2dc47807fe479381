"""Streaming dropDuplicates: a row passes when its key is not in state yet.

With the watermark's column among the keys, keys older than the watermark are removed (a duplicate that comes later
would be
dropped as late anyway); without it the state grows for ever, as in Spark.  Semantics: Spark's StreamingDeduplicateExec.
"""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa

from penstock.operators.aggregate import HASH
from penstock.operators.base import OperatorFigures
from penstock.operators.late import without_late
from penstock.operators.merging import RunSql
from penstock.state import KeyedStore

#: State needs a value column; a key that is there has been seen.
SEEN = pa.schema([("seen", pa.bool_())])


class DeduplicateOperator:
    """dropDuplicates in append or update mode (they are the same for it).

    The batch's columns are `hash`, the keys k0, k1, ... and the rows' own; the result has the rows' own only.
    event_time: the column by which rows are late, or None; event_time_key: the key column that evicts, or None.
    """

    name = "dedupe"

    def __init__(
        self,
        store: KeyedStore,
        key_schema: pa.Schema,
        event_time: str | None,
        event_time_key: str | None,
        run_sql: RunSql,
    ) -> None:
        self.store = store
        self.figures = OperatorFigures()
        self._key_schema = key_schema
        self._event_time = event_time
        self._event_time_key = event_time_key
        self._run_sql = run_sql
        self._first_sql = f"SELECT DISTINCT ON ({', '.join(key_schema.names)}) * FROM deduplicate_input"

    def process(self, batch: pa.Table, late_us: int, evict_us: int) -> pa.Table:
        """See StatefulOperator: the rows whose key was not seen before."""
        started = time.perf_counter_ns()
        rows, dropped = without_late(batch, self._event_time, late_us)
        new = self._new_rows(rows) if rows.num_rows else rows
        updated_at = time.perf_counter_ns()
        removed = self._evict(evict_us)
        self.figures = OperatorFigures(
            rows_updated=new.num_rows,
            rows_removed=removed,
            rows_dropped_by_watermark=dropped,
            update_ms=(updated_at - started) // 1_000_000,
            remove_ms=(time.perf_counter_ns() - updated_at) // 1_000_000,
        )
        return new.select([name for name in new.schema.names if name != HASH and name not in self._key_schema.names])

    def _new_rows(self, rows: pa.Table) -> pa.Table:
        first = self._run_sql(self._first_sql, {"deduplicate_input": rows}).combine_chunks()
        keys = pa.RecordBatch.from_arrays(
            [first.column(f.name).combine_chunks().cast(f.type) for f in self._key_schema], schema=self._key_schema
        )
        hashes = first.column(HASH).to_numpy().astype(np.uint64, copy=False)
        slots, is_new = self.store.locate_or_add(hashes, keys)
        new_slots = slots[is_new]
        if len(new_slots):
            seen = pa.RecordBatch.from_arrays([pa.array(np.ones(len(new_slots), bool))], schema=SEEN)
            self.store.put(new_slots, seen)
        return first.filter(pa.array(is_new))

    def _evict(self, evict_us: int) -> int:
        if self._event_time_key is None or evict_us <= 0:
            return 0
        expired = self.store.expired(self._event_time_key, evict_us)
        if len(expired):
            self.store.remove(expired)
        return len(expired)

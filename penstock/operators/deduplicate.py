"""Streaming dropDuplicates: a row passes when its key is not in state yet.

With the watermark's column among the keys, keys older than the watermark are removed (a duplicate that comes later
would be dropped as late anyway); without it the state grows for ever, as in Spark.  Within the watermark, a key is
removed once the watermark has passed its first row by the watermark's delay.
Semantics: Spark's StreamingDeduplicateExec and StreamingDeduplicateWithinWatermarkExec.
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
from penstock.state.bridge import arrow_flags, arrow_ints
from penstock.state.equality import same_values

#: State needs a value column; a key that is there has been seen.
SEEN = pa.schema([("seen", pa.bool_())])
#: The microsecond at which the watermark evicts a key, where no key column tells it.
EXPIRES = pa.schema([("expires", pa.int64())])


class DeduplicateOperator:
    """dropDuplicates, which is the same in every output mode; `name` tells which kind.

    The batch's columns are `hash`, the keys k0, k1, ..., the value of EXPIRES if state keeps it, and the rows' own; the
    result has the rows' own (`output`) only.  late: the column by which rows are late, or None; evicts_by: the column
    of state by which the watermark evicts, or None.
    """

    evicts = True

    def __init__(
        self,
        name: str,
        store: KeyedStore,
        key_schema: pa.Schema,
        value_schema: pa.Schema,
        output: tuple[str, ...],
        late: str | None,
        evicts_by: str | None,
        run_sql: RunSql,
    ) -> None:
        self.name = name
        self.store = store
        self.figures = OperatorFigures()
        self._key_schema = key_schema
        self._value_schema = value_schema
        self._output = output
        self._late = late
        self._evicts_by = evicts_by
        self._run_sql = run_sql
        names = ", ".join(key_schema.names)
        self._first_sql = (
            f"SELECT * FROM (SELECT DISTINCT ON ({names}) * FROM deduplicate_input ORDER BY {names}, position) "
            "ORDER BY position"
        )

    def process(self, batch: pa.Table, late_us: int, evict_us: int) -> pa.Table:
        """See StatefulOperator: the rows whose key was not seen before."""
        started = time.perf_counter_ns()
        rows, dropped = without_late(batch, self._late, late_us)
        new = self._new_rows(rows) if rows.num_rows else rows
        updated_at = time.perf_counter_ns()
        removed = self._evict(evict_us)
        self.figures = OperatorFigures(
            rows_updated=new.num_rows,
            rows_removed=removed,
            rows_dropped_by_watermark=dropped,
            custom={"numDroppedDuplicateRows": rows.num_rows - new.num_rows},
            update_ms=(updated_at - started) // 1_000_000,
            remove_ms=(time.perf_counter_ns() - updated_at) // 1_000_000,
        )
        return new.select(self._output)

    def _new_rows(self, rows: pa.Table) -> pa.Table:
        first = self._first_of_each(rows.combine_chunks())
        keys = pa.RecordBatch.from_arrays(
            [first.column(f.name).combine_chunks().cast(f.type) for f in self._key_schema], schema=self._key_schema
        )
        hashes = first.column(HASH).to_numpy().astype(np.uint64, copy=False)
        slots, is_new = self.store.locate_or_add(hashes, keys)
        new_slots = slots[is_new]
        if len(new_slots):
            self.store.put(new_slots, self._values(first.filter(arrow_flags(is_new))))
        return first.filter(arrow_flags(is_new))

    def _first_of_each(self, rows: pa.Table) -> pa.Table:
        """The first row of every key, in order of arrival."""
        hashes = rows.column(HASH).to_numpy()
        order = np.argsort(hashes, kind="stable")
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = hashes[order[1:]] != hashes[order[:-1]]
        firsts, group = order[is_first], np.cumsum(is_first) - 1
        again, original = arrow_ints(order[~is_first]), arrow_ints(firsts[group[~is_first]])
        keys = [rows.column(field.name).combine_chunks() for field in self._key_schema]
        if all(same_values(key.take(again), key.take(original)).all() for key in keys):
            return rows.take(arrow_ints(np.sort(firsts)))
        numbered = rows.append_column("position", arrow_ints(np.arange(len(hashes))))  # two keys of one hash
        return self._run_sql(self._first_sql, {"deduplicate_input": numbered}).drop_columns(["position"])

    def _values(self, rows: pa.Table) -> pa.RecordBatch:
        if self._value_schema.equals(SEEN):
            return pa.RecordBatch.from_arrays([arrow_flags(np.ones(rows.num_rows, np.bool_))], schema=SEEN)
        columns = [rows.column(field.name).combine_chunks().cast(field.type) for field in self._value_schema]
        return pa.RecordBatch.from_arrays(columns, schema=self._value_schema)

    def _evict(self, evict_us: int) -> int:
        if self._evicts_by is None or evict_us <= 0:
            return 0
        expired = self.store.expired(self._evicts_by, evict_us)
        if len(expired):
            self.store.remove(expired)
        return len(expired)

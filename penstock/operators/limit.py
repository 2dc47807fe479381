"""A limit over a stream: rows pass until so many have passed since the query's first start.

Semantics: Spark's StreamingGlobalLimitExec.
"""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa

from penstock.operators.base import OperatorFigures
from penstock.state import KeyedStore
from penstock.state.bridge import arrow_ints

KEY = pa.schema([("k0", pa.int8())])
#: How many rows have passed.
PASSED = pa.schema([("passed", pa.int64())])


class LimitOperator:
    """The first `count` rows of all batches together, in the order in which they come."""

    name = "globalLimit"
    evicts = False

    def __init__(self, store: KeyedStore, count: int) -> None:
        self.store = store
        self.figures = OperatorFigures()
        self._count = count

    def process(self, batch: pa.Table, late_us: int, evict_us: int) -> pa.Table:
        """See StatefulOperator: what still passes of the rows of one batch."""
        started = time.perf_counter_ns()
        slots = self.store.live()
        passed = int(self.store.values(slots).column(0)[0].as_py()) if len(slots) else 0
        result = batch.slice(0, max(0, self._count - passed))
        if result.num_rows:
            self._put(passed + result.num_rows)
        self.figures = OperatorFigures(
            rows_updated=int(result.num_rows > 0), update_ms=(time.perf_counter_ns() - started) // 1_000_000
        )
        return result

    def _put(self, passed: int) -> None:
        key = pa.RecordBatch.from_arrays([arrow_ints(np.zeros(1, np.int64)).cast(pa.int8())], schema=KEY)
        slots, _ = self.store.locate_or_add(hash_nothing(key), key)
        self.store.put(slots, pa.RecordBatch.from_arrays([arrow_ints(np.array([passed]))], schema=PASSED))


def hash_nothing(keys: pa.RecordBatch) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """The hash of the only key."""
    return np.zeros(keys.num_rows, np.uint64)

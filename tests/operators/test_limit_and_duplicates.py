"""The limit of a stream, and which of a batch's duplicates passes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from penstock.operators.aggregate import HASH
from penstock.operators.deduplicate import EXPIRES, SEEN, DeduplicateOperator
from penstock.operators.limit import KEY, PASSED, LimitOperator, hash_nothing
from penstock.state import open_store
from tests.operators.test_session import run_sql

KEYS = pa.schema([("k0", pa.string())])


def limit(directory: Path) -> LimitOperator:
    return LimitOperator(open_store(directory, KEY, PASSED, hash_nothing, operator="0"), 5)


def test_a_limit_counts_over_batches_and_restarts(tmp_path: Path) -> None:
    numbers = [pa.table({"n": list(range(start, start + 3))}) for start in (0, 3, 6)]
    operator = limit(tmp_path)
    assert operator.process(numbers[0], 0, 0).column("n").to_pylist() == [0, 1, 2]
    operator.store.commit(1)
    again = limit(tmp_path)
    again.store.load(1)
    assert again.process(numbers[1], 0, 0).column("n").to_pylist() == [3, 4]
    assert again.figures.rows_updated == 1
    assert again.process(numbers[2], 0, 0).num_rows == 0
    assert again.figures.rows_updated == 0


def hashes(keys: pa.RecordBatch) -> np.ndarray:
    """All alike, so that only the keys tell them apart."""
    return np.zeros(keys.num_rows, np.uint64)


def duplicates(directory: Path, values: pa.Schema, evicts_by: str | None) -> DeduplicateOperator:
    store = open_store(directory, KEYS, values, hashes, operator="0")
    if evicts_by is not None:
        store.track_expiry(evicts_by)
    return DeduplicateOperator("dedupe", store, KEYS, values, ("c1",), None, evicts_by, run_sql)


def rows(keys: list[str | None], expires: list[int] | None = None) -> pa.Table:
    columns = {"k0": keys, "c1": list(range(len(keys))), HASH: pa.array([0] * len(keys), pa.uint64())}
    return pa.table({**columns, "expires": expires or [0] * len(keys)})


def test_the_first_row_of_a_key_passes_in_order_of_arrival(tmp_path: Path) -> None:
    operator = duplicates(tmp_path, SEEN, None)
    assert operator.process(rows(["b", "a", "b", None, "a", None, "c"]), 0, 0).column("c1").to_pylist() == [0, 1, 3, 6]
    assert operator.figures.custom == {"numDroppedDuplicateRows": 3}
    assert operator.process(rows(["d", "a", None]), 0, 0).column("c1").to_pylist() == [0]


def test_a_key_comes_back_after_its_time(tmp_path: Path) -> None:
    operator = duplicates(tmp_path, EXPIRES, "expires")
    assert operator.process(rows(["a", "a", "b"], [10, 99, 20]), 0, 10).column("c1").to_pylist() == [0, 2]
    assert operator.figures.rows_removed == 1
    assert operator.process(rows(["a", "b"], [30, 30]), 10, 10).column("c1").to_pylist() == [0]

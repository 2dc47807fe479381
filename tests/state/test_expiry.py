"""Eviction by a threshold: what is found, and that it is found without scanning."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from penstock.state import KeyedStore, open_store
from penstock.state.expiry import ExpiryQueue

KEYS = pa.schema([("k", pa.int64())])
VALUES = pa.schema([("n", pa.int64()), ("end", pa.timestamp("us", "UTC"))])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(["add", "discard", "expire"]),
                          st.dictionaries(st.integers(0, 40), st.none() | st.integers(-5, 30), max_size=15),
                          st.integers(-6, 31)), max_size=25))  # fmt: skip
def test_queue_behaves_as_a_dict(steps: list[tuple[str, dict[int, int | None], int]]) -> None:
    queue, model = ExpiryQueue(4), {}
    for action, new, threshold in steps:
        slots = np.array(list(new), np.int64)
        if action == "add":
            valid = np.array([v is not None for v in new.values()], np.bool_)
            queue.add(slots, np.array([v or 0 for v in new.values()], np.int64), valid)
            model.update(new)
        elif action == "discard":
            queue.discard(slots)
            for slot in new:
                model.pop(slot, None)
        else:
            found = queue.expired(threshold).tolist()
            assert found == sorted(s for s, v in model.items() if v is not None and v <= threshold)


def test_cost_follows_what_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = ExpiryQueue(16)
    for batch in range(200):
        slots = np.arange(batch * 100, batch * 100 + 100)
        queue.add(slots, slots // 10, None)
    assert len(queue._runs) < 12
    sizes = []
    unique = np.unique
    monkeypatch.setattr(np, "unique", lambda array: sizes.append(len(array)) or unique(array))
    for threshold in range(20):
        found = queue.expired(threshold)
        assert found.tolist() == list(range(threshold * 10, threshold * 10 + 10))
        queue.discard(found)
    assert max(sizes) == 10


def put(store: KeyedStore, rows: list[tuple[int, int, int | None]]) -> None:
    keys = pa.RecordBatch.from_arrays([pa.array([r[0] for r in rows])], schema=KEYS)
    slots, _ = store.locate_or_add(hash_keys(keys), keys)
    columns = [pa.array([r[1] for r in rows]), pa.array([r[2] for r in rows], VALUES.field("end").type)]
    store.put(slots, pa.RecordBatch.from_arrays(columns, schema=VALUES))


def hash_keys(keys: pa.RecordBatch) -> np.ndarray:
    return keys.column(0).to_numpy().astype(np.uint64)


def expired(store: KeyedStore, column: str, threshold: int) -> list[int]:
    return sorted(store.keys(store.expired(column, threshold)).column(0).to_pylist())


def test_store_evicts_by_value_and_key_and_after_load(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEYS, VALUES, hash_keys, operator="0")
    store.track_expiry("end")
    put(store, [(1, 0, 100), (2, 0, 200), (3, 0, None)])
    store.track_expiry("k")  # also what is there already
    assert expired(store, "end", 100) == [1]
    assert expired(store, "end", 100) == [1]
    put(store, [(1, 0, 300)])  # a session is extended
    assert expired(store, "end", 250) == [2]
    store.remove(store.expired("end", 250))
    assert expired(store, "end", 1000) == [1]
    assert expired(store, "k", 2) == [1]
    store.commit(1)
    put(store, [(9, 0, 1)])
    store.abort()
    store.load(1)
    assert expired(store, "end", 1000) == [1]
    assert expired(store, "k", 3) == [1, 3]
    store.numeric(1)[store.live()] = 5
    store.touch(store.live())
    assert expired(store, "end", 5) == [1, 3]


def test_only_integer_columns_can_expire(tmp_path: Path) -> None:
    store = open_store(tmp_path, KEYS, pa.schema([("s", pa.string())]), hash_keys, operator="0")
    with pytest.raises(KeyError, match=r"no integer or time column 's'"):
        store.track_expiry("s")

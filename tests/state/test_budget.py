"""State larger than its memory budget: the same values, scratch files that leave nothing behind, a full disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from penstock.core.errors import SparkError
from penstock.state import KeyedStore, open_store
from penstock.state import budget as budgets
from penstock.state.budget import SETTING, MemoryBudget
from penstock.state.memory import Growable
from penstock.state.options import StateOptions
from penstock.state.row_lists import RowLists

KEYS = pa.schema([("name", pa.string()), ("k", pa.int64())])
VALUES = pa.schema([("n", pa.int64()), ("text", pa.string()), ("at", pa.timestamp("us", "UTC"))])


def hash_keys(keys: pa.RecordBatch) -> np.ndarray:
    return keys.column(1).to_numpy().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def batch_of(keys: np.ndarray) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([f"key {k}" for k in keys]), pa.array(keys)], schema=KEYS)


def values_of(numbers: np.ndarray) -> pa.RecordBatch:
    texts = pa.array([None if n % 7 == 0 else f"value {n} " + "x" * int(n % 40) for n in numbers])
    at = pa.array(numbers * 1000).cast(pa.timestamp("us", "UTC"))
    return pa.RecordBatch.from_arrays([pa.array(numbers), texts, at], schema=VALUES)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of some kilobytes move, too, and what may be looked at together is little."""
    monkeypatch.setattr(budgets, "SMALLEST", 1 << 12)
    monkeypatch.setattr("penstock.state.log_column.SMALLEST", 1 << 12)
    monkeypatch.setattr(MemoryBudget, "allowance", property(lambda self: 1 << 14))


def opened(directory: Path, budget: MemoryBudget | None) -> KeyedStore:
    store = open_store(directory / "state", KEYS, VALUES, hash_keys, operator="0", snapshot_every=3, budget=budget)
    store.track_expiry("at")
    return store


def content(store: KeyedStore) -> dict[tuple[object, ...], tuple[object, ...]]:
    slots = store.live()
    keys, values = store.keys(slots).to_pylist(), store.values(slots).to_pylist()
    return {tuple(k.values()): tuple(v.values()) for k, v in zip(keys, values, strict=True)}


def change(store: KeyedStore, seed: int) -> None:
    """A batch: keys come, change, go; some expire."""
    rng = np.random.default_rng(seed)
    keys = rng.choice(6000, 1500, replace=False)
    asked = batch_of(keys)
    slots, _ = store.locate_or_add(hash_keys(asked), asked)
    store.put(slots, values_of(rng.integers(0, 10_000, len(slots))))
    again = slots[rng.random(len(slots)) < 0.5]
    store.numeric(0)[again] += 1
    store.touch(again)
    gone = batch_of(rng.choice(6000, 300, replace=False))
    found = store.locate(hash_keys(gone), gone)
    store.remove(found[found >= 0])
    store.remove(store.expired("at", int(rng.integers(0, 1_500_000))))


@pytest.mark.usefixtures("small_parts")
def test_the_same_values_with_a_budget_and_after_a_restart(tmp_path: Path) -> None:
    budget = MemoryBudget(100_000, tmp_path)
    limited, free = opened(tmp_path / "a", budget), opened(tmp_path / "b", None)
    for version in range(1, 13):
        for store in (limited, free):
            change(store, version)
            store.commit(version)
        assert content(limited) == content(free)
    assert budget.is_spilling
    assert budget.resident_bytes < 100_000 < budget.spilled_bytes
    expected = content(free)
    limited.abort()
    limited.load(12)
    assert content(limited) == expected
    again = opened(tmp_path / "a", MemoryBudget(100_000, tmp_path))
    again.load(12)
    assert content(again) == expected
    assert sorted(again.expired("at", 5_000_000)) == sorted(limited.expired("at", 5_000_000))
    assert not list(tmp_path.glob("penstock-state-*"))


def test_many_spilled_chunks_share_files_and_give_their_space_back(tmp_path: Path) -> None:
    budget = MemoryBudget(1 << 20, tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    kept = [budget.keep(memoryview(bytes([i % 251 + 1]) * (8192 + i))) for i in range(300)]
    assert len(os.listdir("/proc/self/fd")) - before <= 2
    assert all(len(part) == 8192 + i and (part == i % 251 + 1).all() for i, part in enumerate(kept))
    used = budget.spilled_bytes
    arrays = [part.view(np.uint8)[1:] for part in kept[::2]]  # a view keeps its region
    del kept
    assert used / 3 < budget.spilled_bytes < 2 * used / 3
    more = [budget.keep(memoryview(b"\0" * 8192)) for _ in range(140)]
    assert budget.spilled_bytes <= used
    assert not any(part.any() for part in more)
    assert all((part == 2 * i % 251 + 1).all() for i, part in enumerate(arrays))


def test_a_batch_moves_a_part_of_what_is_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where half of the budget would have to move at once, a slice does, and the rest with the next batches."""
    monkeypatch.setattr(budgets, "_SLICE", 1 << 20)
    budget = MemoryBudget(16 << 20, tmp_path)
    parts = [Growable(np.uint8, 512 << 10, budget) for _ in range(26)]  # 13 MB: three quarters and some more
    for part in parts:
        part.array[:] = 7
    budget._resident = budget.resident_bytes  # nothing has been added since the last call
    sizes = []
    for _ in range(7):
        budget.relieve()
        sizes.append(budget.resident_bytes >> 20)
    assert sizes == [12, 11, 10, 9, 8, 8, 8]
    assert all((part.array == 7).all() for part in parts)
    parts += [Growable(np.uint8, 12 << 20, budget)]  # 20 MB: more than there may be
    budget.relieve()
    assert budget.resident_bytes <= 8 << 20


@pytest.mark.usefixtures("small_parts")
def test_row_lists_with_a_budget() -> None:
    schema, rng = pa.schema([("k", pa.int64())]), np.random.default_rng(5)
    budget = MemoryBudget(60_000)
    limited, free = RowLists(schema, budget), RowLists(schema)
    for start in range(0, 20_000, 2000):
        keys = rng.integers(0, 500, 2000)
        rows = pa.RecordBatch.from_arrays([pa.array(keys)], schema=schema)
        for lists in (limited, free):
            lists.add(keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15), rows, np.arange(start, start + 2000))
            lists.remove(np.arange(start, start + 2000, 3))
        budget.relieve()
    keys = np.arange(500)
    rows = pa.RecordBatch.from_arrays([pa.array(keys)], schema=schema)
    hashes = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    pairs = [sorted(zip(*(p.tolist() for p in lists.find(hashes, rows)), strict=True)) for lists in (limited, free)]
    assert pairs[0] == pairs[1]
    assert len(pairs[0]) == 20_000 - 10 * 667
    assert budget.spilled_bytes


@pytest.mark.usefixtures("small_parts")
def test_a_spilled_array_grows_and_keeps_old_views_readable() -> None:
    budget = MemoryBudget(1 << 16)
    memory = Growable(np.int64, 1000, budget)
    memory.array[:1000] = np.arange(1000)
    view = memory.array
    memory.spill()
    memory.ensure(100_000)
    memory.set(np.arange(1000, 100_000), np.arange(1000, 100_000))
    places = np.random.default_rng(1).integers(0, 100_000, 20_000)
    assert (memory.get(places) == places).all()
    assert (view[:1000] == np.arange(1000)).all()
    budget.let_go()
    assert (memory.get(places) == places).all()


@pytest.mark.usefixtures("small_parts")
def test_a_full_scratch_disk_names_the_query_the_setting_and_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(tmp_path, MemoryBudget(50_000, tmp_path / "scratch", "query clicks"))
    (tmp_path / "scratch").mkdir()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(SparkError) as caught:
        for version in range(1, 10):
            change(store, version)
            store.commit(version)
    message = caught.value.message
    assert caught.value.condition == "CANNOT_WRITE_STATE_STORE.CANNOT_COMMIT"
    assert "query clicks" in message
    assert SETTING in message
    assert str(tmp_path / "scratch") in message
    assert "No space left on device" in message
    monkeypatch.undo()
    committed = max(int(path.stem) for path in (tmp_path / "state").rglob("*.delta")) if version > 1 else 0
    store.abort()
    store.load(committed)
    reference = opened(tmp_path / "other", None)
    for done in range(1, committed + 1):
        change(reference, done)
        reference.commit(done)
    assert content(store) == content(reference)


def test_settings(tmp_path: Path) -> None:
    found = StateOptions.of({SETTING: "300m", "spark.local.dir": str(tmp_path)}, "query q")
    assert (found.budget.limit, found.budget.directory, found.partitions) == (300 << 20, tmp_path, 1)
    assert StateOptions.of({}, "q") == StateOptions()
    for key, value in ((SETTING, "much"), (SETTING, "0"), ("spark.penstock.state.partitions", "0")):
        with pytest.raises(SparkError) as caught:
            StateOptions.of({key: value}, "q")
        assert caught.value.condition == "INVALID_CONF_VALUE.TYPE_MISMATCH"
        assert key in caught.value.message

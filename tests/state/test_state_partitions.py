"""State written as several partitions, and restarted with another number of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from state_model import LAYOUTS, batch, canonical, rows, schema, tuples

from penstock.core.errors import SparkError
from penstock.state import KeyedStore, open_store
from penstock.state.layout import StoreFiles
from penstock.state.partitions import Partitions, read_partitions, split, stable_hash
from penstock.state.reading import StateReader
from penstock.state.recovery import read

KEYS = pa.schema([("name", pa.string()), ("k", pa.int64())])
VALUES = pa.schema([("n", pa.int64())])


def hash_keys(keys: pa.RecordBatch) -> np.ndarray:
    return keys.column(1).to_numpy().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)


def opened(directory: Path, partitions: int) -> KeyedStore:
    return open_store(directory, KEYS, VALUES, hash_keys, operator="0", snapshot_every=2, partitions=partitions)


def content(store: KeyedStore) -> dict[int, int]:
    slots = store.live()
    keys, values = store.keys(slots).column(1).to_pylist(), store.values(slots).column(0).to_pylist()
    return dict(zip(keys, values, strict=True))


def batch_of(keys: np.ndarray) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([f"k{k}" for k in keys], pa.string()), pa.array(keys)], schema=KEYS)


def step(store: KeyedStore, model: dict[int, int], rng: np.random.Generator) -> None:
    keys = rng.choice(200, int(rng.integers(0, 60)), replace=False)
    asked = batch_of(keys)
    slots, _ = store.locate_or_add(hash_keys(asked), asked)
    store.numeric(0)[slots] += 1
    store.touch(slots)
    for key in keys.tolist():
        model[key] = model.get(key, 0) + 1
    gone = [key for key in list(model) if rng.random() < 0.1]
    asked = batch_of(np.array(gone, np.int64))
    store.remove(store.locate(hash_keys(asked), asked))
    for key in gone:
        del model[key]


@pytest.mark.parametrize("seed", range(12))
def test_restarts_with_random_numbers_of_partitions(tmp_path: Path, seed: int) -> None:
    """Runs of some batches each, every run with another number of partitions, from any version still there."""
    rng = np.random.default_rng(seed)
    versions: dict[int, dict[int, int]] = {0: {}}
    version = 0
    for _ in range(6):
        store = opened(tmp_path, int(rng.choice([1, 2, 3, 5, 8])))
        version = max(0, version - int(rng.integers(0, 3)))
        store.load(version)
        model = dict(versions[version])
        assert content(store) == model
        for _ in range(int(rng.integers(0, 6))):
            step(store, model, rng)
            version += 1
            store.commit(version)
            versions[version] = dict(model)
        store.close()
    for old in range(version + 1):
        store = opened(tmp_path, 4)
        store.load(old)
        assert content(store) == versions[old]


def test_files_hold_their_own_keys_and_readers_see_all(tmp_path: Path) -> None:
    store, model, rng = opened(tmp_path, 1), {}, np.random.default_rng(1)
    for version in range(1, 9):
        if version == 4:
            store.close()
            store = opened(tmp_path, 3)
            store.load(3)
        step(store, model, rng)
        store.commit(version)
        store._maintenance.stop()
    places = StoreFiles(tmp_path, "0", 0)
    assert read_partitions(places) == Partitions(((4, 3),))
    files = [path for number in range(3) for path in places.of(number).folder.iterdir()]
    assert any(path.suffix == ".snapshot" for path in files)
    for path in files:
        late = int(path.name.split(".")[0]) >= 4
        for section in read(path):
            keys = section.batch.select([0, 1])
            owners = {i for i, found in enumerate(split(keys, 3)) if len(found)}
            assert not late or owners <= {int(path.parent.name)}
    found = StateReader(places, 2).rows(8)
    assert found is not None
    assert dict(zip(found.column(1).to_pylist(), found.column(2).to_pylist(), strict=True)) == model
    changed = list(StateReader(places, 2).changes(3, 8))
    assert {c.version for c in changed} == {3, 4, 5, 6, 7, 8}


def test_a_partition_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    store, model, rng = opened(tmp_path, 3), {}, np.random.default_rng(2)
    for version in (1, 2):
        step(store, model, rng)
        store.commit(version)
    store.close()
    places = StoreFiles(tmp_path, "0", 0)
    for snapshot in tmp_path.rglob("*.snapshot"):
        snapshot.unlink()
    path = places.of(1).delta(2)
    whole = path.read_bytes()
    path.unlink()
    with pytest.raises(SparkError, match=str(path)) as caught:
        opened(tmp_path, 3).load(2)
    assert caught.value.condition == "CANNOT_LOAD_STATE_STORE.CANNOT_READ_DELTA_FILE_NOT_EXISTS"
    path.write_bytes(whole[:-40] + b"x" + whole[-39:])
    with pytest.raises(SparkError, match=str(path)):
        opened(tmp_path, 3).load(2)
    path.write_bytes(whole)
    places.partitions.write_text(json.dumps({"epochs": [{"from": "?"}]}))
    with pytest.raises(SparkError, match="_partitions"):
        opened(tmp_path, 3).load(2)


def test_a_snapshot_that_lacks_a_partition_is_passed_over(tmp_path: Path) -> None:
    store, model, rng = opened(tmp_path, 2), {}, np.random.default_rng(3)
    for version in range(1, 8):
        step(store, model, rng)
        store.commit(version)
        store._maintenance.stop()
    store.close()
    newest = max(tmp_path.glob("0/1/*.snapshot"), key=lambda path: int(path.name.split(".")[0]))
    newest.unlink()
    again = opened(tmp_path, 2)
    again.load(7)
    assert content(again) == model


def test_the_hash_is_part_of_the_format() -> None:
    """These values must never change: files are split by them."""
    keys = pa.RecordBatch.from_arrays(
        [pa.array([1, -1, None]), pa.array(["a", "", "Zoë"]), pa.array([0.0, float("nan"), 1.5])], names=["a", "b", "c"]
    )
    assert stable_hash(keys).tolist() == RECORDED


@pytest.mark.parametrize("layout", LAYOUTS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_equal_keys_have_equal_hashes_wherever_they_stand(
    layout: tuple[tuple[str, ...], ...], data: st.DataObject
) -> None:
    of = schema("k", layout[0])
    keys = data.draw(st.lists(rows(layout[0]), min_size=1, max_size=8))
    whole = batch([*keys, *keys], of)
    hashed = stable_hash(whole)
    assert hashed[: len(keys)].tolist() == hashed[len(keys) :].tolist()
    for start in range(len(keys)):
        assert stable_hash(whole.slice(start, 1)).tolist() == [hashed[start]]
    by_key: dict[object, int] = {}
    for key, value in zip(tuples(whole), hashed.tolist(), strict=True):
        assert by_key.setdefault(canonical(key), value) == value
    assert len(set(by_key.values())) == len(by_key)


def test_zeros_and_nans_of_all_kinds_are_one_key() -> None:
    floats = pa.array([0.0, -0.0, float("nan"), -float("nan")])
    hashed = stable_hash(pa.RecordBatch.from_arrays([floats], names=["f"])).tolist()
    assert hashed[0] == hashed[1]
    assert hashed[2] == hashed[3]


RECORDED = [4004221399438353632, 289683243463915805, 18287443490828567056]

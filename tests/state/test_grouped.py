"""Rows under grouping keys, the growth of their values, and how others read them, against plain dictionaries."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from penstock.core.errors import SparkError
from penstock.state import open_store
from penstock.state.evolution import may_become
from penstock.state.grouped import GroupedRows, begin_at
from penstock.state.layout import StoreFiles
from penstock.state.reading import StateReader, hash_rows

GROUP = pa.schema([("k0", pa.string())])
KEY = pa.schema([("k0", pa.string()), ("u0", pa.int64())])
VALUE = pa.schema([("v", pa.int32())])


def batch(schema: pa.Schema, *columns: list[object]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema
    )


def opened(directory: Path, value: pa.Schema = VALUE) -> GroupedRows:
    store = open_store(directory, KEY, value, hash_rows, operator="0", evolves=True)
    return GroupedRows(store, GROUP, True, hash_rows)


def put(rows: GroupedRows, entries: dict[tuple[str, int], int], value: pa.Schema = VALUE) -> None:
    groups = batch(GROUP, [k for k, _ in entries])
    keys = batch(KEY, [k for k, _ in entries], [u for _, u in entries])
    values = batch(value, list(entries.values()), *[[None] * len(entries)] * (len(value) - 1))
    rows.add(hash_rows(keys), keys, values, (hash_rows(groups), groups))


def content(rows: GroupedRows, keys: list[str]) -> dict[str, dict[int, int]]:
    groups = batch(GROUP, keys)
    which, slots = rows.find(hash_rows(groups), groups)
    found: dict[str, dict[int, int]] = {key: {} for key in keys}
    names, values = rows.store.keys(slots), rows.store.values(slots)
    for position, user, value in zip(which, names.column(1).to_pylist(), values.column(0).to_pylist(), strict=True):
        found[keys[position]][user] = value
    return found


@pytest.mark.parametrize("seed", range(3))
def test_random_changes_equal_a_dictionary(tmp_path: Path, seed: int) -> None:
    rng, rows = random.Random(seed), opened(tmp_path)
    model: dict[str, dict[int, int]] = defaultdict(dict)
    names = [f"key {i}" for i in range(20)]
    for version in range(1, 12):
        entries = {(rng.choice(names), rng.randrange(30)): rng.randrange(1000) for _ in range(60)}
        put(rows, entries)
        for (name, user), value in entries.items():
            model[name][user] = value
        gone = rng.choice(names)
        rows.remove(rows.find(hash_rows(batch(GROUP, [gone])), batch(GROUP, [gone]))[1])
        model[gone] = {}
        rows.store.commit(version)
        if rng.random() < 0.3:
            rows.store.close()
            rows = opened(tmp_path)
            rows.load(version)
        assert content(rows, names) == {name: model[name] for name in names}
        groups = batch(GROUP, names)
        assert rows.count(hash_rows(groups), groups).tolist() == [len(model[name]) for name in names]
    assert rows.group_count == sum(bool(own) for own in model.values())


def test_readers_see_each_version_and_what_it_changed(tmp_path: Path) -> None:
    rows = opened(tmp_path)
    put(rows, {("a", 1): 10, ("b", 1): 20})
    rows.store.commit(1)
    put(rows, {("a", 1): 11})
    rows.remove(rows.find(hash_rows(batch(GROUP, ["b"])), batch(GROUP, ["b"]))[1])
    rows.store.commit(2)
    reader = StateReader(StoreFiles(tmp_path, "0", 0), 2)
    assert sorted(tuple(row.values()) for row in reader.rows(1).to_pylist()) == [("a", 1, 10), ("b", 1, 20)]
    assert [tuple(row.values()) for row in reader.rows(2).to_pylist()] == [("a", 1, 11)]
    changes = [(c.version, c.is_delete, list(map(tuple, zip(*c.rows.to_pydict().values(), strict=True))))
               for c in StateReader(StoreFiles(tmp_path, "0", 0), 2).changes(2, 2)]  # fmt: skip
    assert changes == [(2, True, [("b", 1, 20)]), (2, False, [("a", 1, 11)])]
    with pytest.raises(SparkError, match="CANNOT_LOAD_STATE_STORE"):
        StateReader(StoreFiles(tmp_path, "0", 0), 2).rows(3)


def test_values_grow(tmp_path: Path) -> None:
    rows = opened(tmp_path)
    put(rows, {("a", 1): 10})
    rows.store.commit(1)
    wider = pa.schema([("v", pa.int64()), ("s", pa.string())])
    rows = opened(tmp_path, wider)
    rows.load(1)
    put(rows, {("b", 1): 1 << 40}, wider)
    rows.store.commit(2)
    rows = opened(tmp_path, wider)
    rows.load(2)
    assert content(rows, ["a", "b"]) == {"a": {1: 10}, "b": {1: 1 << 40}}
    found = StateReader(StoreFiles(tmp_path, "0", 0), 2).rows(2)
    assert sorted(tuple(row.values()) for row in found.to_pylist()) == [("a", 1, 10, None), ("b", 1, 1 << 40, None)]
    with pytest.raises(SparkError, match="STATE_STORE_INVALID_VALUE_SCHEMA_EVOLUTION"):
        opened(tmp_path)


def test_a_store_that_is_new_begins_at_a_version(tmp_path: Path) -> None:
    rows = opened(tmp_path)
    begin_at(StoreFiles(tmp_path, "0", 0), 7)
    rows.load(7)
    put(rows, {("a", 1): 10})
    rows.store.commit(8)
    rows = opened(tmp_path)
    rows.load(8)
    assert content(rows, ["a"]) == {"a": {1: 10}}


@pytest.mark.parametrize(
    ("stored", "ours", "may"),
    [
        (pa.int32(), pa.int64(), True),
        (pa.float32(), pa.float64(), True),
        (pa.int64(), pa.int32(), False),
        (pa.string(), pa.int32(), False),
        (pa.struct([("a", pa.int32())]), pa.struct([("b", pa.string()), ("a", pa.int64())]), True),
        (pa.struct([("a", pa.int64())]), pa.struct([("a", pa.int32())]), False),
        (pa.list_(pa.int32()), pa.list_(pa.int64()), True),
        (pa.map_(pa.string(), pa.int32()), pa.map_(pa.int32(), pa.int32()), False),
    ],
    ids=str,
)
def test_which_types_may_become_which(stored: pa.DataType, ours: pa.DataType, may: bool) -> None:
    assert may_become(stored, ours) is may


def test_hashes_of_equal_rows_are_equal() -> None:
    first, second = batch(KEY, ["a", None], [1, None]), batch(KEY, [None, "a"], [None, 1])
    assert np.array_equal(hash_rows(first), hash_rows(second)[::-1])

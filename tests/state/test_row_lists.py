"""Slots by key against a dictionary of sets, with keys whose hashes collide."""

import random

import numpy as np
import pyarrow as pa
import pytest

from penstock.state.row_lists import RowLists

KEYS = pa.schema([("k0", pa.string()), ("k1", pa.int32())])


def batch(keys: list[tuple[str | None, int]]) -> tuple[np.ndarray, pa.RecordBatch]:
    rows = pa.RecordBatch.from_pylist([{"k0": a, "k1": b} for a, b in keys], schema=KEYS)
    return np.array([b % 3 for _, b in keys], np.uint64), rows


def check(lists: RowLists, model: dict[tuple[str | None, int], set[int]]) -> None:
    asked = [*model, ("missing", 1), *list(model)[:3]]
    rows, slots = lists.find(*batch(asked))
    found = [(asked[row], int(slot)) for row, slot in zip(rows, slots, strict=True)]
    assert sorted(found, key=repr) == sorted(((key, s) for key in asked for s in model.get(key, ())), key=repr)


@pytest.mark.parametrize("seed", range(8))
def test_random_additions_and_removals(seed: int) -> None:
    rng = random.Random(seed)
    lists, model, free, used = RowLists(KEYS), {}, list(range(4000)), set()
    for _ in range(60):
        keys = [(rng.choice(["a", "b", None]), rng.choice([0, 1, 2, 3, 9])) for _ in range(rng.randrange(1, 60))]
        slots = [free.pop(rng.randrange(len(free))) for _ in keys]
        lists.add(*batch(keys), np.array(slots, np.int64))
        for key, slot in zip(keys, slots, strict=True):
            model.setdefault(key, set()).add(slot)
        used.update(slots)
        check(lists, model)
        gone = rng.sample(sorted(used), rng.randrange(min(len(used), 90)))
        lists.remove(np.array([*gone, 100_000], np.int64))
        free += gone
        used -= set(gone)
        model = {key: left for key, members in model.items() if (left := members - set(gone))}
        check(lists, model)


def test_places_are_used_again() -> None:
    lists = RowLists(KEYS)
    slots = np.arange(1000, dtype=np.int64)
    for _ in range(5):
        lists.add(*batch([("a", i % 50) for i in range(1000)]), slots)
        lists.remove(slots)
    before = lists.nbytes
    for _ in range(50):
        lists.add(*batch([("a", i % 50) for i in range(1000)]), slots)
        lists.remove(slots)
    assert lists.nbytes == before
    assert [len(part) for part in lists.find(*batch([("a", 1)]))] == [0, 0]

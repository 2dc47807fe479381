"""The key index against a dict, over growth, deletion and bad hashes."""

from __future__ import annotations

import numpy as np
import pytest

from penstock.state.index import KeyIndex


def mix(keys: np.ndarray) -> np.ndarray:
    return keys.astype(np.uint64) * np.uint64(0xD6E8FEB86659FD93)


class Keyed:
    """An index over int64 keys, with a dict beside it."""

    def __init__(self, hash_keys) -> None:  # type: ignore[no-untyped-def]
        self.index, self.hash, self.keys = KeyIndex(), hash_keys, np.zeros(200_000, np.int64)
        self.model: dict[int, int] = {}
        self.next = 0

    def find(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.index.find(self.hash(keys), lambda slots, rows: self.keys[slots] == keys[rows])

    def add(self, keys: np.ndarray) -> None:
        slots, places = self.find(keys)
        new = np.flatnonzero(slots < 0)
        added = np.arange(self.next, self.next + len(new))
        self.next += len(new)
        self.keys[added] = keys[new]
        self.index.insert(self.hash(keys[new]), added, places[new])
        self.model.update(zip(keys[new].tolist(), added.tolist(), strict=True))

    def remove(self, keys: np.ndarray) -> None:
        slots, _ = self.find(keys)
        self.index.remove(slots[slots >= 0])
        for key in keys.tolist():
            self.model.pop(key, None)

    def check(self, domain: int) -> None:
        keys = np.arange(domain)
        assert self.find(keys)[0].tolist() == [self.model.get(key, -1) for key in keys.tolist()]
        index = self.index
        regions = [index._entries.array[b : b + m + 1] for b, m in zip(index._base, index._mask, strict=True)]
        assert index._used.tolist() == [int((region != 0).sum()) for region in regions]


@pytest.mark.parametrize(
    ("hash_keys", "domain", "batch"),
    [
        (mix, 30_000, 3_000),
        (lambda keys: keys.astype(np.uint64), 30_000, 3_000),
        (lambda keys: mix(keys) % np.uint64(4), 300, 40),
        (lambda keys: np.zeros(len(keys), np.uint64), 300, 40),
        (lambda keys: np.full(len(keys), 2**64 - 1, np.uint64), 300, 40),
    ],
    ids=["mixed", "identity", "mod 4", "all zero", "all ones"],
)
def test_index_behaves_as_a_dict(hash_keys, domain: int, batch: int) -> None:  # type: ignore[no-untyped-def]
    rng, keyed = np.random.default_rng(7), Keyed(hash_keys)
    for round_ in range(40):
        keyed.add(rng.choice(domain, batch, replace=False))
        keyed.remove(rng.choice(domain, batch * (round_ % 3) // 2, replace=False))
        if round_ % 5 == 4:
            keyed.check(domain)
    keyed.remove(np.arange(domain))
    keyed.check(domain)
    assert len(keyed.index._contents(np.arange(256))) == 0


def test_growth_is_spread_over_the_inserts() -> None:
    """No batch moves much more of the table than the others: that is what the staggered sub-tables are for."""
    index, moved = KeyIndex(), []
    contents = index._contents
    index._contents = lambda which: _count(contents(which), moved)  # type: ignore[method-assign]
    for start in range(0, 200_000, 2_000):
        moved.append(0)
        keys = np.arange(start, start + 2_000)
        index.insert(mix(keys) ^ (mix(keys) >> np.uint64(31)), keys)
    late = np.array(moved[50:])
    assert 0 < late.mean() < 2 * 2_000
    assert late.max() < 4 * 2_000


def _count(entries: np.ndarray, moved: list[int]) -> np.ndarray:
    moved[-1] += len(entries)
    return entries


def test_regions_of_the_table_never_overlap() -> None:
    index = KeyIndex()
    for start in range(0, 120_000, 3_000):
        keys = np.arange(start, start + 3_000)
        index.insert(mix(keys), keys)
        order = np.argsort(index._base)
        ends = (index._base + index._mask + 1)[order]
        assert (ends[:-1] <= index._base[order][1:]).all()
        assert ends[-1] <= len(index._entries)
        assert index._regions.end <= 4 * int((index._mask + 1).sum())  # freed regions are used again

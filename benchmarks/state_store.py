"""Cost of keyed state: the key index (numpy, and a numba kernel beside it), the store, commits, snapshots and memory.

usage: state_store.py [--keys 1000000 ...] [--batch 100000] [--no-numba] [--directory DIR]

Prints one table a part; times are medians in milliseconds on the machine at hand.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.state.bridge import to_arrow, to_numpy
from penstock.state.index import KeyIndex
from penstock.state.store import KeyedStore, open_store

KEYS = pa.schema([("key", pa.int64())])
VALUES = pa.schema([("count", pa.int64()), ("sum", pa.float64())])
Array = np.ndarray[Any, Any]


def mix(keys: Array) -> Array:
    """A decent 64-bit hash of integers."""
    h = keys.astype(np.uint64)
    for _ in range(2):
        h = (h ^ (h >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return h ^ (h >> np.uint64(32))


def median_ms(run: Callable[[Array], object], batches: list[Array]) -> float:
    """Median time of `run` over batches, after one for warming up."""
    times = []
    for batch in batches:
        started = time.perf_counter()
        run(batch)
        times.append(time.perf_counter() - started)
    return float(np.median(times[1:])) * 1e3


class NumpyIndex:
    """penstock.state.index with int64 keys beside it."""

    def __init__(self, capacity: int) -> None:
        self.index, self.keys, self.count = KeyIndex(), np.zeros(capacity, np.int64), 0

    def find(self, keys: Array) -> Array:
        """Slots of the keys, or -1."""
        return self.index.find(mix(keys), lambda slots, rows: self.keys[slots] == keys[rows])[0]

    def find_or_add(self, keys: Array) -> None:
        """Enter the missing ones."""
        hashes = mix(keys)
        slots, places = self.index.find(hashes, lambda found, rows: self.keys[found] == keys[rows])
        new = np.flatnonzero(slots < 0)
        added = np.arange(self.count, self.count + len(new))
        self.keys[added] = keys[new]
        self.count += len(new)
        self.index.insert(hashes[new], added, places[new])


class NumbaIndex:
    """The compiled alternative: the same entries, probed key by key in one flat table of the final size."""

    def __init__(self, capacity: int) -> None:
        import numba

        size = 1 << int(2.5 * capacity).bit_length()
        self.table, self.keys, self.count = np.zeros(size, np.uint64), np.zeros(capacity, np.int64), 0

        @numba.njit(cache=True)
        def probe(table: Array, stored: Array, hashes: Array, keys: Array, found: Array, count: int, add: bool) -> int:
            mask = np.uint64(len(table) - 1)
            for i in range(len(keys)):
                place = (hashes[i] >> np.uint64(20)) & mask
                tag = (hashes[i] << np.uint64(32)) | np.uint64(1 << 63)
                found[i] = -1
                while table[place] != 0:
                    if (table[place] ^ tag) <= np.uint64(0xFFFFFFFF):
                        slot = np.int64(table[place] & np.uint64(0xFFFFFFFF))
                        if stored[slot] == keys[i]:
                            found[i] = slot
                            break
                    place = (place + np.uint64(1)) & mask
                if add and found[i] < 0:
                    table[place] = tag | np.uint64(count)
                    stored[count] = keys[i]
                    count += 1
            return count

        self.probe = probe

    def find(self, keys: Array) -> Array:
        """Slots of the keys, or -1."""
        found = np.empty(len(keys), np.int64)
        self.probe(self.table, self.keys, mix(keys), keys, found, self.count, False)
        return found

    def find_or_add(self, keys: Array) -> None:
        """Enter the missing ones."""
        found = np.empty(len(keys), np.int64)
        self.count = self.probe(self.table, self.keys, mix(keys), keys, found, self.count, True)


def index_table(sizes: list[int], numba: bool) -> None:
    """Look-ups by both implementations, and the growth of ours."""
    print(
        "\nkey index, ms        keys present     batch    look-up   insert: median   p99   max (upper half of growth)"
    )
    kinds: list[tuple[str, Callable[[int], NumpyIndex | NumbaIndex]]] = [("numpy", NumpyIndex)]
    if numba:
        started = time.perf_counter()
        NumbaIndex(64).find_or_add(np.arange(32))
        print(f"numba: import and load (or compile) of the kernel: {(time.perf_counter() - started) * 1e3:.0f} ms")
        kinds.append(("numba", NumbaIndex))
    rng = np.random.default_rng(1)
    for name, make in kinds:
        for size in sizes:
            index, step, times = make(size), min(size, 100_000), []
            keys = rng.permutation(size)
            for start in range(0, size, step):
                started = time.perf_counter()
                index.find_or_add(keys[start : start + step])
                times.append((time.perf_counter() - started) * 1e3)
            late = times[len(times) // 2 :]
            growth = f"{np.median(late):10.1f} {np.quantile(late, 0.99):10.1f} {max(late):7.1f}"
            for batch in (100, 5_000, 100_000):
                batches = [rng.integers(0, size, batch) for _ in range(200 if batch < 10_000 else 25)]
                print(f"  {name:10} {size:20,} {batch:10,} {median_ms(index.find, batches):9.3f} {growth}")
                growth = ""


def hash_keys(keys: pa.RecordBatch) -> Array:
    """The benchmark's hash."""
    return mix(to_numpy(keys.column(0))[0])


def update(store: KeyedStore, keys: Array) -> None:
    """What an aggregate does with a batch: count and sum by key."""
    batch = pa.RecordBatch.from_arrays([to_arrow(pa.int64(), keys, None)], schema=KEYS)
    slots, _ = store.locate_or_add(hash_keys(batch), batch)
    store.numeric(0)[slots] += 1
    store.numeric(1)[slots] += 0.5
    store.touch(slots)


def store_table(size: int, batch: int, directory: Path) -> None:
    """A store filled batch by batch, then updated, reloaded."""
    store = open_store(directory, KEYS, VALUES, hash_keys, operator="0")
    rng, version, commits, updates = np.random.default_rng(2), 0, [], []
    keys = rng.permutation(size)
    for start in range(0, size, batch):
        started = time.perf_counter()
        update(store, keys[start : start + batch])
        updated = time.perf_counter()
        version += 1
        store.commit(version)
        store.purge(version - 10)
        commits.append((time.perf_counter() - updated) * 1e3)
        updates.append((updated - started) * 1e3)
    half = len(commits) // 2
    print(f"\nstore, {size:,} keys, batches of {batch:,} (ms)        median      p99      max")
    _row("new keys: locate_or_add, update", updates[half:])
    _row("new keys: commit", commits[half:])
    for count in (10, 1_000, batch):
        updates, commits = [], []
        for _ in range(30):
            chosen = rng.choice(size, count, replace=False)
            started = time.perf_counter()
            update(store, chosen)
            updated = time.perf_counter()
            version += 1
            store.commit(version)
            commits.append((time.perf_counter() - updated) * 1e3)
            updates.append((updated - started) * 1e3)
        _row(f"{count:,} known keys: update", updates)
        _row(f"{count:,} known keys: commit", commits)
    print(f"  memory: store says {store.metrics().memory_used_bytes >> 20:,} MB, "
          f"process at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10:,} MB")  # fmt: skip
    store.close()
    again = open_store(directory, KEYS, VALUES, hash_keys, operator="0")
    started = time.perf_counter()
    again.load(version)
    print(f"  load: {time.perf_counter() - started:.2f} s; files {[p.name for p in directory.rglob('*.snapshot')]}")
    assert len(again.live()) == size


def _row(label: str, times: list[float]) -> None:
    print(f"  {label:45} {np.median(times):9.2f} {np.quantile(times, 0.99):8.2f} {max(times):8.2f}")


def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--batch", type=int, default=100_000)
    parser.add_argument("--no-numba", action="store_true")
    parser.add_argument("--no-index", action="store_true")
    parser.add_argument("--directory", type=Path)
    given = parser.parse_args()
    if not given.no_index:
        index_table(given.keys, not given.no_numba)
    for size in given.keys:
        directory = Path(tempfile.mkdtemp(dir=given.directory))
        try:
            store_table(size, min(given.batch, size), directory)
        finally:
            shutil.rmtree(directory)


if __name__ == "__main__":
    main()

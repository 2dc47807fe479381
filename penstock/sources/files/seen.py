"""Which files of a stream were read: a million of them in 16 bytes each.

A file is known by the 64-bit hash of its path (or name), never by the path itself.  The hash is Python's own, which
another process computes otherwise: it is nowhere stored.  That a new file among a million known ones is taken for one
of them has a probability of 5e-14.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Additions wait in a dict until there are this many, or this share of all: merging costs time in proportion to all.
_MERGE_AT = 500
_MERGE_SHARE = 8


class SeenFiles:
    """Files that were read, with their modification times.  Files older than the newest one by more than maxFileAge are
    never read; those of them that were read are forgotten when they are gone from the directory, so that the memory
    does not grow for ever."""

    def __init__(self, max_age_ms: int, *, name_only: bool) -> None:
        self._max_age_ms = max_age_ms
        self._name_only = name_only
        self._hashes: NDArray[np.int64] = np.empty(0, np.int64)
        self._times: NDArray[np.int64] = np.empty(0, np.int64)
        self._recent: dict[int, int] = {}
        self._latest_ms = 0
        self._purged_until_ms = 0

    def __len__(self) -> int:
        self._merge()
        return len(self._hashes)

    @property
    def memory_bytes(self) -> int:
        """What the known files take, once they are merged."""
        self._merge()
        return self._hashes.nbytes + self._times.nbytes

    def add(self, path: str, modified_ms: int) -> None:
        """This file is assigned to a batch."""
        self._recent[self._key(path)] = modified_ms
        self._latest_ms = max(self._latest_ms, modified_ms)
        if len(self._recent) > max(_MERGE_AT, len(self._hashes) // _MERGE_SHARE):
            self._merge()

    def is_new(self, path: str, modified_ms: int) -> bool:
        """Whether the file is to be read."""
        if modified_ms < self._purged_until_ms:
            return False
        read_ms = self._read_ms(self._key(path))
        return read_ms is None or read_ms < self._purged_until_ms

    def hashes(self, directory: str, names: Sequence[str]) -> NDArray[np.int64]:
        """The hashes of the files of these names in a directory."""
        keys = names if self._name_only else map((directory.rstrip(os.sep) + os.sep).__add__, names)
        return np.fromiter(map(hash, keys), np.int64, len(names))

    def hashes_of(self, paths: Sequence[str]) -> NDArray[np.int64]:
        """The hashes of these files."""
        return np.fromiter(map(self._key, paths), np.int64, len(paths))

    def known(self, hashes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of these were read."""
        found = np.zeros(len(hashes), np.bool_)
        if len(self._hashes):
            at = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
            found = self._hashes[at] == hashes
        if self._recent:
            others = np.flatnonzero(~found)
            found[others] = [key in self._recent for key in hashes[others].tolist()]
        return found

    def purge(self) -> None:
        """From now on files that are older than maxFileAge allows are not looked at."""
        self._purged_until_ms = max(self._purged_until_ms, self._latest_ms - self._max_age_ms)

    def forget_gone(self, present: NDArray[np.int64]) -> None:
        """Forget the files that are too old to be looked at and not among those that the directory holds."""
        self._merge()
        keep = (self._times >= self._purged_until_ms) | np.isin(self._hashes, present)
        self._hashes, self._times = self._hashes[keep], self._times[keep]

    def _key(self, path: str) -> int:
        return hash(os.path.basename(path) if self._name_only else path)  # noqa: PTH119

    def _read_ms(self, key: int) -> int | None:
        if key in self._recent:
            return self._recent[key]
        at = int(np.searchsorted(self._hashes, key))
        if at < len(self._hashes) and self._hashes[at] == key:
            return int(self._times[at])
        return None

    def _merge(self) -> None:
        if not self._recent:
            return
        keys = np.fromiter(self._recent.keys(), np.int64, len(self._recent))
        times = np.fromiter(self._recent.values(), np.int64, len(self._recent))
        order = np.argsort(keys)
        keys, times = keys[order], times[order]
        old = ~np.isin(self._hashes, keys)
        hashes, old_times = self._hashes[old], self._times[old]
        at = np.searchsorted(hashes, keys)
        self._hashes, self._times = np.insert(hashes, at, keys), np.insert(old_times, at, times)
        self._recent = {}

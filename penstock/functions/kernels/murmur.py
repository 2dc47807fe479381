"""MurmurHash3 for x64, 128 bits, with the seed of Apache DataSketches: the first 64 bits."""

from __future__ import annotations

from typing import Any

import numpy as np

SEED = 9001
_64 = (1 << 64) - 1
_C1, _C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
U = np.uint64


def _rotate(x: Any, bits: int) -> Any:
    return (x << U(bits)) | (x >> U(64 - bits))


def _mixed(h: Any) -> Any:
    h = (h ^ (h >> U(33))) * U(0xFF51AFD7ED558CCD)
    h = (h ^ (h >> U(33))) * U(0xC4CEB9FE1A85EC53)
    return h ^ (h >> U(33))


def hash_longs(values: np.ndarray) -> Any:
    """The hashes of 8 bytes each (int64 in, uint64 out)."""
    k = _rotate(values.view(np.uint64) * U(_C1), 31) * U(_C2)
    h1, h2 = (U(SEED) ^ k) ^ U(8), np.full(len(values), SEED ^ 8, np.uint64)
    h1 = h1 + h2
    h2 = h2 + h1
    return _mixed(h1) + _mixed(h2)


def _rotl(x: int, bits: int) -> int:
    return (x << bits | x >> (64 - bits)) & _64


def _mix(h: int) -> int:
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCD & _64
    h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53 & _64
    return h ^ h >> 33


def _k1(word: int) -> int:
    return _rotl(word * _C1 & _64, 31) * _C2 & _64


def _k2(word: int) -> int:
    return _rotl(word * _C2 & _64, 33) * _C1 & _64


def hash_both(data: bytes) -> tuple[int, int]:
    """Both halves of the hash of some bytes."""
    h1 = h2 = SEED
    whole = len(data) & ~15
    for at in range(0, whole, 16):
        h1 ^= _k1(int.from_bytes(data[at : at + 8], "little"))
        h1 = ((_rotl(h1, 27) + h2) * 5 + 0x52DCE729) & _64
        h2 ^= _k2(int.from_bytes(data[at + 8 : at + 16], "little"))
        h2 = ((_rotl(h2, 31) + h1) * 5 + 0x38495AB5) & _64
    tail = data[whole:]
    h2 ^= _k2(int.from_bytes(tail[8:], "little"))
    h1 ^= _k1(int.from_bytes(tail[:8], "little"))
    h1, h2 = h1 ^ len(data), h2 ^ len(data)
    h1 = (h1 + h2) & _64
    h2 = (h2 + h1) & _64
    h1, h2 = _mix(h1), _mix(h2)
    h1 = (h1 + h2) & _64
    return h1, (h2 + h1) & _64


def hash_bytes(data: bytes) -> int:
    """The first half of the hash of some bytes."""
    return hash_both(data)[0]

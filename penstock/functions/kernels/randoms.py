"""Spark's sequences of random numbers: XORShift from a hashed seed, java.util.Random's doubles and normals on top.

A step of XORShift is a linear map over bits, so any place in a sequence can be reached without the steps before it,
and a block of states comes from doubling: n states, moved n places on, are the next n.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.functions.kernels.fdlibm import log
from penstock.functions.kernels.rows import by_row

U = np.uint64
_64 = (1 << 64) - 1
#: places are `partition * 2**33 + row number`, as monotonically_increasing_id gives them
_PLACE_BITS = 33
_ARRAY_SEED = 0x3C074A61
_BLOCK = 1 << 14


# ---------------------------------------------------------------- seeds


def _scala_murmur(data: bytes, seed: int) -> int:
    """scala.util.hashing.MurmurHash3.bytesHash of 8 bytes."""
    h = seed
    for at in (0, 4):
        k = int.from_bytes(data[at : at + 4], "little") * 0xCC9E2D51 & 0xFFFFFFFF
        k = ((k << 15 | k >> 17) & 0xFFFFFFFF) * 0x1B873593 & 0xFFFFFFFF
        h ^= k
        h = ((h << 13 | h >> 19) & 0xFFFFFFFF) * 5 + 0xE6546B64 & 0xFFFFFFFF
    h ^= len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    h = (h ^ h >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return h ^ h >> 16


@lru_cache(maxsize=1024)
def hashed_seed(seed: int) -> int:
    """The state in which XORShift starts."""
    data = (seed & _64).to_bytes(8, "big")
    low = _scala_murmur(data, _ARRAY_SEED)
    return _scala_murmur(data, low) << 32 | low


# ---------------------------------------------------------------- XORShift


def _step(x: Any) -> Any:
    x = x ^ (x << U(21))
    x = x ^ (x >> U(35))
    return x ^ (x << U(4))


@lru_cache(maxsize=64)
def _jump(power: int) -> np.ndarray:
    """The map of 2 ** power steps as 8 tables of 256: what each byte of a state contributes."""
    bits = U(1) << np.arange(64, dtype=np.uint64)
    moved = _step(bits) if power == 0 else _apply(_jump(power - 1), _apply(_jump(power - 1), bits))
    tables = np.zeros((8, 256), np.uint64)
    for byte in range(8):
        for bit in range(8):
            tables[byte, 1 << bit : 2 << bit] = tables[byte, : 1 << bit] ^ moved[byte * 8 + bit]
    return tables


def _apply(tables: np.ndarray, states: np.ndarray) -> np.ndarray:
    result = np.zeros_like(states)
    for byte in range(8):
        result ^= tables[byte][(states >> U(8 * byte)) & U(255)]
    return result


def _jumped(states: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Each state, moved as many places on as its number says."""
    power = 0
    while places.any():
        odd = (places & 1).astype(bool)
        if odd.any():
            states = np.where(odd, _apply(_jump(power), states), states)
        places, power = places >> 1, power + 1
    return states


def _block(state: int, count: int) -> Any:
    """The `count` states that follow `state`."""
    states, power = _step(np.array([state], np.uint64)), 0
    while len(states) < count:
        states, power = np.concatenate([states, _apply(_jump(power), states)]), power + 1
    return states[:count]


def _states(seeds: np.ndarray, places: np.ndarray, width: int) -> Any:
    """For each row the `width` states that follow `width * place` steps from its seed: shape (rows, width)."""
    if len(places) and (seeds == seeds[0]).all() and (np.diff(places) == 1).all():
        start = _jumped(np.array([hashed_seed(int(seeds[0]))], np.uint64), places[:1] * width)
        return _block(int(start[0]), len(places) * width).reshape(-1, width)
    starts = np.array([hashed_seed(int(seed)) for seed in seeds.tolist()], np.uint64)
    states = [_step(_jumped(starts, places * width))]
    for _ in range(width - 1):
        states.append(_step(states[-1]))
    return np.stack(states, axis=1)


def _doubles(states: np.ndarray) -> Any:
    """java.util.Random.nextDouble from two states a number."""
    high, low = states[..., 0] & U((1 << 26) - 1), states[..., 1] & U((1 << 27) - 1)
    return ((high << U(27)) + low).astype(np.float64) * (1.0 / (1 << 53))


# ---------------------------------------------------------------- normals


class _Normals:
    """The normals of one seed: blocks of `_BLOCK`, each with the state after which it begins."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()
        self._starts = [hashed_seed(seed)]
        self._blocks: dict[int, np.ndarray] = {}

    def block(self, number: int) -> np.ndarray:
        """Block `number`; those before it are gone through once, and the last few are kept."""
        with self._lock:
            while len(self._starts) <= number:
                self._make(len(self._starts) - 1)
            if number not in self._blocks:
                self._make(number)
            return self._blocks[number]

    def _make(self, number: int) -> None:
        parts: list[np.ndarray] = []
        state, left = self._starts[number], _BLOCK // 2
        while left:
            states = _block(state, 4 * (left * 4 // 3 + 16)).reshape(-1, 4)
            pairs, used = _polar(states, left)
            parts.append(pairs)
            left -= len(pairs)
            state = int(states[used - 1, 3])
        if len(self._starts) == number + 1:
            self._starts.append(state)
        self._blocks[number] = np.concatenate(parts).reshape(-1)
        for old in sorted(self._blocks)[:-4]:
            del self._blocks[old]


def _polar(states: np.ndarray, most: int) -> tuple[np.ndarray, int]:
    """java.util.Random.nextGaussian: up to `most` pairs of normals, and how many rows of states they take."""
    v1, v2 = 2 * _doubles(states[:, :2]) - 1, 2 * _doubles(states[:, 2:]) - 1
    s = v1 * v1 + v2 * v2
    good = np.flatnonzero((s < 1) & (s != 0))[:most]
    used = int(good[-1]) + 1 if len(good) == most else len(states)
    s = s[good]
    factor = np.sqrt(-2 * log(s) / s)
    return np.stack([v1[good] * factor, v2[good] * factor], axis=1), used


@lru_cache(maxsize=8)
def _normals(seed: int) -> _Normals:
    return _Normals(seed)


# ---------------------------------------------------------------- Mersenne Twister


class _Twister:
    """commons-math3's MersenneTwister(seed): 32-bit words, with the states at the starts of blocks."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()
        self._generator = np.random.RandomState(np.array([seed >> 32 & 0xFFFFFFFF, seed & 0xFFFFFFFF], np.uint32))
        self._starts: list[Any] = [self._generator.get_state()]
        self._kept: tuple[int, np.ndarray] = (-1, np.empty(0, np.uint32))

    def words(self, start: int, count: int) -> np.ndarray:
        """Words `start` to `start + count`."""
        first, last = start // _BLOCK, (start + count) // _BLOCK
        words = np.concatenate([self._block(number) for number in range(first, last + 1)])
        return words[start - first * _BLOCK :][:count]

    def _block(self, number: int) -> np.ndarray:
        with self._lock:
            if self._kept[0] != number:
                for at in range(min(number, len(self._starts) - 1), number + 1):
                    self._generator.set_state(self._starts[at])
                    words = self._generator.randint(0, 1 << 32, _BLOCK, dtype=np.uint32)
                    if len(self._starts) == at + 1:
                        self._starts.append(self._generator.get_state())
                self._kept = number, words
            return self._kept[1]


@lru_cache(maxsize=8)
def _twister(seed: int) -> _Twister:
    return _Twister(seed)


def _order(words: np.ndarray) -> list[int]:
    """Positions shuffled from inside out, by nextInt(1), nextInt(2), ..."""
    order: list[int] = []
    for i, word in enumerate((words >> np.uint32(1)).tolist()):
        n = i + 1
        at = n * word >> 31 if n & -n == n else word % n
        order.append(i)
        order[i], order[at] = order[at], i
    return order


# ---------------------------------------------------------------- kernels


def _numbers(column: Any) -> np.ndarray:
    array = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    return np.asarray(array.fill_null(0)).astype(np.int64)


def _placed(seed: Any, place: Any) -> tuple[np.ndarray, np.ndarray]:
    """The seed of each row's partition, and the row's number in it."""
    places = _numbers(place)
    return _numbers(seed) + (places >> _PLACE_BITS), places & ((1 << _PLACE_BITS) - 1)


def random_double(seed: Any, place: Any) -> pa.Array:
    """rand(seed): a number in [0, 1) for each row."""
    return pa.array(_doubles(_states(*_placed(seed, place), 2)))


def random_normal(seed: Any, place: Any) -> pa.Array:
    """randn(seed): a normal number for each row."""
    seeds, places = _placed(seed, place)
    result = np.empty(len(places))
    blocks = places // _BLOCK
    for key in sorted(set(zip(seeds.tolist(), blocks.tolist(), strict=True))):
        rows = (seeds == key[0]) & (blocks == key[1])
        result[rows] = _normals(key[0]).block(key[1])[places[rows] % _BLOCK]
    return pa.array(result)


_LETTERS = np.frombuffer(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "S1")


def random_text(length: Any, seed: Any, place: Any) -> pa.Array:
    """randstr(length, seed): letters and digits; the length is the same in all rows."""
    width = length[0].as_py() if len(length) else 0
    if not width:
        return pa.array([""] * len(length))
    values = (_states(*_placed(seed, place), width) & U(0xFFFFFFFF)).astype(np.uint32).view(np.int32)
    letters = _LETTERS[np.abs(np.fmod(values.astype(np.int64), 62))]
    return pa.array([row.tobytes().decode() for row in letters])


@by_row(pa.list_(pa.int32()))
def shuffled_positions(length: int, before: int, seed: int) -> list[int]:
    """shuffle(array, seed): 1-based positions; `before`: how many elements the rows before have."""
    return [at + 1 for at in _order(_twister(seed).words(before, length))]

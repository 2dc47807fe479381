"""Spark's `hash` (Murmur3, 32 bits) and `xxhash64` of one value, given the hash of the values before it.

A NULL leaves the hash as it is.  Numbers are hashed a column at a time; bytes one value at a time.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

_32, _64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
U32, U64 = np.uint32, np.uint64


def _numbers(column: Any, kind: Any) -> tuple[Any, Any]:
    """Values (0 for NULL) and validity."""
    array = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
    valid = np.asarray(array.is_valid())
    return np.asarray(array.fill_null(0)).astype(kind), valid


def _finished(hashed: Any, seeds: Any, valid: Any, unsigned: Any, signed: Any) -> pa.Array:
    return pa.array(np.where(valid, hashed, seeds.astype(unsigned)).astype(unsigned).view(signed))


# ---------------------------------------------------------------- Murmur3


def _rotate(x: Any, bits: int, width: int) -> Any:
    kind = U32 if width == 32 else U64
    return (x << kind(bits)) | (x >> kind(width - bits))


def _mix_k(k: Any) -> Any:
    return _rotate(k * U32(0xCC9E2D51), 15, 32) * U32(0x1B873593)


def _mix_h(h: Any, k: Any) -> Any:
    return _rotate(h ^ _mix_k(k), 13, 32) * U32(5) + U32(0xE6546B64)


def _final_32(h: Any, length: int) -> Any:
    h = h ^ U32(length)
    h = (h ^ (h >> U32(16))) * U32(0x85EBCA6B)
    h = (h ^ (h >> U32(13))) * U32(0xC2B2AE35)
    return h ^ (h >> U32(16))


def hash_int(values: Any, seeds: Any) -> pa.Array:
    """Murmur3 of INT (BOOLEAN, TINYINT, SMALLINT, DATE and the bits of FLOAT are hashed as INT)."""
    x, valid = _numbers(values, np.int32)
    s, _ = _numbers(seeds, np.int32)
    return _finished(_final_32(_mix_h(s.view(U32), x.view(U32)), 4), s, valid, U32, np.int32)


def hash_long(values: Any, seeds: Any) -> pa.Array:
    """Murmur3 of BIGINT (also timestamps, small decimals and the bits of DOUBLE)."""
    x, valid = _numbers(values, np.int64)
    s, _ = _numbers(seeds, np.int32)
    low, high = x.view(U64).astype(U32), (x.view(U64) >> U64(32)).astype(U32)
    return _finished(_final_32(_mix_h(_mix_h(s.view(U32), low), high), 8), s, valid, U32, np.int32)


def _murmur_bytes(data: bytes, seed: int) -> int:
    """Whole words, then each byte that is left as a word of its own (with its sign)."""
    h, whole = seed & _32, len(data) & ~3
    words = [*struct.unpack(f"<{whole // 4}I", data[:whole]), *(b - 256 if b > 127 else b for b in data[whole:])]
    for word in words:
        k = (word & _32) * 0xCC9E2D51 & _32
        k = ((k << 15 | k >> 17) & _32) * 0x1B873593 & _32
        h ^= k
        h = ((h << 13 | h >> 19) & _32) * 5 + 0xE6546B64 & _32
    h ^= len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B & _32
    h = (h ^ h >> 13) * 0xC2B2AE35 & _32
    h ^= h >> 16
    return h - (1 << 32) if h >> 31 else h


def _bytes_kernel(function: Callable[[bytes, int], int], kind: pa.DataType) -> Callable[[Any, Any], pa.Array]:
    def kernel(values: Any, seeds: Any) -> pa.Array:
        pairs = zip(values.to_pylist(), seeds.to_pylist(), strict=True)
        return pa.array([seed if value is None else function(value, seed) for value, seed in pairs], kind)

    return kernel


hash_bytes = _bytes_kernel(_murmur_bytes, pa.int32())

# ---------------------------------------------------------------- xxHash

_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5


def _final_64(h: Any) -> Any:
    h = (h ^ (h >> U64(33))) * U64(_P2)
    h = (h ^ (h >> U64(29))) * U64(_P3)
    return h ^ (h >> U64(32))


def xxhash_int(values: Any, seeds: Any) -> pa.Array:
    """xxHash of INT (and of what is hashed as INT)."""
    x, valid = _numbers(values, np.int32)
    s, _ = _numbers(seeds, np.int64)
    h = s.view(U64) + U64((_P5 + 4) & _64)
    h = h ^ (x.view(U32).astype(U64) * U64(_P1))
    return _finished(_final_64(_rotate(h, 23, 64) * U64(_P2) + U64(_P3)), s.view(U64), valid, U64, np.int64)


def xxhash_long(values: Any, seeds: Any) -> pa.Array:
    """xxHash of BIGINT (and of what is hashed as BIGINT)."""
    x, valid = _numbers(values, np.int64)
    s, _ = _numbers(seeds, np.int64)
    h = s.view(U64) + U64((_P5 + 8) & _64)
    h = h ^ (_rotate(x.view(U64) * U64(_P2), 31, 64) * U64(_P1))
    return _finished(_final_64(_rotate(h, 27, 64) * U64(_P1) + U64(_P4)), s.view(U64), valid, U64, np.int64)


def _rotl(x: int, bits: int) -> int:
    return (x << bits | x >> (64 - bits)) & _64


def _round(lane: int, word: int) -> int:
    return _rotl((lane + word * _P2) & _64, 31) * _P1 & _64


def _xx_bytes(data: bytes, seed: int) -> int:
    seed &= _64
    h, at = _stripes(data, seed)
    h = (h + len(data)) & _64
    while at + 8 <= len(data):
        h = (_rotl(h ^ _round(0, int.from_bytes(data[at : at + 8], "little")), 27) * _P1 + _P4) & _64
        at += 8
    if at + 4 <= len(data):
        h = (_rotl(h ^ int.from_bytes(data[at : at + 4], "little") * _P1 & _64, 23) * _P2 + _P3) & _64
        at += 4
    for byte in data[at:]:
        h = _rotl(h ^ byte * _P5 & _64, 11) * _P1 & _64
    h = (h ^ h >> 33) * _P2 & _64
    h = (h ^ h >> 29) * _P3 & _64
    h ^= h >> 32
    return h - (1 << 64) if h >> 63 else h


def _stripes(data: bytes, seed: int) -> tuple[int, int]:
    """The hash of the whole 32-byte stripes, and where they end."""
    if len(data) < 32:
        return (seed + _P5) & _64, 0
    lanes = [(seed + _P1 + _P2) & _64, (seed + _P2) & _64, seed, (seed - _P1) & _64]
    end = len(data) // 32 * 32
    for at in range(0, end, 32):
        lanes = [_round(lane, word) for lane, word in zip(lanes, struct.unpack("<4Q", data[at : at + 32]), strict=True)]
    h = sum(_rotl(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _64
    for lane in lanes:
        h = ((h ^ _round(0, lane)) * _P1 + _P4) & _64
    return h, end


xxhash_bytes = _bytes_kernel(_xx_bytes, pa.int64())

# ---------------------------------------------------------------- what is hashed in place of a value


def float_bits(values: Any) -> pa.Array:
    """The bits of FLOAT as INT: -0.0 as 0.0, one NaN."""
    x, valid = _numbers(values, np.float32)
    return pa.array(_canonical(x).view(np.int32), mask=~valid)


def double_bits(values: Any) -> pa.Array:
    """The bits of DOUBLE as BIGINT: -0.0 as 0.0, one NaN."""
    x, valid = _numbers(values, np.float64)
    return pa.array(_canonical(x).view(np.int64), mask=~valid)


def _canonical(x: Any) -> Any:
    x = np.where(x == 0, x.dtype.type(0), x)
    return np.where(np.isnan(x), x.dtype.type(np.nan), x)


def decimal_bytes(texts: Any) -> pa.Array:
    """The unscaled value of a decimal (given as digits) as Java's BigInteger.toByteArray."""
    return pa.array([_big_integer(text) for text in texts.to_pylist()], pa.binary())


def _big_integer(text: str | None) -> bytes | None:
    if text is None:
        return None
    value = int(text)
    bits = (value if value >= 0 else ~value).bit_length()
    return value.to_bytes(bits // 8 + 1, "big", signed=True)

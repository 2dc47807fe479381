"""count_min_sketch: Spark's own sketch, in its binary format (version 1)."""

from __future__ import annotations

import math
import struct
from typing import Any

import pyarrow as pa

from penstock.functions.kernels.hashes import _murmur_bytes
from penstock.functions.kernels.rows import by_row

_PRIME = (1 << 31) - 1
_48 = (1 << 48) - 1


def _java_ints(seed: int) -> Any:
    """java.util.Random(seed).nextInt(Integer.MAX_VALUE), again and again."""
    state = (seed ^ 0x5DEECE66D) & _48
    while True:
        state = (state * 0x5DEECE66D + 0xB) & _48
        value = state >> 17
        if value < _PRIME:
            yield value


def _dumped(error: float, confidence: float, seed: int, items: int, cells: Any) -> bytes:
    """The sketch of `items` items; `cells(factors, width)` are their cells: shape (depth, items)."""
    width = math.ceil(2 / error)
    depth = math.ceil(-math.log1p(-confidence) / math.log(2))
    draw = _java_ints((seed + (1 << 31)) % (1 << 32) - (1 << 31))  # Spark keeps the lower 32 bits of a seed
    factors = [next(draw) for _ in range(depth)]
    out = struct.pack(">iqii", 1, items, depth, width) + struct.pack(f">{depth}q", *factors)
    for row in cells(factors, width):
        table = [0] * width
        for cell in row:
            table[cell] += 1
        out += struct.pack(f">{width}q", *table)
    return out


@by_row(pa.binary())
def count_min_sketch(items: list[int | None], error: float, confidence: float, seed: int) -> bytes:
    """Counts of integers in `depth` rows of `width` cells; NULLs are left out."""
    present = [item for item in items if item is not None]

    def cells(factors: list[int], width: int) -> list[list[int]]:
        return [[_cell(item, factor, width) for item in present] for factor in factors]

    return _dumped(error, confidence, seed, len(present), cells)


@by_row(pa.binary())
def count_min_sketch_bytes(items: list[bytes | None], error: float, confidence: float, seed: int) -> bytes:
    """As count_min_sketch, of bytes: two hashes say where each goes."""
    present = [item for item in items if item is not None]
    pairs = [(first, _murmur_bytes(item, first)) for item in present for first in [_murmur_bytes(item, 0)]]

    def cells(factors: list[int], width: int) -> list[list[int]]:
        return [[_bucket(first, second, i, width) for first, second in pairs] for i in range(len(factors))]

    return _dumped(error, confidence, seed, len(present), cells)


@by_row(pa.binary())
def count_min_sum(sketches: list[bytes | None]) -> bytes | None:
    """Sketches of one shape as one, as if it had seen all items; NULLs are left out."""
    present = [sketch for sketch in sketches if sketch is not None]
    if not present:
        return None
    version, _, depth, width = struct.unpack_from(">iqii", present[0])
    head, factors = struct.calcsize(">iqii"), 8 * depth
    items = sum(struct.unpack_from(">iqii", sketch)[1] for sketch in present)
    tables = [struct.unpack_from(f">{depth * width}q", sketch, head + factors) for sketch in present]
    out = struct.pack(">iqii", version, items, depth, width) + present[0][head : head + factors]
    return out + struct.pack(f">{depth * width}q", *map(sum, zip(*tables, strict=True)))


def _bucket(first: int, second: int, row: int, width: int) -> int:
    """Java's 32-bit arithmetic, wrapped; `%` keeps the sign."""
    value = (first + row * second + (1 << 31)) % (1 << 32) - (1 << 31)
    return abs(value) % width


def _cell(item: int, factor: int, width: int) -> int:
    """Java's 64-bit arithmetic, wrapped."""
    hashed = _signed(factor * item)
    hashed = _signed(hashed + (hashed >> 32)) & _PRIME
    return int(hashed % width)


def _signed(value: int) -> int:
    return ((value + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)

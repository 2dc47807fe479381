"""count_min_sketch: Spark's own sketch, in its binary format (version 1)."""

from __future__ import annotations

import math
import struct
from typing import Any

import pyarrow as pa

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


@by_row(pa.binary())
def count_min_sketch(items: list[int | None], error: float, confidence: float, seed: int) -> bytes:
    """Counts of integers in `depth` rows of `width` cells; NULLs are left out."""
    width = math.ceil(2 / error)
    depth = math.ceil(-math.log1p(-confidence) / math.log(2))
    draw = _java_ints(seed)
    factors = [next(draw) for _ in range(depth)]
    table = [[0] * width for _ in range(depth)]
    present = [item for item in items if item is not None]
    for item in present:
        for cells, factor in zip(table, factors, strict=True):
            cells[_cell(item, factor, width)] += 1
    out = struct.pack(">iqii", 1, len(present), depth, width) + struct.pack(f">{depth}q", *factors)
    return out + b"".join(struct.pack(f">{width}q", *cells) for cells in table)


def _cell(item: int, factor: int, width: int) -> int:
    """Java's 64-bit arithmetic, wrapped."""
    hashed = _signed(factor * item)
    hashed = _signed(hashed + (hashed >> 32)) & _PRIME
    return int(hashed % width)


def _signed(value: int) -> int:
    return ((value + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)

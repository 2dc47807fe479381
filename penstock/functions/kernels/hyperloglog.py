"""HyperLogLog++ with Spark's registers, corrections and thresholds.

The corrections (hyperloglog_bias.json) are those of the appendix to Heule, Nunkesser, Hall: "HyperLogLog in Practice".
Registers are a byte each, 2 ** p of them; p follows from the relative standard deviation that is asked for.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.functions.kernels.rows import by_row

_NEIGHBOURS = 6
_MOST_CORRECTED = 18


@lru_cache(maxsize=1)
def _tables() -> Any:
    return json.loads(Path(__file__).with_name("hyperloglog_bias.json").read_text("utf-8"))


def register_updates(hashes: Any, p: Any) -> pa.Array:
    """For each hash (BIGINT) the register it falls in and the rank it brings, as `register * 64 + rank`."""
    array = pa.concat_arrays(hashes.chunks) if isinstance(hashes, pa.ChunkedArray) else hashes
    valid = np.asarray(array.is_valid())
    if len(array) == 0:
        return pa.array([], pa.int32())
    bits = np.uint64(p[0].as_py())
    x = np.asarray(array.fill_null(0)).view(np.uint64)
    register = x >> (np.uint64(64) - bits)
    rest = (x << bits) | (np.uint64(1) << (bits - np.uint64(1)))
    return pa.array((register * np.uint64(64) + _leading_zeros(rest) + np.uint64(1)).astype(np.int32), mask=~valid)


def _leading_zeros(x: Any) -> Any:
    """Of 64 bits; no x is 0.  They are in the exponent of a DOUBLE, which clearing a bit keeps from rounding up."""
    exponent = (x & ~(x >> np.uint64(1))).astype(np.float64).view(np.uint64) >> np.uint64(52)
    return np.uint64(1023 + 63) - exponent


@by_row(pa.binary())
def registers(updates: list[int], p: int) -> bytes:
    """The registers after these updates."""
    table = np.zeros(1 << p, np.uint8)
    if updates:
        array = np.array(updates, np.int64)
        np.maximum.at(table, array >> 6, (array & 63).astype(np.uint8))
    return table.tobytes()


@by_row(pa.binary(), strict=False)
def merge_registers(left: bytes | None, right: bytes | None) -> bytes | None:
    """The larger of each two registers; a NULL side has seen nothing."""
    if left is None or right is None:
        return left or right
    return np.maximum(np.frombuffer(left, np.uint8), np.frombuffer(right, np.uint8)).tobytes()


def _alpha(p: int) -> float:
    m = 1 << p
    return {4: 0.673, 5: 0.697, 6: 0.709}.get(p, 0.7213 / (1.0 + 1.079 / m)) * m * m


def _bias(p: int, estimate: float) -> float:
    """The mean bias of the six estimates that are nearest."""
    estimates, biases = _tables()["estimates"][p - 4], _tables()["biases"][p - 4]
    at = int(np.searchsorted(estimates, estimate))
    low = max(at - _NEIGHBOURS + 1, 0)
    high = min(low + _NEIGHBOURS, len(estimates))
    while high < len(estimates) and abs(estimate - estimates[high]) < abs(estimate - estimates[low]):
        low, high = low + 1, high + 1
    return float(sum(biases[low:high]) / (high - low))


@by_row(pa.int64())
def cardinality(data: bytes) -> int:
    """How many distinct values the registers have seen, about."""
    ranks = np.frombuffer(data, np.uint8)
    m, p = len(ranks), len(ranks).bit_length() - 1
    inverse = math.fsum(np.ldexp(1.0, -ranks.astype(np.int64)))
    zeros = int((ranks == 0).sum())
    raw = _alpha(p) / inverse
    corrected = p <= _MOST_CORRECTED
    if zeros:
        linear = m * math.log(m / zeros)
        if (corrected and linear <= _tables()["thresholds"][p - 4]) or raw <= 2.5 * m:
            return math.floor(linear + 0.5)
    if corrected and raw < 5.0 * m:
        raw -= _bias(p, raw)
    return math.floor(raw + 0.5)

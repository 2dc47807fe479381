"""HLL sketches of Apache DataSketches, by its own Python package; bytes are the updatable form of HLL_8."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from penstock.functions.kernels.murmur import hash_both
from penstock.functions.kernels.needs import datasketches
from penstock.functions.kernels.rows import by_row, raised


def _coupon(value: bytes) -> Any:
    """A sketch of one value that is no text: the library's Python package takes no bytes."""
    low, high = hash_both(value)
    zeros = min(64 - high.bit_length(), 62)
    coupon = (zeros + 1) << 26 | low & ((1 << 26) - 1)
    return datasketches().hll_sketch.deserialize(struct.pack("<8BI", 2, 1, 7, 12, 3, 8, 1, 8, coupon))


def _gathered(values: Iterable[Any], lg: int) -> Any:
    """A sketch of the values; texts and bytes without content do not count."""
    ds = datasketches()
    sketch = ds.hll_sketch(lg, ds.HLL_8)
    for value in values:
        if value is not None:
            sketch.update(value)
    return sketch


def _result(sketches: Iterable[Any], lg: int) -> bytes:
    """The union of the sketches."""
    ds = datasketches()
    union = ds.hll_union(lg)
    for sketch in sketches:
        union.update(sketch)
    return bytes(union.get_result(ds.HLL_8).serialize_updatable())


def _loaded(name: str, data: bytes) -> Any:
    try:
        return datasketches().hll_sketch.deserialize(data)
    except (ValueError, RuntimeError, IndexError) as error:
        raise raised(
            "HLL_INVALID_INPUT_SKETCH_BUFFER", f"The input of `{name}` is no HLL sketch.", sqlstate="22546",
            function=f"`{name}`",
        ) from error  # fmt: skip


@by_row(pa.binary())
def hll_agg_long(values: list[int | None], lg: int) -> bytes:
    return _result([_gathered(values, lg)], lg)


@by_row(pa.binary())
def hll_agg_text(values: list[str | None], lg: int) -> bytes:
    return _result([_gathered(values, lg)], lg)


@by_row(pa.binary())
def hll_agg_bytes(values: list[bytes | None], lg: int) -> bytes:
    present = [value for value in values if value]
    try:
        return _result([_gathered((value.decode() for value in present), lg)], lg)
    except UnicodeDecodeError:
        return _result(map(_coupon, present), lg)


@by_row(pa.int64())
def hll_estimate(sketch: bytes) -> int:
    estimate: float = _loaded("hll_sketch_estimate", sketch).get_estimate()
    return round(estimate)


@by_row(pa.binary())
def hll_union(sketches: list[bytes | None], different: bool, name: str) -> bytes:
    """The union at the size of the first sketch, or below; sizes must be one unless `different`."""
    loaded = [_loaded(name, data) for data in sketches if data is not None]
    sizes = [sketch.lg_config_k for sketch in loaded] or [12]
    for size in sizes:
        if size != sizes[0] and not different:
            raise raised(
                "HLL_UNION_DIFFERENT_LG_K", f"The sketches of `{name}` have the sizes {sizes[0]} and {size}; the last "
                "argument says whether that may be.", sqlstate="22000", left=sizes[0], right=size, function=f"`{name}`",
            )  # fmt: skip
    return _result(loaded, sizes[0])

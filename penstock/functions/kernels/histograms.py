"""histogram_numeric: bins that move and merge as values come (Ben-Haim and Tom-Tov), in Hive's order of operations."""

from __future__ import annotations

import bisect
from collections.abc import Iterator

import pyarrow as pa

from penstock.functions.kernels.rows import by_row

_48 = (1 << 48) - 1
_SEED = 31183


def _java_doubles(seed: int) -> Iterator[float]:
    """java.util.Random(seed).nextDouble(), again and again."""
    state = (seed ^ 0x5DEECE66D) & _48
    while True:
        parts = []
        for bits in (26, 27):
            state = (state * 0x5DEECE66D + 0xB) & _48
            parts.append(state >> (48 - bits))
        yield ((parts[0] << 27) + parts[1]) * (1.0 / (1 << 53))


def _trim(xs: list[float], ys: list[float], most: int, draw: Iterator[float]) -> None:
    """Merge the closest two bins until there are `most`; a draw decides between equally close pairs."""
    while len(xs) > most:
        least, at, ties = xs[1] - xs[0], 0, 1
        for i in range(1, len(xs) - 1):
            gap = xs[i + 1] - xs[i]
            if gap < least:
                least, at, ties = gap, i, 1
            elif gap == least:
                ties += 1
                if next(draw) <= 1.0 / ties:
                    at = i
        total = ys[at] + ys[at + 1]
        xs[at] = xs[at] * (ys[at] / total) + xs[at + 1] / total * ys[at + 1]
        ys[at] = total
        del xs[at + 1], ys[at + 1]


@by_row(pa.list_(pa.float64()))
def histogram(values: list[float], bins: int) -> list[float] | None:
    """The bins of some values, as [x, height, x, height, ...]."""
    xs: list[float] = []
    ys: list[float] = []
    draw = _java_doubles(_SEED)
    for value in values:
        at = bisect.bisect_left(xs, value)
        if at < len(xs) and xs[at] == value:
            ys[at] += 1
            continue
        xs.insert(at, value)
        ys.insert(at, 1.0)
        _trim(xs, ys, bins, draw)
    return [part for pair in zip(xs, ys, strict=True) for part in pair] or None


@by_row(pa.list_(pa.float64()), strict=False)
def merge_histograms(left: list[float] | None, right: list[float] | None, bins: int) -> list[float] | None:
    """The bins of both sides together; a NULL side has none."""
    if not left or not right:
        return left or right
    pairs = sorted(zip(left[::2] + right[::2], left[1::2] + right[1::2], strict=True), key=lambda pair: pair[0])
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    _trim(xs, ys, bins, _java_doubles(_SEED))
    return [part for pair in zip(xs, ys, strict=True) for part in pair]

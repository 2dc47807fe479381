"""Statistics of an RDD of numbers, and counts that need not be exact."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import functools
import math
import operator
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from pyspark.statcounter import StatCounter

from penstock.rdd.actions import Actions
from penstock.rdd.approximate import BoundedFloat, DistinctCounter, bounded_mean, bounded_sum, partial_results
from penstock.rdd.base import parts_of


class Numbers(Actions):
    """Sums, means, histograms."""

    def max(self, key: Callable[[Any], Any] | None = None) -> Any:
        """The greatest element."""
        if key is None:
            return self.reduce(lambda a, b: b if b > a else a)
        return self.reduce(lambda a, b: max(a, b, key=key))

    def min(self, key: Callable[[Any], Any] | None = None) -> Any:
        """The smallest element."""
        if key is None:
            return self.reduce(lambda a, b: b if b < a else a)
        return self.reduce(lambda a, b: min(a, b, key=key))

    def sum(self) -> Any:
        """The sum; 0 without elements."""
        return sum(self._each(sum))

    def stats(self) -> StatCounter:
        """Count, mean, variance, minimum and maximum."""
        return functools.reduce(StatCounter.mergeStats, parts_of(self._each(StatCounter)), StatCounter())

    def mean(self) -> float:
        """The mean."""
        return float(self.stats().mean())

    def variance(self) -> float:
        """The variance of the elements as the whole population."""
        return float(self.stats().variance())

    def stdev(self) -> float:
        """The standard deviation of the elements as the whole population."""
        return float(self.stats().stdev())

    def sampleStdev(self) -> float:
        """The standard deviation of the elements as a sample."""
        return float(self.stats().sampleStdev())

    def sampleVariance(self) -> float:
        """The variance of the elements as a sample."""
        return float(self.stats().sampleVariance())

    def histogram(self, buckets: int | Sequence[Any]) -> tuple[Sequence[Any], list[int]]:
        """Edges and counts.  `buckets` is a number of even buckets from minimum to maximum, or the sorted edges; the
        last bucket includes its upper edge.  None and NaN are not counted."""
        if isinstance(buckets, int):
            even = self._even_edges(buckets)
            if isinstance(even, _Single):
                return [even.low, even.high], [even.count]
            edges, low, width = even
            return edges, self._counted(edges, low, width)
        edges = _checked_edges(buckets)
        return buckets, self._counted(edges, edges[0], _even_width(edges))

    def _counted(self, edges: list[Any], low: Any, width: Any) -> list[int]:
        counts = [0] * (len(edges) - 1)
        for part in parts_of(self._each(lambda elements: _bucket_counts(edges, low, width, elements))):
            counts = list(map(operator.add, counts, part))
        return counts

    def _even_edges(self, number: int) -> tuple[list[Any], Any, Any] | _Single:
        """Edges, the least element, and the width of a bucket: an integer where that loses nothing."""
        if number < 1:
            raise ValueError("number of buckets must be >= 1")
        ranges = self.filter(_countable).map(lambda x: (x, x, 1))._each(_widest)
        known = [r for r in ranges if r is not None]
        if not known:
            raise ValueError("can not generate buckets from empty RDD")
        low, high = min(r[0] for r in known), max(r[1] for r in known)
        if low == high or number == 1:
            return _Single(low, high, sum(r[2] for r in known))
        try:
            quotient = (high - low) / number
        except TypeError:
            raise TypeError("Can not generate buckets with non-number in RDD") from None
        if math.isinf(quotient):
            raise ValueError("Can not generate buckets with infinite value")
        whole = int(quotient)
        width = whole if whole * number == high - low else (high - low) * 1.0 / number
        return [*(i * width + low for i in range(number)), high], low, width

    # ------------------------------------------------------------ in limited time

    def countApprox(self, timeout: int, confidence: float = 0.95) -> int:
        """The count; after `timeout` milliseconds what the partitions counted until then say about it."""
        return int(
            self.mapPartitions(lambda elements: [float(sum(1 for _ in elements))]).sumApprox(timeout, confidence)
        )

    def sumApprox(self, timeout: int, confidence: float = 0.95) -> BoundedFloat:
        """The sum; after `timeout` milliseconds an estimate with its bounds."""
        return bounded_sum(partial_results(self, timeout), confidence)

    def meanApprox(self, timeout: int, confidence: float = 0.95) -> BoundedFloat:
        """The mean; after `timeout` milliseconds an estimate with its bounds."""
        return bounded_mean(partial_results(self, timeout), confidence)

    def countApproxDistinct(self, relativeSD: float = 0.05) -> int:
        """About how many different elements there are, in fixed memory (HyperLogLog).  `relativeSD` is the standard
        deviation of the error, at least 0.000017."""
        if relativeSD < 0.000017:
            raise ValueError("relativeSD should be greater than 0.000017")
        total = DistinctCounter(relativeSD)
        for part in self._each(lambda elements: DistinctCounter(relativeSD).add_all(elements)):
            total.merge(part)
        return total.estimate()


class _Single:
    """All elements in one bucket."""

    def __init__(self, low: Any, high: Any, count: int) -> None:
        self.low, self.high, self.count = low, high, count


def _countable(x: Any) -> bool:
    return x is not None and not (isinstance(x, float) and math.isnan(x))


def _widest(ranges: Iterable[tuple[Any, Any, int]]) -> tuple[Any, Any, int] | None:
    found = list(ranges)
    if not found:
        return None
    return min(r[0] for r in found), max(r[1] for r in found), sum(r[2] for r in found)


def _checked_edges(buckets: Any) -> list[Any]:
    if not isinstance(buckets, (list, tuple)):
        raise TypeError("buckets should be a list or tuple or number(int or long)")
    edges = list(buckets)
    if len(edges) < 2:
        raise ValueError("buckets should have more than one value")
    if any(not _countable(edge) for edge in edges):
        raise ValueError("can not have None or NaN in buckets")
    if sorted(edges) != edges:
        raise ValueError("buckets should be sorted")
    if len(set(edges)) != len(edges):
        raise ValueError("buckets should not contain duplicated values")
    return edges


#: Steps between edges that differ by less are taken as even.
_PRECISION = 1e-10


def _even_width(edges: list[Any]) -> Any:
    """The width of buckets between edges that are evenly spaced; None for others, and for what has no difference.

    As in Spark the place of an element in even buckets is then a quotient, which rounding can put one bucket beside the
    one whose edges the element is between."""
    try:
        steps = [b - a for a, b in pairwise(edges)]
    except TypeError:
        return None
    return (edges[-1] - edges[0]) / (len(edges) - 1) if max(steps) - min(steps) < _PRECISION else None


def _bucket_counts(edges: list[Any], low: Any, width: Any, elements: Iterable[Any]) -> list[int]:
    """`low` is the least element as it is: the first edge can be the float beside a large integer."""
    counts = [0] * len(edges)
    high = edges[-1]
    for x in elements:
        if not _countable(x) or x > high or x < low:
            continue
        counts[bisect_right(edges, x) - 1 if width is None else int((x - low) / width)] += 1
    last = counts.pop()
    counts[-1] += last
    return counts

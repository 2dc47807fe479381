"""Samples of an RDD."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import copy
import itertools
import math
import random
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.rddsampler import RDDRangeSampler, RDDSampler, RDDStratifiedSampler

from penstock.rdd.pairs import Pairs
from penstock.rdd.partitioning import RangeBounds

if TYPE_CHECKING:
    from penstock.rdd.rdd import RDD


class Samples(Pairs):
    """Random parts of an RDD; the same seed gives the same part."""

    def sample(self, withReplacement: bool, fraction: float, seed: int | None = None) -> RDD:
        """Each element with the probability `fraction`; with replacement, so often on average."""
        if fraction < 0:
            raise ValueError(f"Negative fraction value: {fraction}")
        return self._sampled(RDDSampler(withReplacement, fraction, seed))

    def sampleByKey(self, withReplacement: bool, fractions: dict[Any, float], seed: int | None = None) -> RDD:
        """As sample, with a fraction for each key."""
        for fraction in fractions.values():
            if fraction < 0:
                raise AssertionError(f"Negative fraction value: {fraction}")
        return self._sampled(RDDStratifiedSampler(withReplacement, fractions, seed))

    def randomSplit(self, weights: Sequence[float], seed: int | None = None) -> list[RDD]:
        """Disjoint parts, of sizes in the proportion of `weights`."""
        if not weights or any(weight < 0 for weight in weights) or sum(weights) <= 0:
            raise ValueError(f"Weights are not negative and their sum is positive: {list(weights)}")
        total, edges = float(sum(weights)), [0.0]
        for weight in weights:
            edges.append(edges[-1] + weight / total)
        if seed is None:
            seed = random.randint(0, 2**32 - 1)
        return [self._sampled(RDDRangeSampler(low, high, seed)) for low, high in itertools.pairwise(edges)]

    def _sampled(self, sampler: Any) -> RDD:
        """What a sampler leaves of each partition.  It has a state, so that each task takes one of its own."""
        return self.mapPartitionsWithIndex(lambda i, elements: copy.copy(sampler).func(i, elements), True)

    def takeSample(self, withReplacement: bool, num: int, seed: int | None = None) -> list[Any]:
        """`num` random elements, in random order."""
        if num < 0:
            raise ValueError("Sample size cannot be negative.")
        largest = sys.maxsize - int(10.0 * math.sqrt(sys.maxsize))
        if num > largest:
            raise ValueError(f"Sample size cannot be greater than {largest}.")
        total = self._of(self._node).count() if num else 0
        if total == 0:
            return []
        source = random.Random(seed)
        if not withReplacement and num >= total:
            chosen = self._of(self._node).collect()
            source.shuffle(chosen)
            return chosen
        fraction = _fraction_for(num, total, withReplacement)
        chosen = self.sample(withReplacement, fraction, seed).collect()
        while len(chosen) < num:
            chosen = self.sample(withReplacement, fraction, source.randint(0, sys.maxsize)).collect()
        source.shuffle(chosen)
        return chosen[:num]

    @staticmethod
    def _computeFractionForSampleSize(sampleSizeLowerBound: int, total: int, withReplacement: bool) -> float:
        return _fraction_for(sampleSizeLowerBound, total, withReplacement)


def _fraction_for(size: int, total: int, with_replacement: bool) -> float:
    """A fraction that gives at least `size` of `total` elements with a probability of 99.99 percent: Poisson's
    bound, or Bernoulli's."""
    fraction = size / total
    if with_replacement:
        deviations = 9 if size < 12 else 5
        return fraction + deviations * math.sqrt(fraction / total)
    gamma = -math.log(0.00005) / total
    return min(1, fraction + gamma + math.sqrt(gamma * gamma + 2 * gamma * fraction))


def sort_bounds(rdd: Pairs, partitions: int, key: Callable[[Any], Any], ascending: bool) -> RangeBounds | None:
    """Where to cut the keys into ranges of about the same size, from a sample; None for an RDD without elements."""
    size = rdd._of(rdd._node).count()
    if not size:
        return None
    fraction = min(partitions * 20.0 / size, 1.0)
    keys = rdd._then(lambda _, pairs: (key(pair[0]) for pair in pairs))
    sampled = sorted(keys.sample(False, fraction, 1).collect())
    places = [len(sampled) * (i + 1) // partitions for i in range(partitions - 1)]
    return RangeBounds([sampled[i] for i in places] if sampled else [], key, ascending)

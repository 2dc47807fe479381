"""Answers that may be estimates: bounded by time, or by memory."""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.statcounter import StatCounter

from penstock.rdd.errors import JobCancelled
from penstock.rdd.storage import dumps

if TYPE_CHECKING:
    from penstock.rdd.actions import Actions


class BoundedFloat(float):
    """A number that is within [`low`, `high`] with the probability `confidence`."""

    confidence: float
    low: float
    high: float

    def __new__(cls, mean: float, confidence: float, low: float, high: float) -> BoundedFloat:
        made = super().__new__(cls, mean)
        made.confidence, made.low, made.high = confidence, low, high
        return made


@dataclass(frozen=True)
class Partial:
    """What some of the partitions say."""

    stats: StatCounter
    done: int
    total: int


def partial_results(rdd: Actions, timeout_ms: int) -> Partial:
    """The statistics of the partitions that are done within the time; of all, if that is enough."""
    merged, finished, lock = StatCounter(), [], threading.Lock()
    tag = f"approximate {time.monotonic_ns()}"
    errors: list[BaseException] = []

    def keep(index: int, part: StatCounter) -> None:
        with lock:
            merged.mergeStats(part)
            finished.append(index)

    def run() -> None:
        try:
            rdd.ctx._run(rdd._node, lambda _, elements: StatCounter(elements), on_result=keep, tag=tag)
        except JobCancelled:
            pass
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="penstock approximate job", daemon=True)
    thread.start()
    thread.join(timeout_ms / 1000)
    if thread.is_alive():
        rdd.ctx.cancelJobsWithTag(tag)
    if errors:
        raise errors[0]
    with lock:
        return Partial(StatCounter().mergeStats(merged), len(finished), rdd.getNumPartitions())


def bounded_mean(partial: Partial, confidence: float) -> BoundedFloat:
    """The mean with its bounds; exact when all partitions are done."""
    stats = partial.stats
    mean = stats.mean() if stats.count() else math.nan
    if partial.done == partial.total:
        return BoundedFloat(mean, 1.0, mean, mean)
    if stats.count() < 2:
        return BoundedFloat(mean, confidence, -math.inf, math.inf)
    reach = _quantile(confidence) * math.sqrt(stats.sampleVariance() / stats.count())
    return BoundedFloat(mean, confidence, mean - reach, mean + reach)


def bounded_sum(partial: Partial, confidence: float) -> BoundedFloat:
    """The sum with its bounds; exact when all partitions are done."""
    stats = partial.stats
    if partial.done == partial.total:
        exact = float(stats.sum()) if stats.count() else 0.0
        return BoundedFloat(exact, 1.0, exact, exact)
    if stats.count() < 2:
        return BoundedFloat(0.0, 0.0, -math.inf, math.inf)
    # Count and mean are both estimated: the rest of the partitions is taken to be like the finished ones.
    share = partial.done / partial.total
    count = stats.count() / share
    count_variance = stats.count() * (1 - share) / share**2
    mean, mean_variance = stats.mean(), stats.sampleVariance() / stats.count()
    estimate = count * mean
    deviation = math.sqrt(mean_variance * count**2 + count_variance * mean**2 + mean_variance * count_variance)
    reach = _quantile(confidence) * deviation
    return BoundedFloat(estimate, confidence, estimate - reach, estimate + reach)


def _quantile(confidence: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(0.5 + confidence / 2)


class DistinctCounter:
    """HyperLogLog (Flajolet et al. 2007) over 64-bit hashes; small counts by linear counting."""

    def __init__(self, relative_deviation: float) -> None:
        self._bits = max(4, math.ceil(2 * math.log2(1.054 / relative_deviation)))
        self._registers = bytearray(1 << self._bits)

    def add_all(self, elements: Iterable[Any]) -> DistinctCounter:
        """Count the elements in; the counter itself."""
        registers, rest = self._registers, 64 - self._bits
        for element in elements:
            digest = hashlib.blake2b(dumps(element), digest_size=8).digest()
            hashed = int.from_bytes(digest, "little")
            place, tail = hashed >> rest, hashed & ((1 << rest) - 1)
            rank = rest - tail.bit_length() + 1
            if rank > registers[place]:
                registers[place] = rank
        return self

    def merge(self, other: DistinctCounter) -> None:
        """Count in what the other has counted."""
        self._registers = bytearray(map(max, self._registers, other._registers))

    def estimate(self) -> int:
        """About how many different elements were added."""
        m = len(self._registers)
        alpha = {16: 0.673, 32: 0.697, 64: 0.709}.get(m, 0.7213 / (1 + 1.079 / m))
        raw = alpha * m * m / sum(2.0**-r for r in self._registers)
        empty = self._registers.count(0)
        if raw <= 2.5 * m and empty:
            return round(m * math.log(m / empty))
        return round(raw)

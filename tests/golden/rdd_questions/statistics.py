"""Sums, means, variances, and what is said about them in limited time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.golden.rdd_questions.asking import Question
from tests.golden.rdd_questions.histograms import VALUES

NAMES = (
    "sum", "mean", "max", "min", "stdev", "variance", "sampleStdev", "sampleVariance", "count", "countApprox",
    "countApproxDistinct",
)  # fmt: skip


def questions(sc: Any) -> Iterator[Question]:
    for kind, values in VALUES.items():
        for n in (2, 5):
            a = sc.parallelize(values, n)
            for name in NAMES:
                arguments = (60_000,) if name == "countApprox" else ()
                yield f"{kind} in {n}: {name}", lambda a=a, name=name, given=arguments: getattr(a, name)(*given)
            yield f"{kind} in {n}: stats", lambda a=a: str(a.stats())
            yield f"{kind} in {n}: stats as a dict", lambda a=a: a.stats().asDict(sample=True)
    numbers = sc.parallelize([float(i * i % 17) for i in range(100)], 4)
    for name in ("sumApprox", "meanApprox"):
        yield name, lambda name=name: getattr(numbers, name)(60_000)
        yield (
            f"{name} and its bounds",
            lambda name=name: [getattr(getattr(numbers, name)(60_000, 0.8), part) for part in ("low", "high")],
        )
    for size in (0, 1, 10, 1000):
        yield f"different ones of {size}", lambda size=size: sc.parallelize(range(size), 4).countApproxDistinct()
        words = sc.parallelize([f"w{i}" for i in range(size)], 4)
        yield f"different words of {size}", lambda words=words: words.countApproxDistinct(0.01)
    yield "countApproxDistinct too exact", lambda: numbers.countApproxDistinct(0.00001)

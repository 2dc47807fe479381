"""Random parts: the same seed gives the same part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.golden.rdd_questions.asking import Question, glom

SEEDS = (0, 7, 42, 2**31, 1234567890123)


def questions(sc: Any) -> Iterator[Question]:
    for n in (1, 3):
        a = sc.parallelize(range(50), n)
        pairs = sc.parallelize([(i % 3, i) for i in range(60)], n)
        for seed in SEEDS:
            for name, ask in _of(a, pairs, seed):
                yield f"{name}, {n} partitions, seed {seed}", ask
    for size, total, replace in (
        (5, 100, False),
        (5, 100, True),
        (90, 100, False),
        (20, 1000, True),
        (1, 10**7, False),
    ):
        yield f"fraction {size} {total} {replace}", lambda given=(size, total, replace): _fraction(sc, *given)


def _of(a: Any, pairs: Any, seed: int) -> Iterator[Question]:
    fractions = {0: 0.2, 1: 0.5, 2: 0.1}
    yield "sample", lambda: a.sample(False, 0.3, seed).collect()
    yield "sample often", lambda: a.sample(True, 0.5, seed).collect()
    yield "sample many times", lambda: a.sample(True, 2.5, seed).collect()
    yield "sample all", lambda: a.sample(False, 1.0, seed).count()
    yield "sample nothing", lambda: a.sample(False, 0.0, seed).collect()
    yield "takeSample", lambda: a.takeSample(False, 5, seed)
    yield "takeSample most", lambda: a.takeSample(False, 49, seed)
    yield "takeSample more than all", lambda: a.takeSample(False, 60, seed)
    yield "takeSample often", lambda: a.takeSample(True, 60, seed)
    yield "takeSample nothing", lambda: a.takeSample(False, 0, seed)
    yield "randomSplit", lambda: [part.collect() for part in a.randomSplit([1, 2], seed)]
    yield "randomSplit in three", lambda: [glom(part) for part in a.randomSplit([0.5, 0.2, 0.3], seed)]
    yield "sampleByKey", lambda: pairs.sampleByKey(False, fractions, seed).collect()
    yield "sampleByKey often", lambda: pairs.sampleByKey(True, fractions, seed).collect()


def _fraction(sc: Any, size: int, total: int, replace: bool) -> float:
    found: float = sc.emptyRDD()._computeFractionForSampleSize(size, total, replace)
    return found

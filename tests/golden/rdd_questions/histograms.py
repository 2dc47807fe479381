"""Buckets and counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from tests.golden.rdd_questions.asking import Question

INF, NAN = float("inf"), float("nan")
OF_RANGES: tuple[Any, ...] = (
    1, 2, 3, 7, [0, 5, 50], [0, 1, 2, 3], (0, 10, 20), 0, -1, 2.5, [1], [3, 1], [0, 0], [0, None], [0, NAN], [], "ab",
    True, None, [0, 10, 20.00000000001], [0, 10, 20.000000001],
)  # fmt: skip
VALUES: dict[str, list[Any]] = {
    "tenths": [0.1 * i for i in range(12)],
    "ones": [1, 1, 1],
    "strings": ["a", "b", "ab", "z"],
    "with NaN and None": [1.0, NAN, 3.0, None],
    "infinite": [INF, 1.0],
    "booleans": [True, False],
    "tuples": [(1, 2), (3, 4)],
    "big": [10**20, 1],
    "decimals": [Decimal(i) / 4 for i in range(9)],
    "thirds": [i / 3 for i in range(30)],
    "dates": [date(2026, 1, 1), date(2026, 3, 1)],
    "nothing": [],
    "only None": [None, NAN],
    "large steps": [2**53 + i for i in range(0, 100, 7)],
}
BUCKETS: tuple[Any, ...] = (
    1, 2, 3, 5, 10, [0.0, 0.1, 0.2, 0.3, 0.4], [0.1 * i for i in range(8)], ["a", "b", "c"], [0, 1, 1.5, 10],
    [-INF, 0, INF], [0, INF], [0.0, 0.3, 0.6, 0.9], [i / 3 for i in range(0, 30, 3)], [2**53, 2**53 + 50, 2**53 + 100],
)  # fmt: skip


def questions(sc: Any) -> Iterator[Question]:
    for size in (0, 1, 5, 23, 1030):
        for n in (1, 3):
            a = sc.parallelize(list(range(size)), n)
            for buckets in OF_RANGES:
                yield f"{size} in {n}: {buckets!r}", lambda a=a, buckets=buckets: a.histogram(buckets)
    for name, values in VALUES.items():
        a = sc.parallelize(values, 2)
        for buckets in BUCKETS:
            yield f"{name}: {buckets!r}", lambda a=a, buckets=buckets: a.histogram(buckets)

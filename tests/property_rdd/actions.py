"""Actions of random pipelines, each with what it gives for lists."""

from __future__ import annotations

import functools
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from pyspark.statcounter import StatCounter

from tests.property_rdd.operations import Made, _mixed, _number

Check = Callable[[Made, random.Random], tuple[Any, Any]]


def _collect(a: Made, r: random.Random) -> tuple[Any, Any]:
    return a.rdd.collect(), a.lists.flat


def _glom(a: Made, r: random.Random) -> tuple[Any, Any]:
    return a.rdd.glom().collect(), a.lists.parts


def _count(a: Made, r: random.Random) -> tuple[Any, Any]:
    return (a.rdd.count(), a.rdd.getNumPartitions()), (len(a.lists.flat), len(a.lists.parts))


def _take(a: Made, r: random.Random) -> tuple[Any, Any]:
    n = r.randrange(12)
    return (a.rdd.take(n), a.rdd.isEmpty()), (a.lists.flat[:n], not a.lists.flat)


def _top(a: Made, r: random.Random) -> tuple[Any, Any]:
    n, flat = r.randint(1, 5), a.lists.flat
    least = sorted(flat, key=lambda x: (_number(x), repr(x)))[:n]
    return a.rdd.takeOrdered(n, key=lambda x: (_number(x), repr(x))), least


def _reduce(a: Made, r: random.Random) -> tuple[Any, Any]:
    numbers = a.rdd.map(_number)
    parts = [functools.reduce(_mixed, map(_number, part)) for part in a.lists.parts if part]
    if not parts:
        return numbers.fold(3, _mixed), functools.reduce(_mixed, [3] * len(a.lists.parts), 3)
    return numbers.reduce(_mixed), functools.reduce(_mixed, parts)


def _fold(a: Made, r: random.Random) -> tuple[Any, Any]:
    zero = r.randrange(5)
    parts = [functools.reduce(_mixed, map(_number, part), zero) for part in a.lists.parts]
    return a.rdd.map(_number).fold(zero, _mixed), functools.reduce(_mixed, parts, zero)


def _aggregate(a: Made, r: random.Random) -> tuple[Any, Any]:
    found = a.rdd.aggregate([], lambda xs, x: [*xs, x], lambda xs, ys: [*xs, "|", *ys])
    expected: list[Any] = []
    for part in a.lists.parts:
        expected = [*expected, "|", *part]
    return found, expected


def _tree(a: Made, r: random.Random) -> tuple[Any, Any]:
    depth = r.randint(1, 3)
    total = a.rdd.treeAggregate(0, lambda s, x: s + _number(x), lambda s, t: s + t, depth)
    return total, sum(map(_number, a.lists.flat))


def _count_by_value(a: Made, r: random.Random) -> tuple[Any, Any]:
    return dict(a.rdd.countByValue()), dict(Counter(a.lists.flat))


def _iterator(a: Made, r: random.Random) -> tuple[Any, Any]:
    return list(a.rdd.toLocalIterator(r.random() < 0.5)), a.lists.flat


def _stats(a: Made, r: random.Random) -> tuple[Any, Any]:
    found = a.rdd.map(_number).stats()
    expected = StatCounter(list(map(_number, a.lists.flat)))
    assert abs(found.mean() - expected.mean()) < 1e-6
    assert found.count() == 0 or abs(found.variance() - expected.variance()) < 1e-6 * (1 + expected.variance())
    return (found.count(), found.min(), found.max()), (expected.count(), expected.min(), expected.max())


def _accumulated(a: Made, r: random.Random) -> tuple[Any, Any]:
    total = a.rdd.ctx.accumulator(0)
    a.rdd.foreach(lambda x: total.add(_number(x)))
    return total.value, sum(map(_number, a.lists.flat))


def _broadcast(a: Made, r: random.Random) -> tuple[Any, Any]:
    table = a.rdd.ctx.broadcast({i: i * i for i in range(7)})
    return a.rdd.map(lambda x: table.value[_number(x) % 7]).sum(), sum((_number(x) % 7) ** 2 for x in a.lists.flat)


def _run_job(a: Made, r: random.Random) -> tuple[Any, Any]:
    places = [i for i in range(len(a.lists.parts)) if r.random() < 0.5]
    return a.rdd.ctx.runJob(a.rdd, lambda xs: [len(list(xs))], places), [len(a.lists.parts[i]) for i in places]


def _as_map(a: Made, r: random.Random) -> tuple[Any, Any]:
    return a.rdd.collectAsMap(), dict(a.lists.flat)


def _lookup(a: Made, r: random.Random) -> tuple[Any, Any]:
    key = r.choice(a.lists.flat)[0] if a.lists.flat else 1
    return a.rdd.lookup(key), [v for k, v in a.lists.flat if k == key]


def _locally(a: Made, r: random.Random) -> tuple[Any, Any]:
    expected: dict[Any, Any] = {}
    for part in a.lists.parts:
        here: dict[Any, Any] = {}
        for k, v in part:
            here[k] = _mixed(here[k], v) if k in here else v
        for k, v in here.items():
            expected[k] = _mixed(expected[k], v) if k in expected else v
    return a.rdd.reduceByKeyLocally(_mixed), expected


def _by_key(a: Made, r: random.Random) -> tuple[Any, Any]:
    return dict(a.rdd.countByKey()), dict(Counter(k for k, _ in a.lists.flat))


OF_ANY: tuple[Check, ...] = (
    _collect, _glom, _glom, _count, _take, _top, _reduce, _fold, _aggregate, _tree, _count_by_value, _iterator, _stats,
    _accumulated, _broadcast, _run_job,
)  # fmt: skip
OF_PAIRS: tuple[Check, ...] = (_as_map, _lookup, _locally, _by_key)

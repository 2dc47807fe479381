"""How many elements are where, for collections of many sizes in many partitions."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

from tests.golden.rdd_questions.asking import Question, glom


def questions(sc: Any) -> Iterator[Question]:
    for size in (0, 1, 5, 23, 1030, 2500):
        for n in (1, 3, 5):
            a = sc.parallelize(list(range(size)), n)
            for family in (_cut, _moved, _reduced):
                for name, ask in family(sc, a, size, n):
                    yield f"{size} in {n}: {name}", ask


def _sizes(rdd: Any) -> list[int]:
    return [len(part) for part in glom(rdd)]


def _cut(sc: Any, a: Any, size: int, n: int) -> Iterator[Question]:
    yield "a list", lambda: _sizes(a)
    yield "a range", lambda: _sizes(sc.parallelize(range(size), n))
    yield "a range with steps", lambda: glom(sc.parallelize(range(3, 3 + 2 * size, 2), n))
    yield "sc.range", lambda: glom(sc.range(size, 0, -3, n))
    yield "a string", lambda: _sizes(sc.parallelize("x" * size, n))
    yield "a set", lambda: _sizes(sc.parallelize(set(range(size)), n))
    yield "an iterator", lambda: _sizes(sc.parallelize(iter(range(size)), n))
    yield "a dict", lambda: glom(sc.parallelize(dict.fromkeys(range(size)), n))


def _moved(sc: Any, a: Any, size: int, n: int) -> Iterator[Question]:
    for m in (2, 4, 20):
        yield f"coalesce {m}", lambda m=m: [part[:20] for part in glom(a.coalesce(m))]
        yield f"coalesce shuffled {m}", lambda m=m: sorted(x for part in glom(a.coalesce(m, True)) for x in part)
        yield f"repartition {m}", lambda m=m: a.repartition(m).getNumPartitions()
    yield "zipWithUniqueId", lambda: glom(a.zipWithUniqueId())[:3]
    yield "zipWithIndex", lambda: a.zipWithIndex().collect()[-3:]
    yield "cartesian", lambda: _sizes(a.cartesian(sc.parallelize([1, 2], 2)))
    yield "zip", lambda: glom(a.zip(a.map(lambda x: x * 2)))
    yield "union", lambda: _sizes(a.union(a).union(sc.parallelize([1], 2)))
    yield "glom of glom", lambda: glom(a.glom())[-1:]


def _reduced(sc: Any, a: Any, size: int, n: int) -> Iterator[Question]:
    yield "fold", lambda: a.fold(1, operator.add)
    yield (
        "aggregate",
        lambda: a.aggregate((0, 0), lambda s, x: (s[0] + x, s[1] + 1), lambda p, q: (p[0] + q[0], p[1] + q[1])),
    )
    yield "treeAggregate", lambda: a.treeAggregate(0, operator.add, operator.add)
    yield "treeAggregate 3", lambda: a.treeAggregate(1, operator.add, operator.add, 3)
    yield "sum", a.sum
    yield "treeReduce", lambda: a.treeReduce(lambda x, y: x * 3 + y if size < 30 else x + y)
    yield "treeReduce 3", lambda: a.treeReduce(operator.add, 3)
    yield "reduce", lambda: a.reduce(lambda x, y: x - y)
    yield "a few", lambda: (a.take(3), a.top(2), a.takeOrdered(2), a.isEmpty())
    yield "take more", lambda: len(a.take(size + 5))
    yield "take most", lambda: a.take(max(0, size - 2))[-2:]
    yield "first", a.first
    yield "max, min", lambda: (a.max(), a.min(), a.max(key=lambda x: -x), a.min(key=str))
    yield "count", a.count
    yield "toLocalIterator", lambda: list(a.toLocalIterator())[-3:]
    yield "toLocalIterator ahead", lambda: list(a.toLocalIterator(prefetchPartitions=True))[-3:]

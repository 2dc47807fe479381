"""Where keys go and what becomes of their values, for keys of many kinds."""

from __future__ import annotations

import operator
import random
from collections.abc import Iterator
from typing import Any

from tests.golden.rdd_questions.asking import Question, glom

R = random.Random(5)
KEYS: dict[str, list[Any]] = {
    "int": [R.randint(0, 6) for _ in range(25)],
    "tuple": [(R.randint(0, 2), None if R.random() < 0.3 else R.randint(0, 2)) for _ in range(25)],
    "float": [R.choice([0.0, -0.0, 1.5, 2.0, float("inf"), 1e300]) for _ in range(25)],
    "none": [R.choice([None, 1, 2]) for _ in range(25)],
    "negative": [R.randint(-5, 5) for _ in range(25)],
    "bool": [R.choice([True, False, 1, 0]) for _ in range(25)],
    "big": [R.choice([2**70, -(2**65), 3]) for _ in range(25)],
    "string": [R.choice(["", "a", "ab", "\u00e9", "zz", "A"]) for _ in range(25)],
    "bytes": [R.choice([b"", b"a", b"ab"]) for _ in range(25)],
}
UNORDERED = ("tuple", "none")


def questions(sc: Any) -> Iterator[Question]:
    for kind, keys in KEYS.items():
        pairs = [(k, i) for i, k in enumerate(keys)]
        a, b = sc.parallelize(pairs, 3), sc.parallelize(pairs[::3], 2)
        for family in (_of_one, _of_two, _local):
            for name, ask in family(sc, a, b, keys):
                yield f"{kind} {name}", ask
        if kind not in UNORDERED:
            for name, ask in _sorted(a):
                yield f"{kind} {name}", ask


def _of_one(sc: Any, a: Any, b: Any, keys: list[Any]) -> Iterator[Question]:
    yield "groupByKey", lambda: glom(a.groupByKey())
    yield "reduceByKey", lambda: glom(a.reduceByKey(lambda x, y: x * 7 + y, 2))
    yield "distinct", lambda: glom(a.keys().distinct())
    yield "partitionBy", lambda: glom(a.partitionBy(4))
    yield "foldByKey", lambda: glom(a.foldByKey(1, operator.add, 2))
    yield (
        "aggregateByKey",
        lambda: glom(a.aggregateByKey([], lambda found, x: [*found, x], lambda x, y: [*x, "|", *y], 2)),
    )
    yield "groupBy", lambda: glom(a.groupBy(lambda pair: pair[0], 2))
    yield "keyBy", lambda: glom(a.keyBy(lambda pair: pair[1] % 2).partitionBy(2))


def _of_two(sc: Any, a: Any, b: Any, keys: list[Any]) -> Iterator[Question]:
    one = sc.parallelize([(keys[0], 1)], 1)
    yield "cogroup", lambda: glom(a.cogroup(b))
    yield "groupWith", lambda: glom(a.groupWith(b, a, b))
    yield "join", lambda: glom(a.join(b, 3))
    yield "leftOuterJoin", lambda: glom(b.leftOuterJoin(one, 2))
    yield "rightOuterJoin", lambda: glom(one.rightOuterJoin(b, 2))
    yield "fullOuterJoin", lambda: glom(a.fullOuterJoin(sc.parallelize([(keys[0], "z"), ("nope", "y")], 1), 2))
    yield "subtractByKey", lambda: glom(a.subtractByKey(one))
    yield "subtract", lambda: glom(a.keys().subtract(b.keys(), 2))
    yield "intersection", lambda: glom(a.keys().intersection(b.keys()))
    yield "union partitioned", lambda: glom(a.partitionBy(2).union(b.partitionBy(2)))


def _local(sc: Any, a: Any, b: Any, keys: list[Any]) -> Iterator[Question]:
    yield "countByValue", lambda: a.keys().countByValue()
    yield "countByKey", a.countByKey
    yield "collectAsMap", a.collectAsMap
    yield "reduceByKeyLocally", lambda: a.reduceByKeyLocally(lambda x, y: x * 3 + y)
    yield "lookup", lambda: (a.lookup(keys[0]), a.partitionBy(3).lookup(keys[0]))
    yield (
        "top",
        lambda: (
            a.map(lambda t: (t[0] == keys[0],)).takeOrdered(3),
            a.takeOrdered(5, key=lambda t: t[1] % 3),
            a.top(5, key=lambda t: t[1] % 3),
        ),
    )


def _sorted(a: Any) -> Iterator[Question]:
    for up in (True, False):
        way = "up" if up else "down"
        yield f"sortByKey {way}", lambda up=up: glom(a.sortByKey(up))
        for n in (1, 2, 5):
            yield f"sortBy {n} {way}", lambda n=n, up=up: glom(a.sortBy(lambda t: t[0], up, n))
        yield f"sorted within {way}", lambda up=up: glom(a.repartitionAndSortWithinPartitions(3, ascending=up))
        yield f"sorted by a function {way}", lambda up=up: glom(a.sortByKey(up, 2, keyfunc=lambda k: str(k)))

"""Empty RDDs, partitioners, elements of odd shapes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

from tests.golden.rdd_questions.asking import Question, glom

EMPTY: dict[str, Callable[[Any, Any], Any]] = {
    "collect": lambda sc, e: e.collect(),
    "partitions": lambda sc, e: e.getNumPartitions(),
    "groupByKey": lambda sc, e: e.groupByKey().collect(),
    "sortBy": lambda sc, e: e.sortBy(lambda x: x).collect(),
    "distinct": lambda sc, e: e.distinct().getNumPartitions(),
    "repartition": lambda sc, e: e.repartition(3).getNumPartitions(),
    "cartesian": lambda sc, e: e.cartesian(sc.parallelize([1], 1)).collect(),
    "zipWithIndex": lambda sc, e: e.zipWithIndex().collect(),
    "zipWithUniqueId": lambda sc, e: e.zipWithUniqueId().collect(),
    "fold": lambda sc, e: e.fold(3, operator.add),
    "sum": lambda sc, e: e.sum(),
    "coalesce": lambda sc, e: e.coalesce(2).getNumPartitions(),
    "treeReduce": lambda sc, e: e.treeReduce(operator.add),
    "treeAggregate": lambda sc, e: e.treeAggregate(5, operator.add, operator.add),
    "aggregate": lambda sc, e: e.aggregate(5, operator.add, operator.add),
    "histogram": lambda sc, e: e.histogram(2),
    "histogram of edges": lambda sc, e: e.histogram([1, 2]),
    "mean": lambda sc, e: e.stats().mean(),
    "max": lambda sc, e: e.max(),
    "join": lambda sc, e: e.join(e).collect(),
    "union": lambda sc, e: e.union(e).getNumPartitions(),
    "takeSample": lambda sc, e: e.takeSample(False, 3),
    "take": lambda sc, e: (e.take(3), e.isEmpty(), e.count(), e.takeOrdered(2)),
    "top": lambda sc, e: e.top(2),
    "stats": lambda sc, e: str(e.stats()),
    "sumApprox": lambda sc, e: e.sumApprox(60_000),
    "countApprox": lambda sc, e: e.countApprox(60_000),
    "toLocalIterator": lambda sc, e: list(e.toLocalIterator()),
    "foreach": lambda sc, e: e.foreach(print),
    "first": lambda sc, e: e.first(),
    "lookup": lambda sc, e: e.lookup(1),
    "glom": lambda sc, e: e.glom().collect(),
    "pipe": lambda sc, e: e.pipe("cat").collect(),
    "sc.union": lambda sc, e: sc.union([]).collect(),
    "randomSplit": lambda sc, e: [r.collect() for r in e.randomSplit([1, 1], 1)],
    "countByKey": lambda sc, e: e.countByKey(),
    "collectAsMap": lambda sc, e: e.collectAsMap(),
    "reduceByKeyLocally": lambda sc, e: e.reduceByKeyLocally(max),
    "partitionBy": lambda sc, e: glom(e.partitionBy(2)),
    "countApproxDistinct": lambda sc, e: e.countApproxDistinct(),
    "reduce": lambda sc, e: e.reduce(max),
}
PARTITIONED: dict[str, Callable[[Any, Any], Any]] = {
    "mapValues keeps": lambda sc, p: p.mapValues(str).partitioner == p.partitioner,
    "flatMapValues keeps": lambda sc, p: p.flatMapValues(lambda v: [v, v]).partitioner == p.partitioner,
    "map loses": lambda sc, p: p.map(lambda x: x).partitioner,
    "filter keeps": lambda sc, p: p.filter(bool).partitioner is not None,
    "union of the same": lambda sc, p: p.union(p).getNumPartitions(),
    "union of others": lambda sc, p: p.union(sc.parallelize([(1, 1)], 1)).getNumPartitions(),
    "sc.union of the same": lambda sc, p: glom(sc.union([p, p, p])),
    "join": lambda sc, p: p.join(p).getNumPartitions(),
    "join of others": lambda sc, p: p.join(sc.parallelize([(1, 1)], 5)).getNumPartitions(),
    "groupByKey": lambda sc, p: p.groupByKey().getNumPartitions(),
    "reduceByKey": lambda sc, p: glom(p.reduceByKey(operator.add)),
    "reduceByKey into others": lambda sc, p: glom(p.reduceByKey(operator.add, 3)),
    "joined": lambda sc, p: glom(p.join(p.mapValues(str))),
    "cogroup into others": lambda sc, p: p.cogroup(p, 5).getNumPartitions(),
    "a promise that is not kept": lambda sc, p: glom(
        p.map(lambda kv: (kv[0] + 1, kv[1]), True).reduceByKey(operator.add, 2)
    ),
    "sorted": lambda sc, p: glom(p.sortByKey()),
    "numbers of partitions": lambda sc, p: [
        p.distinct().getNumPartitions(),
        p.subtract(p).getNumPartitions(),
        p.intersection(p).getNumPartitions(),
        p.cartesian(p).getNumPartitions(),
        p.leftOuterJoin(p, 4).getNumPartitions(),
        p.sortBy(lambda x: x).getNumPartitions(),
        p.groupBy(lambda x: x).getNumPartitions(),
        p.subtractByKey(p).getNumPartitions(),
        p.groupWith(p).getNumPartitions(),
        p.zipWithIndex().getNumPartitions(),
    ],
}
OTHER: dict[str, Callable[[Any], Any]] = {
    "lists as pairs": lambda sc: glom(sc.parallelize([[1, 2], [1, 3]], 1).reduceByKey(operator.add)),
    "texts as pairs": lambda sc: glom(sc.parallelize(["ab", "ac"], 1).groupByKey()),
    "lists as pairs, partitioned": lambda sc: glom(sc.parallelize([[1, 2], [1, 3]], 1).partitionBy(2)),
    "partitions without elements": lambda sc: glom(sc.parallelize([], 3)),
    "a hash of one's own": lambda sc: glom(sc.parallelize([(i, i) for i in range(8)], 2).partitionBy(3, lambda k: -k)),
    "combineByKey in place": lambda sc: glom(
        sc.parallelize([(1, 1), (1, 2), (2, 3)] * 3, 3).combineByKey(
            lambda v: [v], lambda found, v: (found.append(v), found)[1], lambda x, y: (x.extend(y), x)[1]
        )
    ),
    "a zero that is changed": lambda sc: glom(
        sc.parallelize([(i % 2, i) for i in range(6)], 3).aggregateByKey(
            [], lambda found, v: (found.append(v), found)[1], lambda x, y: (x.extend(y), x)[1], 2
        )
    ),
    "a zero of fold that is changed": lambda sc: sc.parallelize([[1], [2], [3]], 2).fold(
        [], lambda x, y: (x.extend(y), x)[1]
    ),
    "a zero of treeAggregate that is changed": lambda sc: sc.parallelize([1, 2, 3, 4], 4).treeAggregate(
        [], lambda found, v: (found.append(v), found)[1], lambda x, y: (x.extend(y), x)[1]
    ),
    "pipe": lambda sc: sc.parallelize(["a", "b\n", "", 3, None], 2).pipe("cat").collect(),
    "pipe with variables": lambda sc: sc.parallelize([1], 1).pipe("printenv WORD", {"WORD": "given"}).collect(),
    "pipe of quoted words": lambda sc: sc.parallelize(["x  y"], 1).pipe("sed 's/  /_ _/'").collect(),
    "pipe unread": lambda sc: sc.parallelize(range(100_000), 1).pipe("head -n 2").collect(),
    "groupBy and its lengths": lambda sc: [
        (k, len(v)) for k, v in sc.parallelize(range(10), 2).groupBy(lambda x: x % 3).collect()
    ],
    "a group is read twice": lambda sc: [
        (list(v), sorted(v)) for _, v in sc.parallelize([(1, 2), (1, 1)], 1).groupByKey().collect()
    ],
    "elements are copies": lambda sc: sc.parallelize([[1]] * 2, 1).map(lambda x: (x.append(2), len(x))[1]).collect(),
    "elements of partitions are changed": lambda sc: _changed_twice(sc),
    "mapPartitionsWithIndex": lambda sc: glom(
        sc.parallelize(range(5), 3).mapPartitionsWithIndex(lambda i, it: [(i, list(it))])
    ),
    "runJob": lambda sc: sc.runJob(sc.parallelize(range(6), 3), lambda it: [x * x for x in it], [0, 2]),
    "runJob on all": lambda sc: sc.runJob(sc.parallelize(range(6), 3), lambda it: [x * x for x in it]),
}


def _changed_twice(sc: Any) -> Any:
    lists = sc.parallelize([[1], [2]], 2).cache()
    grown = lists.map(lambda x: (x.append(9), len(x))[1])
    return grown.collect(), grown.collect(), lists.collect()


def questions(sc: Any) -> Iterator[Question]:
    empty = sc.emptyRDD()
    for name, of_empty in EMPTY.items():
        yield f"nothing: {name}", lambda ask=of_empty: ask(sc, empty)
    partitioned = sc.parallelize([(i % 3, i) for i in range(9)], 3).partitionBy(2)
    for name, of_partitioned in PARTITIONED.items():
        yield f"partitioned: {name}", lambda ask=of_partitioned: ask(sc, partitioned)
    for name, of_context in OTHER.items():
        yield name, lambda ask=of_context: ask(sc)

"""What is refused, and by which kind of error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from tests.golden.rdd_questions.asking import Question, glom

ARGUMENTS: dict[str, Callable[[Any, Any], Any]] = {
    "coalesce(0)": lambda sc, a: a.coalesce(0),
    "coalesce(-1)": lambda sc, a: a.coalesce(-1),
    "repartition(0)": lambda sc, a: a.repartition(0).collect(),
    "parallelize into 0": lambda sc, a: sc.parallelize([1], 0).collect(),
    "parallelize into -1": lambda sc, a: sc.parallelize([1], -1).collect(),
    "range into 0": lambda sc, a: sc.range(3, numSlices=0).collect(),
    "range with step 0": lambda sc, a: sc.range(0, 3, 0).collect(),
    "parallelize a number": lambda sc, a: sc.parallelize(3).collect(),
    "parallelize None": lambda sc, a: sc.parallelize(None).collect(),
    "parallelize what can't be pickled": lambda sc, a: sc.parallelize([threading.Lock()]).collect(),
    "take(-1)": lambda sc, a: a.take(-1),
    "take(0)": lambda sc, a: a.take(0),
    "top(-1)": lambda sc, a: a.top(-1),
    "takeOrdered(-1)": lambda sc, a: a.takeOrdered(-1),
    "top(0)": lambda sc, a: a.top(0),
    "takeOrdered(0)": lambda sc, a: a.takeOrdered(0),
    "zip of other numbers of elements": lambda sc, a: a.zip(sc.parallelize([1, 2], 2)).collect(),
    "zip of other numbers of partitions": lambda sc, a: a.zip(sc.parallelize([1, 2, 3], 3)).collect(),
    "rdd + 1": lambda sc, a: a + 1,
    "union with a list": lambda sc, a: a.union([1]).collect(),
    "treeReduce of depth 0": lambda sc, a: a.treeReduce(max, 0),
    "treeAggregate of depth 0": lambda sc, a: a.treeAggregate(0, max, max, 0),
    "sample of a negative fraction": lambda sc, a: a.sample(False, -0.1).collect(),
    "sample of more than all": lambda sc, a: sorted(a.sample(False, 1.5, 1).collect()),
    "takeSample of -1": lambda sc, a: a.takeSample(False, -1),
    "randomSplit by nothing": lambda sc, a: a.randomSplit([]),
    "randomSplit by a negative weight": lambda sc, a: [r.count() for r in a.randomSplit([1, -1], 3)],
    "sampleByKey of a negative fraction": lambda sc, a: a.map(lambda x: (x, 1)).sampleByKey(False, {1: -1.0}).count(),
    "a job group for a job that fails": lambda sc, a: a.map(lambda x: 1 / 0).collectWithJobGroup("g", "d"),
    "max of nothing": lambda sc, a: a.filter(lambda x: False).max(),
    "first of nothing": lambda sc, a: a.filter(lambda x: False).first(),
    "reduce of nothing": lambda sc, a: a.filter(lambda x: False).reduce(max),
    "checkpoint without a directory": lambda sc, a: a.checkpoint(),
    "an RDD in a task": lambda sc, a: a.map(lambda x: a.count()).collect(),
    "a context in a task": lambda sc, a: a.map(lambda x: sc.defaultParallelism).collect(),
    "another level": lambda sc, a: _two_levels(sc),
    "pipe to what fails": lambda sc, a: a.pipe("false").collect(),
    "pipe to what fails, checked": lambda sc, a: a.pipe("false", checkCode=True).collect(),
    "pipe to nothing": lambda sc, a: a.pipe("no-such-command-here").collect(),
    "a text file that is not there": lambda sc, a: sc.textFile("/no/such/file").count(),
    "partitionBy text": lambda sc, a: glom(_pairs(sc).partitionBy(3, lambda k: "x")),  # type: ignore[arg-type, return-value]
    "partitionBy fractions": lambda sc, a: glom(_pairs(sc).partitionBy(3, lambda k: 1.5)),  # type: ignore[arg-type, return-value]
    "partitionBy 0": lambda sc, a: glom(_pairs(sc).partitionBy(0)),
    "partitionBy -1": lambda sc, a: glom(_pairs(sc).partitionBy(-1)),
    "sc.union of a number": lambda sc, a: sc.union([a, 3]),
    "an accumulator of text": lambda sc, a: sc.accumulator("x"),
    "an accumulator read in a task": lambda sc, a: _read_in_task(sc, a),
    "addFile that is not there": lambda sc, a: sc.addFile("/no/such/file"),
    "a log level of one's own": lambda sc, a: sc.setLogLevel("LOUD"),
    "a tag with a comma": lambda sc, a: sc.addJobTag("a,b"),
    "an empty tag": lambda sc, a: sc.addJobTag(""),
}
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "a function that divides by zero": lambda a: a.map(lambda x: x / 0).collect(),
    "a function that raises KeyError": lambda a: a.map(lambda x: {}[x]).collect(),
    "a function that exits": lambda a: a.map(lambda x: exit(3)).collect(),
    "a function that stops iteration": lambda a: a.map(lambda x: next(iter([]))).collect(),
    "filter that stops iteration": lambda a: a.filter(lambda x: next(iter([]))).collect(),
    "reduce that stops iteration": lambda a: a.reduce(lambda x, y: next(iter([]))),
    "mapPartitions that gives None": lambda a: a.mapPartitions(lambda it: None).collect(),
    "mapPartitions that gives a string": lambda a: a.mapPartitions(lambda it: "xy").collect(),
    "mapPartitions that gives a number": lambda a: a.mapPartitions(lambda it: 3).collect(),
    "flatMap that gives None": lambda a: a.flatMap(lambda x: None).collect(),
    "flatMap that gives a number": lambda a: a.flatMap(lambda x: 3).collect(),
    "foreach that raises": lambda a: a.foreach(lambda x: 1 / 0),
    "foreachPartition that raises": lambda a: a.foreachPartition(lambda it: [1 / 0 for _ in it]),
    "sortBy of mixed types": lambda a: a.map(lambda x: "x" if x == 1 else x).sortBy(lambda x: x).collect(),
    "sortBy None": lambda a: a.map(lambda x: None if x == 1 else x).sortBy(lambda x: x).collect(),
    "max of mixed types": lambda a: a.map(lambda x: "x" if x == 1 else x).max(),
    "top of mixed types": lambda a: a.map(lambda x: "x" if x == 1 else x).top(2),
    "sum of texts": lambda a: a.map(str).sum(),
    "groupByKey of numbers": lambda a: a.groupByKey().collect(),
    "mapValues of numbers": lambda a: a.mapValues(str).collect(),
    "keys of numbers": lambda a: a.keys().collect(),
    "values of single ones": lambda a: a.map(lambda x: (x,)).values().collect(),
    "join of numbers": lambda a: a.join(a).collect(),
    "reduceByKey of triples": lambda a: a.map(lambda x: (x, x, x)).reduceByKey(max).collect(),
    "groupByKey of triples": lambda a: a.map(lambda x: (x, x, x)).groupByKey().collect(),
    "partitionBy of triples": lambda a: glom(a.map(lambda x: (x, x, x)).partitionBy(2)),
    "sortByKey of triples": lambda a: glom(a.map(lambda x: (x, x, x)).sortByKey()),
    "mapValues of triples": lambda a: a.map(lambda x: (x, x, x)).mapValues(str).collect(),
    "collectAsMap of numbers": lambda a: a.collectAsMap(),
    "countByKey of numbers": lambda a: a.countByKey(),
    "histogram of texts": lambda a: a.map(str).histogram(2),
    "a map that is no function": lambda a: a.map(3).collect(),
}
UNHASHABLE: dict[str, list[Any]] = {"lists": [[1], [2]], "dicts": [{1: 2}], "sets": [{1}, {2}]}
OF_UNHASHABLE: dict[str, Callable[[Any], Any]] = {
    "distinct": lambda a: a.distinct().collect(),
    "countByValue": lambda a: a.countByValue(),
    "groupByKey": lambda a: a.map(lambda x: (x, 1)).groupByKey().collect(),
    "partitionBy": lambda a: a.map(lambda x: (x, 1)).partitionBy(2).collect(),
    "partitionBy 1": lambda a: glom(a.map(lambda x: (x, 1)).partitionBy(1)),
    "subtract": lambda a: a.subtract(a).collect(),
    "join": lambda a: a.map(lambda x: (x, 1)).join(a.map(lambda x: (x, 1))).collect(),
    "collectAsMap": lambda a: a.map(lambda x: (x, 1)).collectAsMap(),
}


def questions(sc: Any) -> Iterator[Question]:
    a = sc.parallelize([3, 1, 2], 2)
    for name, of_both in ARGUMENTS.items():
        yield name, lambda ask=of_both: ask(sc, a)
    for name, of_one in FUNCTIONS.items():
        yield name, lambda ask=of_one: ask(a)
    for kind, values in UNHASHABLE.items():
        for name, of_one in OF_UNHASHABLE.items():
            yield f"{name} of {kind}", lambda ask=of_one, values=values: ask(sc.parallelize(values, 2))


def _pairs(sc: Any) -> Any:
    return sc.parallelize([(i, i) for i in range(3)], 2)


def _two_levels(sc: Any) -> Any:
    from pyspark import StorageLevel

    return sc.parallelize([1]).cache().persist(StorageLevel.DISK_ONLY)


def _read_in_task(sc: Any, a: Any) -> Any:
    total = sc.accumulator(0)
    return a.map(lambda x: total.value).collect()

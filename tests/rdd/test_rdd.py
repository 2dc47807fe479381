"""Every transformation and action of an RDD, by example.  The behaviours that Apache's own tests of RDDs check."""

# ruff: noqa: E501

from __future__ import annotations

import math
import operator
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.rdd.partitioning import portable_hash

NAN = float("nan")


def pairs(sc: Any) -> Any:
    return sc.parallelize([("a", 1), ("b", 2), ("a", 3)], 2)


def lists(found: Any) -> Any:
    return sorted(
        (key, tuple(map(sorted, values)) if isinstance(values, tuple) else sorted(values)) for key, values in found
    )


def appended(values: list[Any], value: Any) -> list[Any]:
    values.append(value)
    return values


def extended(values: list[Any], more: list[Any]) -> list[Any]:
    values.extend(more)
    return values


def counted(counts: Any, x: Any) -> Any:
    counts[x] += 1
    return counts


def added(counts: Any, more: Any) -> Any:
    for key, number in more.items():
        counts[key] += number
    return counts


CASES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    # making
    "parallelize": (lambda sc: sc.parallelize([1, 2, 3, 4, 5], 2).glom().collect(), [[1, 2], [3, 4, 5]]),
    "parallelize an iterator": (lambda sc: sc.parallelize(iter("abc"), 2).collect(), ["a", "b", "c"]),
    "parallelize fewer than partitions": (lambda sc: sc.parallelize([1], 3).glom().collect(), [[], [], [1]]),
    "range": (lambda sc: [sc.range(1, 1).count(), sc.range(1, 0, -1).count(), sc.range(0, 1 << 40, 1 << 39).count()], [0, 1, 2]),
    "emptyRDD": (lambda sc: (sc.emptyRDD().isEmpty(), sc.emptyRDD().sum(), sc.emptyRDD().getNumPartitions()), (True, 0, 0)),
    "SparkContext.union": (lambda sc: sc.union([sc.parallelize([1]), sc.parallelize([2]), sc.parallelize([3])]).collect(), [1, 2, 3]),
    # one element at a time
    "map": (lambda sc: sc.range(3).map(str).collect(), ["0", "1", "2"]),
    "flatMap": (lambda sc: sc.parallelize([2, 3]).flatMap(range).collect(), [0, 1, 0, 1, 2]),
    "filter": (lambda sc: sc.range(5).filter(lambda x: x % 2).collect(), [1, 3]),
    "mapPartitions": (lambda sc: sc.parallelize(range(4), 2).mapPartitions(lambda it: [sum(it)]).collect(), [1, 5]),
    "mapPartitionsWithIndex": (lambda sc: sc.parallelize("abc", 3).mapPartitionsWithIndex(lambda i, it: [(i, *it)]).collect(), [(0, "a"), (1, "b"), (2, "c")]),
    "keyBy": (lambda sc: sc.parallelize([2, 3]).keyBy(lambda x: x * x).collect(), [(4, 2), (9, 3)]),
    "itemgetter": (lambda sc: sc.parallelize([range(10)]).map(operator.itemgetter(2, 3)).collect(), [(2, 3)]),
    "distinct": (lambda sc: sorted(sc.parallelize([1, 1, 2, 3, 2]).distinct().collect()), [1, 2, 3]),
    "pipe": (lambda sc: sc.parallelize(["1", "2", "", "3"], 1).pipe("cat").collect(), ["1", "2", "", "3"]),
    "pipe to what reads only a part": (lambda sc: sc.parallelize(range(100000), 1).pipe("head -n 2").collect(), ["0", "1"]),
    # two RDDs
    "union": (lambda sc: (sc.parallelize([1, 2]) + sc.parallelize([2, "a"])).collect(), [1, 2, 2, "a"]),
    "intersection": (lambda sc: sorted(sc.parallelize([1, 10, 2, 2]).intersection(sc.parallelize([1, 2, 2, 5])).collect()), [1, 2]),
    "subtract": (lambda sc: sorted(sc.parallelize([1, 2, 3, 3]).subtract(sc.parallelize([2])).collect()), [1, 3, 3]),
    "subtractByKey": (lambda sc: sorted(pairs(sc).subtractByKey(sc.parallelize([("b", 0)])).collect()), [("a", 1), ("a", 3)]),
    "cartesian": (lambda sc: sc.parallelize([1, 2], 2).cartesian(sc.parallelize("ab", 2)).collect(), [(1, "a"), (1, "b"), (2, "a"), (2, "b")]),
    "cartesian of cartesian": (lambda sc: len(set((r := sc.parallelize(range(5), 2)).cartesian(r.cartesian(r)).collect())), 125),
    "cartesian of zip": (lambda sc: set((r := sc.parallelize(range(3), 2)).cartesian(r.zip(r)).collect()), {(x, (y, y)) for x in range(3) for y in range(3)}),
    "zip": (lambda sc: sc.parallelize("abc", 2).zip(sc.parallelize("abc", 2).map(str.upper)).collect(), [("a", "A"), ("b", "B"), ("c", "C")]),
    "zip of zip": (lambda sc: (r := sc.parallelize("ab", 2)).zip(r.zip(r)).collect(), [("a", ("a", "a")), ("b", ("b", "b"))]),
    "zipWithIndex": (lambda sc: sc.parallelize("abcd", 3).zipWithIndex().collect(), [("a", 0), ("b", 1), ("c", 2), ("d", 3)]),
    "zipWithUniqueId": (lambda sc: sc.parallelize("abcde", 3).zipWithUniqueId().collect(), [("a", 0), ("b", 1), ("c", 4), ("d", 2), ("e", 5)]),
    # partitions
    "coalesce": (lambda sc: sc.parallelize(range(5), 3).coalesce(1).glom().collect(), [[0, 1, 2, 3, 4]]),
    "coalesce to more": (lambda sc: sc.parallelize(range(5), 3).coalesce(10).getNumPartitions(), 3),
    "repartition spreads evenly": (lambda sc: [len(p) for p in sc.parallelize(range(16), 2).repartition(4).glom().collect()], [4, 4, 4, 4]),
    "partitionBy": (lambda sc: [sorted(p) for p in sc.parallelize([(i, i) for i in range(5)]).partitionBy(2).glom().collect()], [[(0, 0), (2, 2), (4, 4)], [(1, 1), (3, 3)]]),
    "repartitionAndSortWithinPartitions": (lambda sc: sc.parallelize([(0, 5), (3, 8), (2, 6), (0, 8), (3, 8), (1, 3)]).repartitionAndSortWithinPartitions(2, lambda x: x % 2).glom().collect(), [[(0, 5), (0, 8), (2, 6)], [(1, 3), (3, 8), (3, 8)]]),
    "sortBy": (lambda sc: sc.parallelize([5, 1, 4, 2, 3], 2).sortBy(lambda x: -x).collect(), [5, 4, 3, 2, 1]),
    "sortByKey over partitions": (lambda sc: sc.parallelize([(x, None) for x in (3, 1, 2, 9, 7)], 3).sortByKey(False, 3).keys().collect(), [9, 7, 3, 2, 1]),
    "sortByKey of nothing": (lambda sc: sc.emptyRDD().sortByKey().collect(), []),
    # keys
    "keys, values": (lambda sc: (pairs(sc).keys().collect(), pairs(sc).values().collect()), (["a", "b", "a"], [1, 2, 3])),
    "mapValues": (lambda sc: pairs(sc).mapValues(lambda v: v + 1).collect(), [("a", 2), ("b", 3), ("a", 4)]),
    "flatMapValues": (lambda sc: pairs(sc).flatMapValues(range).collect(), [("a", 0), ("b", 0), ("b", 1), ("a", 0), ("a", 1), ("a", 2)]),
    "reduceByKey": (lambda sc: sorted(pairs(sc).reduceByKey(operator.add).collect()), [("a", 4), ("b", 2)]),
    "reduceByKeyLocally": (lambda sc: pairs(sc).reduceByKeyLocally(operator.add), {"a": 4, "b": 2}),
    "groupByKey": (lambda sc: lists(pairs(sc).groupByKey().mapValues(list).collect()), [("a", [1, 3]), ("b", [2])]),
    "groupBy": (lambda sc: lists(sc.range(5).groupBy(lambda x: x % 2).mapValues(list).collect()), [(0, [0, 2, 4]), (1, [1, 3])]),
    "aggregateByKey, a fresh zero for each key": (lambda sc: lists(pairs(sc).aggregateByKey([], appended, extended).collect()), [("a", [1, 3]), ("b", [2])]),
    "foldByKey, a fresh zero for each key": (lambda sc: lists(pairs(sc).mapValues(lambda v: [v]).foldByKey([], extended).collect()), [("a", [1, 3]), ("b", [2])]),
    "combineByKey": (lambda sc: sorted(pairs(sc).combineByKey(str, lambda a, b: a + str(b), operator.add).collect()), [("a", "13"), ("b", "2")]),
    "join": (lambda sc: sorted(pairs(sc).join(sc.parallelize([("a", "x")])).collect()), [("a", (1, "x")), ("a", (3, "x"))]),
    "leftOuterJoin": (lambda sc: sorted(pairs(sc).leftOuterJoin(sc.parallelize([("b", "x")])).collect()), [("a", (1, None)), ("a", (3, None)), ("b", (2, "x"))]),
    "rightOuterJoin": (lambda sc: sorted(sc.parallelize([("b", "x")]).rightOuterJoin(pairs(sc)).collect()), [("a", (None, 1)), ("a", (None, 3)), ("b", ("x", 2))]),
    "fullOuterJoin": (lambda sc: sorted(sc.parallelize([("a", 1)]).fullOuterJoin(sc.parallelize([("b", 2)])).collect()), [("a", (1, None)), ("b", (None, 2))]),
    "cogroup": (lambda sc: lists(pairs(sc).cogroup(sc.parallelize([("a", 9)])).mapValues(lambda vs: tuple(map(list, vs))).collect()), [("a", ([1, 3], [9])), ("b", ([2], []))]),
    "groupWith": (lambda sc: lists(pairs(sc).groupWith(sc.parallelize([("a", 9)]), sc.parallelize([("b", 8)])).mapValues(lambda vs: tuple(map(list, vs))).collect()), [("a", ([1, 3], [9], [])), ("b", ([2], [], [8]))]),
    "lookup": (lambda sc: (pairs(sc).lookup("a"), pairs(sc).partitionBy(3).lookup("a"), pairs(sc).lookup("z")), ([1, 3], [1, 3], [])),
    "countByKey": (lambda sc: dict(pairs(sc).countByKey()), {"a": 2, "b": 1}),
    "collectAsMap": (lambda sc: pairs(sc).collectAsMap(), {"a": 3, "b": 2}),
    "None as a key": (lambda sc: sorted(sc.parallelize([(None, 1), (None, 2)], 2).reduceByKey(operator.add, 3).collect()), [(None, 3)]),
    # answers
    "count": (lambda sc: sc.range(7).count(), 7),
    "countByValue": (lambda sc: dict(sc.parallelize([1, 2, 1]).countByValue()), {1: 2, 2: 1}),
    "reduce": (lambda sc: sc.parallelize([1, 2, 3, 4], 9).reduce(operator.add), 10),
    "treeReduce": (lambda sc: [sc.parallelize([-5, -4, 2, 1], 10).treeReduce(operator.add, depth) for depth in (1, 2, 5)], [-6, -6, -6]),
    "fold": (lambda sc: sc.parallelize([1, 2, 3], 2).fold(0, operator.add), 6),
    "aggregate": (lambda sc: sc.range(10, numSlices=3).aggregate(defaultdict(int), counted, added), dict.fromkeys(range(10), 1)),
    "treeAggregate": (lambda sc: sc.range(10, numSlices=7).treeAggregate(defaultdict(int), counted, added, 2), dict.fromkeys(range(10), 1)),
    "first": (lambda sc: sc.parallelize([2, 3]).first(), 2),
    "take": (lambda sc: [sc.parallelize(range(10), 4).take(n) for n in (0, 3, 99)], [[], [0, 1, 2], list(range(10))]),
    "takeOrdered": (lambda sc: sc.parallelize([10, 1, 2, 9, 3], 2).takeOrdered(3, key=lambda x: -x), [10, 9, 3]),
    "top": (lambda sc: (sc.parallelize([10, 4, 2, 12, 3]).top(2), sc.parallelize([10, 4, 2, 12, 3]).top(3, key=str)), ([12, 10], [4, 3, 2])),
    "max, min, sum, mean": (lambda sc: (r := sc.parallelize([1.0, 5.0, 3.0])) and (r.max(), r.min(), r.sum(), r.mean()), (5.0, 1.0, 9.0, 3.0)),
    "max by a key": (lambda sc: sc.parallelize([1.0, 5.0, 10.0]).max(key=str), 5.0),
    "variance, stdev": (lambda sc: (r := sc.parallelize([1, 2, 3])) and (round(r.variance(), 3), round(r.sampleVariance(), 3), round(r.stdev(), 3), round(r.sampleStdev(), 3)), (0.667, 1.0, 0.816, 1.0)),
    "toLocalIterator": (lambda sc: [list(sc.parallelize(range(5), 3).toLocalIterator(p)) for p in (False, True)], [[0, 1, 2, 3, 4]] * 2),
    "isEmpty": (lambda sc: (sc.parallelize([], 3).isEmpty(), sc.parallelize([None]).isEmpty()), (True, False)),
    "runJob": (lambda sc: sc.runJob(sc.parallelize(range(6), 3), lambda it: [x * x for x in it], [0, 2]), [0, 1, 16, 25]),
    "countApprox, sumApprox, meanApprox": (lambda sc: (r := sc.parallelize(range(1000), 10)) and (r.countApprox(200_000), float(r.sumApprox(200_000)), float(r.meanApprox(200_000))), (1000, 499500.0, 499.5)),
    # histograms
    "histogram with even edges": (lambda sc: sc.range(51).histogram(2), ([0, 25, 50], [25, 26])),
    "histogram with edges": (lambda sc: sc.range(51).histogram([0, 5, 25, 50]), ([0, 5, 25, 50], [5, 20, 26])),
    "histogram of strings": (lambda sc: sc.parallelize(["ab", "ac", "b", "bd", "ef"]).histogram(("a", "b", "c")), (("a", "b", "c"), [2, 2])),
    "histogram out of range": (lambda sc: sc.parallelize([-0.01, 0.0, 1, 2, 3, 5, 6, 11.0, 11.01]).histogram([0, 5, 11])[1], [4, 3]),
    "histogram without None and NaN": (lambda sc: sc.parallelize([0.0, 1, None, NAN]).histogram([0, 1])[1], [2]),
    "histogram to infinity": (lambda sc: sc.parallelize([10.01, -0.01, NAN, math.inf]).histogram([-math.inf, 0, math.inf])[1], [1, 2]),
    "histogram of one value": (lambda sc: sc.parallelize([1, 1]).histogram(3), ([1, 1], [2])),
    # samples
    "sample is repeated by its seed": (lambda sc: (r := sc.range(100)) and r.sample(False, 0.3, 7).collect() == r.sample(False, 0.3, 7).collect(), True),
    "sampleByKey": (lambda sc: set(sc.parallelize([(k, i) for k in "ab" for i in range(50)]).sampleByKey(False, {"a": 1.0, "b": 0.0}, 1).keys().collect()), {"a"}),
    "randomSplit is disjoint and whole": (lambda sc: sorted(x for part in sc.range(200).randomSplit([2, 3], 17) for x in part.collect()), list(range(200))),
    "takeSample": (lambda sc: (r := sc.range(10)) and (len(r.takeSample(True, 20, 1)), len(set(r.takeSample(False, 5, 2))), len(r.takeSample(False, 15, 3))), (20, 5, 10)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_by_example(sc: Any, case: str) -> None:
    run, expected = CASES[case]
    assert run(sc) == expected


ERRORS: dict[str, tuple[Callable[[Any], Any], type[Exception], str]] = {
    "first of nothing": (lambda sc: sc.parallelize([]).first(), ValueError, "RDD is empty"),
    "reduce of nothing": (lambda sc: sc.parallelize([]).reduce(operator.add), ValueError, "empty RDD"),
    "no buckets": (lambda sc: sc.range(3).histogram([]), ValueError, "more than one"),
    "buckets that are no list": (lambda sc: sc.range(3).histogram({}), TypeError, "list or tuple"),
    "no bucket": (lambda sc: sc.range(3).histogram(0), ValueError, ">= 1"),
    "buckets out of order": (lambda sc: sc.range(3).histogram([2, 1]), ValueError, "sorted"),
    "zip of other partitions": (lambda sc: sc.parallelize([1], 1).zip(sc.parallelize([1], 2)), ValueError, "number of partitions"),
    "zip of other sizes": (lambda sc: sc.parallelize([1], 1).zip(sc.parallelize([1, 2], 1)).collect(), Exception, "same number of elements"),
    "pipe to what fails": (lambda sc: sc.parallelize([1]).pipe("false", checkCode=True).collect(), Exception, "exited with error code 1"),
    "a negative fraction": (lambda sc: sc.range(3).sample(False, -0.1), ValueError, "Negative fraction"),
    "coalesce to none": (lambda sc: sc.range(3).coalesce(0), ValueError, "must be positive"),
    "a tree without depth": (lambda sc: sc.range(3).treeReduce(operator.add, 0), ValueError, "Depth"),
    "no deviation": (lambda sc: sc.range(3).countApproxDistinct(0.00000001), ValueError, "relativeSD"),
    "an RDD in an RDD": (lambda sc: (r := sc.range(2)) and sc.parallelize([1, 2], 2).map(lambda x: r.collect()).collect(), Exception, "CONTEXT_ONLY_VALID_ON_DRIVER"),
    "a broadcast of an RDD": (lambda sc: sc.broadcast(sc.range(2)), Exception, "Could not serialize broadcast"),
    "a destroyed broadcast": (lambda sc: (b := sc.broadcast(1)).destroy() or sc.parallelize([1]).map(lambda _: b.value).collect(), Exception, "INVALID_BROADCAST_OPERATION"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_errors(sc: Any, case: str) -> None:
    run, kind, text = ERRORS[case]
    with pytest.raises(kind, match=text):
        run(sc)


@pytest.mark.parametrize("size", [100, 20_000])
def test_the_distinct_count_is_near(sc: Any, size: int) -> None:
    found = sc.range(2 * size).map(lambda x: x % size).countApproxDistinct(0.02)
    assert abs(found - size) < 0.06 * size


def test_hashes_of_keys() -> None:
    assert portable_hash(None) == 0
    assert portable_hash((None, 1)) & 0xFFFFFFFF == 219750521
    assert portable_hash("a") == portable_hash(str(b"a", "ascii"))


@pytest.mark.parametrize("codec", ["", "Gzip", "BZip2", "Default"])
def test_text_files(sc: Any, tmp_path: Path, codec: str) -> None:
    lines = ["\u00a1Hola, mundo!", "", "x y"]
    path = str(tmp_path / "out")
    sc.parallelize(lines, 2).saveAsTextFile(path, f"org.apache.hadoop.io.compress.{codec}Codec" if codec else None)
    assert (tmp_path / "out" / "_SUCCESS").exists()
    assert sc.textFile(path).collect() == lines
    assert sc.textFile(path, use_unicode=False).first() == lines[0].encode()
    with pytest.raises(Exception, match="already exists"):
        sc.parallelize(lines).saveAsTextFile(path)


def test_each_line_is_in_one_split(sc: Any, tmp_path: Path) -> None:
    lines = [str(i) * (i % 50) for i in range(2000)]
    (tmp_path / "f").write_text("\n".join(lines))
    for splits in (1, 3, 17):
        assert sc.textFile(str(tmp_path / "f"), splits).collect() == lines


def test_other_files(sc: Any, tmp_path: Path) -> None:
    (tmp_path / "1.bin").write_bytes(b"aabb")
    assert [(p[-5:], d) for p, d in sc.binaryFiles(str(tmp_path)).collect()] == [("1.bin", b"aabb")]
    assert [d for _, d in sc.wholeTextFiles(str(tmp_path)).collect()] == ["aabb"]
    assert sc.binaryRecords(str(tmp_path), 2).collect() == [b"aa", b"bb"]
    sc.parallelize([1, "b", (None, 2.5)], 2).saveAsPickleFile(str(tmp_path / "p"), 1)
    assert sc.pickleFile(str(tmp_path / "p")).collect() == [1, "b", (None, 2.5)]


def test_numbers_and_names(sc: Any) -> None:
    rdd = sc.parallelize(range(10))
    number = rdd.id()
    assert rdd.map(str).filter(bool).id() == number + 1
    assert rdd.setName("numbers").name() == "numbers"
    assert rdd.map(str).reduceByKey(max).toDebugString().splitlines()[0].startswith(b"(4) ShuffledRDD[")


def test_a_job_has_the_stages_that_it_could_skip(sc: Any) -> None:
    parted = sc.parallelize([(i, i) for i in range(10)], 2).partitionBy(2)
    parted.count()
    parted.join(parted).count()
    job = max(sc._scheduler.jobs)
    assert len(sc.statusTracker().getJobInfo(job).stageIds) == 2

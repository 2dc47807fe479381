"""Lineages as a long-running program makes them, that adds to its last result with every batch."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from penstock.rdd import deep
from tests.rdd.conftest import Context

DEEP = 400


def _joins(sc: Any, partitions: int) -> Any:
    rdd = sc.parallelize([(1, 0)], 1)
    other = sc.parallelize([(1, 1)], 1).partitionBy(2)
    for _ in range(DEEP):
        rdd = rdd.join(other, partitions).mapValues(sum)
    return rdd.collect()


def _caches(sc: Any) -> Any:
    rdd = sc.parallelize([1], 2)
    for _ in range(DEEP):
        rdd = rdd.map(lambda x: x + 1).cache()
    return rdd.collect()


def _caches_afterwards(sc: Any) -> Any:
    steps = [sc.parallelize([1], 2)]
    for _ in range(DEEP):
        steps.append(steps[-1].map(lambda x: x + 1))
    for step in steps:
        step.cache()
    return steps[-1].collect()


def _unions(sc: Any) -> Any:
    rdd = sc.parallelize([0], 1)
    for i in range(1, DEEP):
        rdd = rdd.union(sc.parallelize([i], 1))
    return rdd.collect() == list(range(DEEP))


def _kept_unions(sc: Any) -> Any:
    rdd = sc.parallelize([0], 1)
    for i in range(1, DEEP // 4):
        rdd = rdd.union(sc.parallelize([i], 1)).cache()
    return rdd.sum()


def _aligned_unions(sc: Any) -> Any:
    rdd = other = sc.parallelize([(1, 1)], 1).partitionBy(2)
    for _ in range(DEEP):
        rdd = rdd.union(other)
    return rdd.count()


def _steps(sc: Any) -> Any:
    rdd = sc.parallelize([1, 2], 1)
    for _ in range(4 * DEEP):
        rdd = rdd.map(lambda x: x + 1)
    return rdd.collect()


def _reductions(sc: Any) -> Any:
    rdd = sc.parallelize([(1, 0)], 1)
    for _ in range(DEEP):
        rdd = rdd.mapValues(lambda x: x + 1).reduceByKey(lambda a, b: a + b, 2)
    return rdd.collect()


def _zips(sc: Any) -> Any:
    rdd = ones = sc.parallelize([1, 1], 2)
    for _ in range(DEEP):
        rdd = rdd.zip(ones).map(sum)
    return rdd.collect()


def _coalesced(sc: Any) -> Any:
    rdd = sc.parallelize([1], 1)
    for _ in range(DEEP):
        rdd = rdd.union(sc.parallelize([], 1)).coalesce(1)
    return rdd.collect()


def _cartesian(sc: Any) -> Any:
    rdd = one = sc.parallelize([1], 1)
    for _ in range(DEEP):
        rdd = rdd.cartesian(one).map(sum)
    return rdd.collect()


CASES: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "joins that move": (lambda sc: _joins(sc, 1), [(1, DEEP)]),
    "joins that move nothing": (lambda sc: _joins(sc, 2), [(1, DEEP)]),
    "caches": (_caches, [DEEP + 1]),
    "caches afterwards": (_caches_afterwards, [DEEP + 1]),
    "unions": (_unions, True),
    "unions that are kept": (_kept_unions, sum(range(DEEP // 4))),
    "unions that stay partitioned": (_aligned_unions, DEEP + 1),
    "steps": (_steps, [4 * DEEP + 1, 4 * DEEP + 2]),
    "reductions": (_reductions, [(1, DEEP)]),
    "zips": (_zips, [DEEP + 1, DEEP + 1]),
    "unions put together": (_coalesced, [1]),
    "cartesian products": (_cartesian, [DEEP + 1]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_deep_lineage(sc: Any, case: str) -> None:
    program, expected = CASES[case]
    assert program(sc) == expected


def test_deep_lineages_in_processes() -> None:
    sc = Context("local[1]", **{"spark.penstock.rdd.executor": "processes"})
    for case in ("joins that move nothing", "caches", "steps"):
        program, expected = CASES[case]
        assert program(sc) == expected
    sc._end_jobs("because the test has ended")


def test_what_is_computed_first_is_kept_for_the_task_alone_and_by_value(sc: Any) -> None:
    """Two readers of a deep lineage in one task: what one does to its lists the other does not see."""
    calls: list[int] = []

    def counted(x: list[int]) -> list[int]:
        calls.append(1)
        return x

    rdd = sc.parallelize([[0]], 1).map(counted)
    one = sc.parallelize([1], 1)
    for _ in range(deep.DEEPEST // 3):
        rdd = rdd.zip(one).map(lambda pair: pair[0])
    spoilt = rdd.map(lambda x: (x.append(1), x)[1])
    both = spoilt.zip(rdd)
    for _ in range(deep.DEEPEST // 3):
        both = both.zip(one).map(lambda pair: pair[0])
    assert both.collect() == [([0, 1], [0])]
    assert len(calls) == 1
    assert both.collect() == [([0, 1], [0])]
    assert len(calls) == 2


def test_a_kept_union_inside_a_union_is_read_from_where_it_is_kept(sc: Any) -> None:
    calls: list[int] = []

    def counted(x: int) -> int:
        calls.append(x)
        return x

    inner = sc.parallelize([1, 2], 2).map(counted).union(sc.parallelize([3], 1))
    outer = inner.union(sc.parallelize([4], 1))
    assert outer.collect() == [1, 2, 3, 4]
    inner.cache()
    assert outer.collect() == [1, 2, 3, 4]
    assert outer.collect() == [1, 2, 3, 4]
    assert sorted(calls) == [1, 1, 2, 2]
    inner.unpersist()
    assert outer.collect() == [1, 2, 3, 4]
    assert sorted(calls) == [1, 1, 1, 2, 2, 2]


def test_a_deep_lineage_is_drawn(sc: Any) -> None:
    rdd = sc.parallelize([(1, 0)], 1)
    for i in range(DEEP):
        rdd = rdd.mapValues(abs).reduceByKey(max, 1 + i % 2).cache()
    lines = rdd.toDebugString().decode().split("\n")
    assert len(lines) == 2 * DEEP + 1
    assert lines[-1].startswith(" |  " * DEEP + " |  ParallelCollectionRDD[")


def test_adding_to_a_union_in_a_loop_costs_the_addition(sc: Any) -> None:
    one = sc.parallelize([1], 1)

    def seconds(additions: int) -> float:
        rdd = one
        begin = time.thread_time()
        for _ in range(additions):
            rdd = rdd.union(one)
        spent = time.thread_time() - begin
        assert rdd.getNumPartitions() == additions + 1
        return spent

    few = min(seconds(2000) for _ in range(3))
    many = min(seconds(16000) for _ in range(3))
    assert many < 32 * few  # 8 times as many; 64 times as long if each addition copied the union

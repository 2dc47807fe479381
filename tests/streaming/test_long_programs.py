"""Programs that go on for many batches: what they build up must not break them."""

from __future__ import annotations

from typing import Any

from tests.streaming.conftest import Run

BATCHES = 400


def test_a_result_that_is_joined_with_every_batch(run: Run) -> None:
    """Neither kept nor asked for until the end: each batch puts a join, and a union, over all before."""
    held: dict[str, Any] = {}

    def grow(rdd: Any) -> None:
        pairs = rdd.map(lambda x: (x % 3, 1)).reduceByKey(lambda a, b: a + b, 2)
        if not held:
            held["joined"], held["union"] = pairs, rdd
            return
        both = held["joined"].fullOuterJoin(pairs, 2)
        held["joined"] = both.mapValues(lambda pair: (pair[0] or 0) + (pair[1] or 0))
        held["union"] = held["union"].union(rdd)

    run.ssc._checkpoint_directory = None  # what is held is here
    run.ssc.queueStream([[i, i + 1] for i in range(BATCHES)]).foreachRDD(grow)
    run.batches(BATCHES)
    numbers = [x for i in range(BATCHES) for x in (i, i + 1)]
    assert sorted(held["joined"].collect()) == [(k, sum(x % 3 == k for x in numbers)) for k in range(3)]
    assert held["union"].collect() == numbers


def test_a_result_that_is_kept_from_batch_to_batch(run: Run) -> None:
    held: list[Any] = []

    def add(rdd: Any) -> Any:
        before = held.pop() if held else run.sc.emptyRDD()
        held.append(before.union(rdd).coalesce(2).cache())
        return held[0]

    run.ssc._checkpoint_directory = None  # what is held is here
    counts: list[int] = []
    grown = run.ssc.queueStream([[i] for i in range(BATCHES // 2)]).transform(add)
    grown.foreachRDD(lambda rdd: counts.append(rdd.count()))
    run.batches(BATCHES // 2)
    assert counts == list(range(1, BATCHES // 2 + 1))
    assert sorted(held[0].collect()) == list(range(BATCHES // 2))

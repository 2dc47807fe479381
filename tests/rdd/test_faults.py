"""Tasks that end in unusual ways, and what a context keeps of jobs that have ended."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from typing import Any

import pytest
from pyspark.errors import PythonException

from penstock.rdd.errors import JobCancelled
from tests.rdd.conftest import PATIENCE_S, Context, until


@pytest.mark.parametrize("partitions", [1, 3])
def test_sys_exit_in_a_task_fails_the_job_and_the_next_one_runs(sc: Any, partitions: int) -> None:
    rdd = sc.parallelize(range(6), partitions)
    with pytest.raises(PythonException, match="SystemExit: 3"):
        rdd.foreach(lambda x: sys.exit(3))
    assert rdd.sum() == 15


def test_sys_exit_is_an_attempt_like_others() -> None:
    sc = Context("local[2,2]")
    attempts: list[int] = []

    def once(x: int) -> int:
        attempts.append(x)
        if len(attempts) == 1:
            raise SystemExit
        return x

    assert sc.parallelize([7], 1).map(once).collect() == [7]
    assert attempts == [7, 7]
    sc._end_jobs("because the test has ended")


class Big:
    """A result that can be watched."""


def test_the_results_of_ended_jobs_are_let_go(sc: Any) -> None:
    watched: list[weakref.ref[Big]] = []

    def make(x: int) -> Big:
        made = Big()
        watched.append(weakref.ref(made))
        return made

    for partitions in (1, 4):
        assert len(sc.parallelize(range(8), partitions).map(make).collect()) == 8
    with pytest.raises(PythonException, match="ZeroDivisionError"):
        sc.parallelize(range(8), 4).map(lambda x: (make(x), 1 // (7 - x))).collect()
    assert len(sc._scheduler.jobs) == 3

    def all_gone() -> bool:
        gc.collect()
        return not any(ref() is not None for ref in watched)

    until(all_gone)  # a thread lets go of its last task's results just after it has told of them


def test_a_bounded_number_of_ended_jobs_and_stages_is_remembered(sc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.rdd.scheduler.REMEMBERED", 10)
    pairs = sc.parallelize([(1, 1)], 2)
    for _ in range(40):
        assert pairs.reduceByKey(max).collect() == [(1, 1)]
    assert len(sc._scheduler.jobs) == 10
    assert len(sc._scheduler.stages) == 20


def test_a_merge_that_fails_is_run_again_with_all_its_input() -> None:
    """The merging function changes its first argument, so that what the failed attempt had used up is made anew."""
    sc = Context("local[2,2]")
    failures: list[str] = []

    def extend(a: list[int], b: list[int]) -> list[int]:
        a.extend(b)
        if not failures and len(a) == 4:  # the second of two merges
            failures.append("once")
            raise ValueError("once")
        return a

    pairs = sc.parallelize([("k", [i]) for i in range(6)], 6)
    merged = pairs.reduceByKey(extend, 2)
    assert merged.collect() == [("k", [0, 1, 2, 3, 4, 5])]
    assert merged.collect() == [("k", [0, 1, 2, 3, 4, 5])]
    assert failures == ["once"]
    sc._end_jobs("because the test has ended")


def test_what_is_shuffled_is_given_by_value(sc: Any) -> None:
    pairs = sc.parallelize([("a", [1]), ("a", [2])], 2)
    for rdd, expected in (
        (pairs.reduceByKey(lambda a, b: a + b, 2), [("a", [1, 2])]),
        (pairs.groupByKey(2).mapValues(list), [("a", [[1], [2]])]),
        (pairs.partitionBy(2), [("a", [1]), ("a", [2])]),
    ):
        first = rdd.collect()
        assert first == expected
        for _, values in first:
            values.append("spoilt")
        rdd.foreach(lambda pair: pair[1].append("spoilt"))
        assert rdd.collect() == expected


def test_work_that_waits_behind_a_task_that_is_stuck_is_run_when_its_job_is_cancelled() -> None:
    sc = Context("local[1]")
    begun, go = threading.Event(), threading.Event()
    numbers = sc.parallelize([1, 2], 2)
    cancelled: list[BaseException] = []

    def stuck() -> None:
        sc.setLocalProperty("spark.jobGroup.id", "stuck")
        try:
            numbers.map(lambda x: (begun.set(), go.wait(PATIENCE_S))).collect()
        except JobCancelled as error:
            cancelled.append(error)

    found: list[list[int]] = []
    first = threading.Thread(target=stuck)
    second = threading.Thread(target=lambda: found.append(numbers.collect()), daemon=True)
    first.start()
    assert begun.wait(PATIENCE_S)
    second.start()
    until(lambda: sc._scheduler.executor._queue.qsize() == 3)  # type: ignore[attr-defined]
    sc._cancel(lambda job: job.group == "stuck", "as it is stuck")
    first.join(PATIENCE_S)
    second.join(20)
    go.set()
    assert found == [[1, 2]] and len(cancelled) == 1


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_job_that_begins_when_the_context_has_ended_does_not_wait_for_ever(partitions: int) -> None:
    sc = Context("local[2]")
    numbers = sc.parallelize([1, 2, 3], partitions)
    assert numbers.count() == 3
    sc._end_jobs("because SparkContext was shut down")
    with pytest.raises(JobCancelled, match="Job 1 cancelled because SparkContext was shut down"):
        numbers.count()

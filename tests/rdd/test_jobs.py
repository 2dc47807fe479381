"""Jobs: stages, errors, retries, cancellation, what is kept."""

from __future__ import annotations

import contextlib
import cProfile
import threading
import time
from typing import Any

import pytest
from pyspark.errors import PySparkException, PySparkRuntimeError
from pyspark.storagelevel import StorageLevel

from penstock.rdd.errors import JobCancelled, JobFailed, Py4JJavaError
from penstock.rdd.rdd import RDD, ancestors
from penstock.rdd.shuffle import Shuffled
from tests.rdd.conftest import PATIENCE_S, Context


def shuffles(rdd: RDD) -> list[Shuffled]:
    return [node for node in ancestors(rdd._node) if isinstance(node, Shuffled)]


def test_an_error_is_the_users(sc: Any) -> None:
    def broken(x: int) -> float:
        return 1 / (x - 3)

    with pytest.raises(JobFailed) as caught:
        sc.parallelize(range(6), 3).map(broken).collect()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert isinstance(caught.value, Py4JJavaError)
    text = str(caught.value)
    assert "Task 1 in stage 0.0 failed 1 times" in text
    assert "in broken" in text and "scheduler.py" not in text


def test_a_task_runs_again_as_often_as_the_master_allows() -> None:
    sc = Context("local[2,3]")
    calls = []

    def flaky(x: int) -> int:
        calls.append(x)
        if len(calls) < 3:
            raise OSError("not yet")
        return x

    assert sc.parallelize([7], 1).map(flaky).collect() == [7]
    assert calls == [7, 7, 7]


def test_stop_iteration_in_user_code_is_an_error_not_the_end(sc: Any) -> None:
    def stop(x: int) -> int:
        if x == 2:
            raise StopIteration
        return x

    numbers = sc.parallelize(range(5), 1)
    for attempt in (numbers.map(stop), numbers.flatMap(lambda x: [stop(x)]), numbers.filter(stop)):
        with pytest.raises(JobFailed, match="StopIteration"):
            attempt.collect()


def test_what_a_shuffle_moved_is_used_again(sc: Any) -> None:
    seen = []
    pairs = sc.parallelize([("a", 1), ("b", 2), ("a", 3)], 2).map(lambda p: (seen.append(p), p)[1])
    sums = pairs.reduceByKey(lambda a, b: a + b)
    assert dict(sums.collect()) == {"a": 4, "b": 2}
    assert dict(sums.collect()) == {"a": 4, "b": 2}
    assert len(seen) == 3
    sums.cleanShuffleDependencies()
    assert dict(sums.collect()) == {"a": 4, "b": 2}
    assert len(seen) == 6


def test_a_lost_map_output_alone_is_computed_again(sc: Any) -> None:
    seen = []
    pairs = sc.parallelize([(i % 3, i) for i in range(9)], 3).mapPartitionsWithIndex(
        lambda i, it: (seen.append(i), it)[1]
    )
    moved = pairs.partitionBy(2)
    expected = sorted(moved.collect())
    (shuffled,) = shuffles(moved)
    del shuffled.outputs[1]
    assert sorted(moved.collect()) == expected
    assert sorted(seen) == [0, 1, 1, 2]


def test_combiners_changed_in_place_give_the_same_answer_twice(sc: Any) -> None:
    def extend(a: list[int], b: list[int]) -> list[int]:
        a.extend(b)
        return a

    lists = sc.parallelize([("k", [i]) for i in range(6)], 3).reduceByKey(extend)
    first = [sorted(values) for _, values in lists.collect()]
    assert first == [[0, 1, 2, 3, 4, 5]]
    assert [sorted(values) for _, values in lists.collect()] == first


def test_an_error_while_merging_does_not_spoil_the_next_job(sc: Any) -> None:
    broken = [True]

    def add(a: int, b: int) -> int:
        if broken[0] and a + b > 5:
            raise ValueError("broken")
        return a + b

    sums = sc.parallelize([("k", i) for i in range(6)], 6).reduceByKey(add, 1)
    with pytest.raises(JobFailed):
        sums.collect()
    broken[0] = False
    assert sums.collect() == [("k", 15)]


def test_elements_given_by_the_driver_are_values(sc: Any) -> None:
    data = [[1], [2]]
    rdd = sc.parallelize(data, 1)
    data[0].append(99)
    assert rdd.collect() == [[1], [2]]
    assert rdd.map(lambda x: x.append(0) or x).collect() == [[1, 0], [2, 0]]
    assert rdd.collect() == [[1], [2]]


@pytest.mark.parametrize("level", [StorageLevel.MEMORY_ONLY, StorageLevel.DISK_ONLY, StorageLevel.MEMORY_AND_DISK])
def test_persisted_elements_are_computed_once_and_are_values(sc: Any, level: StorageLevel) -> None:
    seen = []
    rdd = sc.parallelize(range(4), 2).map(lambda x: (seen.append(x), [x])[1]).persist(level)
    assert rdd.map(lambda x: x.append("changed")).count() == 4
    assert rdd.collect() == [[0], [1], [2], [3]]
    assert sorted(seen) == [0, 1, 2, 3]
    assert rdd.is_cached
    rdd.unpersist()
    assert rdd.collect() == [[0], [1], [2], [3]]
    assert len(seen) == 8


def test_persist_in_the_middle_of_a_pipeline_counts_afterwards(sc: Any) -> None:
    seen = []
    middle = sc.parallelize(range(3), 1).map(lambda x: (seen.append(x), x)[1])
    end = middle.map(lambda x: x + 1).map(lambda x: x * 2)
    middle.cache()
    assert end.collect() == [2, 4, 6]
    assert end.collect() == [2, 4, 6]
    assert seen == [0, 1, 2]


def test_checkpoint_cuts_the_lineage(sc: Any, tmp_path: Any) -> None:
    sc.setCheckpointDir(str(tmp_path))
    rdd = sc.parallelize(range(10), 3).map(lambda x: (x % 2, x)).reduceByKey(lambda a, b: a + b)
    rdd.checkpoint()
    assert not rdd.isCheckpointed()
    assert sorted(rdd.collect()) == [(0, 20), (1, 25)]
    assert rdd.isCheckpointed()
    assert rdd.getCheckpointFile().startswith(f"file:{tmp_path}/")
    assert ancestors(rdd._node) == [rdd._node]
    assert sorted(rdd.mapValues(lambda v: -v).collect()) == [(0, -20), (1, -25)]


def test_a_job_group_can_be_cancelled(sc: Any) -> None:
    begun = threading.Event()

    def slow(x: int) -> int:
        begun.set()
        for _ in range(100_000):
            time.sleep(0.01)
        return x

    errors: list[BaseException] = []

    def run() -> None:
        with sc._in_group("g", "slow", True):
            try:
                sc.parallelize(range(2), 2).map(slow).collect()
            except BaseException as error:
                errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(PATIENCE_S)
    sc._cancel(lambda job: job.group == "other", "no")
    assert thread.is_alive()
    sc._cancel(lambda job: job.group == "g", "part of cancelled job group g")
    thread.join(PATIENCE_S)
    assert len(errors) == 1 and isinstance(errors[0], JobCancelled)
    assert sc.parallelize(range(4), 2).sum() == 6


def test_no_job_inside_a_task(sc: Any) -> None:
    inner = sc.parallelize([1])
    with pytest.raises(JobFailed) as caught:
        sc.parallelize([1, 2], 2).map(lambda x: inner.count()).collect()
    assert isinstance(caught.value.__cause__, PySparkRuntimeError)
    assert caught.value.__cause__.getCondition() == "CONTEXT_ONLY_VALID_ON_DRIVER"


def test_what_a_failed_attempt_added_does_not_count() -> None:
    sc = Context("local[2,2]")
    total = sc.accumulator(0)
    failed = []

    def add(x: int) -> None:
        total.add(x)
        if x == 2 and not failed:
            failed.append(x)
            raise OSError("once")

    sc.parallelize([1, 2, 3], 3).foreach(add)
    assert total.value == 6


def test_partitioned_alike_moves_nothing(sc: Any) -> None:
    parted = sc.parallelize(range(10), 3).map(lambda x: (x, x)).partitionBy(2)
    assert parted.union(parted).getNumPartitions() == 2
    joined = parted.join(parted)
    assert sorted(joined.collect()) == [(x, (x, x)) for x in range(10)]
    assert len(shuffles(joined)) == 1


def test_take_looks_at_few_partitions(sc: Any) -> None:
    seen = []
    rdd = sc.parallelize(range(100), 50).mapPartitionsWithIndex(lambda i, it: (seen.append(i), it)[1])
    assert rdd.take(3) == [0, 1, 2]
    assert sorted(seen) == [0, 1]


def test_stop_iteration_of_a_function_is_no_end_of_the_data(sc: Any) -> None:
    def stop(*_: Any) -> Any:
        return next(iter(()))

    numbers = sc.parallelize(range(4), 2)
    calls = (
        numbers.map(stop).collect,
        numbers.filter(stop).count,
        numbers.flatMap(stop).collect,
        lambda: numbers.foreach(stop),
        lambda: numbers.reduce(stop),
        lambda: numbers.map(lambda x: (0, x)).reduceByKeyLocally(stop),
        lambda: numbers.aggregate(0, lambda a, b: a, stop),
    )
    for call in calls:
        with pytest.raises(PySparkException, match="STOP_ITERATION_OCCURRED"):
            call()


def test_a_generator_of_the_program_fails_by_its_own_error(sc: Any) -> None:
    def members(x: int) -> Any:
        yield next(iter(()))

    with pytest.raises(JobFailed, match="RuntimeError: generator raised StopIteration"):
        sc.parallelize([1], 1).flatMap(members).collect()


def test_two_checkpoints_of_one_lineage(sc: Any, tmp_path: Any) -> None:
    sc.setCheckpointDir(str(tmp_path))
    first = sc.parallelize(range(4), 2).map(lambda x: x + 1)
    first.checkpoint()
    assert first.count() == 4
    second = first.map(lambda x: x * 2)
    second.checkpoint()
    assert second.collect() == [2, 4, 6, 8]
    first.cleanShuffleDependencies()
    third = second.map(lambda x: x - 1)
    third.localCheckpoint()
    assert third.union(first).collect() == [1, 3, 5, 7, 1, 2, 3, 4]
    assert [r.isCheckpointed() for r in (first, second, third)] == [True] * 3
    assert [r.is_checkpointed for r in (first, second, third)] == [True, True, False]


def test_samples_are_the_same_however_tasks_take_turns(sc: Any) -> None:
    def slow(elements: Any) -> Any:
        for x in elements:
            time.sleep(0.0005)
            yield x

    numbers, seed = sc.parallelize(range(120), 4).mapPartitions(slow), 7
    for sampled in (numbers.sample(False, 0.5, seed), numbers.randomSplit([1, 1], seed)[0]):
        assert sampled.collect() == [x for i in range(4) for x in sc.runJob(sampled, list, [i])]


@pytest.mark.parametrize("stuck", [False, True])
def test_a_cancelled_job_leaves_nothing_pending_for_other_threads(sc: Context, stuck: bool) -> None:
    """CPython 3.11 hangs in a profiled function while an exception is pending for any thread."""
    begun = threading.Event()

    def wait(x: int) -> int:
        begun.set()
        end = time.monotonic() + 8
        while time.monotonic() < end:
            time.sleep(6 if stuck else 0.001)
        return x

    def run() -> None:
        with contextlib.suppress(JobCancelled):
            sc.parallelize([1, 2], 2).map(wait).collect()

    job = threading.Thread(target=run)
    job.start()
    assert begun.wait(PATIENCE_S)
    sc._cancel(lambda job: True, "enough")
    job.join(PATIENCE_S)
    assert not job.is_alive()
    profile = cProfile.Profile()
    done = threading.Thread(target=lambda: profile.runcall(lambda: [len(str(i)) for i in range(1000)]), daemon=True)
    done.start()
    done.join(PATIENCE_S)
    assert not done.is_alive()

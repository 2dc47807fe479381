"""Tasks in processes of their own give what they give in threads."""

# ruff: noqa: E501

from __future__ import annotations

import contextlib
import cProfile
import os
import pickle
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from penstock.rdd.errors import JobCancelled, JobFailed
from penstock.rdd.storage import Packed
from tests.rdd.conftest import PATIENCE_S, Context, until


@pytest.fixture(scope="module")
def processes() -> Iterator[Any]:
    context = Context("local[2]", **{"spark.penstock.rdd.executor": "processes"})
    yield context
    context._end_jobs("because the tests have ended")


def words(sc: Any) -> Any:
    return sc.parallelize([f"w{i % 7} w{i % 3}" for i in range(100)], 3).flatMap(str.split).map(lambda w: (w, 1))


JOBS: dict[str, Callable[[Any], Any]] = {
    "reduceByKey": lambda sc: sorted(words(sc).reduceByKey(lambda a, b: a + b).collect()),
    "where keys are": lambda sc: words(sc).reduceByKey(lambda a, b: a + b, 3).glom().collect(),
    "groupByKey": lambda sc: sorted((k, len(list(v))) for k, v in words(sc).groupByKey(2).collect()),
    "keys whose hash only this process knows": lambda sc: sorted(
        sc.parallelize([(frozenset([str(i % 3)]), i) for i in range(9)], 3).reduceByKey(lambda a, b: a + b, 2).values().collect()
    ),
    "a partition function of the user's": lambda sc: [len(p) for p in words(sc).partitionBy(2, lambda k: hash(k)).glom().collect()],
    "numbers as keys": lambda sc: sc.parallelize([(Decimal(i), i) for i in range(6)], 2).partitionBy(2).glom().collect(),
    "join": lambda sc: sorted(sc.parallelize([(1, "a"), (2, "b")], 2).join(sc.parallelize([(1, "c")], 2)).collect()),
    "sortBy": lambda sc: sc.parallelize([5, 3, 8, 1, 9, 2], 3).sortBy(lambda x: -x, numPartitions=2).glom().collect(),
    "cartesian": lambda sc: sc.parallelize([1, 2], 2).cartesian(sc.parallelize("ab", 2)).collect(),
    "union, coalesce": lambda sc: sc.parallelize([1, 2], 2).union(sc.range(4)).map(lambda x: x * 2).coalesce(1).glom().collect(),
    "zipWithIndex": lambda sc: sc.parallelize("abcd", 3).zipWithIndex().collect(),
    "take": lambda sc: sc.parallelize(range(100), 10).map(lambda x: x * x).take(13),
    "reduce where partitions are empty": lambda sc: sc.parallelize([1, 2], 5).map(lambda x: x).reduce(lambda a, b: a + b),
    "a shuffle that is kept": lambda sc: [words(sc).partitionBy(1).cache().map(lambda p: p[0]).countByValue() for _ in range(2)],
    "aggregate": lambda sc: sc.parallelize(range(10), 3).aggregate((0, 0), lambda a, x: (a[0] + x, a[1] + 1), lambda a, b: (a[0] + b[0], a[1] + b[1])),
    "sample": lambda sc: sc.parallelize(range(100), 4).sample(False, 0.2, 42).collect(),
    "stats": lambda sc: sc.parallelize([1.0, 2.0, 4.0], 2).stats().asDict(),
}  # fmt: skip


@pytest.mark.parametrize("job", JOBS)
def test_the_same_as_in_threads(processes: Any, sc: Any, job: str) -> None:
    assert JOBS[job](processes) == JOBS[job](sc)


def test_tasks_run_elsewhere_and_shuffles_are_not_unpickled_here(processes: Any) -> None:
    moved = words(processes).partitionBy(2)
    pids = set(moved.mapPartitions(lambda pairs: [os.getpid()]).collect())
    assert pids and os.getpid() not in pids
    assert {type(bucket) for buckets in moved._node.outputs.values() for bucket in buckets} == {Packed}


def test_kept_elements_are_computed_once(processes: Any, tmp_path: Any) -> None:
    log = tmp_path / "log"

    def seen(x: int) -> int:
        with log.open("a") as file:
            file.write("x")
        return x

    kept = processes.parallelize(range(4), 2).map(seen).cache()
    assert kept.map(lambda x: x + 1).collect() == [1, 2, 3, 4]
    assert kept.map(lambda x: x + 1).sum() == 10
    assert log.read_text() == "xxxx"


def test_shared_values(processes: Any) -> None:
    table, total = processes.broadcast({1: "one", 2: "two"}), processes.accumulator(0)

    def name(x: int) -> str:
        total.add(x)
        return str(table.value[x])

    assert processes.parallelize([1, 2, 1], 3).map(name).collect() == ["one", "two", "one"]
    assert total.value == 4


def test_shared_values_that_are_let_go(processes: Any) -> None:
    table = processes.broadcast({1: "one"})
    read = processes.parallelize([1, 1], 2).map(lambda x: table.value[x])
    assert read.collect() == ["one", "one"]
    table.value[1] = "other"
    table.unpersist()
    assert read.collect() == ["other", "other"]
    table.destroy()
    with pytest.raises(JobFailed, match="INVALID_BROADCAST_OPERATION"):
        read.collect()


def test_a_process_that_dies_between_jobs_is_replaced(processes: Any) -> None:
    pids = processes.parallelize(range(2), 2).map(lambda _: (time.sleep(0.2), os.getpid())[1])
    before = set(pids.collect())
    for pid in before:
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # until it is dead
    assert before.isdisjoint(pids.collect())


def test_an_error_is_the_users(processes: Any) -> None:
    def broken(x: int) -> float:
        return 1 / (x - 1)

    with pytest.raises(JobFailed, match=r"(?s)in broken.*ZeroDivisionError") as caught:
        processes.parallelize([0, 1], 2).map(broken).collect()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_what_cannot_be_pickled_is_named(processes: Any) -> None:
    lock = threading.Lock()
    with pytest.raises(pickle.PicklingError, match=r"Could not serialize.*lock"):
        processes.parallelize([1, 2], 2).map(lambda x: (lock, x)[1]).collect()


def test_a_killed_process_is_an_error(processes: Any) -> None:
    def die(x: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(JobFailed, match="was killed by signal 9"):
        processes.parallelize([1, 2], 2).map(die).collect()
    assert processes.parallelize([1, 2], 2).map(lambda x: x + 1).collect() == [2, 3]


def test_or_the_task_runs_again(tmp_path: Any) -> None:
    sc = Context("local[2,2]", **{"spark.penstock.rdd.executor": "processes"})
    mark = tmp_path / "died"

    def die_once(x: int) -> int:
        if x == 2 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    assert sc.parallelize([1, 2], 2).map(die_once).collect() == [1, 2]
    assert mark.exists()
    sc._end_jobs("because the test has ended")


@pytest.mark.parametrize("profiled", [False, True])
def test_a_cancelled_job_ends_though_its_tasks_sleep(processes: Any, tmp_path: Any, profiled: bool) -> None:
    """Also in a program that is profiled: it looks for the exceptions of all threads until they have been taken."""

    def sleep(x: int) -> None:
        (tmp_path / str(x)).touch()
        time.sleep(1000)

    errors: list[BaseException] = []

    def run() -> None:
        try:
            with processes._in_group("g", "slow", True):
                processes.parallelize(range(2), 2).map(sleep).collect()
        except BaseException as error:
            errors.append(error)

    def cancel() -> None:
        with cProfile.Profile() if profiled else contextlib.nullcontext():
            processes._cancel(lambda job: job.group == "g", "part of cancelled job group g")

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: (tmp_path / "0").exists() and (tmp_path / "1").exists())
    cancelling = threading.Thread(target=cancel, daemon=True)
    cancelling.start()
    cancelling.join(PATIENCE_S / 4)
    is_stuck = cancelling.is_alive()
    if is_stuck:
        processes._processes.stop()  # so that it ends
    thread.join(PATIENCE_S)
    assert [type(error) for error in errors] == [JobCancelled]
    assert not is_stuck


def test_a_limit_of_memory() -> None:
    sc = Context("local[1]", **{"spark.penstock.rdd.executor": "processes", "spark.executor.pyspark.memory": "2g"})
    rdd = sc.parallelize([1], 1)
    assert rdd.map(lambda _: resource.getrlimit(resource.RLIMIT_AS)).collect() == [(2 << 30, 2 << 30)]
    with pytest.raises(JobFailed, match="MemoryError"):
        rdd.map(lambda _: len(bytearray(3 << 30))).collect()
    sc._end_jobs("because the test has ended")
    with pytest.raises(ValueError, match="much"):
        assert Context(**{**sc.settings, "spark.executor.pyspark.memory": "much"})._processes


def test_the_setting_is_checked() -> None:
    with pytest.raises(ValueError, match="threads or processes, not forks"):
        Context(**{"spark.penstock.rdd.executor": "forks"}).parallelize([1]).count()

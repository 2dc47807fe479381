"""spark.penstock.python.workers: other processes, the same answers."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.errors import IllegalArgumentException, PythonException
from pyspark.errors.exceptions.connect import SparkException
from pyspark.sql import Window
from pyspark.sql import functions as F
from pyspark.sql.functions import arrow_udf, pandas_udf, udf
from pyspark.sql.types import DoubleType, LongType

from penstock.pyfn.parallel import WORKERS, _shares
from penstock.pyfn.pool import Worker, pool
from penstock.pyfn.worker_process import keep

HERE = os.getpid()


@pandas_udf(DoubleType())
def centred(v: pd.Series) -> pd.Series:
    return v - v.mean()


@pandas_udf(DoubleType())
def largest(v: pd.Series) -> float:
    return float(v.max())


@arrow_udf(LongType())
def total(v: pa.Array) -> int:
    return int(pc.sum(v).as_py())


def counted(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"k": [frame.k.iloc[0]], "n": [len(frame)]})


def both(left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"n": [len(left) * 1000 + len(right)]})


def of_batches(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for number, frame in enumerate(batches):
        yield pd.DataFrame({"k": [number], "n": [len(frame)]})


KINDS: dict[str, Callable[[Any], Any]] = {
    "udf": lambda df: df.select(udf(lambda x: x * 2, "long")("id")),
    "udf without Arrow": lambda df: df.select(udf(lambda x, y: x * 2 + y, "long", useArrow=False)("id", y=F.col("k"))),
    "udf without arguments": lambda df: df.select(udf(lambda: 3, "long", useArrow=False)()),
    "pandas_udf": lambda df: df.select(centred("id")),
    "pandas aggregate": lambda df: df.groupBy("k").agg(largest("id")),
    "Arrow aggregate": lambda df: df.groupBy("k").agg(total("id")),
    "applyInPandas": lambda df: df.groupBy("k").applyInPandas(counted, "k long, n long"),
    "cogroup": lambda df: df.groupBy("k").cogroup(df.filter("k < 3").groupBy("k")).applyInPandas(both, "n long"),
    "window": lambda df: df.select(total("id").over(Window.partitionBy("k").orderBy("id").rowsBetween(-1, 1))),
    "mapInPandas": lambda df: df.mapInPandas(of_batches, "k long, n long"),
}


@pytest.fixture(scope="module", autouse=True)
def ended() -> Iterator[None]:
    yield
    pool.close()


@pytest.fixture
def workers(spark: Any) -> Iterator[Any]:
    spark.conf.set(WORKERS, "2")
    yield spark
    spark.conf.unset(WORKERS)


def rows(spark: Any) -> Any:
    return spark.range(25_000).withColumn("k", F.col("id") % 7)


@pytest.mark.parametrize("kind", KINDS)
def test_same_answer(spark: Any, kind: str) -> None:
    here = sorted(KINDS[kind](rows(spark)).collect())
    spark.conf.set(WORKERS, "2")
    try:
        assert sorted(KINDS[kind](rows(spark)).collect()) == here
    finally:
        spark.conf.unset(WORKERS)


@pytest.mark.parametrize("arrow", [True, False])
def test_both_processes_work(workers: Any, arrow: bool) -> None:
    where = udf(lambda x: os.getpid(), "long", useArrow=arrow)
    found = {row[0] for row in rows(workers).select(where("id")).collect()}
    assert len(found) == 2
    assert HERE not in found
    assert found == set(pool.pids)


def test_iterators_stay_in_one_piece_here(workers: Any) -> None:
    pids = rows(workers).mapInPandas(lambda it: (pd.DataFrame({"p": [os.getpid()]}) for _ in it), "p long").collect()
    assert {row.p for row in pids} == {HERE}


def broken(x: int) -> int:
    if x == 20_000:
        raise ValueError(f"no {x}")
    return x


@pytest.mark.parametrize("arrow", [True, False])
def test_the_users_error(workers: Any, arrow: bool) -> None:
    with pytest.raises(PythonException) as caught:
        rows(workers).select(udf(broken, "long", useArrow=arrow)("id")).collect()
    text = str(caught.value)
    assert "ValueError: no 20000" in text
    assert f'File "{__file__}", line ' in text
    assert "/penstock/pyfn/" not in text
    assert rows(workers).select(udf(broken, "long", useArrow=arrow)("k")).count() == 25_000


def test_a_worker_that_dies(workers: Any) -> None:
    def dies(x: int) -> int:
        if x == 20_000:
            os.kill(os.getpid(), signal.SIGKILL)
        return x

    with pytest.raises(SparkException, match=r"worker process \(pid \d+\) was killed by signal 9"):
        rows(workers).select(udf(dies, "long")("id")).collect()
    assert rows(workers).select(udf(lambda x: x, "long")("id")).count() == 25_000


def test_functions_that_are_not_used_any_more_are_forgotten(workers: Any) -> None:
    """A stream may bring new functions with every batch; one that was forgotten is sent again."""
    first = OrderedDict((bytes([i]), None) for i in range(64))
    keep(first, bytes([0]), None)
    keep(first, b"new", None)
    assert list(first)[:2] == [bytes([2]), bytes([3])]
    assert list(first)[-2:] == [bytes([0]), b"new"]
    worker = Worker()
    try:
        for i in [*range(66), 0]:
            worker.send(bytes([i]), pickle.dumps(Counting(i)), "request")
            assert worker.receive() == (True, [i, "request"])
        assert len(worker._known) == 64
    finally:
        worker.close()


@dataclass
class Counting:
    """In place of a Recipe."""

    number: int

    def open(self) -> Callable[[Any], Any]:
        return lambda request: [self.number, request]


def test_workers_end(workers: Any) -> None:
    rows(workers).select(udf(lambda x: x + 1, "long")("id")).collect()
    pids = pool.pids
    assert pids
    pool.close()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)


class Held:
    """A function in a worker process that waits for a file, and the thread that waits for the function."""

    def __init__(self, workers: Any, directory: Path) -> None:
        begun, self._go = directory / "begun", directory / "go"
        go = self._go

        def held(x: int) -> int:
            begun.touch()
            while not go.exists():
                time.sleep(0.01)
            return x + 1

        self.outcome: list[Any] = []
        self._frame = workers.range(1).select(udf(held, "long")("id"))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        deadline = time.monotonic() + 60
        while not begun.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def _run(self) -> None:
        try:
            self.outcome.append(self._frame.collect()[0][0])
        except Exception as error:
            self.outcome.append(str(error))

    def end(self) -> Any:
        self._go.touch()
        self._thread.join(60)
        return self.outcome[0]


def in_time(action: Callable[[], None]) -> bool:
    """Whether it comes back while the function is held."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(30)
    return not thread.is_alive()


def test_the_end_of_a_session_does_not_wait_for_a_function(workers: Any, tmp_path: Path) -> None:
    held = Held(workers, tmp_path)
    came_back = in_time(pool.release)
    assert (held.end(), came_back) == (1, True), "it may be another session's"
    assert pool.pids == [], "and its process ends after it"


def test_the_end_of_the_program_does_not_wait_for_a_function(workers: Any, tmp_path: Path) -> None:
    held = Held(workers, tmp_path)
    came_back = in_time(pool.close)
    assert "was killed by signal 9" in str(held.end())
    assert came_back
    assert pool.pids == []


def test_a_number_that_is_none(spark: Any) -> None:
    spark.conf.set(WORKERS, "many")
    try:
        with pytest.raises(IllegalArgumentException, match=WORKERS):
            spark.range(1).select(udf(lambda x: x, "long")("id")).collect()
    finally:
        spark.conf.unset(WORKERS)


def test_shares_keep_the_order_and_balance_weights() -> None:
    assert _shares(list("abcdef"), [1, 1, 1, 1, 1, 1], 3) == [["a", "b"], ["c", "d"], ["e", "f"]]
    assert _shares(list("abc"), [9, 1, 1], 2) == [["a"], ["b", "c"]]
    assert _shares(["a"], [0], 2) == [["a"]]
    assert _shares([], [], 2) == []

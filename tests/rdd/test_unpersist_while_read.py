"""Elements on the disk that are let go while a task reads or writes them: the task computes them."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.storagelevel import StorageLevel

from penstock.rdd import remote, storage
from tests.rdd.conftest import Context


def test_while_a_task_reads(sc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rdd = sc.parallelize(range(4), 1).map(lambda x: x * x).persist(StorageLevel.DISK_ONLY)
    assert rdd.collect() == [0, 1, 4, 9]
    read = storage.DiskBlock.read

    def let_go(block: storage.DiskBlock) -> list[Any]:
        rdd.unpersist()
        return read(block)

    monkeypatch.setattr(storage.DiskBlock, "read", let_go)
    assert rdd.collect() == [0, 1, 4, 9]
    assert not rdd.is_cached


def test_while_a_task_computes(sc: Any) -> None:
    seen: list[int] = []

    def square(x: int) -> int:
        if not seen:
            rdd.unpersist()
        seen.append(x)
        return x * x

    rdd = sc.parallelize(range(4), 1).map(square).persist(StorageLevel.DISK_ONLY)
    assert rdd.collect() == [0, 1, 4, 9]
    assert not rdd.is_cached


@pytest.mark.parametrize("when", ["before", "between"])
def test_while_a_process_asks_for_it(monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """What a shuffle holds is not what is kept: it is still to be merged."""
    context = Context("local[2]", **{"spark.penstock.rdd.executor": "processes"})
    pairs = context.parallelize([("a", 1), ("a", 2), ("b", 3)], 2)
    rdd = pairs.reduceByKey(lambda a, b: a + b, 1).persist()
    last = rdd.mapValues(lambda total: total * 10)
    assert sorted(last.collect()) == [("a", 30), ("b", 30)]
    if when == "before":
        answer = remote.RemoteWork._answer

        def let_go(self: Any, kind: str, details: list[Any], task: Any) -> Any:
            if kind == "kept":
                rdd.unpersist()
            return answer(self, kind, details, task)

        monkeypatch.setattr(remote.RemoteWork, "_answer", let_go)
    else:
        pickled = storage.Persisted.pickled

        def gone(self: storage.Persisted, index: int) -> bytes | None:
            rdd.unpersist()
            return pickled(self, index)

        monkeypatch.setattr(storage.Persisted, "pickled", gone)
    try:
        assert sorted(last.collect()) == [("a", 30), ("b", 30)]
        assert not rdd.is_cached
    finally:
        context._end_jobs("because the test has ended")

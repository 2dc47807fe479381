"""Elements on the disk that are let go while a task reads or writes them: the task computes them."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.storagelevel import StorageLevel

from penstock.rdd import storage


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

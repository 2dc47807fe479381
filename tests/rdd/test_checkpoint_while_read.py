"""An RDD that one thread checkpoints while another computes it: what it is computed from stays until that has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.rdd.nodes import AlignedUnion, Node
from tests.rdd.conftest import PATIENCE_S, Context, until


def union(sc: Any) -> Any:
    return sc.parallelize([(1, "a")], 1).partitionBy(1).union(sc.parallelize([(2, "b")], 1).partitionBy(1))


def mapped(sc: Any) -> Any:
    return sc.parallelize([(1, "A"), (2, "B")], 1).mapValues(str.lower)


def grouped(sc: Any) -> Any:
    pairs = sc.parallelize([(1, "a"), (2, "b")], 1).groupByKey(1)
    return pairs.mapValues(lambda values: "".join(values)).reduceByKey(max, 1)


@pytest.mark.parametrize("make", [union, mapped, grouped])
@pytest.mark.parametrize("local", [False, True])
def test_a_job_that_computes_what_another_checkpoints(
    sc: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Any], Any], local: bool
) -> None:
    sc.setCheckpointDir(str(tmp_path))
    rdd = make(sc)
    begun, go, found = threading.Event(), threading.Event(), []
    other = threading.Thread(target=lambda: found.append(rdd.collect()))
    compute = type(rdd._node).compute

    def slow(self: Node, index: int, task: Any) -> Any:
        if threading.current_thread() is other and self is rdd._node:
            begun.set()
            go.wait(PATIENCE_S)
        return compute(self, index, task)

    monkeypatch.setattr(type(rdd._node), "compute", slow)
    other.start()
    assert begun.wait(PATIENCE_S)
    if local:
        rdd.localCheckpoint()
    else:
        rdd.checkpoint()
    assert sorted(rdd.collect()) == [(1, "a"), (2, "b")]
    if not local:
        assert rdd.isCheckpointed()
    go.set()
    other.join(PATIENCE_S)
    assert [sorted(elements) for elements in found] == [[(1, "a"), (2, "b")]]
    until(lambda: not rdd._node.parents)
    assert sorted(rdd.collect()) == [(1, "a"), (2, "b")]


def test_two_jobs_that_end_at_once_write_a_checkpoint_once(
    sc: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sc.setCheckpointDir(str(tmp_path))
    rdd = sc.parallelize([1, 2], 1).map(lambda x: x + 1)
    rdd.checkpoint()
    pending = sc._pending_checkpoints

    class Taken(dict):  # type: ignore[type-arg]
        """Another thread takes the entry when it has been seen."""

        def __contains__(self, key: object) -> bool:
            found = super().__contains__(key)
            self.pop(key, None)
            return found

    monkeypatch.setattr(sc, "_pending_checkpoints", Taken(pending))
    assert rdd.collect() == [2, 3]


def test_unions_of_what_is_checkpointed(sc: Context, tmp_path: Path) -> None:
    sc.setCheckpointDir(str(tmp_path))
    rdd = union(sc)
    assert type(rdd._node) is AlignedUnion
    rdd.checkpoint()
    assert rdd.count() == 2
    assert not rdd._node.parents

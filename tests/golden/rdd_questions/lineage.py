"""What is kept and how an RDD looks from outside."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from pyspark import StorageLevel

from tests.golden.rdd_questions.asking import Question

LEVELS = (
    "DISK_ONLY", "DISK_ONLY_2", "DISK_ONLY_3", "MEMORY_AND_DISK", "MEMORY_AND_DISK_2", "MEMORY_AND_DISK_DESER",
    "MEMORY_ONLY", "MEMORY_ONLY_2", "OFF_HEAP", "NONE",
)  # fmt: skip
SEEN: dict[str, Callable[[Any], Any]] = {
    "name": lambda a: (a.name(), a.setName("x").name(), a.map(str).name()),
    "is_cached": lambda a: (a.is_cached, a.cache().is_cached, a.map(str).is_cached, a.unpersist().is_cached),
    "unpersist twice": lambda a: a.unpersist().unpersist().getStorageLevel() == StorageLevel.NONE,
    "the same level again": lambda a: str(a.persist().persist().getStorageLevel()),
    "a level after unpersist": lambda a: str(a.cache().unpersist().persist(StorageLevel.DISK_ONLY).getStorageLevel()),
    "types": lambda a: [type(r).__name__ for r in (a, a.map(str), a.map(str).cache(), a.union(a), a.cartesian(a))],
    "ids grow": lambda a: a.map(str).id() > a.id(),
    "context": lambda a: a.context is a.ctx,
    "not checkpointed": lambda a: (a.is_checkpointed, a.isCheckpointed(), a.getCheckpointFile()),
    "not checkpointed locally": lambda a: a.isLocallyCheckpointed(),
    "localCheckpoint": lambda a: _locally(a.map(lambda x: x + 1)),
    "checkpoint": lambda a: _checkpointed(a.map(lambda x: x + 1)),
    "checkpoint of a shuffle": lambda a: _checkpointed(a.map(lambda x: (x % 2, x)).groupByKey().mapValues(len)),
    "resources": lambda a: a.getResourceProfile(),
    "barrier": lambda a: [
        a.barrier().mapPartitions(lambda it: [sum(it)]).collect(),
        a.barrier().mapPartitionsWithIndex(lambda i, it: [i]).collect(),
    ],
    "cleanShuffleDependencies": lambda a: _cleaned(a),
}


def _locally(a: Any) -> Any:
    before = a.isCheckpointed(), a.isLocallyCheckpointed(), a.is_checkpointed
    a.localCheckpoint()
    asked = a.isCheckpointed(), a.isLocallyCheckpointed(), a.is_checkpointed
    return before, asked, sorted(a.collect()), a.isCheckpointed(), a.is_checkpointed, a.getCheckpointFile()


def _checkpointed(a: Any) -> Any:
    with tempfile.TemporaryDirectory() as directory:
        a.ctx.setCheckpointDir(directory)
        a.checkpoint()
        asked = a.isCheckpointed(), a.is_checkpointed, a.getCheckpointFile()
        elements = sorted(a.collect())
        return asked, elements, a.isCheckpointed(), sorted(a.collect()), a.isLocallyCheckpointed()


def _cleaned(a: Any) -> Any:
    grouped = a.map(lambda x: (x % 2, x)).reduceByKey(max)
    first = sorted(grouped.collect())
    grouped.cleanShuffleDependencies()
    return first, sorted(grouped.collect())


def questions(sc: Any) -> Iterator[Question]:
    for level in LEVELS:
        yield f"level {level}", lambda level=level: _kept(sc, getattr(StorageLevel, level))
    for name, ask in SEEN.items():
        yield name, lambda ask=ask: ask(sc.parallelize(range(5), 2))


def _kept(sc: Any, level: StorageLevel) -> Any:
    a = sc.parallelize([[1], [2]], 2).persist(level)
    return str(a.getStorageLevel()), repr(a.getStorageLevel()), a.is_cached, a.collect(), a.collect()

"""The context: its properties, groups, tags, trackers, shared values."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from pyspark import BarrierTaskContext, SparkFiles, TaskContext

from tests.golden.rdd_questions.asking import Question

CONTEXT: dict[str, Callable[[Any], Any]] = {
    "repr": repr,
    "defaults": lambda sc: (sc.defaultParallelism, sc.defaultMinPartitions, sc.master, sc.appName),
    "versions": lambda sc: (sc.pythonVer, sc.uiWebUrl, sc.resources),
    "application": lambda sc: (sc.applicationId.rpartition("-")[0], type(sc.startTime).__name__, sc.startTime > 10**12),
    "a property": lambda sc: _property(sc),
    "properties in a task": lambda sc: _property_in_task(sc),
    "a group": lambda sc: _group(sc),
    "a group of collect": lambda sc: _collected_in_group(sc),
    "tags": lambda sc: _tags(sc),
    "a stage": lambda sc: _stage(sc),
    "jobs of no group": lambda sc: isinstance(sc.statusTracker().getJobIdsForGroup(None), list),
    "no such job": lambda sc: (sc.statusTracker().getJobInfo(99999), sc.statusTracker().getStageInfo(99999)),
    "executors": lambda sc: [len(info) for info in sc.statusTracker().getExecutorInfos()],
    "an accumulator": lambda sc: _accumulated(sc, sc.accumulator(1)),
    "an accumulator of floats": lambda sc: _accumulated(sc, sc.accumulator(0.5)),
    "an accumulator of complex numbers": lambda sc: _accumulated(sc, sc.accumulator(1j)),
    "an accumulator looks": lambda sc: (str(sc.accumulator(3)), repr(sc.accumulator(3)).partition("=")[0]),
    "a broadcast value": lambda sc: _broadcast(sc),
    "a broadcast value destroyed": lambda sc: _destroyed(sc),
    "a broadcast value unpersisted": lambda sc: _unpersisted(sc),
    "a task": lambda sc: sc.parallelize(range(3), 3).map(_task).collect(),
    "a task of the driver": lambda sc: TaskContext.get(),
    "a barrier of the driver": lambda sc: BarrierTaskContext.get(),
    "a barrier task": lambda sc: sc.parallelize(range(2), 2).barrier().mapPartitions(_barrier_task).collect(),
    "a barrier outside": lambda sc: sc.parallelize(range(2), 2).map(lambda x: BarrierTaskContext.get()).collect(),
    "what a task is part of": lambda sc: sc.parallelize([1], 1).map(lambda x: "PYTHONHASHSEED" in os.environ).collect(),
    "profiles without the setting": lambda sc: sc.show_profiles(),
    "dumped profiles without the setting": lambda sc: sc.dump_profiles("/nowhere"),
    "files": lambda sc: (sc.listFiles, sc.listArchives, os.path.isdir(SparkFiles.getRootDirectory())),
    "checkpoint directory": lambda sc: sc.getCheckpointDir() is None or sc.getCheckpointDir().startswith("file:"),
    "a second context": lambda sc: type(sc)("local[1]", "second"),
    "the active context": lambda sc: type(sc).getOrCreate() is sc,
    "a system property": lambda sc: (type(sc).setSystemProperty("a.b", "c"), type(sc).getSystemProperty("a.b"))[1],
    "no such system property": lambda sc: type(sc).getSystemProperty("no.such.property"),
    "settings": lambda sc: (sc.getConf().get("spark.app.name"), sc.getConf().get("no.such.thing", "other")),
    "settings are a copy": lambda sc: (sc.getConf().set("spark.app.name", "other"), sc.appName)[1],
    "PYTHONHASHSEED": lambda sc: sc.environment["PYTHONHASHSEED"],
    "serializer": lambda sc: (str(sc.serializer), str(sc._unbatched_serializer), sc._batchSize),
}


def _property(sc: Any) -> Any:
    before = sc.getLocalProperty("some.key")
    sc.setLocalProperty("some.key", "value")
    found = sc.getLocalProperty("some.key")
    sc.setLocalProperty("some.key", None)
    return before, found, sc.getLocalProperty("some.key")


def _property_in_task(sc: Any) -> Any:
    sc.setLocalProperty("some.key", "value")
    sc.setJobDescription("described")
    keys = ("some.key", "spark.job.description", "no.such.key")
    try:
        return sc.parallelize([1], 1).map(lambda _: [TaskContext.get().getLocalProperty(k) for k in keys]).collect()
    finally:
        sc.setLocalProperty("some.key", None)
        sc.setJobDescription(None)


def _group(sc: Any) -> Any:
    sc.setJobGroup("a group", "what it does", interruptOnCancel=True)
    try:
        sc.parallelize(range(4), 2).map(lambda x: (x % 2, x)).reduceByKey(max).count()
        tracker = sc.statusTracker()
        (job,) = tracker.getJobIdsForGroup("a group")
        info = tracker.getJobInfo(job)
        keys = ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel")
        return info.status, len(info.stageIds), [sc.getLocalProperty(key) for key in keys]
    finally:
        for key in ("spark.jobGroup.id", "spark.job.description", "spark.job.interruptOnCancel"):
            sc.setLocalProperty(key, None)


def _collected_in_group(sc: Any) -> Any:
    found = sc.parallelize(range(4), 2).collectWithJobGroup("other", "described")
    return found, len(sc.statusTracker().getJobIdsForGroup("other")), sc.getLocalProperty("spark.jobGroup.id")


def _tags(sc: Any) -> Any:
    sc.addJobTag("b")
    sc.addJobTag("a")
    sc.addJobTag("a")
    both = sorted(sc.getJobTags())
    sc.removeJobTag("b")
    one = sorted(sc.getJobTags())
    sc.clearJobTags()
    return both, one, sorted(sc.getJobTags())


def _stage(sc: Any) -> Any:
    sc.setLocalProperty("spark.jobGroup.id", "stages")
    try:
        sc.parallelize(range(6), 3).count()
        tracker = sc.statusTracker()
        (job,) = tracker.getJobIdsForGroup("stages")
        (stage,) = tracker.getJobInfo(job).stageIds
        info = tracker.getStageInfo(stage)
        return info.numTasks, info.numCompletedTasks, info.numFailedTasks, info.numActiveTasks, info.currentAttemptId
    finally:
        sc.setLocalProperty("spark.jobGroup.id", None)


def _accumulated(sc: Any, total: Any) -> Any:
    sc.parallelize([1, 2, 3], 2).foreach(lambda x: total.add(x))
    total += 1
    return total.value


def _broadcast(sc: Any) -> Any:
    shared = sc.broadcast({"a": [1, 2]})
    return sc.parallelize([0, 1], 2).map(lambda i: shared.value["a"][i]).collect(), shared.value


def _destroyed(sc: Any) -> Any:
    shared = sc.broadcast([1])
    shared.destroy()
    return sc.parallelize([0], 1).map(lambda i: shared.value).collect()


def _unpersisted(sc: Any) -> Any:
    shared = sc.broadcast([1])
    shared.unpersist()
    return sc.parallelize([0], 1).map(lambda i: shared.value).collect()


def _task(x: int) -> Any:
    task = TaskContext.get()
    return task.partitionId(), task.attemptNumber(), task.cpus(), task.resources(), type(task).__name__


def _barrier_task(elements: Iterator[Any]) -> Any:
    task = BarrierTaskContext.get()
    task.barrier()
    messages = task.allGather(f"from {task.partitionId()}")
    yield messages, len(task.getTaskInfos()), type(TaskContext.get()).__name__


def questions(sc: Any) -> Iterator[Question]:
    for name, ask in CONTEXT.items():
        yield name, lambda ask=ask: ask(sc)

"""`TaskContext.get()` inside a task of this process, where several run in one process at once."""

# The names are Spark's.
# ruff: noqa: N802

from __future__ import annotations

import threading
from typing import Any

from pyspark.errors import PySparkRuntimeError
from pyspark.taskcontext import BarrierTaskContext, BarrierTaskInfo, TaskContext

from penstock.rdd.tasks import Task, current


def task_context() -> TaskContext | None:
    """The context of the task that this thread runs; None on the driver."""
    task = current()
    if task is None:
        return None
    return _filled(object.__new__(TaskContext if task.barrier is None else _Barrier), task)


def new(cls: type, *args: Any, **kwargs: Any) -> Any:
    """`TaskContext()` inside a task is the task's; elsewhere an empty one."""
    found = task_context() if cls is TaskContext else None
    return found if found is not None else object.__new__(cls)


def barrier_task_context() -> BarrierTaskContext:
    """The same inside a barrier stage.  Elsewhere: NOT_IN_BARRIER_STAGE."""
    task = current()
    if task is None or task.barrier is None:
        raise PySparkRuntimeError(errorClass="NOT_IN_BARRIER_STAGE", messageParameters={})
    return _filled(object.__new__(_Barrier), task)


def _filled(made: Any, task: Task) -> Any:
    made._stageId = task.stage
    made._partitionId = task.index
    made._attemptNumber = task.attempt
    made._taskAttemptId = task.id
    made._localProperties = {key: value for key, value in task.properties.items() if value is not None}
    made._cpus = int(task.properties.get("spark.task.cpus") or 1)
    made._resources = {}
    return made


class _Barrier(BarrierTaskContext):  # type: ignore[misc]
    """The tasks of a barrier stage wait for each other by a barrier of their threads."""

    def barrier(self) -> None:
        """Wait until every task is here."""
        task = _in_barrier()
        assert task.barrier is not None
        try:
            task.barrier.wait()
        except threading.BrokenBarrierError:
            raise RuntimeError("Another task of the barrier stage failed") from None

    def allGather(self, message: str = "") -> list[str]:
        """Wait until every task is here; the messages of all, in the order of partitions."""
        if not isinstance(message, str):
            raise TypeError("Argument `message` must be of type `str`")
        task = _in_barrier()
        assert task.gathered is not None
        task.gathered[task.index] = message
        self.barrier()
        found = list(task.gathered)
        self.barrier()  # nobody writes the next messages before all have read these
        return found

    def getTaskInfos(self) -> list[BarrierTaskInfo]:
        """One for each task: all are in this process."""
        task = _in_barrier()
        assert task.gathered is not None
        return [BarrierTaskInfo("localhost:0") for _ in task.gathered]


_Barrier.__name__ = BarrierTaskContext.__name__  # what programs print


def _in_barrier() -> Task:
    task = current()
    assert task is not None
    return task

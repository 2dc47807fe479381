"""What is running: the status tracker."""

# The names are Spark's.
# ruff: noqa: N802, N803, N815

from __future__ import annotations

from typing import NamedTuple

from penstock.rdd.scheduler import Scheduler


class SparkJobInfo(NamedTuple):
    """One job: RUNNING, SUCCEEDED or FAILED."""

    jobId: int
    stageIds: list[int]
    status: str


class SparkStageInfo(NamedTuple):
    """One stage and its tasks."""

    stageId: int
    currentAttemptId: int
    name: str
    numTasks: int
    numActiveTasks: int
    numCompletedTasks: int
    numFailedTasks: int


class SparkExecutorInfo(NamedTuple):
    """Where tasks run: this process.  Port and sizes are 0: nothing listens, and what is kept is not measured."""

    host: str
    port: int
    cacheSize: int
    numRunningTasks: int
    usedOnHeapStorageMemory: int
    usedOffHeapStorageMemory: int
    totalOnHeapStorageMemory: int
    totalOffHeapStorageMemory: int


class StatusTracker:
    """The jobs and stages of a context; the last thousand ended ones are remembered."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def getJobIdsForGroup(self, jobGroup: str | None = None) -> list[int]:
        """The jobs of a group, or of none, latest first."""
        return sorted((job.id for job in list(self._scheduler.jobs.values()) if job.group == jobGroup), reverse=True)

    def getActiveStageIds(self) -> list[int]:
        """The stages that run now."""
        return sorted(stage.id for job in self._scheduler.active_jobs() for stage in job.stages if stage.active)

    def getActiveJobsIds(self) -> list[int]:
        """The jobs that run now."""
        return sorted((job.id for job in self._scheduler.active_jobs()), reverse=True)

    def getJobInfo(self, jobId: int) -> SparkJobInfo | None:
        """A job, if it is remembered."""
        job = self._scheduler.jobs.get(jobId)
        return None if job is None else SparkJobInfo(job.id, [stage.id for stage in job.stages], job.status)

    def getStageInfo(self, stageId: int) -> SparkStageInfo | None:
        """A stage, if it is remembered."""
        stage = self._scheduler.stages.get(stageId)
        if stage is None:
            return None
        return SparkStageInfo(stage.id, 0, stage.name, stage.tasks, stage.active, stage.completed, stage.failed)

    def getExecutorInfos(self) -> list[SparkExecutorInfo]:
        """The one executor and how many tasks it runs now."""
        running = sum(stage.active for job in self._scheduler.active_jobs() for stage in job.stages)
        return [SparkExecutorInfo("localhost", 0, 0, running, 0, 0, 0, 0)]

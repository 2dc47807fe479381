"""Jobs: the stages that a job needs, in order, each as tasks side by side; retries, cancellation, what is running."""

from __future__ import annotations

import ctypes
import functools
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from penstock.rdd.errors import JobFailed, cancelled, failed, of_user, only_on_driver
from penstock.rdd.executor import Executor
from penstock.rdd.nodes import Elements, Node
from penstock.rdd.shuffle import Shuffled
from penstock.rdd.storage import Saved
from penstock.rdd.tasks import Task, TaskCancelled, current, running
from penstock.rdd.work import ResultWork, Work

Action = Callable[[int, Elements], Any]
#: How long a cancelled job waits for its tasks to end.
PATIENCE_S = 0.5
#: How many ended jobs and stages the status tracker remembers.
REMEMBERED = 1000


@dataclass(eq=False)
class Stage:
    """Tasks that can run side by side: one map side of a shuffle, or the job's last step."""

    id: int
    name: str
    tasks: int
    active: int = 0
    completed: int = 0
    failed: int = 0


@dataclass(eq=False)
class Job:
    """One action."""

    id: int
    properties: dict[str, str | None]
    tags: frozenset[str]
    stages: list[Stage] = field(default_factory=list)
    #: What it computes, while it runs.
    node: Node | None = None
    status: str = "RUNNING"
    cancelled: str | None = None
    #: Threads inside a task of this job.
    threads: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def group(self) -> str | None:
        """The job group, if one was set."""
        return self.properties.get("spark.jobGroup.id")

    #: Called when the job is cancelled.
    on_cancel: list[Callable[[], None]] = field(default_factory=list)

    def cancel(self, why: str) -> None:
        """Stop at once: tasks that have not begun never do, running ones get an exception."""
        with self.lock:
            self.cancelled = self.cancelled or why or " "
        for call in list(self.on_cancel):
            call()  # first: a thread that waits for its process takes no exception before that is killed
        with self.lock:
            for thread in self.threads:
                _raise_in(thread, TaskCancelled)

    @contextmanager
    def in_task(self) -> Iterator[None]:
        """For the time of the block this thread may be interrupted."""
        thread = threading.get_ident()
        try:
            with self.lock:
                if self.cancelled is not None:
                    raise TaskCancelled
                self.threads.add(thread)
            yield
        finally:
            with self.lock:
                self.threads.discard(thread)
                if self.cancelled is not None:
                    _settle()  # one that has not been delivered must not hit the next task


def _raise_in(thread: int, exception: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(exception))


def _settle() -> None:
    """Take what may be pending for this thread.  Withdrawing it is not enough: until some thread has taken an exception
    CPython lets all of them look for one at each call, and one that is profiled (3.11) looks for ever."""
    try:
        _raise_in(threading.get_ident(), TaskCancelled)
        for _ in range(10):
            pass
    except TaskCancelled:
        pass


class Scheduler:
    """Runs the jobs of one SparkContext.  Safe to use from several threads: each job is run by the thread that
    asked."""

    def __init__(self, executor: Executor, max_failures: int = 1) -> None:
        self.executor = executor
        self._max_failures = max_failures
        self._job_ids = itertools.count()
        self._stage_ids = itertools.count()
        self._task_ids = itertools.count()
        self._lock = threading.Lock()
        self.jobs: dict[int, Job] = {}
        self.stages: dict[int, Stage] = {}
        #: What is to be cut when these jobs have ended.
        self._cuts: list[tuple[set[int], Node, Saved]] = []
        #: Why there are no more jobs.
        self._over: str | None = None
        #: Says where a stage's work is run; set by the context.
        self.placed: Callable[[Work, Node], Callable[[int, Task], Any]] = lambda work, node: work
        #: Merges a finished task's accumulator updates; set by the context.
        self.on_success: Callable[[Task], None] = lambda task: None

    # ------------------------------------------------------------ jobs

    def run(
        self,
        node: Node,
        action: Action,
        partitions: Sequence[int] | None = None,
        properties: Mapping[str, str | None] | None = None,
        tags: frozenset[str] = frozenset(),
        on_result: Callable[[int, Any], None] | None = None,
    ) -> list[Any]:
        """`action(index, elements)` of each asked-for partition (default: all), in their order.  `on_result` is told
        each result as it comes.  Raises JobFailed with the user's error as its cause."""
        if current() is not None:
            raise only_on_driver()
        wanted = range(node.partitions) if partitions is None else partitions
        job = self._begin(node, properties, tags)
        status = "FAILED"
        try:
            missing, done = needed_shuffles(node)
            job.stages.extend(shuffled.stage for shuffled in done if shuffled.stage is not None)
            for shuffled in missing:
                self._run_map_stage(job, shuffled)

            results = self._run_stage(job, node, wanted, ResultWork(node, action), on_result)
            status = "SUCCEEDED"
            return results
        finally:
            self._end(job, status)

    def _begin(self, node: Node, properties: Mapping[str, str | None] | None, tags: frozenset[str]) -> Job:
        job = Job(next(self._job_ids), dict(properties or {}), tags, node=node)
        with self._lock:
            if self._over is not None:  # nobody would run its tasks
                raise cancelled(job.id, self._over)
            self.jobs[job.id] = job
            if len(self.jobs) > REMEMBERED:
                self._forget()
        return job

    def _end(self, job: Job, status: str) -> None:
        with self._lock:
            job.status, job.node = status, None
            for users, _, _ in self._cuts:
                users.discard(job.id)
            ready = [entry for entry in self._cuts if not entry[0]]
            self._cuts = [entry for entry in self._cuts if entry[0]]
        for _, node, saved in ready:
            node.cut(saved)

    def cut(self, node: Node, saved: Saved) -> None:
        """From now on the elements of a node come from `saved`.  What they were computed from is let go when no job
        computes them any more: one that had begun to would find nothing there, and give nothing."""
        node.saved = saved
        users = {job.id for job in self.active_jobs() if (root := job.node) is not None and _reads(root, node)}
        with self._lock:
            users = {i for i in users if (job := self.jobs.get(i)) is not None and job.node is not None}
            if users:
                self._cuts.append((users, node, saved))
                return
        node.cut(saved)

    def _forget(self) -> None:
        ended = [job for job in self.jobs.values() if job.status != "RUNNING"]
        for job in ended[: len(self.jobs) - REMEMBERED]:
            del self.jobs[job.id]
            for stage in job.stages:
                self.stages.pop(stage.id, None)

    def cancel(self, chosen: Callable[[Job], bool], why: str) -> None:
        """Cancel the running jobs that are chosen."""
        with self._lock:
            jobs = [job for job in self.jobs.values() if job.status == "RUNNING" and chosen(job)]
        for job in jobs:
            job.cancel(why)

    def stop(self, why: str) -> None:
        """Cancel all jobs, and those that come later, too."""
        with self._lock:
            self._over = why
        self.cancel(lambda job: True, why)
        self.executor.stop()

    def active_jobs(self) -> list[Job]:
        """Those that run now."""
        with self._lock:
            return [job for job in self.jobs.values() if job.status == "RUNNING"]

    # ------------------------------------------------------------ stages

    def _run_map_stage(self, job: Job, shuffled: Shuffled) -> None:
        with shuffled.stage_lock:

            def keep(i: int, buckets: Any) -> None:
                shuffled.outputs[i] = buckets

            self._run_stage(job, shuffled.parents[0], shuffled.missing(), shuffled.work(), keep)
            shuffled.stage = job.stages[-1]

    def _run_stage(
        self,
        job: Job,
        node: Node,
        partitions: Sequence[int],
        work: Work,
        on_result: Callable[[int, Any], None] | None,
    ) -> list[Any]:
        stage = Stage(next(self._stage_ids), node.name or node.kind, len(partitions))
        job.stages.append(stage)
        with self._lock:
            self.stages[stage.id] = stage
        run = _StageRun(self, job, stage, node, list(partitions), self.placed(work, node), on_result)
        return run.run()

    def task(self, job: Job, stage: Stage, index: int, attempt: int) -> Task:
        """A new task."""
        return Task(index, stage.id, next(self._task_ids), attempt, job.properties, on_cancel=job.on_cancel)

    @property
    def max_failures(self) -> int:
        """How often one task may fail."""
        return self._max_failures


class _StageRun:
    """One stage of one job, until all its tasks have ended."""

    def __init__(
        self,
        scheduler: Scheduler,
        job: Job,
        stage: Stage,
        node: Node,
        partitions: list[int],
        work: Callable[[int, Task], Any],
        on_result: Callable[[int, Any], None] | None,
    ) -> None:
        self._scheduler = scheduler
        self._job = job
        self._stage = stage
        self._partitions = partitions
        self._work = work
        self._on_result = on_result
        self._results: list[Any] = [None] * len(partitions)
        self._error: BaseException | None = None
        self._left = len(partitions)
        self._changed = threading.Condition()
        self._barrier = threading.Barrier(len(partitions)) if node.barrier and partitions else None
        self._gathered: list[Any] = [None] * len(partitions)

    def run(self) -> list[Any]:
        """All results in order, or the first error."""
        executor = self._scheduler.executor
        if self._barrier is not None and len(self._partitions) > executor.slots:
            wanted = len(self._partitions)
            raise JobFailed(
                message=f"[SPARK-24819]: all {wanted} tasks of a barrier stage run at once, and this context runs "
                f"{executor.slots} at once.  Use fewer partitions, or a master such as local[{wanted}]."
            )
        if len(self._partitions) == 1 and self._job.group is None and not self._job.tags:
            self._attempts(0)
        else:
            for place in range(len(self._partitions)):
                executor.submit(functools.partial(self._attempts, place))
            self._wait()
        if self._job.cancelled is not None:
            raise cancelled(self._job.id, self._job.cancelled)
        if self._error is not None:
            raise self._error
        return self._results

    def _wait(self) -> None:
        def tell() -> None:
            with self._changed:
                self._changed.notify_all()

        self._job.on_cancel.append(tell)
        try:
            with self._changed:
                self._changed.wait_for(lambda: not self._left or self._job.cancelled is not None)
                # A task that is stuck outside Python (a sleep, a query) does not see that it is cancelled.
                ended = self._changed.wait_for(lambda: not self._left, PATIENCE_S)
            if not ended:
                with self._job.lock:
                    stuck = set(self._job.threads)
                self._scheduler.executor.replace(stuck)
                _settle()
        except BaseException:  # Ctrl-C in the thread that waits
            self._job.cancel("because its caller was interrupted")
            raise
        finally:
            self._job.on_cancel.remove(tell)  # a job is remembered, its results are not

    def _attempts(self, place: int) -> None:
        """One task, again if it fails and may; never raises, unless the thread that runs the job is itself
        interrupted."""
        try:
            for attempt in itertools.count():
                if self._error is not None:
                    return
                error = self._attempt(place, attempt)
                if error is None:
                    return
                self._stage.failed += 1
                if attempt + 1 >= self._scheduler.max_failures:
                    with self._changed:
                        self._error = self._error or failed(self._stage.id, self._partitions[place], attempt + 1, error)
                    if self._barrier is not None:
                        self._barrier.abort()
        except TaskCancelled:
            pass
        finally:
            with self._changed:
                self._left -= 1
                self._changed.notify_all()

    def _attempt(self, place: int, attempt: int) -> BaseException | None:
        index = self._partitions[place]
        task = self._scheduler.task(self._job, self._stage, index, attempt)
        task.barrier, task.gathered = self._barrier, self._gathered
        self._stage.active += 1
        error: BaseException | None = None
        try:
            with self._job.in_task(), running(task):
                try:
                    result = self._work(index, task)
                except TaskCancelled:
                    raise
                except BaseException as raised:  # sys.exit() in a task fails the task
                    if isinstance(raised, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
                        raise
                    error = of_user(raised)
                for callback in task.at_end:
                    callback(error)
        finally:
            self._stage.active -= 1
        if error is not None:
            return error
        with self._changed:
            self._scheduler.on_success(task)
            self._results[place] = result
            if self._on_result is not None:
                self._on_result(index, result)
            self._stage.completed += 1
        return None


def needed_shuffles(node: Node) -> tuple[list[Shuffled], list[Shuffled]]:
    """The shuffles whose map outputs a job on `node` needs: those that are not there, in the order in which others
    need them, and those that are."""
    found: list[Shuffled] = []
    there: list[Shuffled] = []
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(node, False)]
    while stack:
        current_node, done = stack.pop()
        if done:
            assert isinstance(current_node, Shuffled)
            found.append(current_node)
            continue
        if current_node.id in seen or _kept(current_node):
            continue
        seen.add(current_node.id)
        if isinstance(current_node, Shuffled):
            if not current_node.missing():
                there.append(current_node)
                continue
            stack.append((current_node, True))
        stack.extend((parent, False) for parent in current_node.reads())
    return found, there


def _reads(root: Node, wanted: Node) -> bool:
    """Whether a node is what another one is computed from, or that itself."""
    seen: set[int] = set()
    stack = [root]
    while stack:
        found = stack.pop()
        if found is wanted:
            return True
        if found.id not in seen:
            seen.add(found.id)
            stack.extend(found.reads())
    return False


def _kept(node: Node) -> bool:
    return node.saved is not None and all(node.saved.holds(i) for i in range(node.partitions))

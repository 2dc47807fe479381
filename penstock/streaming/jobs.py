"""Running the jobs of batches: in order, delayed ones queue."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from penstock.core.clock import Clock
from penstock.streaming import events

if TYPE_CHECKING:
    from penstock.streaming.context import StreamingContext


@dataclass
class OutputJob:
    """One output operation of one batch."""

    id: int
    name: str
    run: Callable[[], None]
    started_ms: int | None = None
    ended_ms: int | None = None
    error: BaseException | None = None


@dataclass
class Batch:
    """One batch: its jobs and when what happened.  Times are milliseconds since 1970."""

    time_ms: int
    jobs: list[OutputJob]
    inputs: dict[int, events.StreamInputInfo]
    submitted_ms: int
    started_ms: int | None = None
    ended_ms: int | None = None
    left: int = field(init=False)

    def __post_init__(self) -> None:
        self.left = len(self.jobs)


class JobScheduler:
    """Takes batches in order and runs their jobs, `concurrent` at once."""

    def __init__(self, context: StreamingContext, clock: Clock, concurrent: int) -> None:
        self._context = context
        self._clock = clock
        self._concurrent = concurrent
        self._queue: deque[tuple[Batch, OutputJob]] = deque()
        self._open: dict[int, Batch] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._serving: set[threading.Thread] = set()  # not join: CPython's is over when a signal interrupts it
        self._stoppers: set[threading.Thread] = set()  # those of them that stop the context in a function

    def start(self) -> None:
        """Begin to run jobs."""
        for i in range(self._concurrent):
            thread = threading.Thread(target=self._serve, name=f"penstock streaming job {i}", daemon=True)
            self._threads.append(thread)
            self._serving.add(thread)
            thread.start()

    def submit(self, batch: Batch) -> None:
        """Queue a batch's jobs.  A batch without jobs (no window slides at its time) is done at once, and listeners do
        not hear of it, as in Spark."""
        if batch.jobs:
            self._context.bus.post("onBatchSubmitted", events.BatchEvent(events.info(batch)))
        with self._changed:
            if self._stopping:
                return  # it runs after a restart
            self._open[batch.time_ms] = batch
            self._queue.extend((batch, job) for job in batch.jobs)
            self._changed.notify_all()
        if not batch.jobs:
            batch.started_ms = batch.ended_ms = self._clock.now_ms()
            self._done(batch)

    def _serve(self) -> None:
        while (taken := self._next()) is not None:
            self._run(*taken)
        with self._changed:
            self._serving.discard(threading.current_thread())
            self._changed.notify_all()

    def _next(self) -> tuple[Batch, OutputJob] | None:
        """The next job; None at the end."""
        with self._changed:
            while not self._queue and not self._stopping:
                self._changed.wait()
            return self._queue.popleft() if self._queue else None

    def _run(self, batch: Batch, job: OutputJob) -> None:
        bus, now = self._context.bus, self._clock.now_ms
        job.started_ms = now()
        with self._changed:  # another job of the batch is not told of before the batch is
            if batch.started_ms is None:
                batch.started_ms = job.started_ms
                bus.post("onBatchStarted", events.BatchEvent(events.info(batch)))
        bus.post("onOutputOperationStarted", events.OutputEvent(events.output_info(batch, job)))
        try:
            with self._context.batch_properties(batch.time_ms, job.id):
                job.run()
        except BaseException as error:
            job.error = self._context.report(f"Error running job streaming job {batch.time_ms} ms.{job.id}", error)
        job.ended_ms = now()
        bus.post("onOutputOperationCompleted", events.OutputEvent(events.output_info(batch, job)))
        with self._changed:
            batch.left -= 1
            last = batch.left == 0
        if last:
            batch.ended_ms = max(each.ended_ms for each in batch.jobs if each.ended_ms is not None)
            self._done(batch)

    def _done(self, batch: Batch) -> None:
        if batch.jobs:
            self._context.bus.post("onBatchCompleted", events.BatchEvent(events.info(batch)))
        try:
            self._context.batch_done(batch)
        except Exception as error:
            self._context.report(f"Error after the batch of {batch.time_ms} ms", error)
            self._context.batch_failed(batch.time_ms)
        finally:
            with self._changed:
                self._open.pop(batch.time_ms, None)
                self._changed.notify_all()

    def is_run_by(self, thread: threading.Thread) -> bool:
        """Whether a thread runs jobs."""
        return thread in self._threads

    def drain(self) -> None:
        """Wait until all submitted batches are done, or somebody else has stopped without waiting."""
        with self._changed:
            while self._open and not self._stopping:
                self._changed.wait(0.1)

    def stop(self) -> list[threading.Thread]:
        """Run no more jobs than those that have begun, and wait until they have ended; gives the threads of those that
        cannot, as they call this.  Functions that do so at the same time do not wait for each other."""
        own = threading.current_thread()
        with self._changed:
            self._queue.clear()
            self._stopping = True
            if own in self._serving:
                self._stoppers.add(own)
            self._changed.notify_all()
            while self._serving - (self._stoppers if own in self._stoppers else set()):
                self._changed.wait()
            return list(self._serving)

"""Making a batch's jobs when its time has come."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from penstock.core.clock import Clock
from penstock.core.faults import point
from penstock.streaming.jobs import Batch, JobScheduler, OutputJob

if TYPE_CHECKING:
    from penstock.streaming.context import StreamingContext


class JobGenerator:
    """One thread that waits for the next multiple of the batch interval.  A generator that is late makes the missed
    batches one after the other."""

    def __init__(self, context: StreamingContext, scheduler: JobScheduler, clock: Clock) -> None:
        self._context = context
        self._scheduler = scheduler
        self._clock = clock
        self._wake = threading.Event()
        self._stop_after_ms: int | None = None
        self._thread: threading.Thread | None = None
        self._next_ms = 0

    def first_batch_ms(self) -> int:
        """The next multiple of the interval."""
        interval = self._context.batch_ms
        return (self._clock.now_ms() // interval + 1) * interval

    def start(self, first_ms: int) -> None:
        """Batches from this time on."""
        self._next_ms = first_ms
        self._thread = threading.Thread(target=self._serve, name="penstock streaming batches", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            self._clock.wait_until(self._next_ms, self._wake)
            limit = self._stop_after_ms
            if limit is not None and self._next_ms > limit:
                return
            if self._clock.now_ms() < self._next_ms:
                self._wake.clear()  # stopping gracefully: the last batch's time is still to come
                continue
            time_ms, self._next_ms = self._next_ms, self._next_ms + self._context.batch_ms
            self.generate(time_ms)

    def generate(self, time_ms: int) -> None:
        """Make and submit one batch."""
        context = self._context
        try:
            context.allocate(time_ms)
            point("dstream-batch-allocated")
            jobs = [OutputJob(i, output.name, run) for i, (output, run) in enumerate(context.graph.jobs(time_ms))]
            context.batch_made(time_ms)
        except Exception as error:
            context.report(f"Error generating jobs for time {time_ms} ms", error)
            context.batch_not_made(time_ms)
            return
        inputs = context.input_infos(time_ms)
        self._scheduler.submit(Batch(time_ms, jobs, inputs, self._clock.now_ms()))

    def stop(self, after_ms: int | None = None) -> None:
        """Make no more batches, or those up to a time; wait until that is so."""
        self._stop_after_ms = self._next_ms - self._context.batch_ms if after_ms is None else after_ms
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

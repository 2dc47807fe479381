"""Making a batch's jobs when its time has come."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from penstock.core.clock import Clock
from penstock.core.faults import point
from penstock.streaming.jobs import Batch, JobScheduler, OutputJob

if TYPE_CHECKING:
    from penstock.streaming.context import StreamingContext

#: How many batches that are late are made together: they share one write to the disk.
GROUP = 100
#: After so many seconds those that have been made begin to run.
TOGETHER_S = 0.1


class JobGenerator:
    """One thread that waits for the next multiple of the batch interval.  A generator that is late makes the missed
    batches one after the other, each at its own time."""

    def __init__(self, context: StreamingContext, scheduler: JobScheduler, clock: Clock) -> None:
        self._context = context
        self._scheduler = scheduler
        self._clock = clock
        self._wake = threading.Event()
        self._limiting = threading.RLock()  # reentrant: a signal may stop the context while it is being stopped
        self._stop_after_ms: int | None = None
        #: Whether to stop without the batches that are still to be made.
        self._at_once = False
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()  # CPython's join believes that a thread has ended when a signal interrupts it
        self._next_ms = 0

    def first_batch_ms(self) -> int:
        """The next multiple of the interval."""
        interval = self._context.batch_ms
        return (self._clock.now_ms() // interval + 1) * interval

    def start(self, first_ms: int, missed: Sequence[int] = ()) -> None:
        """Batches from this time on; before, those that a restart has to make."""
        self._next_ms = first_ms
        name = "penstock streaming batches"
        self._thread = threading.Thread(target=self._serve, args=(missed,), name=name, daemon=True)
        self._thread.start()

    def _serve(self, missed: Sequence[int]) -> None:
        try:
            for i in range(0, len(missed), GROUP):
                self.generate(missed[i : i + GROUP])
            while (due := self._wait()) is not None:
                self.generate(due)
        finally:
            self._ended.set()

    def _wait(self) -> Sequence[int] | None:
        """The times of the batches that are due; None at the end."""
        interval = self._context.batch_ms
        while (limit := self._stop_after_ms) is None or self._next_ms <= limit:
            now = self._clock.now_ms()
            if now >= self._next_ms:
                last = now if limit is None else min(now, limit)
                due = range(self._next_ms, last + 1, interval)[:GROUP]
                self._next_ms = due[-1] + interval
                return due
            self._clock.wait_until(self._next_ms, self._wake)
            self._wake.clear()  # before the limit is read: who changes it now wakes the next one that waits
        return None

    def generate(self, times: Sequence[int]) -> None:
        """Make and submit batches: together, but none waits long for the others."""
        made: list[tuple[int, Batch | None]] = []
        begin = time.monotonic()
        for time_ms in times:
            if self._at_once:
                break
            made.append((time_ms, self._made(time_ms)))
            if time.monotonic() - begin > TOGETHER_S:
                self._submit(made)
                made, begin = [], time.monotonic()
        if made:
            self._submit(made)

    def _submit(self, made: list[tuple[int, Batch | None]]) -> None:
        """What batches read is durable before the first of them runs."""
        context = self._context
        times = [time_ms for time_ms, _ in made]
        try:
            context.batches_made(times)
        except Exception as error:
            context.report(f"Error keeping the batches of {times[0]} ms to {times[-1]} ms", error)
            made = [(time_ms, None) for time_ms in times]
        for time_ms, batch in made:
            if batch is None:
                context.batch_failed(time_ms)
            else:
                self._scheduler.submit(batch)

    def _made(self, time_ms: int) -> Batch | None:
        """A batch with its jobs; None, and the context told, if a function of the program raises."""
        context = self._context
        try:
            context.allocate(time_ms)
            point("dstream-batch-allocated")
            jobs = [OutputJob(i, output.name, run) for i, (output, run) in enumerate(context.graph.jobs(time_ms))]
            return Batch(time_ms, jobs, context.input_infos(time_ms), self._clock.now_ms())
        except BaseException as error:  # also sys.exit() in a function: this thread must go on
            context.report(f"Error generating jobs for time {time_ms} ms", error)
            return None

    def is_run_by(self, thread: threading.Thread) -> bool:
        """Whether a thread makes the batches."""
        return thread is self._thread

    def stop(self, after_ms: int | None = None) -> None:
        """Make no more batches, or those up to a time; wait until that is so."""
        self.limit(after_ms)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._ended.wait()

    def limit(self, after_ms: int | None = None) -> None:
        """The same without waiting.  Of several calls the strictest counts."""
        with self._limiting:
            self._at_once = self._at_once or after_ms is None
            limit = self._next_ms - self._context.batch_ms if after_ms is None else after_ms
            self._stop_after_ms = limit if self._stop_after_ms is None else min(limit, self._stop_after_ms)
        self._wake.set()

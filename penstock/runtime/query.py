"""One running streaming query: its thread, its life and what others may ask of it.

The thread does: open the parts, recover from the checkpoint, then trigger after trigger until stopped or failed.
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from penstock.checkpoint.checkpoint import STATE_PROVIDER, STATE_PROVIDER_KEY, Checkpoint
from penstock.core.config import Conf
from penstock.plan.nodes import Node
from penstock.runtime import listener
from penstock.runtime.async_progress import refuse_state
from penstock.runtime.epoch_loop import EpochLoop
from penstock.runtime.epochs import Epochs, open_source, row_sink
from penstock.runtime.errors import StreamingQueryException, describe, explained, stop_timed_out
from penstock.runtime.execution import Execution
from penstock.runtime.listener import ListenerBus
from penstock.runtime.microbatch import BatchOutcome, MicroBatches, Parts
from penstock.runtime.progress import Progress, QueryIdentity, Stopwatch
from penstock.runtime.reporter import ProgressReporter, QueryStatus
from penstock.runtime.settings import KEPT_KEYS, StreamingSettings, kept_conf
from penstock.runtime.spec import QuerySpec
from penstock.runtime.trigger import AvailableNow, Continuous, Once, ProcessingTime, RealTime
from penstock.runtime.waiting import CLOCK_POLL_MS, idle_wait_ms
from penstock.sinks.base import Sink, SinkContext
from penstock.sources.base import StreamContext, StreamSource

if TYPE_CHECKING:
    from penstock.engine import EngineCursor

_log = logging.getLogger(__name__)

#: How long stop() lets a running batch finish before it interrupts the engine, and then waits at most, by default.
STOP_GRACE_MS = 5_000
STOP_LIMIT_MS = 60_000


class CompileQuery(Protocol):
    """`penstock.runtime.planner.compile_query`, or a test's."""

    def __call__(
        self, plan: Node, output_mode: str, conf: Conf, cursor: EngineCursor, state_directory: Path, label: str, /
    ) -> Execution:
        """A query ready to run."""


class StreamingQuery:
    """Made by StreamingQueryManager.start.  All public methods may be called from any thread."""

    def __init__(
        self,
        spec: QuerySpec,
        identity: QueryIdentity,
        checkpoint: Checkpoint,
        compile_query: CompileQuery,
        make_cursor: Callable[[], EngineCursor],
        bus: ListenerBus,
        on_terminated: Callable[[StreamingQuery], None],
        *,
        temporary: bool = False,
    ) -> None:
        self.spec = spec
        self.identity = identity
        self.checkpoint = checkpoint
        self.status = QueryStatus()
        self.exception: StreamingQueryException | None = None
        self.settings = StreamingSettings.of(spec.conf)
        self._temporary = temporary
        self._compile_query = compile_query
        self._make_cursor = make_cursor
        self._cursor: EngineCursor | None = None
        self._bus = bus
        self._on_terminated = on_terminated
        self._parts: Parts | None = None
        self._batches: MicroBatches | None = None
        self._reporter: ProgressReporter | None = None
        self._closers: list[Callable[[], None]] = []
        self._start_error: BaseException | None = None
        self._announced = False
        self._interrupted = self._is_over = False
        self._asked_s: float | None = None
        self._ready = threading.Event()
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._ended = threading.Event()
        self._progress_made = threading.Condition()
        self._triggers_begun = 0
        self._idle_trigger = 0
        self._waiting = 0
        label = f"stream execution thread for {identity.label}"
        self._thread = threading.Thread(target=self._run, name=label, daemon=True)

    # ------------------------------------------------------------ asked from outside

    @property
    def id(self) -> str:
        """The same over all restarts from one checkpoint."""
        return self.identity.id

    @property
    def run_id(self) -> str:
        """New at every start."""
        return self.identity.run_id

    @property
    def name(self) -> str | None:
        """The name given by queryName."""
        return self.identity.name

    @property
    def is_active(self) -> bool:
        """Whether it has not ended yet."""
        return not self._is_over

    def mark_over(self) -> None:
        """It counts as ended, before anybody hears of it; nothing of it is in use any more."""
        self._is_over = True

    @property
    def thread_name(self) -> str:
        """The name of the thread that runs the batches."""
        return self._thread.name

    @property
    def is_this_thread(self) -> bool:
        """Whether the caller is a function that this query has called: it cannot wait for the query's end."""
        return threading.current_thread() is self._thread

    @property
    def recent_progress(self) -> list[Progress]:
        """The last spark.sql.streaming.numRecentProgressUpdates progress objects, oldest first."""
        return self._reporter.recent if self._reporter is not None else []

    @property
    def last_progress(self) -> Progress | None:
        """The newest progress object."""
        recent = self.recent_progress
        return recent[-1] if recent else None

    def start(self) -> None:
        """Begin to run.  Raises what is wrong with the plan or the sink; later failures end the query (`exception`)."""
        self._thread.start()
        self._ready.wait()
        if self._start_error is not None:
            self._ended.wait()
            raise self._start_error

    @property
    def has_begun(self) -> bool:
        """Whether its thread runs, or has run: then that thread alone says when the query is over."""
        return self._thread.ident is not None

    def give_up(self) -> None:
        """It never begins: nobody has to wait for its end."""
        self.mark_over()
        self._ended.set()

    def explain(self, extended: bool = False) -> str:
        """The plan as text."""
        if self._parts is None:
            return "No physical plan. Waiting for data."
        return self._parts.execution.explain(extended)

    def wake(self) -> None:
        """Ask the sources for new data now."""
        self._wake.set()

    def await_termination(self, timeout_ms: int | None = None) -> bool:
        """Wait for the end; False when it has not come in time.  Raises the query's exception if it failed."""
        ended = self._ended.wait(None if timeout_ms is None else timeout_ms / 1000)
        if ended and self.exception is not None:
            raise self.exception
        return ended

    def process_all_available(self, timeout_ms: int | None = None) -> bool:
        """Wait until a trigger that began after this call found nothing to do, or the query has ended; False when
        neither has come in time.  Raises the query's exception if it failed."""
        with self._progress_made:
            target = self._triggers_begun + 1
            self._waiting += 1
            self._wake.set()
            timeout = None if timeout_ms is None else timeout_ms / 1000
            try:
                done = self._progress_made.wait_for(lambda: self._idle_trigger >= target or not self.is_active, timeout)
            finally:
                self._waiting -= 1
        if self.exception is not None:
            raise self.exception
        return done

    def ask_to_stop(self) -> None:
        """End after the batch that runs now."""
        if self._asked_s is None:
            self._asked_s = time.monotonic()
        self._stopping.set()
        self._wake.set()

    def ends_by_itself(self) -> bool:
        """After `ask_to_stop`: wait for the end as long as a batch may take to finish; whether that was enough.  The
        query's own thread does not wait."""
        asked_s = self._asked_s or time.monotonic()
        left_ms = STOP_GRACE_MS - int((time.monotonic() - asked_s) * 1000)
        return self.is_this_thread or self._ended_within(max(0, left_ms))

    def stop(self) -> None:
        """End the query.  A running batch may finish within a grace period, then the engine is interrupted; what was
        not committed runs again at the next start.  Raises when the batch does not end within
        spark.sql.streaming.stopTimeout."""
        self.ask_to_stop()
        if self.ends_by_itself():
            return
        self._interrupted = True
        if self._cursor is not None:
            self._cursor.interrupt()
        limit = self.settings.stop_timeout_ms or STOP_LIMIT_MS
        if not self._ended_within(limit):
            raise stop_timed_out(self.identity, limit)

    def _ended_within(self, timeout_ms: int) -> bool:
        if not self._ended.wait(timeout_ms / 1000):
            return False
        if self.has_begun:
            self._thread.join(1)  # its last frames hold the engine's connection
        return True

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            self._open()
            self._loop()
            self.checkpoint.flush(clean=True)
        except BaseException as error:  # also what a test throws to simulate a crash
            failure = error
        finally:
            self._end(failure)

    def _open(self) -> None:
        conf = self._conf_with_checkpoint()
        execution, sink = self._compile(conf)
        self._announce()
        self._tell("Initializing sources")
        sources = [self._open_source(execution, index, conf) for index in range(len(execution.sources))]
        kept = kept_conf(conf) | ({STATE_PROVIDER_KEY: STATE_PROVIDER} if execution.has_state else {})
        settings = StreamingSettings.of(conf)
        self._parts = Parts(execution, sources, sink, self.checkpoint, settings, kept, self.spec.clock)
        self._reporter = ProgressReporter(self.identity, self._parts, self._bus)
        batches = MicroBatches(self._parts, self._tell)
        self.checkpoint.may_have_gaps = self.spec.async_progress is not None
        batches.recover()
        if (behind := self.spec.async_progress) is not None:
            if execution.has_state:
                raise refuse_state()
            self.checkpoint.write_behind(behind.interval_ms, self.spec.clock)
        self._batches = batches

    def _conf_with_checkpoint(self) -> Conf:
        """The session's settings as they were at the start, under those that the checkpoint keeps."""
        conf = self.spec.conf.snapshot()
        for key, value in self.checkpoint.stored_conf().items():
            if key in KEPT_KEYS:
                conf.set(key, value)
        return conf

    def _compile(self, conf: Conf) -> tuple[Execution, Sink]:
        spec, paths, label = self.spec, self.checkpoint.paths, self.identity.label
        try:
            self._cursor = self._make_cursor()
            self._closers.append(self._cursor.close)
            execution = self._compile_query(spec.plan, spec.output_mode, conf, self._cursor, paths.state, label)
            self._closers[0] = execution.stop  # which closes the cursor as well
            sink = spec.make_sink(self._sink_context(execution, conf))
            self._closers.append(sink.stop)
        except Exception as error:
            self._start_error = explained(self.identity, error, self.checkpoint.paths.root)
            raise
        return execution, sink

    def _sink_context(self, execution: Execution, conf: Conf) -> SinkContext:
        spec = self.spec
        options = {key.lower(): value for key, value in spec.sink_options.items()}
        return SinkContext(
            spec.name, self.id, spec.output_mode, execution.schema, options, spec.partition_by, conf.time_zone, conf
        )

    def _open_source(self, execution: Execution, index: int, conf: Conf) -> StreamSource:
        path = self.checkpoint.paths.source(execution.sources[index].name or index)
        label = self.name or self.id
        context = StreamContext(self.spec.clock, path, label, conf.time_zone, conf, self.wake)
        source = open_source(execution.sources[index], context, self.spec.trigger)
        self._closers.append(source.stop)
        return source

    def _loop(self) -> None:
        trigger, clock = self.spec.trigger, self.spec.clock
        if isinstance(trigger, (Continuous, RealTime)):
            self._run_epochs(trigger)
            return
        if isinstance(trigger, AvailableNow):
            self._prepare_for_available_now()
        while not self._stopping.is_set():
            begun_ms = clock.now_ms()
            ran = self._trigger(begun_ms)
            if isinstance(trigger, Once) or (isinstance(trigger, AvailableNow) and not ran):
                return
            if isinstance(trigger, ProcessingTime) and trigger.interval_ms:
                clock.wait_until(trigger.next_after(begun_ms), self._stopping)
            elif not ran:
                self._wait_for_data()
            self._wake.clear()

    def _run_epochs(self, trigger: Continuous | RealTime) -> None:
        assert self._parts is not None and self._batches is not None and self._reporter is not None, "opened before"
        parts, batches, reporter = self._parts, self._batches, self._reporter
        sink = row_sink(parts.sink, trigger)
        if batches.is_replaying:
            self._trigger(self.spec.clock.now_ms())

        def report(begun_ms: int, watch: Stopwatch, outcome: BatchOutcome | None) -> None:
            if isinstance(trigger, RealTime):
                reporter.report(batches, begun_ms, watch, outcome)
            elif outcome is not None:
                reporter.report_epoch(begun_ms, watch, outcome)

        EpochLoop(
            epochs=Epochs(parts, batches, sink, self._tell),
            length_ms=trigger.interval_ms if isinstance(trigger, Continuous) else trigger.duration_ms,
            clock=self.spec.clock,
            stopping=self._stopping,
            wake=self._wake,
            wait_ms=lambda: idle_wait_ms(parts.sources, parts.settings, self.spec.clock),
            begin_step=self._note_begun,
            idle=self._note_idle,
            in_haste=lambda: self._waiting > 0,
            report=report,
        ).run()

    def _wait_for_data(self) -> None:
        """Until a source may have something new, somebody calls `wake`, or it is time to report that nothing comes."""
        assert self._parts is not None and self._reporter is not None, "opened before"
        wait_ms = idle_wait_ms(self._parts.sources, self._parts.settings, self.spec.clock)
        if self._parts.execution.has_clock:
            wait_ms = min(wait_ms, CLOCK_POLL_MS)
        self._wake.wait(min(wait_ms, self._reporter.idle_report_in_ms()) / 1000)

    def _prepare_for_available_now(self) -> None:
        assert self._parts is not None, "opened before"
        for source in self._parts.sources:
            source.prepare_for_available_now()

    def _trigger(self, begun_ms: int) -> bool:
        """One trigger: at most one batch; whether there was one."""
        assert self._batches is not None and self._reporter is not None, "opened before"
        self._note_begun()
        self.status.is_trigger_active = True
        watch = Stopwatch()
        with watch.measure("triggerExecution"):
            outcome = self._one_batch(self._batches, watch)
        self._reporter.report(self._batches, begun_ms, watch, outcome)
        self.status.is_trigger_active = False
        if outcome is None:
            self._note_idle()
        return outcome is not None

    def _one_batch(self, batches: MicroBatches, watch: Stopwatch) -> BatchOutcome | None:
        once = isinstance(self.spec.trigger, Once)
        batch = batches.plan(watch, ignore_limits=once, no_data_batches=self.settings.no_data_batches and not once)
        self.status.is_data_available = batch is not None and batch.has_data
        if batch is None:
            self._tell("Waiting for data to arrive")
            return None
        return batches.run(batch, watch)

    def _note_begun(self) -> None:
        with self._progress_made:
            self._triggers_begun += 1

    def _note_idle(self) -> None:
        with self._progress_made:
            self._idle_trigger = self._triggers_begun
            self._progress_made.notify_all()

    def _tell(self, message: str) -> None:
        self.status.message = message

    def _announce(self) -> None:
        """Tell listeners that the query has started, before start() returns."""
        if not self._announced:
            self._announced = True
            self._bus.post(listener.started(self.identity, self.spec.clock.now_ms()))
            self._ready.set()

    # ------------------------------------------------------------ the end

    def _end(self, failure: BaseException | None) -> None:
        """Whatever fails here: somebody waits for the end, so it comes."""
        try:
            self._let_go(failure)
        finally:
            try:
                self._on_terminated(self)
                self.mark_over()
                self._tell_end()
            finally:
                self._ended.set()
                self._ready.set()
                with self._progress_made:
                    self._progress_made.notify_all()

    def _let_go(self, failure: BaseException | None) -> None:
        """Of everything that others may want next; then say how it ended."""
        self._closers.append(lambda: self.checkpoint.flush(clean=False))
        for close in reversed(self._closers):
            self._close(close)
        self._close(self.checkpoint.release)
        if failure is not None and self._start_error is None and not self._interrupted:
            self._fail(failure)
        self._show_end()
        if self._temporary and (self.exception is None or self.settings.force_delete_temporary):
            shutil.rmtree(self.checkpoint.paths.root, ignore_errors=True)

    def _tell_end(self) -> None:
        if self._start_error is None:
            self._announce()
            text = None if self.exception is None else self.exception.cause_traceback
            condition = None if self.exception is None else self.exception.cause_condition
            self._bus.post(listener.terminated(self.identity, text, condition))

    def _close(self, close: Callable[[], None]) -> None:
        try:
            close()
        except BaseException:  # the parts below it close all the same
            _log.exception("Query %s: a part did not close", self.identity.label)

    def _fail(self, failure: BaseException) -> None:
        cause = explained(self.identity, failure, self.checkpoint.paths.root)
        where = f" in batch {self._batches.next_id}" if self._batches is not None else ""
        self.exception = StreamingQueryException(self.identity, cause, where)
        if isinstance(failure, Exception):
            _log.error("%s", self.exception)

    def _show_end(self) -> None:
        ended = "Stopped" if self.exception is None else f"Terminated with exception: {describe(self.exception.cause)}"
        self.status.message = ended
        self.status.is_data_available = self.status.is_trigger_active = False

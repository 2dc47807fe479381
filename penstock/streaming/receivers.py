"""Streams of receivers: what came in between two batches is a batch."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from penstock.rdd.nodes import Generated
from penstock.rdd.rdd import RDD
from penstock.rdd.storage import Block
from penstock.streaming import events
from penstock.streaming.inputs import InputStream
from penstock.streaming.rate import PidRateEstimator, RateLimiter
from penstock.streaming.receiver import Receiver
from penstock.streaming.wal import WriteAheadLog

if TYPE_CHECKING:
    from penstock.streaming.context import StreamingContext

_log = logging.getLogger(__name__)


class ReceiverStream(InputStream):
    """The records of one receiver.  What is there when a batch is made belongs to it.

    With `spark.streaming.receiver.writeAheadLog.enable` and a checkpoint directory a block is in the log before
    `store(list)` returns, and a batch is a range of the log's numbers: it can be made again after a restart, and
    nothing that was acknowledged is lost."""

    def __init__(self, context: StreamingContext, receiver: Receiver, name: str) -> None:
        super().__init__(context, name)
        self.receiver = receiver
        self._begin()

    def _begin(self) -> None:
        """What is not part of the definition."""
        self._records_lock = threading.Lock()
        self._singles: list[Any] = []
        self._buffer: list[Any] = []
        self._batches: dict[int, list[Any]] = {}
        #: By time: the batch has the blocks of the log after the first number and up to the second.
        self._ranges: dict[int, tuple[int, int]] = {}
        #: The last number that belongs to a batch.
        self._allocated = 0
        self._log: WriteAheadLog | None = None
        self._limiter = RateLimiter(None)
        self._estimator: PidRateEstimator | None = None
        self.supervisor = ReceiverSupervisor(self)

    def __getstate__(self) -> dict[str, Any]:
        log = ("_log", "_ranges", "_allocated")
        records = ("_records_lock", "_singles", "_buffer", "_batches", "_limiter", "_estimator")
        state = super().__getstate__()
        for name in (*log, *records, "supervisor"):
            del state[name]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.receiver._supervisor = None
        self._begin()

    # ------------------------------------------------------------ life

    def start(self) -> None:
        setting = self.ssc.sparkContext._setting
        highest = float(setting("spark.streaming.receiver.maxRate", "0")) or None
        if setting("spark.streaming.backpressure.enabled", "false") == "true":
            initial = float(setting("spark.streaming.backpressure.initialRate", "0")) or None
            self._limiter = RateLimiter(highest, initial)
            self._estimator = estimator(setting, self.ssc.batch_ms)
        else:
            self._limiter = RateLimiter(highest)
        self.supervisor.start()

    def prepare(self) -> None:
        directory = self.ssc.log_directory()
        if directory is None or self._log is not None:
            return
        self._log = WriteAheadLog(directory / f"receiver-{self.id}")
        for _, records in self._log.read(self._allocated):
            self._buffer.extend(records)

    def stop(self) -> None:
        self.supervisor.stop("Stopped by driver", None)

    def close(self) -> None:
        if self._log is not None:
            self._log.close()

    def batch_done(self, info: events.BatchInfo, records: int) -> None:
        """Adapt the rate."""
        if self._estimator is None:
            return
        processing, waiting = info.processingDelay(), info.schedulingDelay()
        rate = self._estimator.compute(info.processingEndTime(), records, processing, waiting)
        if rate is not None:
            self._limiter.set(rate)

    @property
    def rate_limit(self) -> float | None:
        """The most records a second that are taken in; None for no limit."""
        return self._limiter.rate

    # ------------------------------------------------------------ records

    def take_one(self, item: Any) -> None:
        """A record of an unreliable receiver: in the log when its batch is made."""
        self._limiter.take(1)
        with self._records_lock:
            self._singles.append(item)

    def take_in(self, items: list[Any]) -> None:
        """A block: in the log when this returns."""
        self._limiter.take(len(items))
        with self._records_lock:
            self._keep(items)

    def _keep(self, items: list[Any]) -> None:
        if self._log is not None:
            self._log.append(items)
        self._buffer.extend(items)

    def allocate(self, time_ms: int) -> None:
        """What came in until now belongs to this batch."""
        with self._records_lock:
            if time_ms in self._batches:
                return
            if time_ms in self._ranges:
                self._batches[time_ms] = self._again(*self._ranges[time_ms])
                return
            if self._singles:
                self._keep(self._singles)
                self._singles = []
            self._batches[time_ms], self._buffer = self._buffer, []
            if self._log is not None:
                last = self._log.next - 1
                self._ranges[time_ms] = (self._allocated, last)
                self._allocated = last

    def _again(self, after: int, last: int) -> list[Any]:
        """What a batch of the process before had."""
        assert self._log is not None
        return [x for _, records in self._log.read(after, last) for x in records]

    def _records(self, time_ms: int) -> list[Any]:
        found = self._batches.get(time_ms)
        if found is None and time_ms in self._ranges:
            found = self._again(*self._ranges[time_ms])
        return found or []

    def records(self, time_ms: int) -> int | None:
        return len(self._batches.get(time_ms, ()))

    def compute(self, time_ms: int) -> RDD | None:
        records = self._records(time_ms)
        count = max(1, min(int(self.ssc.sparkContext.defaultParallelism), len(records) // 1000))
        edges = [i * len(records) // count for i in range(count + 1)]
        slices = [records[a:b] for a, b in itertools.pairwise(edges)] if records else []
        blocks = [Block(part) for part in slices]
        return RDD(Generated(len(blocks), lambda i: blocks[i].read(), "BlockRDD"), self.ssc.sparkContext)

    def forget(self, time_ms: int, unpersist: bool, failed: Sequence[int] = ()) -> None:
        super().forget(time_ms, unpersist, failed)
        limit = time_ms - self.remember_ms
        with self._records_lock:
            for old in [t for t in self._batches if t <= limit]:
                del self._batches[old]
            for old in [t for t in self._ranges if t <= limit and not self.is_needed(t, failed)]:
                del self._ranges[old]

    def mark(self) -> Any:
        """What the log must have, as it is now."""
        with self._records_lock:
            return self._allocated, list(self._ranges.values())

    def let_go(self, mark: Any) -> None:
        if self._log is not None:
            self._log.forget(*mark)

    def describe(self) -> Any:
        if self._log is None:
            return None
        with self._records_lock:
            return {"allocated": self._allocated, "batches": {str(t): both for t, both in self._ranges.items()}}

    def describe_batch(self, time_ms: int) -> Any:
        return self._ranges.get(time_ms)

    def restore(self, described: Any) -> None:
        self._ranges = {int(t): (after, last) for t, (after, last) in described["batches"].items()}
        self._allocated = max([described["allocated"], *(last for _, last in self._ranges.values())])


def estimator(setting: Callable[[str, str], str], interval_ms: int) -> PidRateEstimator:
    """As the settings say; only Spark's `pid` is known."""
    kind = setting("spark.streaming.backpressure.rateEstimator", "pid")
    if kind != "pid":
        raise ValueError(f"Unknown rate estimator: spark.streaming.backpressure.rateEstimator is pid, not {kind}")
    name = "spark.streaming.backpressure.pid."
    return PidRateEstimator(
        interval_ms,
        float(setting(f"{name}proportional", "1.0")),
        float(setting(f"{name}integral", "0.2")),
        float(setting(f"{name}derived", "0.0")),
        float(setting(f"{name}minRate", "100")),
    )


class ReceiverSupervisor:
    """Starts, restarts and stops one receiver."""

    def __init__(self, stream: ReceiverStream) -> None:
        self._stream = stream
        self.stream_id = stream.id
        self.state = "INITIALIZED"
        self._is_over = False  # stopped for good: a restart that is under way does not start it again
        self._wake = threading.Event()
        self._lock = threading.RLock()

    def _info(self, message: str = "", error: BaseException | None = None) -> events.ReceiverEvent:
        at = self._stream.ssc.clock.now_ms() if error is not None else -1
        text = "" if error is None else repr(error)
        active = self.state == "STARTED"
        return events.ReceiverEvent(events.ReceiverInfo(self.stream_id, self._stream.name, active, text, message, at))

    def _post(self, call: str, message: str = "", error: BaseException | None = None) -> None:
        self._stream.ssc.bus.post(call, self._info(message, error))

    def start(self) -> None:
        """Call onStart."""
        with self._lock:
            if self._is_over:
                return
            self._stream.receiver._supervisor = self
            self.state = "STARTED"
        try:
            self._stream.receiver.onStart()
        except Exception as error:
            self.restart("Error starting receiver", error, None)
            return
        self._post("onReceiverStarted")

    def store_one(self, item: Any) -> None:
        self._stream.take_one(item)

    def store_many(self, items: list[Any]) -> None:
        self._stream.take_in(items)

    def report(self, message: str, error: BaseException) -> None:
        _log.warning("Receiver %d: %s: %s", self.stream_id, message, error)
        self._post("onReceiverError", message, error)

    def restart(self, message: str, error: BaseException | None, delay_ms: int | None) -> None:
        if error is not None:
            self.report(message, error)
        default = int(self._stream.ssc.sparkContext._setting("spark.streaming.receiverRestartDelay", "2000"))
        delay = (default if delay_ms is None else delay_ms) / 1000

        def again() -> None:
            if not self._end(message, error):
                return
            if not self._wake.wait(delay):
                self.start()

        threading.Thread(target=again, name="penstock receiver restart", daemon=True).start()

    def stop(self, message: str, error: BaseException | None) -> None:
        with self._lock:
            self._is_over = True
        self._wake.set()
        self._end(message, error)

    def _end(self, message: str, error: BaseException | None) -> bool:
        with self._lock:
            if self.state != "STARTED":
                return False
            self.state = "STOPPED"
        self._guarded(self._stream.receiver.onStop)
        self._post("onReceiverStopped", message, error)
        return True

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception as error:
            self.report("Error stopping receiver", error)

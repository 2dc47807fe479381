"""What listeners are told, with the accessors of Spark's classes: `batchCompleted.batchInfo().processingDelay()`."""

# The names are Spark's.
# ruff: noqa: N802

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.streaming.jobs import Batch, OutputJob

_log = logging.getLogger(__name__)

#: How long the end of a context waits for listeners that have not been told everything.
_PATIENCE_S = 60.0


class Time(int):
    """A batch's time: milliseconds since 1970."""

    def milliseconds(self) -> int:
        """As a plain number."""
        return int(self)


@dataclass(frozen=True)
class StreamInputInfo:
    """What one input gave a batch."""

    _stream: int
    _records: int
    _metadata: dict[str, Any] = field(default_factory=dict)

    def inputStreamId(self) -> int:
        """The input's number."""
        return self._stream

    def numRecords(self) -> int:
        """How many records."""
        return self._records

    def metadata(self) -> dict[str, Any]:
        """Such as the files or offsets."""
        return self._metadata

    def metadataDescription(self) -> str:
        """The metadata in words."""
        return str(self._metadata.get("Description", ""))


@dataclass(frozen=True)
class OutputOperationInfo:
    """One output operation of one batch.  Times are milliseconds since 1970; -1 where there is none yet."""

    _batch_time: int
    _id: int
    _name: str
    _started: int | None
    _ended: int | None
    _failure: str | None

    def batchTime(self) -> Time:
        """The batch's time."""
        return Time(self._batch_time)

    def id(self) -> int:
        """The operation's number in the program."""
        return self._id

    def name(self) -> str:
        """What it is."""
        return self._name

    def description(self) -> str:
        """What it is."""
        return self._name

    def startTime(self) -> int:
        """When it began."""
        return -1 if self._started is None else self._started

    def endTime(self) -> int:
        """When it ended."""
        return -1 if self._ended is None else self._ended

    def failureReason(self) -> str | None:
        """Why it failed."""
        return self._failure


@dataclass(frozen=True)
class BatchInfo:
    """One batch.  Times are milliseconds since 1970, delays milliseconds; -1 where there is none yet."""

    _time: int
    _submitted: int
    _started: int | None
    _ended: int | None
    _inputs: dict[int, StreamInputInfo]
    _outputs: dict[int, OutputOperationInfo]

    def batchTime(self) -> Time:
        """The batch's time."""
        return Time(self._time)

    def submissionTime(self) -> int:
        """When its jobs were made."""
        return self._submitted

    def processingStartTime(self) -> int:
        """When its first job began."""
        return -1 if self._started is None else self._started

    def processingEndTime(self) -> int:
        """When its last job ended."""
        return -1 if self._ended is None else self._ended

    def schedulingDelay(self) -> int:
        """From submission to the first job's begin."""
        return -1 if self._started is None else self._started - self._submitted

    def processingDelay(self) -> int:
        """From the first job's begin to the last one's end."""
        return -1 if self._started is None or self._ended is None else self._ended - self._started

    def totalDelay(self) -> int:
        """Both together."""
        return -1 if self._started is None or self._ended is None else self.schedulingDelay() + self.processingDelay()

    def numRecords(self) -> int:
        """How many records came in."""
        return sum(info.numRecords() for info in self._inputs.values())

    def streamIdToInputInfo(self) -> dict[int, StreamInputInfo]:
        """By input."""
        return self._inputs

    def outputOperationInfos(self) -> dict[int, OutputOperationInfo]:
        """By output operation."""
        return self._outputs


@dataclass(frozen=True)
class ReceiverInfo:
    """One receiver."""

    _stream: int
    _name: str
    _active: bool
    _last_error: str = ""
    _last_message: str = ""
    _last_error_time: int = -1

    def streamId(self) -> int:
        """The input's number."""
        return self._stream

    def name(self) -> str:
        """What it is."""
        return self._name

    def active(self) -> bool:
        """Whether it is running."""
        return self._active

    def location(self) -> str:
        """Where it runs."""
        return "localhost"

    def executorId(self) -> str:
        """Where it runs."""
        return "driver"

    def lastErrorMessage(self) -> str:
        """The last error's message."""
        return self._last_message

    def lastError(self) -> str:
        """The last error."""
        return self._last_error

    def lastErrorTime(self) -> int:
        """When that was; -1 for never."""
        return self._last_error_time


@dataclass(frozen=True)
class StartedEvent:
    """The context has started."""

    _time: int

    def time(self) -> int:
        """When."""
        return self._time


@dataclass(frozen=True)
class BatchEvent:
    """A batch was submitted, started or completed."""

    _info: BatchInfo

    def batchInfo(self) -> BatchInfo:
        """The batch."""
        return self._info


@dataclass(frozen=True)
class OutputEvent:
    """An output operation started or completed."""

    _info: OutputOperationInfo

    def outputOperationInfo(self) -> OutputOperationInfo:
        """The operation."""
        return self._info


@dataclass(frozen=True)
class ReceiverEvent:
    """A receiver started, failed or stopped."""

    _info: ReceiverInfo

    def receiverInfo(self) -> ReceiverInfo:
        """The receiver."""
        return self._info


def output_info(batch: Batch, job: OutputJob) -> OutputOperationInfo:
    """An output operation as listeners see it."""
    failure = None if job.error is None else str(job.error)
    return OutputOperationInfo(batch.time_ms, job.id, job.name, job.started_ms, job.ended_ms, failure)


def info(batch: Batch) -> BatchInfo:
    """A batch as listeners see it."""
    outputs = {job.id: output_info(batch, job) for job in batch.jobs}
    return BatchInfo(batch.time_ms, batch.submitted_ms, batch.started_ms, batch.ended_ms, dict(batch.inputs), outputs)


class ListenerBus:
    """Tells listeners in a thread of its own, in order.  What a listener raises is logged."""

    def __init__(self) -> None:
        self._listeners: list[Any] = []
        self._queue: queue.SimpleQueue[tuple[str, Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def add(self, listener: Any) -> None:
        """From now on it is told."""
        self._listeners.append(listener)

    def post(self, call: str, event: Any) -> None:
        """Tell all listeners."""
        if self._listeners and self._thread is not None:
            self._queue.put((call, event))

    def start(self) -> None:
        """Begin to tell."""
        self._thread = threading.Thread(target=self._serve, name="penstock streaming listeners", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tell what there is to tell, and end."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            if thread is not threading.current_thread():
                thread.join(_PATIENCE_S)

    def _serve(self) -> None:
        while (entry := self._queue.get()) is not None:
            call, event = entry
            for listener in list(self._listeners):
                try:
                    getattr(listener, call)(event)
                except BaseException:  # also sys.exit(): the others are still told
                    _log.exception("A streaming listener failed in %s", call)

"""Custom receivers: threads of the user's that hand records to a stream."""

# The names are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from pyspark.storagelevel import StorageLevel


class Supervisor(Protocol):
    """What runs a receiver."""

    def store_one(self, item: Any) -> None:
        """Take in one record, durably or not."""
        ...

    def store_many(self, items: list[Any]) -> None:
        """Take in records together; returns when they are kept as safely as the settings say."""
        ...

    def restart(self, message: str, error: BaseException | None, delay_ms: int | None) -> None:
        """Stop it and start it again."""
        ...

    def stop(self, message: str, error: BaseException | None) -> None:
        """End it."""
        ...

    def report(self, message: str, error: BaseException) -> None:
        """Tell of an error."""
        ...

    @property
    def state(self) -> str:
        """INITIALIZED, STARTED or STOPPED."""
        ...

    stream_id: int


class Receiver:
    """A source of the user's own.  Override `onStart` (start threads, then return) and `onStop`, and call `store`.

    `store(list)` returns when the records are kept (in the write-ahead log, if that is on): a reliable receiver
    acknowledges to its source after that.  `store(record)` may be lost when the process is killed.
    """

    def __init__(self, storageLevel: StorageLevel = StorageLevel.MEMORY_ONLY) -> None:
        self.storageLevel = storageLevel
        self._supervisor: Supervisor | None = None

    def onStart(self) -> None:
        """Begin to receive; does not block."""
        raise NotImplementedError

    def onStop(self) -> None:
        """Stop the threads that onStart started."""

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise ValueError("The receiver is not part of a StreamingContext yet: use it with receiverStream")
        return self._supervisor

    def store(self, data: Any) -> None:
        """Hand over records: a list or another iterable that is no string, dict or tuple means several; anything
        else one."""
        if isinstance(data, Iterable) and not isinstance(data, (str, bytes, bytearray, dict, tuple)):
            self._running().store_many(list(data))
        else:
            self._running().store_one(data)

    def restart(self, message: str, error: BaseException | None = None, millisecond: int | None = None) -> None:
        """Stop and start again after a delay (default: `spark.streaming.receiverRestartDelay`, 2000 ms); returns at
        once."""
        self._running().restart(message, error, millisecond)

    def stop(self, message: str, error: BaseException | None = None) -> None:
        """End for good."""
        self._running().stop(message, error)

    def reportError(self, message: str, error: BaseException) -> None:
        """Tell listeners of an error, and go on."""
        self._running().report(message, error)

    def isStarted(self) -> bool:
        """Whether onStart was called and the receiver was not stopped."""
        return self._supervisor is not None and self._supervisor.state == "STARTED"

    def isStopped(self) -> bool:
        """Whether it was stopped.  Threads of the receiver end when it is."""
        return self._supervisor is None or self._supervisor.state == "STOPPED"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_supervisor": None}

    @property
    def streamId(self) -> int:
        """The number of its stream."""
        return self._running().stream_id

"""One execution of a plan or command: its responses, kept until the client has released them.

A response source is an iterator of ExecutePlanResponse without ids, or None where it has nothing yet (a wait goes on).
Nothing runs ahead: whoever reads drives the source, in the reader's own thread.  When a stream breaks, the source just
stays where it is; ReattachExecute reads on, from the kept responses first.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import pyspark.sql.connect.proto as pb

from penstock.connect.errors import canceled, invalid_cursor

Payloads = Iterator[pb.ExecutePlanResponse | None]
Condition = Callable[[], bool]

#: Responses already sent that are kept for a client that comes back (bytes, as Spark's retry buffer).
RETRY_BUFFER_BYTES = 10 * 1024 * 1024
_RESULT_COMPLETE = pb.ExecutePlanResponse.ResultComplete()


class Operation:
    """State of one execution.  Thread-safe; at most one thread drives the source at a time."""

    def __init__(self, session_id: str, server_session_id: str, operation_id: str, tags: Iterable[str] = ()) -> None:
        self.id = operation_id
        self.tags = frozenset(tags)
        self.state = "RUNNING"
        self.touched = time.monotonic()
        self.interrupted = False
        self.lasts = False  # a stream of events for listeners: the client's interrupts do not mean it
        self._ids = {
            "session_id": session_id,
            "server_side_session_id": server_session_id,
            "operation_id": operation_id,
        }
        self._source: Payloads = iter(())
        self._on_interrupt: Callable[[], None] | None = None
        self._interrupt_lock = threading.Lock()
        self._lock = threading.RLock()
        self._kept: deque[pb.ExecutePlanResponse] = deque()
        self._kept_bytes = 0
        self._first = 0  # the position of the first kept response
        self._error: BaseException | None = None
        self._reader = 0
        self._reading = 0
        self._reading_lock = threading.Lock()  # `_lock` is held for as long as a reader waits for the source
        self._last_dropped = ""

    # ---- what the commands use

    def check(self) -> None:
        """Raise OPERATION_CANCELED if the client has interrupted this operation."""
        if self.interrupted:
            raise canceled()

    def interruptible(self, action: Callable[[], None] | None) -> None:
        """What to call (from another thread) when the client interrupts; None: nothing any more, also not by an
        interrupt that is under way."""
        with self._interrupt_lock:
            self._on_interrupt = action
        self.check()

    def interrupt(self) -> None:
        """Make the operation end with OPERATION_CANCELED."""
        with self._interrupt_lock:
            self.interrupted = True
            if self._on_interrupt is not None:
                self._on_interrupt()

    # ---- what the service uses

    def run(self, source: Payloads) -> None:
        """Set where the responses come from."""
        self._source = source

    @property
    def finished(self) -> bool:
        """Whether the source has ended, one way or another."""
        return self.state != "RUNNING"

    def is_detached(self, now: float, seconds: float) -> bool:
        """Whether nobody has read from it for so long.  A reader may wait for a response as long as he likes: for the
        end of a streaming query, or the rows of a long one."""
        return not self._reading and now - self.touched > seconds

    @contextmanager
    def _being_read(self) -> Iterator[None]:
        with self._reading_lock:
            self._reading += 1
        try:
            yield
        finally:
            with self._reading_lock:
                self._reading -= 1
                self.touched = time.monotonic()

    def once(self, listening: Condition) -> Iterator[pb.ExecutePlanResponse]:
        """All responses for a client that cannot come back: nothing is kept."""
        try:
            with self._being_read():
                while (response := self._next(listening)) is not None:
                    yield response
            if self._error is not None:
                raise self._error
        finally:
            self.close()

    def attach(self, after: str | None, listening: Condition) -> Iterator[pb.ExecutePlanResponse]:
        """The responses behind the one called `after` (None: from the start), for as long as the peer is `listening`; a
        stream that ends without ResultComplete tells the client to attach again."""
        with self._being_read():
            yield from self._attached(after, listening)

    def _attached(self, after: str | None, listening: Condition) -> Iterator[pb.ExecutePlanResponse]:
        with self._lock:
            self._reader += 1
            reader, position = self._reader, self._position_after(after)
        while listening():
            with self._lock:
                if reader != self._reader:
                    raise invalid_cursor("DISCONNECTED", "Another stream has attached to this operation.")
                response = self._at(position, listening)
                if response is None and self._error is not None:
                    raise self._error
            if response is None:
                return
            yield response
            position += 1

    def release_until(self, response_id: str) -> None:
        """The client has got everything up to this response."""
        with self._lock:
            if any(response.response_id == response_id for response in self._kept):
                while self._kept:
                    if self._drop_first() == response_id:
                        break

    def close(self) -> None:
        """Forget everything; a source that has not ended is closed."""
        if not self.finished:
            self.state = "CANCELLED"
        close = getattr(self._source, "close", None)
        if close is not None:
            try:
                close()
            except ValueError:  # it runs in another thread: it is told to stop
                self.interrupt()
        if self._lock.acquire(blocking=False):  # else a reader is at it, and lets go of the operation soon
            self._kept.clear()
            self._lock.release()

    def _next(self, listening: Condition) -> pb.ExecutePlanResponse | None:
        """The next new response; None at the end, and when the peer does not listen any more.  Another thread may close
        the operation meanwhile (the session ends): what was given by then must not pass for the whole result."""
        if self.finished:
            self._cut()
            return None
        try:
            self.check()
            for payload in self._source:
                self.check()
                if payload is not None:
                    return self._stamped(payload)
                if not listening():
                    return None
        except Exception as error:
            if self.finished:
                self._cut()
                return None
            self.state = "CANCELLED" if self.interrupted else "FAILED"
            self._error = error
            return None
        if self.finished:
            self._cut()
            return None
        self.state = "SUCCEEDED"
        return self._stamped(pb.ExecutePlanResponse(result_complete=_RESULT_COMPLETE))

    def _cut(self) -> None:
        """There is nothing more; where the end was not reached, the reader hears that."""
        if self.state == "CANCELLED" and self._error is None:
            self._error = canceled()

    def _stamped(self, payload: pb.ExecutePlanResponse) -> pb.ExecutePlanResponse:
        payload.session_id = self._ids["session_id"]
        payload.server_side_session_id = self._ids["server_side_session_id"]
        payload.operation_id = self.id
        payload.response_id = str(uuid4())
        return payload

    def _at(self, position: int, listening: Condition) -> pb.ExecutePlanResponse | None:
        if position < self._first:
            raise invalid_cursor(
                "POSITION_NOT_AVAILABLE", "The response has been released.", index=position, responseId=""
            )
        if position < self._first + len(self._kept):
            return self._kept[position - self._first]
        response = self._next(listening)
        if response is not None:
            self._kept.append(response)
            self._kept_bytes += response.ByteSize()
            while self._kept_bytes > RETRY_BUFFER_BYTES and len(self._kept) > 1:
                self._drop_first()
        return response

    def _drop_first(self) -> str:
        dropped = self._kept.popleft()
        self._kept_bytes -= dropped.ByteSize()
        self._first += 1
        self._last_dropped = str(dropped.response_id)
        return self._last_dropped

    def _position_after(self, response_id: str | None) -> int:
        if not response_id:
            return 0
        if response_id == self._last_dropped:
            return self._first
        for index, response in enumerate(self._kept):
            if response.response_id == response_id:
                return self._first + index + 1
        raise invalid_cursor("POSITION_NOT_FOUND", f"There is no response {response_id}.", responseId=response_id)

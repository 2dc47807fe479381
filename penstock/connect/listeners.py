"""Streaming query events on their way to one client: the long stream of its listener bus."""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias

import pyspark.sql.connect.proto as pb

from penstock.connect.operations import Operation

if TYPE_CHECKING:
    from penstock.runtime.listener import QueryEvent

_log = logging.getLogger(__name__)
_TYPES = pb.StreamingQueryEventType
#: What the bus carries; the client tells its listeners itself that a query has started.
_KINDS = {
    "QueryProgressEvent": _TYPES.QUERY_PROGRESS_EVENT,
    "QueryIdleEvent": _TYPES.QUERY_IDLE_EVENT,
    "QueryTerminatedEvent": _TYPES.QUERY_TERMINATED_EVENT,
}
_CAPACITY = 10_000
_SLICE_SECONDS = 0.25
_DRAIN_SECONDS = 5.0

Event: TypeAlias = pb.StreamingQueryListenerEvent


class ListenerBus:
    """A bounded queue of events between the queries' threads and the client's stream."""

    def __init__(self) -> None:
        self._events: queue.Queue[Event | None] | None = None
        self._ended, self._cut = threading.Event(), threading.Event()
        self._lock = threading.RLock()  # a stream that nobody holds any more ends wherever its rubbish is collected

    def __call__(self, event: QueryEvent) -> None:
        """Take an event (from a query's thread); never blocks."""
        events, kind = self._events, _KINDS.get(event.kind)
        if events is None or kind is None:
            return
        try:
            events.put_nowait(Event(event_json=json.dumps(event.json), event_type=kind))
        except queue.Full:
            _log.warning("A %s is lost: the client does not take its streaming query events", event.kind)

    def stream(self, operation: Operation) -> Iterator[list[Event] | None]:
        """Events as they come, until `close`; None now and then while there are none."""
        with self._lock:
            events: queue.Queue[Event | None] = queue.Queue(_CAPACITY)
            self._events, self._ended, self._cut = events, threading.Event(), threading.Event()
            ended, cut = self._ended, self._cut
        try:
            yield []
            while True:
                operation.check()
                try:
                    event = events.get(timeout=_SLICE_SECONDS)
                except queue.Empty:
                    yield None
                    continue
                if event is None or cut.is_set():
                    return
                yield [event]
        finally:
            with self._lock:
                if self._events is events:  # the client has gone: nobody takes what comes from now on
                    self._events = None
            ended.set()

    def close(self) -> None:
        """End the stream behind the events that are in it, and wait for the client to take them."""
        with self._lock:
            events, self._events = self._events, None
            ended = self._ended
        if events is not None:
            try:
                events.put(None, timeout=_DRAIN_SECONDS)
            except queue.Full:
                return
            ended.wait(_DRAIN_SECONDS)

    def cut(self) -> None:
        """End the stream before the next event.  The client removes its last listener while it holds the lock that the
        delivery of an event takes, and waits for the stream's end: an event sent now would hold up both for ever."""
        with self._lock:
            events, self._events = self._events, None
            self._cut.set()
        if events is not None:
            with contextlib.suppress(queue.Full):
                events.put_nowait(None)

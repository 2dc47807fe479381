"""What happens to queries, told to listeners: Spark's four streaming query events, as JSON objects."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock.runtime.progress import Progress, QueryIdentity, iso_ms

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class QueryEvent:
    """`kind` is "QueryStartedEvent", "QueryProgressEvent", "QueryIdleEvent" or "QueryTerminatedEvent"; `json` is what
    the client's class of that name reads (`fromJson`); or EPOCH."""

    kind: str
    json: dict[str, Any]


EPOCH = "PenstockEpochEvent"

Listener = Callable[[QueryEvent], None]


class ListenerBus:
    """Calls listeners in the thread in which the event happens, one after the other: they must not block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()

    def add(self, listener: Listener) -> None:
        """From now on `listener` hears of every event, once."""
        with self._lock:
            if listener not in self._listeners:
                self._listeners = (*self._listeners, listener)

    def remove(self, listener: Listener) -> None:
        """`listener` hears nothing more."""
        with self._lock:
            self._listeners = tuple(known for known in self._listeners if known != listener)

    def post(self, event: QueryEvent) -> None:
        """Tell everybody; a listener that fails does not disturb the query (it is logged, as in Spark)."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:
                _log.exception("A streaming query listener failed on %s", event.kind)


def started(query: QueryIdentity, time_ms: int) -> QueryEvent:
    """A query begins to run."""
    who = {"id": query.id, "runId": query.run_id, "name": query.name}
    return QueryEvent("QueryStartedEvent", {**who, "timestamp": iso_ms(time_ms), "jobTags": []})


def progressed(progress: Progress) -> QueryEvent:
    """A batch is done."""
    return QueryEvent("QueryProgressEvent", {"progress": progress})


def epoch_done(progress: Progress) -> QueryEvent:
    """An epoch of a continuous query is committed: for the metrics; Spark's listeners hear nothing of it."""
    return QueryEvent(EPOCH, {"progress": progress})


def idle(query: QueryIdentity, time_ms: int) -> QueryEvent:
    """A query waits for data."""
    return QueryEvent("QueryIdleEvent", {"id": query.id, "runId": query.run_id, "timestamp": iso_ms(time_ms)})


def terminated(query: QueryIdentity, exception: str | None, condition: str | None) -> QueryEvent:
    """A query has ended, normally or with `exception` (whose condition is `condition`)."""
    json = {"id": query.id, "runId": query.run_id, "exception": exception, "errorClassOnException": condition}
    return QueryEvent("QueryTerminatedEvent", json)

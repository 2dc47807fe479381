"""One client session on the server: settings, views, uploads, engine, streaming queries, running operations."""

from __future__ import annotations

import sys
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from penstock.connect.artifacts import CACHED, Artifacts
from penstock.connect.caches import Caches
from penstock.connect.catalog import SessionCatalog, Views
from penstock.connect.errors import ErrorLog, invalid_handle
from penstock.connect.operations import Operation
from penstock.connect.tables import TableCatalog
from penstock.core.clock import Clock, SystemClock
from penstock.core.config import Conf
from penstock.core.errors import SparkError

if TYPE_CHECKING:
    from penstock.connect.artifact_files import ArtifactFiles
    from penstock.connect.listeners import ListenerBus
    from penstock.engine import Engine, EngineCursor
    from penstock.plan.expressions import Literal
    from penstock.runtime.manager import StreamingQueryManager
    from penstock.runtime.query import StreamingQuery

#: An execution that nobody has read from for so long is forgotten, as in Spark.
DETACHED_SECONDS = 300.0
#: A session without requests and without active queries is closed after this time, as in Spark.
IDLE_SECONDS = 3600.0
_STATUSES_KEPT = 1000


class Session:
    """Thread-safe where several requests of one client can meet."""

    def __init__(
        self,
        session_id: str,
        user_id: str,
        global_views: Views,
        conf: Conf | None = None,
        tables: TableCatalog | None = None,
    ) -> None:
        self.id = session_id
        self.user_id = user_id
        self.server_id = str(uuid4())
        self.conf = conf or Conf()
        self.clock: Clock = SystemClock()
        self.caches = Caches()
        self.catalog = SessionCatalog(self.conf, global_views, tables=tables)
        self.artifacts = Artifacts()
        self._artifact_files: ArtifactFiles | None = None
        self.errors = ErrorLog()
        self.operations: dict[str, Operation] = {}
        self.statuses: OrderedDict[str, str] = OrderedDict()
        self.touched = time.monotonic()
        self.lock = threading.RLock()
        self._engine: Engine | None = None
        self._idle_cursors: list[EngineCursor] = []
        self._query_cursors: weakref.WeakSet[EngineCursor] = weakref.WeakSet()
        self._streams: StreamingQueryManager | None = None
        self._query_starts: dict[str, tuple[str, frozenset[str]]] = {}  # by run id: the operation's id and tags
        self._is_closed = False
        self._listeners: ListenerBus | None = None

    # ---- what decoding and analysis ask (penstock.connect.decode.DecodeHooks)

    @property
    def time_zone(self) -> str:
        """The session's time zone."""
        return self.conf.time_zone

    def artifact(self, content_hash: str) -> bytes:
        """The bytes uploaded under `cache/<hash>`."""
        return self.artifacts.cached(content_hash)

    def variable(self, parts: tuple[str, ...]) -> Literal | None:
        """The value of a session variable."""
        return self.catalog.variable(parts)

    def place_artifact(self, name: str) -> None:
        """Put an uploaded file where programs look for it; what is kept in memory alone has no place."""
        if name.startswith(CACHED):
            return
        with self.lock:
            if self._artifact_files is None:
                from penstock.connect.artifact_files import ArtifactFiles

                self._artifact_files = ArtifactFiles(self.conf)
        self._artifact_files.place(name, self.artifacts.data(name))

    # ---- engine and streams, made when first needed

    @property
    def engine(self) -> Engine:
        """The session's database."""
        with self.lock:
            if self._engine is None:
                from penstock.engine import Engine

                self._engine = Engine(self.conf)
            return self._engine

    @contextmanager
    def cursor(self) -> Iterator[EngineCursor]:
        """A cursor for one query; cursors are used again, unless they were interrupted."""
        with self.lock:
            cursor = self._idle_cursors.pop() if self._idle_cursors else None
        cursor = cursor or self.engine.cursor()
        try:
            yield cursor
        finally:
            if cursor.is_interrupted:
                cursor.close()
            else:
                with self.lock:
                    self._idle_cursors.append(cursor)

    def query_cursor(self) -> EngineCursor:
        """A cursor for a streaming query; it is closed with the session."""
        cursor = self.engine.cursor()
        with self.lock:
            self._query_cursors.add(cursor)
        return cursor

    @property
    def streams(self) -> StreamingQueryManager:
        """The session's streaming queries."""
        with self.lock:
            if self._streams is None:
                from penstock.connect.streaming import make_manager

                self._streams = make_manager(self)
            return self._streams

    @property
    def has_streams(self) -> bool:
        """Whether a streaming query was ever asked for."""
        return self._streams is not None

    @property
    def listeners(self) -> ListenerBus:
        """Where the events of the session's queries go."""
        with self.lock:
            if self._listeners is None:
                from penstock.connect.listeners import ListenerBus

                self._listeners = ListenerBus()
            return self._listeners

    # ---- operations

    def operation(self, operation_id: str) -> Operation:
        """A running or kept execution."""
        found = self.operations.get(operation_id)
        if found is None:
            raise invalid_handle("OPERATION_NOT_FOUND", operation_id, "There is no such operation.")
        return found

    def begin(self, operation: Operation) -> None:
        """Register an execution."""
        with self.lock:
            self._check_open()
            if operation.id in self.operations:
                raise invalid_handle("OPERATION_ALREADY_EXISTS", operation.id, "There is an operation of that id.")
            self.operations[operation.id] = operation

    def _check_open(self) -> None:
        if self._is_closed:
            raise session_closed(self.id)

    def status(self) -> dict[str, str]:
        """The states of executions by their ids: of those that run, and of the last that ended."""
        with self.lock:
            return {**self.statuses, **{operation.id: operation.state for operation in self.operations.values()}}

    def end(self, operation: Operation) -> None:
        """Forget an execution; its final state can still be asked for."""
        operation.close()
        with self.lock:
            self.operations.pop(operation.id, None)
            self.statuses[operation.id] = operation.state
            while len(self.statuses) > _STATUSES_KEPT:
                self.statuses.popitem(last=False)

    def abandon(self, now: float) -> None:
        """Forget executions that nobody has come back for."""
        for operation in list(self.operations.values()):
            if operation.is_detached(now, DETACHED_SECONDS):
                self.end(operation)

    def interrupt(self, *, tag: str | None = None, operation_id: str | None = None) -> list[str]:
        """Interrupt running executions (all, or those that bear a tag, or one), and stop the streaming queries that
        were started by them, without waiting for their end; the ids of the executions met."""
        chosen = [
            operation
            for operation in list(self.operations.values())
            if not operation.finished
            and not operation.lasts
            and (tag is None or tag in operation.tags)
            and (operation_id is None or operation.id == operation_id)
        ]
        for operation in chosen:
            operation.interrupt()
        # After them: one that starts a query either has noted it by now, or sees that it was interrupted.
        stopped = [] if operation_id is not None else self._stop_queries(tag)
        return [operation.id for operation in chosen] + stopped

    def _stop_queries(self, tag: str | None) -> list[str]:
        """Those of the session's queries whose start bore a tag, or all."""
        ids = []
        for query in self.streams.active if self.has_streams else ():
            start = self._query_starts.get(query.run_id)
            if start is not None and (tag is None or tag in start[1]):
                threading.Thread(target=query.stop, name=f"stopping {query.id}", daemon=True).start()
                ids.append(start[0])
        return ids

    def note_start(self, query: StreamingQuery, operation: Operation) -> None:
        """Remember which execution has started a query, for as long as it runs.  Raises if the execution was
        interrupted or the session closed meanwhile: they may not have met the query, which then has to be stopped."""
        with self.lock:
            running = {one.run_id for one in self.streams.active}
            kept = {run_id: start for run_id, start in self._query_starts.items() if run_id in running}
            self._query_starts = {**kept, query.run_id: (operation.id, operation.tags)}
            self._check_open()
        operation.check()

    # ---- life

    def clone(self, session_id: str) -> Session:
        """A session of its own with the same settings, views and uploads."""
        catalog = self.catalog
        other = Session(session_id, self.user_id, catalog.global_views, self.conf.snapshot(), catalog.tables)
        other.catalog.current_database = catalog.current_database
        other.catalog.views = self.catalog.views.copy()
        other.catalog.relations = dict(self.catalog.relations)
        other.catalog.functions = dict(self.catalog.functions)
        other.catalog.table_functions = dict(self.catalog.table_functions)
        other.catalog.data_sources = dict(self.catalog.data_sources)
        other.artifacts = self.artifacts.copy()
        return other

    def is_idle(self, now: float) -> bool:
        """Whether nobody would miss it."""
        if now - self.touched < IDLE_SECONDS or self.operations:
            return False
        return self._streams is None or not self._streams.active

    def close(self) -> None:
        """Stop queries, interrupt executions, close the database, end the worker processes of Python functions."""
        with self.lock:
            self._is_closed = True  # what begins from now on would outlive the session
        try:
            if self._streams is not None:
                self._streams.close()
        finally:
            self._end_operations()
        self._let_go()  # of what a query that has not ended would still use

    def _end_operations(self) -> None:
        if self._listeners is not None:
            self._listeners.close()
        self.interrupt()
        for operation in list(self.operations.values()):
            self.end(operation)

    def _let_go(self) -> None:
        if self._artifact_files is not None:
            self._artifact_files.close()
        with self.lock:
            cursors, self._idle_cursors = self._idle_cursors, []
            for cursor in (*cursors, *self._query_cursors):
                cursor.close()
            if self._engine is not None:
                self._engine.close()
                self._engine = None
        _end_workers()


def session_closed(session_id: str) -> SparkError:
    """INVALID_HANDLE.SESSION_CLOSED."""
    return invalid_handle("SESSION_CLOSED", session_id, "The session has been closed.")


def _end_workers() -> None:
    """They start again when another session needs them."""
    if (module := sys.modules.get("penstock.pyfn.pool")) is not None:
        module.pool.release()


class Sessions:
    """All sessions of a server, by user and session id."""

    def __init__(self, conf: Mapping[str, str] | None = None) -> None:
        self._conf = dict(conf or {})
        self._sessions: dict[tuple[str, str], Session] = {}
        self._closed: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._global_views = Views()
        self._tables = TableCatalog()
        self._lock = threading.Lock()
        self._swept = time.monotonic()

    def get(self, user_id: str, session_id: str, expected_server_id: str = "") -> Session:
        """The session, made when it is new; a closed one stays closed, and one that the client remembers from an
        earlier server is refused."""
        key = (user_id, session_id)
        session = self._sessions.get(key)
        if session is None:
            session = self._open(key, expected_server_id)
        if expected_server_id and expected_server_id != session.server_id:
            raise invalid_handle("SESSION_CHANGED", session_id, "The server has been restarted: connect anew.")
        session.touched = time.monotonic()
        return session

    def _open(self, key: tuple[str, str], expected_server_id: str) -> Session:
        _check_uuid(key[1])
        with self._lock:
            if key in self._closed:
                raise session_closed(key[1])
            if expected_server_id and key not in self._sessions:
                raise invalid_handle("SESSION_NOT_FOUND", key[1], "There is no such session on this server.")
            if key not in self._sessions:
                self._sessions[key] = Session(key[1], key[0], self._global_views, Conf(self._conf), self._tables)
            return self._sessions[key]

    def add(self, session: Session) -> None:
        """Take in a clone."""
        key = (session.user_id, session.id)
        _check_uuid(session.id)
        with self._lock:
            if key in self._sessions or key in self._closed:
                message = "There is, or was, a session of that id."
                raise invalid_handle("SESSION_ALREADY_EXISTS", session.id, message)
            self._sessions[key] = session

    def release(self, user_id: str, session_id: str, *, allow_reconnect: bool = False) -> str:
        """Close a session; its server-side id, or "" if there was none.  Batches that run may finish before: the user's
        functions in them need the session."""
        key = (user_id, session_id)
        if (session := self._sessions.get(key)) is not None and session.has_streams:
            session.streams.let_end()
        with self._lock:
            session = self._sessions.pop(key, None)
            if not allow_reconnect:
                self._closed[key] = None
                while len(self._closed) > _STATUSES_KEPT:
                    self._closed.popitem(last=False)
        if session is None:
            return ""
        session.close()
        return session.server_id

    def sweep(self, *, idle: bool) -> None:
        """Once a minute: forget abandoned executions and (with `idle`) sessions nobody uses."""
        now = time.monotonic()
        if now - self._swept < 60:
            return
        self._swept = now
        for session in list(self._sessions.values()):
            session.abandon(now)
            if idle and session.is_idle(now):
                self.release(session.user_id, session.id)

    def all(self) -> list[Session]:
        """Every open session."""
        return list(self._sessions.values())

    def close(self) -> None:
        """Close every session; raises when a query of one does not end, after the others are closed."""
        for session in self.all():
            if session.has_streams:
                session.streams.ask_to_stop()
        failures = []
        for session in self.all():
            try:
                self.release(session.user_id, session.id, allow_reconnect=True)
            except SparkError as error:
                failures.append(error)
        if failures:
            raise failures[0]


def _check_uuid(session_id: str) -> None:
    try:
        UUID(session_id)
    except ValueError:
        message = "A handle is a UUID such as 00112233-4455-6677-8899-aabbccddeeff."
        raise invalid_handle("FORMAT", session_id, message) from None

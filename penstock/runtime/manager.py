"""The streaming queries of one session: start, find, await, stop; and the listeners that hear of them."""

from __future__ import annotations

import tempfile
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.checkpoint.checkpoint import Checkpoint, CheckpointChecks
from penstock.checkpoint.errors import cannot_write
from penstock.core import files
from penstock.core.errors import SparkError
from penstock.runtime.errors import already_active, name_in_use, no_checkpoint_location, not_recoverable, session_closed
from penstock.runtime.listener import Listener, ListenerBus
from penstock.runtime.progress import QueryIdentity
from penstock.runtime.query import CompileQuery, StreamingQuery
from penstock.runtime.settings import StreamingSettings
from penstock.runtime.spec import QuerySpec

if TYPE_CHECKING:
    from penstock.engine import EngineCursor

CHECKPOINT_KEY = "spark.sql.streaming.checkpointLocation"
FINISHED_KEPT = 100

#: The active run of every query of this process by query id: two sessions must not run one query.
_runs: dict[str, StreamingQuery] = {}
_runs_lock = threading.Lock()


class StreamingQueryManager:
    """`spark.streams`.  `make_cursor` opens a connection to the session's engine, one a query.  Thread-safe."""

    def __init__(self, make_cursor: Callable[[], EngineCursor], compile_query: CompileQuery | None = None) -> None:
        self._make_cursor = make_cursor
        self._compile_query = compile_query or _planner()
        self._bus = ListenerBus()
        self._changed = threading.Condition()
        self._active: dict[str, StreamingQuery] = {}
        self._finished: OrderedDict[tuple[str, str], StreamingQuery] = OrderedDict()
        self._terminated: StreamingQuery | None = None  # the first that failed, else the last that ended
        self._closed = False

    # ------------------------------------------------------------ starting

    def start(self, spec: QuerySpec) -> StreamingQuery:
        """Start a query; when this returns it runs, or has failed already (`query.exception`).
        Raises for a name in use, a missing or unusable checkpoint location, a plan or a sink that cannot work."""
        self._check_name(spec.name)
        root, temporary = _checkpoint_root(spec)
        query = self._make_query(spec, root, temporary)
        try:
            self._claim(query)
            query.start()
        except BaseException:
            if query.has_begun:
                query.ask_to_stop()  # Ctrl-C: it runs, and is known and has its checkpoint until its thread has ended
            else:
                self._forget(query)
                query.give_up()
            raise
        return query

    def _make_query(self, spec: QuerySpec, root: Path, temporary: bool) -> StreamingQuery:
        try:
            checkpoint = Checkpoint(root, CheckpointChecks.of(spec.conf))
        except OSError as error:
            raise cannot_write(spec.name or "<unnamed>", error, root) from error
        if temporary:
            files.add_volatile(root)
        identity = QueryIdentity(checkpoint.query_id, str(uuid.uuid4()), spec.name)
        return StreamingQuery(
            spec,
            identity,
            checkpoint,
            self._compile_query,
            self._make_cursor,
            self._bus,
            self._on_terminated,
            temporary=temporary,
        )

    def _claim(self, query: StreamingQuery) -> None:
        """Make `query` the only active one of its id and name, and lock its checkpoint."""
        while (other := self._register(query)) is not None:
            if other.is_this_thread or not StreamingSettings.of(query.spec.conf).stop_active_run:
                raise already_active(query.identity)
            other.stop()
        try:
            query.checkpoint.lock()
        except OSError as error:
            raise cannot_write(query.identity.label, error, query.checkpoint.paths.root) from error

    def _register(self, query: StreamingQuery) -> StreamingQuery | None:
        """Enter the query; returns the active run of the same query instead, if there is one."""
        with _runs_lock, self._changed:
            if self._closed:
                raise session_closed(query.identity)
            if (other := _runs.get(query.id)) is not None:
                return other
            if query.name is not None and any(q.name == query.name for q in self._active.values()):
                raise name_in_use(query.name)
            _runs[query.id] = self._active[query.run_id] = query
            return None

    def _check_name(self, name: str | None) -> None:
        if name is not None and any(query.name == name for query in self.active):
            raise name_in_use(name)

    def _forget(self, query: StreamingQuery) -> None:
        with _runs_lock, self._changed:
            self._remove(query)
        self._release(query)

    def _remove(self, query: StreamingQuery) -> None:
        self._active.pop(query.run_id, None)
        if _runs.get(query.id) is query:
            del _runs[query.id]

    @staticmethod
    def _release(query: StreamingQuery) -> None:
        query.checkpoint.release()
        files.remove_volatile(query.checkpoint.paths.root)

    def _on_terminated(self, query: StreamingQuery) -> None:
        """At one moment for all who ask: who sees no active query any more is told of the end, and of its failure."""
        with _runs_lock, self._changed:
            self._finished[query.id, query.run_id] = query
            while len(self._finished) > FINISHED_KEPT:
                self._finished.popitem(last=False)
            self._remove(query)
            query.mark_over()
            if self._terminated is None or self._terminated.exception is None:
                self._terminated = query
            self._changed.notify_all()
        self._release(query)

    # ------------------------------------------------------------ asking

    @property
    def active(self) -> list[StreamingQuery]:
        """The queries that run."""
        with self._changed:
            return list(self._active.values())

    def get(self, query_id: str) -> StreamingQuery | None:
        """The active query with this id."""
        return next((query for query in self.active if query.id == query_id), None)

    def find(self, query_id: str, run_id: str) -> StreamingQuery | None:
        """A run of a query, active or one of the last that ended."""
        with self._changed:
            return self._active.get(run_id) or self._finished.get((query_id, run_id))

    def await_any_termination(self, timeout_ms: int | None = None) -> bool:
        """Wait until any query has ended since the session's start or `reset_terminated`; False when none has in time.
        Raises the exception of the first query that failed since then, however many ended well after it."""
        timeout = None if timeout_ms is None else timeout_ms / 1000
        with self._changed:
            self._changed.wait_for(lambda: self._terminated is not None, timeout)
            ended = self._terminated
        if ended is not None and ended.exception is not None:
            raise ended.exception
        return ended is not None

    def reset_terminated(self) -> None:
        """Forget past terminations, so that `await_any_termination` waits for new ones."""
        with self._changed:
            self._terminated = None

    # ------------------------------------------------------------ listening and ending

    def add_listener(self, listener: Listener) -> None:
        """From now on `listener` is called with every QueryEvent."""
        self._bus.add(listener)

    def remove_listener(self, listener: Listener) -> None:
        """`listener` is called no more."""
        self._bus.remove(listener)

    def ask_to_stop(self) -> None:
        """Every query ends after the batch that runs now."""
        for query in self.active:
            query.ask_to_stop()

    def let_end(self) -> None:
        """Ask every query to stop, and wait for those that do within the grace period of `StreamingQuery.stop`."""
        self.ask_to_stop()
        for query in self.active:
            query.ends_by_itself()

    def close(self) -> None:
        """The session ends: every query is stopped, and none starts any more."""
        with self._changed:
            self._closed = True
        self.stop_all()

    def stop_all(self) -> None:
        """Stop every query; raises when one does not end, after the others have."""
        self.ask_to_stop()
        with self._changed:  # of those that have ended, threads may still be on their last lines
            queries = [*self._active.values(), *self._finished.values()]
        failures = []
        for query in queries:
            try:
                query.stop()
            except SparkError as error:
                failures.append(error)
        if failures:
            raise failures[0]


def _checkpoint_root(spec: QuerySpec) -> tuple[Path, bool]:
    """Where the checkpoint is, and whether it is temporary: by the option, else by the session's setting."""
    location = spec.checkpoint_location
    base = spec.conf.get(CHECKPOINT_KEY)
    if location is None and base:
        location = f"{base.rstrip('/')}/{spec.name or uuid.uuid4()}"
    if location is not None:
        root = files.local_path(location)
        if not spec.recoverable and files.fs.list(root / "offsets"):
            raise not_recoverable(root)
        return root, False
    if not spec.temporary_checkpoint:
        raise no_checkpoint_location()
    return Path(tempfile.mkdtemp(prefix="penstock-checkpoint-")), True


def _planner() -> CompileQuery:
    from penstock.runtime.planner import compile_query

    return compile_query

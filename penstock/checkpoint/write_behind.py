"""Logs that are written behind the batches' backs: asynchronous progress tracking.

A batch does not wait for its entries in the offset and the commit log: a thread writes them, and only those of one
batch an interval.  After a crash the query goes on from the newest batch in both logs, so what came after it runs
again: at least once.  A query that stops leaves its last batch in the logs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import Queue

from penstock.checkpoint.commit_log import CommitEntry, CommitLog
from penstock.checkpoint.offset_log import OffsetEntry, OffsetLog
from penstock.core.clock import Clock

#: Writes that may wait: an entry of each log.  With more the batches wait for the disk.
_WAITING = 2

Offsets = tuple[str | None, ...]


class WriteBehind:
    """The two logs of one run.  `begin_batch` and `end_batch` are called by the query's thread alone."""

    def __init__(self, offset_log: OffsetLog, commit_log: CommitLog, interval_ms: int, clock: Clock) -> None:
        self._offset_log, self._commit_log = offset_log, commit_log
        self._interval_ms, self._clock = interval_ms, clock
        self._writes: Queue[Callable[[], None] | None] = Queue(_WAITING)
        self._failure: BaseException | None = None
        self._last_log_ms: int | None = None
        self._logging: int | None = None  # the batch whose entries are written
        self._entry: tuple[int, OffsetEntry] | None = None
        self._unlogged: tuple[int, OffsetEntry, CommitEntry] | None = None
        self._is_first = True
        self._durable: deque[int] = deque()
        self.durable_ends: Offsets | None = None
        self._thread = threading.Thread(target=self._run, name="penstock progress log", daemon=True)
        self._thread.start()

    def begin_batch(self, batch_id: int, entry: OffsetEntry) -> None:
        """The batch begins.  Raises what an earlier write has met."""
        self._check()
        now_ms, self._entry = self._clock.now_ms(), (batch_id, entry)
        if self._last_log_ms is None or now_ms - self._last_log_ms >= self._interval_ms:
            self._last_log_ms, self._logging = now_ms, batch_id
            self._writes.put(lambda: self._offset_log.add(batch_id, entry))

    def end_batch(self, batch_id: int, commit: CommitEntry) -> None:
        """The batch is done.  The first one of a run is always logged: a batch that the run before has planned."""
        self._check()
        entry = self._entry[1] if self._entry is not None and self._entry[0] == batch_id else None
        if self._logging == batch_id or self._is_first:
            self._writes.put(lambda: self._commit(batch_id, entry, commit))
            self._unlogged = None
        elif entry is not None:
            self._unlogged = (batch_id, entry, commit)
        self._is_first = False

    def oldest_kept(self, retain: int) -> int | None:
        """The batch before which nothing is needed any more, if the last `retain` in the logs are kept."""
        while len(self._durable) > retain:
            self._durable.popleft()
        return self._durable[0] if len(self._durable) == retain else None

    def close(self, *, clean: bool = True) -> None:
        """Write what waits, and (`clean`) the last batch; raises what a write has met."""
        if clean and self._unlogged is not None and self._failure is None:
            batch_id, entry, commit = self._unlogged
            self._writes.put(lambda: self._offset_log.add(batch_id, entry))
            self._writes.put(lambda: self._commit(batch_id, entry, commit))
        self._writes.put(None)
        self._thread.join()
        self._check()

    def _commit(self, batch_id: int, entry: OffsetEntry | None, commit: CommitEntry) -> None:
        self._commit_log.add(batch_id, commit)
        self._durable.append(batch_id)
        if entry is not None:
            self.durable_ends = entry.offsets

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while (write := self._writes.get()) is not None:
            if self._failure is not None:
                continue  # nothing may be written after an entry that is missing
            try:
                write()
            except BaseException as error:
                self._failure = error

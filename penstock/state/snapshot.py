"""Snapshots: the whole state in one file, so that loading need not replay every changelog.

A snapshot is collected a piece a commit, by the query's thread: the rows of the next few slots are copied out and
handed to a thread that encodes and writes them.  Pieces are in proportion to the commit's changes, so no batch pays for
the state's size.  The pieces are of different versions, base to version; applying the deltas after `base` (each holds
whole rows) makes them one version again, even when a key moved to another slot meanwhile and was caught twice or never.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from queue import SimpleQueue

import pyarrow as pa

from penstock.core import files
from penstock.core.faults import point
from penstock.state.format import Bytes, Encoder
from penstock.state.layout import SnapshotId, StoreFiles

_log = logging.getLogger(__name__)


class _AbandonedError(Exception):
    """The store was closed or loaded anew before the snapshot was complete."""


class SnapshotWriter:
    """Writes one snapshot in the background: `add` pieces, then `finish` or `abandon`."""

    def __init__(self, store: StoreFiles, base: int) -> None:
        self._store, self._base = store, base
        self._pieces: SimpleQueue[pa.RecordBatch | SnapshotId | None] = SimpleQueue()
        self._snapshot: SnapshotId | None = None
        #: The snapshot, once its file is durable.
        self.written: SnapshotId | None = None
        self._thread = threading.Thread(target=self._run, name=f"state snapshot {store.folder}", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the file is still being written."""
        return self._thread.is_alive()

    def add(self, rows: pa.RecordBatch) -> None:
        """Rows of the state, owned by the writer from now on."""
        self._pieces.put(rows)

    def finish(self, version: int) -> None:
        """All rows are added; the last were of `version`."""
        self._pieces.put(SnapshotId(version, self._base))

    def abandon(self) -> None:
        """Write nothing (if it is not complete yet) and wait for the thread."""
        self._pieces.put(None)
        self._thread.join()

    def _run(self) -> None:
        temporary = self._store.folder / f".{self._base}.snapshot.{uuid.uuid4().hex}.tmp"
        try:
            point("before_snapshot")
            files.fs.write(temporary, self._content())
            point("during_snapshot")
            assert self._snapshot is not None
            files.fs.rename(temporary, self._store.snapshot(self._snapshot))
            self.written = self._snapshot
            point("after_snapshot")
        except _AbandonedError:
            pass
        except Exception as error:  # the changelog alone is enough: the query goes on, the next snapshot may succeed
            _log.warning(
                "Could not write a state snapshot in %s: %s. The changelog is kept; another snapshot will be tried. "
                "Look at the disk if this repeats: loading the state takes longer meanwhile.",
                self._store.folder,
                error,
            )
        finally:
            files.fs.remove(temporary)

    def _content(self) -> Iterator[Bytes]:
        encoder = Encoder()
        yield encoder.header()
        while not isinstance(piece := self._pieces.get(), SnapshotId):
            if piece is None:
                raise _AbandonedError
            yield from encoder.section("rows", piece)
        self._snapshot = piece
        yield encoder.footer(kind="snapshot", operator=self._store.operator, version=piece.version, base=piece.base)

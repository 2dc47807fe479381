"""Streams whose RDDs are versions of a keyed state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from penstock.core.files import local_path
from penstock.rdd.rdd import RDD
from penstock.rdd.storage import Checkpoint, Saved
from penstock.streaming.dstream import DStream, bases, read_back
from penstock.streaming.keyed_state import StateNode
from penstock.streaming.state_files import StateFiles, StateWriter


class StatefulStream(DStream):
    """Its state is checkpointed by what has changed (state_files.py)."""

    must_checkpoint = True

    #: Not part of the definition: begins anew in each process.
    _writer: StateWriter | None = None
    _due: frozenset[int] = frozenset()
    #: By time: the last version that was written, and those that batches which failed begin from.
    _kept: Mapping[int, tuple[StateFiles, int]] = MappingProxyType({})

    def keep_durably(self, time_ms: int, rdd: RDD) -> None:
        if isinstance(rdd._node, StateNode):
            self._due |= {time_ms}
        else:
            super().keep_durably(time_ms, rdd)

    def batch_computed(self, time_ms: int) -> None:
        with self._lock:  # the thread that makes batches adds to them
            if time_ms not in self._due:
                return
            self._due -= {time_ms}
            rdd = self.generated.get(time_ms)
        if rdd is None or not isinstance(rdd._node, StateNode):
            return
        node = rdd._node
        if len(node.changes) < node.partitions:
            return  # nobody has asked for it in this batch
        if self._writer is None:
            location = self.ssc.sparkContext.getCheckpointDir()
            assert location is not None
            self._writer = StateWriter(Path(local_path(location)))
        files = self._writer.write(rdd)
        self.ssc.sparkContext._scheduler.cut(node, files)
        self._kept = {**self._kept, time_ms: (files, node.partitions)}

    def forget(self, time_ms: int, unpersist: bool, failed: Sequence[int] = ()) -> None:
        super().forget(time_ms, unpersist, failed)
        with self._lock:
            self._due = frozenset(t for t in self._due if t > time_ms - self.remember_ms)
        if len(self._kept) > 1:
            # With concurrent jobs a later batch may be done, and those after this time begin from what was before it.
            last = max((t for t in self._kept if t <= time_ms), default=time_ms)
            newer = {t: entry for t, entry in self._kept.items() if t >= last}
            self._kept = {**bases(dict(self._kept), failed), **newer}

    def kept_files(self) -> dict[int, tuple[list[str], int]]:
        kept = self._kept
        return super().kept_files() | {t: (files.directories, count) for t, (files, count) in kept.items()}

    def take_up(self, kept: dict[int, tuple[list[str], int]]) -> None:
        """Also what was written stays written: until there is a newer version, the next restart begins from it."""
        spark = self.ssc.sparkContext
        saved = {t: (_saved(paths), count) for t, (paths, count) in kept.items()}
        self.generated = {t: read_back(files, count, spark) for t, (files, count) in saved.items()}
        self._kept = {t: (files, count) for t, (files, count) in saved.items() if isinstance(files, StateFiles)}

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        for name in ("_writer", "_due", "_kept"):
            state.pop(name, None)
        return state


def _saved(paths: list[str]) -> Saved:
    """Versions of a state have directories of their own kind; other RDDs of the stream are checkpointed as any."""
    first = Path(paths[0])
    return StateFiles(paths) if first.name.startswith("state-") else Checkpoint(first)

"""Streams whose RDDs are versions of a keyed state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from penstock.core.files import local_path
from penstock.rdd.rdd import RDD
from penstock.rdd.storage import Checkpoint, Saved
from penstock.streaming.dstream import DStream, read_back
from penstock.streaming.keyed_state import StateNode
from penstock.streaming.state_files import StateFiles, StateWriter


class StatefulStream(DStream):
    """Its state is checkpointed by what has changed (state_files.py)."""

    must_checkpoint = True

    #: Not part of the definition: begins anew in each process.
    _writer: StateWriter | None = None
    _due: frozenset[int] = frozenset()
    _kept: tuple[int, StateFiles, int] | None = None

    def keep_durably(self, time_ms: int, rdd: RDD) -> None:
        if isinstance(rdd._node, StateNode):
            self._due |= {time_ms}
        else:
            rdd.checkpoint()

    def batch_computed(self, time_ms: int) -> None:
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
        files = self._writer.write(node)
        node.cut(files)
        self._kept = time_ms, files, node.partitions

    def kept_files(self) -> dict[int, tuple[list[str], int]]:
        found = super().kept_files()
        if self._kept is not None:
            time_ms, files, partitions = self._kept
            found[time_ms] = files.directories, partitions
        return found

    def take_up(self, kept: dict[int, tuple[list[str], int]]) -> None:
        spark = self.ssc.sparkContext
        self.generated = {t: read_back(_saved(paths), count, spark) for t, (paths, count) in kept.items()}

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        for name in ("_writer", "_due", "_kept"):
            state.pop(name, None)
        return state


def _saved(paths: list[str]) -> Saved:
    """Versions of a state have directories of their own kind; other RDDs of the stream are checkpointed as any."""
    first = Path(paths[0])
    return StateFiles(paths) if first.name.startswith("state-") else Checkpoint(first)

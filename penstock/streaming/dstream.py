"""One stream: what it is computed from, and the RDDs it has made."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.storagelevel import StorageLevel

from penstock.rdd.nodes import Collection
from penstock.rdd.rdd import RDD
from penstock.rdd.storage import Checkpoint, Saved
from penstock.streaming.outputs import Outputs
from penstock.streaming.state import States
from penstock.streaming.windows import Windows

if TYPE_CHECKING:
    from penstock.streaming.context import StreamingContext


class Stream:
    """A node of the graph.  `compute(t)` gives the RDD of the batch at time t, or None if there is none.

    An RDD is made once and remembered as long as something may need it: windows above, a checkpoint, the user.
    """

    #: Whether the state that this stream carries must be checkpointed.
    must_checkpoint = False

    def __init__(self, context: StreamingContext, parents: tuple[Stream, ...], slide_ms: int) -> None:
        self.ssc = context
        self.parents = parents
        self.slide_ms = slide_ms
        self.zero_ms: int | None = None
        self.remember_ms = 0
        self.level = StorageLevel.NONE
        self.checkpoint_ms: int | None = None
        self.generated: dict[int, RDD] = {}
        self._lock = threading.RLock()
        context.graph.add(self)

    def compute(self, time_ms: int) -> RDD | None:
        """The RDD of one batch, made anew."""
        raise NotImplementedError

    def is_valid(self, time_ms: int) -> bool:
        """Whether there is a batch of this stream at that time."""
        return self.zero_ms is not None and time_ms > self.zero_ms and (time_ms - self.zero_ms) % self.slide_ms == 0

    def get_or_compute(self, time_ms: int) -> RDD | None:
        """The RDD of one batch, made when it is first asked for."""
        with self._lock:
            found = self.generated.get(time_ms)
            if found is not None or not self.is_valid(time_ms):
                return found
            made = self.compute(time_ms)
            if made is None:
                return None
            if self.level != StorageLevel.NONE and not made.is_cached:
                made.persist(self.level)
            assert self.zero_ms is not None
            if self.checkpoint_ms is not None and (time_ms - self.zero_ms) % self.checkpoint_ms == 0:
                self.keep_durably(time_ms, made)
            self.generated[time_ms] = made
            return made

    def keep_durably(self, time_ms: int, rdd: RDD) -> None:
        """The RDD of this time is to be written when it has been computed."""
        rdd.checkpoint()

    def batch_computed(self, time_ms: int) -> None:
        """The jobs of a batch have ended without an error."""

    # ------------------------------------------------------------ life

    def initialize(self, zero_ms: int) -> None:
        """The stream begins after this time."""
        self.zero_ms = zero_ms
        if self.must_checkpoint and self.checkpoint_ms is None:
            default = self.ssc.default_state_checkpoint_ms
            self.checkpoint_ms = self.slide_ms * max(1, -(-default // self.slide_ms))

    def remember(self, duration_ms: int) -> None:
        """Keep RDDs at least so long; parents keep theirs as long as this stream may look back."""
        if duration_ms > self.remember_ms:
            self.remember_ms = duration_ms
        for parent in self.parents:
            parent.remember(self.remember_ms + self.looks_back_ms)

    @property
    def looks_back_ms(self) -> int:
        """How far before a batch its parents' RDDs are needed."""
        return 0

    def minimum_remember_ms(self) -> int:
        """How long RDDs of this stream itself are needed."""
        return max(self.slide_ms, 2 * (self.checkpoint_ms or 0))

    def forget(self, time_ms: int, unpersist: bool) -> None:
        """Let RDDs go that are too old at that time."""
        with self._lock:
            old = [t for t in self.generated if t <= time_ms - self.remember_ms]
            for t in old:
                rdd = self.generated.pop(t)
                if unpersist and rdd.is_cached:
                    rdd.unpersist()

    def slice_ms(self, begin_ms: int, end_ms: int) -> list[RDD]:
        """The RDDs from begin to end, both included."""
        if self.zero_ms is None:
            raise ValueError(f"{self!r} has not been initialized")
        first = self.zero_ms + -(-(max(begin_ms, self.zero_ms) - self.zero_ms) // self.slide_ms) * self.slide_ms
        found = (self.get_or_compute(t) for t in range(first, end_ms + 1, self.slide_ms))
        return [rdd for rdd in found if rdd is not None]

    # ------------------------------------------------------------ checkpoints

    def kept_files(self) -> dict[int, tuple[list[str], int]]:
        """By time: the directory of an RDD that has been checkpointed, and how many partitions it has."""
        with self._lock:
            made = list(self.generated.items())
        files = ((t, rdd, rdd.getCheckpointFile()) for t, rdd in made)
        return {t: ([file], rdd.getNumPartitions()) for t, rdd, file in files if file is not None}

    def take_up(self, kept: dict[int, tuple[list[str], int]]) -> None:
        """After a restart: the RDDs that were checkpointed."""
        spark = self.ssc.sparkContext
        saved = {t: (Checkpoint(Path(paths[0])), count) for t, (paths, count) in kept.items()}
        self.generated = {t: read_back(checkpoint, count, spark) for t, (checkpoint, count) in saved.items()}

    def describe(self) -> Any:
        """What an input needs to make its batches again, as JSON has it; None for nothing."""
        return

    def restore(self, described: Any) -> None:
        """After a restart: what describe gave."""

    def __getstate__(self) -> dict[str, Any]:
        """The definition, without what has been made."""
        state = self.__dict__.copy()
        del state["_lock"]
        state["generated"] = {}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()


def read_back(saved: Saved, partitions: int, context: Any) -> RDD:
    """An RDD whose elements are in files."""
    node = Collection([()] * partitions)
    node.cut(saved)
    return RDD(node, context)


class DStream(Stream, Windows, States, Outputs):
    """A stream of RDDs, one per batch.  Made by a StreamingContext and by other streams."""

    def context(self) -> StreamingContext:
        """The StreamingContext it belongs to."""
        return self.ssc

    @property
    def _slideDuration(self) -> float:  # noqa: N802
        """The time between two RDDs in seconds."""
        return self.slide_ms / 1000

    def persist(self, storageLevel: StorageLevel = StorageLevel.MEMORY_ONLY) -> DStream:  # noqa: N803
        """Keep the elements of each RDD when they are first computed; the stream itself."""
        self.level = storageLevel
        return self

    def cache(self) -> DStream:
        """persist(MEMORY_ONLY)."""
        return self.persist(StorageLevel.MEMORY_ONLY)

    def checkpoint(self, interval: float) -> DStream:
        """Write the RDD to the checkpoint directory every so many seconds; a multiple of the slide."""
        self.ssc.check_not_started()
        every = int(interval * 1000)
        if every <= 0 or every % self.slide_ms:
            raise ValueError(
                f"The checkpoint interval ({interval} s) must be a multiple of the stream's slide "
                f"({self._slideDuration} s)"
            )
        self.checkpoint_ms = every
        self.level = StorageLevel.MEMORY_ONLY if self.level == StorageLevel.NONE else self.level
        return self

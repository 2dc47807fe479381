"""One stream: what it is computed from, and the RDDs it has made."""

from __future__ import annotations

import bisect
import itertools
import threading
from collections.abc import Sequence
from pathlib import Path
from types import GenericAlias
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

#: How the directories of a stream's RDDs begin: when no checkpoint names them any more they are nobody's.
STREAM_DATA = "stream-"


class Stream:
    """A node of the graph.  `compute(t)` gives the RDD of the batch at time t, or None if there is none.

    An RDD is made once and remembered as long as something may need it: windows above, a checkpoint, the user.
    """

    #: Whether the state that this stream carries must be checkpointed.
    must_checkpoint = False
    #: Whether the RDD of a batch is made from the one before.
    follows_itself = False
    #: Up to this time there are no RDDs.
    _none_until = 0

    def __init__(self, context: StreamingContext, parents: tuple[Stream, ...], slide_ms: int) -> None:
        self.ssc = context
        self.parents = parents
        self.slide_ms = slide_ms
        self.zero_ms: int | None = None
        self.remember_ms = 0
        self.level = StorageLevel.NONE
        self.checkpoint_ms: int | None = None
        self.generated: dict[int, RDD] = {}
        #: By time: checkpointed RDDs that are let go here, but that a batch which failed begins from.
        self._kept_for_failed: dict[int, tuple[list[str], int]] = {}
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
            if self.follows_itself:
                self._make_those_before(time_ms)
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

    def _make_those_before(self, time_ms: int) -> None:
        """The RDDs back to the last that is there, oldest first: after a restart there may be a thousand, and they
        are not to be made inside one another."""
        times = range(time_ms - self.slide_ms, self.zero_ms or 0, -self.slide_ms)
        missing = list(itertools.takewhile(lambda t: t not in self.generated and t > self._none_until, times))
        for t in reversed(missing):
            if self.get_or_compute(t) is None:
                self._none_until = t

    def keep_durably(self, time_ms: int, rdd: RDD) -> None:
        """The RDD of this time is to be written when it has been computed."""
        rdd._checkpoint_as(STREAM_DATA)

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

    def is_needed(self, time_ms: int, failed: Sequence[int]) -> bool:
        """Whether one of the batches that failed (their times, in order) needs the data of this time when it runs
        again."""
        i = bisect.bisect_left(failed, time_ms)
        return i < len(failed) and failed[i] - time_ms <= self.remember_ms + self.slide_ms

    def forget(self, time_ms: int, unpersist: bool, failed: Sequence[int] = ()) -> None:
        """Let RDDs go that are too old at that time.  Batches that failed run again in another process: for them
        files are kept, and nothing in memory."""
        with self._lock:
            old = [t for t in self.generated if t <= time_ms - self.remember_ms]
            for t in old:
                rdd = self.generated.pop(t)
                file = rdd._checkpoint_directory() if failed else None
                if file is not None:
                    self._kept_for_failed[t] = [file], rdd.getNumPartitions()
                if unpersist and rdd.is_cached:
                    rdd.unpersist()
            self._kept_for_failed = bases(self._kept_for_failed, failed)

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
            kept = dict(self._kept_for_failed)
        files = ((t, rdd, rdd._checkpoint_directory()) for t, rdd in made)
        return kept | {t: ([file], rdd.getNumPartitions()) for t, rdd, file in files if file is not None}

    def take_up(self, kept: dict[int, tuple[list[str], int]]) -> None:
        """After a restart: the RDDs that were checkpointed."""
        spark = self.ssc.sparkContext
        saved = {t: (Checkpoint(Path(paths[0])), count) for t, (paths, count) in kept.items()}
        self.generated = {t: read_back(checkpoint, count, spark) for t, (checkpoint, count) in saved.items()}

    def __getstate__(self) -> dict[str, Any]:
        """The definition, without what has been made."""
        state = self.__dict__.copy()
        del state["_lock"]
        state["generated"] = {}
        state["_kept_for_failed"] = {}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()


def bases(kept: dict[int, Any], failed: Sequence[int]) -> dict[int, Any]:
    """Of what is kept by time: for each batch that failed the last one before it."""
    times = sorted(kept)
    places = {bisect.bisect_left(times, t) - 1 for t in failed} if times else set()
    return {times[i]: kept[times[i]] for i in places if i >= 0}


def read_back(saved: Saved, partitions: int, context: Any) -> RDD:
    """An RDD whose elements are in files."""
    node = Collection([()] * partitions)
    node.cut(saved)
    return RDD(node, context)


class DStream(Stream, Windows, States, Outputs):
    """A stream of RDDs, one per batch.  Made by a StreamingContext and by other streams."""

    __class_getitem__: Any = classmethod(GenericAlias)  # programs write DStream[str] in their annotations

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

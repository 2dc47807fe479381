"""The streams of windows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from pyspark.storagelevel import StorageLevel

from penstock.rdd.nodes import Elements
from penstock.rdd.partitioning import Partitioner
from penstock.rdd.rdd import RDD
from penstock.rdd.shuffle import merge_pairs
from penstock.streaming.dstream import DStream
from penstock.streaming.keyed_state import DELETED, KeyedState, StateNode
from penstock.streaming.stateful import StatefulStream
from penstock.streaming.window_blocks import Blocks


class WindowedStream(DStream):
    """The union of the parent's RDDs in the window.  The parent keeps its elements, as each is in several windows."""

    def __init__(self, parent: DStream, window_ms: int, slide_ms: int) -> None:
        super().__init__(parent.ssc, (parent,), slide_ms)
        self.window_ms = window_ms
        if parent.level == StorageLevel.NONE:
            parent.persist()

    @property
    def looks_back_ms(self) -> int:
        return self.window_ms

    def persist(self, storageLevel: StorageLevel = StorageLevel.MEMORY_ONLY) -> DStream:  # noqa: N803
        """Keep the parent's elements: the window's are the same."""
        parent = self.parents[0]
        assert isinstance(parent, DStream)
        parent.persist(storageLevel)
        return self

    def compute(self, time_ms: int) -> RDD | None:
        (parent,) = self.parents
        rdds = parent.slice_ms(time_ms - self.window_ms + parent.slide_ms, time_ms)
        spark = self.ssc.sparkContext
        union: RDD = spark.union(rdds) if rdds else spark.emptyRDD()
        return union


class ReducedWindowStream(StatefulStream):
    """One pair per key: its values over the window reduced.

    With an inverse function and a window of at least five slides the result of the last slide is kept as keyed state
    and changed in place by the batches that enter and leave; otherwise the window is reduced from blocks of batches
    that windows share."""

    #: Not part of the definition: begins anew in each process.
    _blocks: Blocks | None = None

    def __init__(
        self,
        parent: DStream,
        function: Callable[[Any, Any], Any],
        inverse: Callable[[Any, Any], Any] | None,
        window_ms: int,
        slide_ms: int,
        partitions: int,
        keep: Callable[[tuple[Any, Any]], bool] | None,
    ) -> None:
        super().__init__(parent.ssc, (parent,), slide_ms)
        self.window_ms = window_ms
        self._function, self._inverse, self._keep = function, inverse, keep
        self._partitions_wanted = partitions
        self._incremental = inverse is not None and window_ms >= 5 * slide_ms
        self.must_checkpoint = inverse is not None
        self.follows_itself = self._incremental
        parent.persist()
        self.level = StorageLevel.NONE

    @property
    def looks_back_ms(self) -> int:
        return self.window_ms + self.slide_ms

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_blocks", None)
        return state

    def compute(self, time_ms: int) -> RDD | None:
        (parent,) = self.parents
        begin = time_ms - self.window_ms
        before = self.get_or_compute(time_ms - self.slide_ms) if self._incremental else None
        if before is None:
            return self._anew(begin, time_ms)
        entering = parent.slice_ms(time_ms - self.slide_ms + parent.slide_ms, time_ms)
        leaving = parent.slice_ms(begin - self.slide_ms + parent.slide_ms, begin)
        return self._changed(before, entering, leaving)

    def _anew(self, begin_ms: int, end_ms: int) -> RDD | None:
        if self._blocks is None:
            self._blocks = Blocks(self.parents[0], self._function, self._partitions_wanted)
        reduced = self._blocks.reduced(begin_ms, end_ms)
        if reduced is None:
            return None
        reduced = reduced.filter(self._keep) if self._keep is not None else reduced
        return reduced.persist()

    def _changed(self, before: RDD, entering: list[RDD], leaving: list[RDD]) -> RDD:
        partitioner = Partitioner(self._partitions_wanted)
        parents = tuple(rdd.partitionBy(self._partitions_wanted)._node for rdd in (*leaving, *entering))
        change = functools.partial(self._change, len(leaving))
        node = StateNode(before._node, parents, partitioner, change)
        return RDD(node, self.ssc.sparkContext)

    def _change(self, leaving: int, state: KeyedState, inputs: list[Elements]) -> tuple[dict[Any, Any], list[Any]]:
        """What the elements that leave and enter make of the values of their keys."""
        function, inverse = self._function, self._inverse
        assert inverse is not None
        changes: dict[Any, Any] = {}
        for key, gone in self._merged(inputs[:leaving]).items():
            value = state.get(key)
            if value is not DELETED:
                changes[key] = inverse(value, gone)
        for key, new in self._merged(inputs[leaving:]).items():
            value = changes[key] if key in changes else state.get(key)
            changes[key] = new if value is DELETED else function(value, new)
        if self._keep is not None:
            keep = self._keep
            changes = {k: v if keep((k, v)) else DELETED for k, v in changes.items()}
        return changes, []

    def _merged(self, inputs: list[Elements]) -> dict[Any, Any]:
        merged: dict[Any, Any] = {}
        for pairs in inputs:
            merge_pairs(merged, pairs, self._function)
        return merged

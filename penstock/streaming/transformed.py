"""Streams that are a function of their parents' RDDs of the same batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penstock.rdd.rdd import RDD
from penstock.streaming.dstream import DStream, Stream


class TransformedDStream(DStream):
    """`function(time_ms, rdds)`; a parent without an RDD in this batch gives None, unless all must have one."""

    def __init__(
        self, parents: tuple[Stream, ...], function: Callable[[int, list[RDD]], RDD | None], *, keeps: bool = False
    ) -> None:
        slides = {parent.slide_ms for parent in parents}
        if len(slides) > 1:
            raise ValueError(f"Some of the DStreams have different slide durations: {sorted(slides)} ms")
        if len({id(parent.ssc) for parent in parents}) > 1:
            raise ValueError("Some of the DStreams have different contexts")
        super().__init__(parents[0].ssc, parents, parents[0].slide_ms)
        self._function = function
        self._keeps = keeps

    def compute(self, time_ms: int) -> RDD | None:
        rdds = [parent.get_or_compute(time_ms) for parent in self.parents]
        present = [rdd for rdd in rdds if rdd is not None]
        if len(present) < len(rdds):
            if len(rdds) == 1:
                return None
            empty = self.ssc.sparkContext.emptyRDD()
            present = [empty if rdd is None else rdd for rdd in rdds]
        made: Any = self._function(time_ms, present)
        if not isinstance(made, RDD):
            raise TypeError(f"The function given to transform returns an RDD, not a {type(made).__name__}")
        return made

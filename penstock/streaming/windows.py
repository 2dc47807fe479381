"""Windows: streams that look back over several batches of their parent."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyspark.resultiterable import ResultIterable

from penstock.streaming.times import milliseconds
from penstock.streaming.transformations import Transformations

if TYPE_CHECKING:
    from penstock.streaming.dstream import DStream

Reduce = Callable[[Any, Any], Any]


class Windows(Transformations):
    """Durations are seconds and multiples of the parent's slide."""

    slide_ms: int

    def window(self, windowDuration: float, slideDuration: float | None = None) -> DStream:
        """The elements of the last `windowDuration`, every `slideDuration` (default: every batch)."""
        from penstock.streaming.window_streams import WindowedStream

        window, slide = self._durations(windowDuration, slideDuration)
        return WindowedStream(self, window, slide)  # type: ignore[arg-type]

    def reduceByWindow(
        self, reduceFunc: Reduce, invReduceFunc: Reduce | None, windowDuration: float, slideDuration: float
    ) -> DStream:
        """One element per slide: those of the window reduced.  With the inverse function only what enters and leaves is
        touched."""
        keyed = self.map(lambda x: (1, x))
        reduced = keyed.reduceByKeyAndWindow(reduceFunc, invReduceFunc, windowDuration, slideDuration, 1)
        return reduced.map(lambda pair: pair[1])

    def countByWindow(self, windowDuration: float, slideDuration: float) -> DStream:
        """One element per slide: how many elements the window has."""
        return self.map(lambda x: 1).reduceByWindow(operator.add, operator.sub, windowDuration, slideDuration)

    def countByValueAndWindow(
        self, windowDuration: float, slideDuration: float, numPartitions: int | None = None
    ) -> DStream:
        """(element, how often) over the window."""
        ones = self.map(lambda x: (x, 1))
        return ones.reduceByKeyAndWindow(
            operator.add, operator.sub, windowDuration, slideDuration, numPartitions, lambda pair: pair[1] > 0
        )

    def groupByKeyAndWindow(
        self, windowDuration: float, slideDuration: float, numPartitions: int | None = None
    ) -> DStream:
        """(key, its values over the window)."""
        lists = self.mapValues(lambda x: [x])
        grouped = lists.reduceByKeyAndWindow(
            operator.add, lambda a, b: a[len(b) :], windowDuration, slideDuration, numPartitions
        )
        return grouped.mapValues(ResultIterable)

    def reduceByKeyAndWindow(
        self,
        func: Reduce,
        invFunc: Reduce | None,
        windowDuration: float,
        slideDuration: float | None = None,
        numPartitions: int | None = None,
        filterFunc: Callable[[tuple[Any, Any]], bool] | None = None,
    ) -> DStream:
        """(key, its values over the window reduced), every `slideDuration`.

        With `invFunc` the last result is changed by what enters and leaves; keys whose values have all left stay until
        `filterFunc` lets them go, except in windows shorter than five slides, which are reduced anew as in Spark."""
        from penstock.streaming.window_streams import ReducedWindowStream

        window, slide = self._durations(windowDuration, slideDuration)
        partitions = self._partitions(numPartitions)
        reduced = self.reduceByKey(func, partitions)
        return ReducedWindowStream(reduced, func, invFunc, window, slide, partitions, filterFunc)

    def _durations(self, window: float, slide: float | None) -> tuple[int, int]:
        slide_ms = self.slide_ms if slide is None else milliseconds(slide)
        window_ms = milliseconds(window)
        for name, duration in (("windowDuration", window_ms), ("slideDuration", slide_ms)):
            if duration <= 0 or duration % self.slide_ms:
                raise ValueError(
                    f"{name} must be multiple of the parent dstream's slide (batch) duration ({self.slide_ms} ms)"
                )
        return window_ms, slide_ms

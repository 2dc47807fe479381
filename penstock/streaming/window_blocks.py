"""Windows reduced from blocks: a window of n batches is the reduction of about 2 log2(n) blocks, each reduced once.

A block covers 2**level batches and begins at a multiple of that many, so that windows share their blocks.  What a
slide costs grows with the logarithm of the window and not with the window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from penstock.rdd.rdd import RDD
from penstock.streaming.dstream import Stream

Block = tuple[int, int]


def covering(begin: int, end: int) -> Iterator[Block]:
    """The largest blocks (level, first batch) that together are the batches begin, ..., end - 1, in order."""
    while begin < end:
        level = 0
        while begin % (2 << level) == 0 and begin + (2 << level) <= end:
            level += 1
        yield level, begin
        begin += 1 << level


class Blocks:
    """The blocks of one stream of pairs, of which each batch has been reduced by key."""

    def __init__(self, parent: Stream, function: Callable[[Any, Any], Any], partitions: int) -> None:
        self._parent = parent
        self._function, self._partitions = function, partitions
        self._made: dict[Block, RDD | None] = {}

    def reduced(self, begin_ms: int, end_ms: int) -> RDD | None:
        """The batches after begin up to end, reduced; None if there is none."""
        parent = self._parent
        assert parent.zero_ms is not None
        begin = max(0, (begin_ms - parent.zero_ms) // parent.slide_ms)
        end = (end_ms - parent.zero_ms) // parent.slide_ms
        found = [self._block(block) for block in covering(begin, end)]
        self._forget(begin)
        return self._together([rdd for rdd in found if rdd is not None])

    def _block(self, block: Block) -> RDD | None:
        level, first = block
        if level == 0:
            assert self._parent.zero_ms is not None
            return self._parent.get_or_compute(self._parent.zero_ms + (first + 1) * self._parent.slide_ms)
        if block not in self._made:
            half = 1 << (level - 1)
            halves = [self._block((level - 1, first)), self._block((level - 1, first + half))]
            made = self._together([rdd for rdd in halves if rdd is not None])
            self._made[block] = made.persist() if made is not None else None
        return self._made[block]

    def _together(self, rdds: list[RDD]) -> RDD | None:
        if not rdds:
            return None
        union: RDD = rdds[0].ctx.union(rdds)
        return union.reduceByKey(self._function, self._partitions)

    def _forget(self, begin: int) -> None:
        """Blocks that reach back before the window are of no use to the windows that come."""
        for block in [b for b in self._made if b[1] < begin]:
            rdd = self._made.pop(block)
            if rdd is not None:
                rdd.unpersist()

"""What RDDs are, with lists: each partition is a list, and every operation is made at once.

Nothing here is lazy, kept, moved by threads or computed twice, which is what can go wrong in what it is compared with.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from penstock.rdd.partitioning import portable_hash

Place = tuple[int, Callable[[Any], int]]


@dataclass(frozen=True)
class Lists:
    """Partitions, and where a key is: a number of partitions and a hash, None if that is not known."""

    parts: list[list[Any]]
    place: Place | None = None

    @property
    def flat(self) -> list[Any]:
        """All elements in order."""
        return [x for part in self.parts for x in part]

    def each(self, f: Callable[[list[Any]], Iterable[Any]], keeps: bool = False) -> Lists:
        """`f` of each partition."""
        return Lists([list(f(part)) for part in self.parts], self.place if keeps else None)

    def each_with_index(self, f: Callable[[int, list[Any]], Iterable[Any]], keeps: bool = False) -> Lists:
        """The same with the partition's index."""
        parts = [list(f(i, part)) for i, part in enumerate(self.parts)]
        return Lists(parts, self.place if keeps else None)

    # ------------------------------------------------------------ keys

    def placed(self, n: int, function: Callable[[Any], int] = portable_hash) -> Lists:
        """partitionBy."""
        if self.place == (n, function):
            return self
        parts: list[list[Any]] = [[] for _ in range(n)]
        for pair in self.flat:
            parts[function(pair[0]) % n].append(pair)
        return Lists(parts, (n, function))

    def combined(
        self,
        n: int,
        create: Callable[[Any], Any],
        add: Callable[[Any, Any], Any],
        merge: Callable[[Any, Any], Any],
    ) -> Lists:
        """combineByKey: within each partition first, unless the keys are in their places."""
        local = self.each(lambda pairs: _combine(pairs, create, add).items(), keeps=True)
        if self.place == (n, portable_hash):
            return local
        return local.placed(n).each(lambda pairs: _combine(pairs, lambda v: v, merge).items(), keeps=True)

    def grouped_with(self, others: list[Lists], n: int | None) -> Lists:
        """cogroup: for each key the lists of its values, in the order in which keys are met."""
        sides = [self, *others]
        place = common_place(sides, n)
        placed = [side.placed(*place) for side in sides]
        parts = []
        for i in range(place[0]):
            groups: dict[Any, tuple[list[Any], ...]] = {}
            for j, side in enumerate(placed):
                for key, value in side.parts[i]:
                    groups.setdefault(key, tuple([] for _ in sides))[j].append(value)
            parts.append(list(groups.items()))
        return Lists(parts, place)

    # ------------------------------------------------------------ partitions

    def union(self, other: Lists) -> Lists:
        """Partitions side by side, or together if both know in the same way where a key is."""
        if self.place is not None and self.place == other.place:
            return Lists([a + b for a, b in zip(self.parts, other.parts, strict=True)], self.place)
        return Lists(self.parts + other.parts)

    def coalesced(self, n: int) -> Lists:
        """Neighbours put together."""
        count = min(n, len(self.parts))
        edges = [i * len(self.parts) // count for i in range(count + 1)] if count else [0]
        return Lists([list(itertools.chain(*self.parts[a:b])) for a, b in itertools.pairwise(edges)])

    def times(self, other: Lists) -> Lists:
        """cartesian."""
        return Lists([[(x, y) for x in a for y in b] for a in self.parts for b in other.parts])


def _combine(pairs: Iterable[Any], create: Callable[[Any], Any], add: Callable[[Any, Any], Any]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key, value in pairs:
        found[key] = add(found[key], value) if key in found else create(value)
    return found


def common_place(sides: list[Lists], n: int | None) -> Place:
    """Where a join's keys go: where they all are, else by hash into `n` or as many partitions as there are."""
    first = sides[0].place
    if first is not None and all(side.place == first for side in sides):
        return first if n in (None, first[0]) else (n or 0, portable_hash)
    return n or sum(len(side.parts) for side in sides), portable_hash


def cut(elements: list[Any], n: int) -> Lists:
    """parallelize."""
    size = max(1, min(len(elements) // n, 1024))
    batches = [elements[i : i + size] for i in range(0, len(elements), size)]
    edges = [i * len(batches) // n for i in range(n + 1)]
    return Lists([list(itertools.chain(*batches[a:b])) for a, b in itertools.pairwise(edges)])

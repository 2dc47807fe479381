"""Which partition a key belongs to."""

from __future__ import annotations

import os
import sys
from bisect import bisect_left
from collections.abc import Callable, Hashable
from typing import Any
from zlib import crc32

#: Whether Python's hashes are the same in all processes of this program.
SEEDED = os.environ.get("PYTHONHASHSEED", "").isdecimal()


def portable_hash(x: Hashable) -> int:
    """The hash that keys are partitioned by: None is 0, a tuple's hash is made of its members' as Spark makes it.
    Strings hash the same in all processes: by Python's hash if PYTHONHASHSEED is set, otherwise by CRC-32."""
    if x is None:
        return 0
    if isinstance(x, tuple):
        h = 0x345678
        for item in x:
            h ^= portable_hash(item)
            h *= 1000003
            h &= sys.maxsize
        h ^= len(x)
        return -2 if h == -1 else int(h)
    if not SEEDED and isinstance(x, (str, bytes)):
        return crc32(x.encode("utf-8", "surrogatepass") if isinstance(x, str) else x)
    return hash(x)


class Partitioner:
    """A number of partitions and a function from key to an integer; the partition is that integer modulo the number.
    Equal partitioners put equal keys in the same place: joins between them move nothing."""

    __slots__ = ("numPartitions", "partitionFunc")

    def __init__(self, numPartitions: int, partitionFunc: Callable[[Any], int] = portable_hash) -> None:  # noqa: N803
        self.numPartitions = numPartitions
        self.partitionFunc = partitionFunc

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Partitioner)
            and self.numPartitions == other.numPartitions
            and self.partitionFunc == other.partitionFunc
        )

    def __hash__(self) -> int:
        return hash((self.numPartitions, self.partitionFunc))

    def __call__(self, key: Any) -> int:
        return self.partitionFunc(key) % self.numPartitions


class RangeBounds:
    """The partition function of a sort: keys up to the first bound come first, and so on."""

    def __init__(self, bounds: list[Any], key: Callable[[Any], Any], ascending: bool) -> None:
        self._bounds = bounds
        self._key = key
        self._ascending = ascending

    def __call__(self, key: Any) -> int:
        place = bisect_left(self._bounds, self._key(key))
        return place if self._ascending else len(self._bounds) - place

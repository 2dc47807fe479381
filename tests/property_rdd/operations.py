"""Transformations of random pipelines: what is done to an RDD, and what that means for lists.

Numbers are elements of kind `n`, pairs of a key and a number of kind `p`.  Values stay below a prime, so that pipelines
of any length stay small.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyspark import StorageLevel
from pyspark.rddsampler import RDDRangeSampler, RDDSampler

from penstock.rdd.partitioning import portable_hash
from tests.property_rdd.model import Lists, cut

PRIME = 1009


@dataclass(frozen=True)
class Made:
    """An RDD, what it holds, and how it was made."""

    rdd: Any
    lists: Lists
    kind: str
    text: str


def source(sc: Any, r: random.Random) -> Made:
    """A collection or a range."""
    n, size = r.randint(1, 6), r.choice((0, 1, 3, 10, 40, 90))
    if r.random() < 0.3:
        numbers = range(size)
        parts = [list(numbers[i * size // n : (i + 1) * size // n]) for i in range(n)]
        return Made(sc.range(size, numSlices=n), Lists(parts), "n", f"range({size}, {n})")
    if r.random() < 0.5:
        elements: list[Any] = [r.randrange(PRIME) for _ in range(size)]
        return Made(sc.parallelize(elements, n), cut(elements, n), "n", f"numbers({size}, {n})")
    key = r.choice(KEYS)
    elements = [(key(r.randrange(12)), r.randrange(PRIME)) for _ in range(size)]
    return Made(sc.parallelize(elements, n), cut(elements, n), "p", f"pairs({size}, {n}, {key.__name__})")


def _by_number(x: int) -> Any:
    return x


def _by_text(x: int) -> Any:
    return f"k{x}"


def _by_tuple(x: int) -> Any:
    return (x % 4, None if x % 3 else f"{x}")


def _by_set(x: int) -> Any:
    """A key whose hash is another one in each process."""
    return frozenset([f"k{x}"])


KEYS: tuple[Callable[[int], Any], ...] = (_by_number, _by_text, _by_tuple, _by_set)


def _mixed(x: Any, y: Any) -> int:
    """Neither associative nor commutative, so that order counts."""
    return int((x * 3 + y + 1) % PRIME)


def _number(x: Any) -> int:
    """A number for anything."""
    if isinstance(x, int):
        return x
    if isinstance(x, (tuple, list)):
        total = 7
        for member in x:
            total = _mixed(total, _number(member))
        return total
    return sum(map(ord, x)) if isinstance(x, str) else _number(sorted(x)) if isinstance(x, frozenset) else 5


def _folded(values: Any) -> int:
    total = 11
    for value in values:
        total = _mixed(total, value)
    return total


# ---------------------------------------------------------------- numbers


def map_numbers(a: Made, r: random.Random) -> Made:
    f, g = r.randrange(1, 9), r.randrange(9)
    return _next(a, a.rdd.map(lambda x: (x * f + g) % PRIME), a.lists.each(lambda p: [(x * f + g) % PRIME for x in p]))


def filter_any(a: Made, r: random.Random) -> Made:
    m = r.randint(2, 5)
    kept = a.lists.each(lambda p: [x for x in p if _number(x) % m], keeps=True)
    return _next(a, a.rdd.filter(lambda x: _number(x) % m), kept)


def flat_map(a: Made, r: random.Random) -> Made:
    m = r.randint(1, 3)

    def some(x: int) -> list[int]:
        return [x + i for i in range(x % m + (m == 1))]

    return _next(a, a.rdd.flatMap(some), a.lists.each(lambda p: [y for x in p for y in some(x)]))


def distinct(a: Made, r: random.Random) -> Made:
    n = r.choice((None, 1, 3))
    once = a.lists.each(lambda p: [(x, None) for x in p])
    made = once.combined(n or len(a.lists.parts), lambda v: v, lambda v, _: v, lambda v, _: v)
    return _next(a, a.rdd.distinct(n), made.each(lambda p: [k for k, _ in p]))


def key_by(a: Made, r: random.Random) -> Made:
    m, key = r.randint(1, 12), r.choice(KEYS)
    pairs = a.lists.each(lambda p: [(key(x % m), x) for x in p])
    return _next(a, a.rdd.map(lambda x: (key(x % m), x)), pairs, "p")


def group_by(a: Made, r: random.Random) -> Made:
    m, n = r.randint(1, 6), r.randint(1, 4)
    keyed = a.lists.each(lambda p: [(x % m, x) for x in p])
    lists = keyed.combined(n, lambda v: [v], lambda vs, v: [*vs, v], lambda vs, ws: vs + ws)
    made = lists.each(lambda p: [(k, _folded(vs)) for k, vs in p], keeps=True)
    return _next(a, a.rdd.groupBy(lambda x: x % m, n).mapValues(_folded), made, "p")


def zip_with_index(a: Made, r: random.Random) -> Made:
    starts = [sum(map(len, a.lists.parts[:i])) for i in range(len(a.lists.parts))]
    made = a.lists.each_with_index(lambda i, p: [_mixed(_number(x), starts[i] + j) for j, x in enumerate(p)])
    return _next(a, a.rdd.zipWithIndex().map(lambda t: _mixed(_number(t[0]), t[1])), made, "n")


def zip_with_unique_id(a: Made, r: random.Random) -> Made:
    n = len(a.lists.parts)
    made = a.lists.each_with_index(lambda i, p: [_mixed(_number(x), i + n * j) for j, x in enumerate(p)])
    return _next(a, a.rdd.zipWithUniqueId().map(lambda t: _mixed(_number(t[0]), t[1])), made, "n")


def zip_with_itself(a: Made, r: random.Random) -> Made:
    made = a.lists.each(lambda p: [_mixed(_number(x), _number(x) + 1) for x in p])
    zipped = a.rdd.zip(a.rdd.map(lambda x: _number(x) + 1))
    return _next(a, zipped.map(lambda t: _mixed(_number(t[0]), t[1])), made, "n")


def glom(a: Made, r: random.Random) -> Made:
    return _next(a, a.rdd.glom().map(_number), a.lists.each(lambda p: [_number(p)]), "n")


def with_index(a: Made, r: random.Random) -> Made:
    made = a.lists.each_with_index(lambda i, p: [i, *(_number(x) for x in p)])
    return _next(a, a.rdd.mapPartitionsWithIndex(lambda i, xs: [i, *(_number(x) for x in xs)]), made, "n")


# ---------------------------------------------------------------- pairs


def values(a: Made, r: random.Random) -> Made:
    return _next(a, a.rdd.values(), a.lists.each(lambda p: [v for _, v in p]), "n")


def map_values(a: Made, r: random.Random) -> Made:
    f = r.randrange(1, 9)
    made = a.lists.each(lambda p: [(k, v * f % PRIME) for k, v in p], keeps=True)
    return _next(a, a.rdd.mapValues(lambda v: v * f % PRIME), made)


def flat_map_values(a: Made, r: random.Random) -> Made:
    made = a.lists.each(lambda p: [(k, v + i) for k, v in p for i in range(v % 3)], keeps=True)
    return _next(a, a.rdd.flatMapValues(lambda v: [v + i for i in range(v % 3)]), made)


def partition_by(a: Made, r: random.Random) -> Made:
    n, function = r.randint(1, 6), r.choice((portable_hash, _number))
    return _next(a, a.rdd.partitionBy(n, function), a.lists.placed(n, function))


def reduce_by_key(a: Made, r: random.Random) -> Made:
    n = r.randint(1, 5)
    return _next(a, a.rdd.reduceByKey(_mixed, n), a.lists.combined(n, lambda v: v, _mixed, _mixed))


def fold_by_key(a: Made, r: random.Random) -> Made:
    n, zero = r.randint(1, 5), r.randrange(9)
    return _next(a, a.rdd.foldByKey(zero, _mixed, n), a.lists.combined(n, lambda v: _mixed(zero, v), _mixed, _mixed))


def aggregate_by_key(a: Made, r: random.Random) -> Made:
    n = r.randint(1, 5)

    def add(values: list[int], value: int) -> list[int]:
        values.append(value)  # the zero is copied for each key
        return values

    def join(values: list[int], more: list[int]) -> list[int]:
        values.extend([PRIME, *more])
        return values

    lists = a.lists.combined(n, lambda v: [v], lambda vs, v: [*vs, v], lambda vs, ws: [*vs, PRIME, *ws])
    made = lists.each(lambda p: [(k, _folded(vs)) for k, vs in p], keeps=True)
    return _next(a, a.rdd.aggregateByKey([], add, join, n).mapValues(_folded), made)


def group_by_key(a: Made, r: random.Random) -> Made:
    n = r.randint(1, 5)
    lists = a.lists.combined(n, lambda v: [v], lambda vs, v: [*vs, v], lambda vs, ws: vs + ws)
    made = lists.each(lambda p: [(k, _folded(vs)) for k, vs in p], keeps=True)
    return _next(a, a.rdd.groupByKey(n).mapValues(_folded), made)


def sort_within(a: Made, r: random.Random) -> Made:
    n, up = r.randint(1, 4), r.random() < 0.5
    made = a.lists.placed(n).each(lambda p: sorted(p, key=lambda t: _number(t[0]), reverse=not up), keeps=True)
    return _next(a, a.rdd.repartitionAndSortWithinPartitions(n, portable_hash, up, lambda k: _number(k)), made)


# ---------------------------------------------------------------- anything


def coalesce(a: Made, r: random.Random) -> Made:
    n = r.randint(1, 5)
    return _next(a, a.rdd.coalesce(n), a.lists.coalesced(n))


def repartition(a: Made, r: random.Random) -> Made:
    n = r.randint(1, 5)
    return _laid_out(a, a.rdd.repartition(n), sorted(a.lists.flat, key=repr), n, lambda xs: sorted(xs, key=repr))


def sort_by(a: Made, r: random.Random) -> Made:
    n, up = r.randint(1, 5), r.random() < 0.5
    expected = sorted(a.lists.flat, key=_number, reverse=not up)
    return _laid_out(a, a.rdd.sortBy(_number, up, n), expected, n if expected or n == 1 else None, list)


def sample(a: Made, r: random.Random) -> Made:
    often, fraction, seed = r.random() < 0.3, r.choice((0.0, 0.3, 0.9)), r.randrange(2**40)
    sampled = a.lists.each_with_index(lambda i, p: RDDSampler(often, fraction, seed).func(i, iter(p)), keeps=True)
    return _next(a, a.rdd.sample(often, fraction, seed), sampled)


def random_split(a: Made, r: random.Random) -> Made:
    seed, i = r.randrange(2**40), r.randrange(2)
    low, high = ((0.0, 0.25), (0.25, 1.0))[i]
    part = a.lists.each_with_index(lambda j, p: RDDRangeSampler(low, high, seed).func(j, iter(p)), keeps=True)
    return _next(a, a.rdd.randomSplit([1, 3], seed)[i], part)


def persist(a: Made, r: random.Random) -> Made:
    levels = (StorageLevel.MEMORY_ONLY, StorageLevel.DISK_ONLY, StorageLevel.MEMORY_AND_DISK_DESER)
    if a.rdd.is_cached:
        return _next(a, a.rdd.unpersist(), a.lists)
    return _next(a, a.rdd if a.rdd.isLocallyCheckpointed() else a.rdd.persist(r.choice(levels)), a.lists)


def checkpoint(a: Made, r: random.Random) -> Made:
    if r.random() < 0.5:
        a.rdd.checkpoint()
    elif not a.rdd.is_cached:
        a.rdd.localCheckpoint()
    if r.random() < 0.5:
        assert a.rdd.count() == len(a.lists.flat)
    return a


def forget_shuffles(a: Made, r: random.Random) -> Made:
    assert a.rdd.count() == len(a.lists.flat)
    a.rdd.cleanShuffleDependencies()
    return a


# ---------------------------------------------------------------- two


def union(a: Made, b: Made, r: random.Random) -> Made:
    return _next(a, a.rdd.union(b.rdd), a.lists.union(b.lists), other=b)


def cartesian(a: Made, b: Made, r: random.Random) -> Made:
    made = a.lists.times(b.lists).each(lambda p: [_number(t) for t in p])
    return _next(a, a.rdd.cartesian(b.rdd).map(_number), made, "n", b)


def subtract(a: Made, b: Made, r: random.Random) -> Made:
    n = r.choice((None, 2))
    left, right = (m.lists.each(lambda p: [(x, True) for x in p]) for m in (a, b))
    rest = left.grouped_with([right], n).each(lambda p: [k for k, (vs, ws) in p if not ws for _ in vs])
    return _next(a, a.rdd.subtract(b.rdd, n), rest, other=b)


def intersection(a: Made, b: Made, r: random.Random) -> Made:
    left, right = (m.lists.each(lambda p: [(x, None) for x in p]) for m in (a, b))
    both = left.grouped_with([right], None).each(lambda p: [k for k, (vs, ws) in p if vs and ws])
    return _next(a, a.rdd.intersection(b.rdd), both, other=b)


def cogroup(a: Made, b: Made, r: random.Random) -> Made:
    n = r.choice((None, 1, 3))
    made = a.lists.grouped_with([b.lists], n).each(lambda p: [(k, _number(groups)) for k, groups in p], keeps=True)
    joined = a.rdd.cogroup(b.rdd, n).mapValues(lambda groups: _number([list(group) for group in groups]))
    return _next(a, joined, made, other=b)


def group_with(a: Made, b: Made, r: random.Random) -> Made:
    made = a.lists.grouped_with([b.lists, a.lists], None)
    folded = made.each(lambda p: [(k, _number(groups)) for k, groups in p], keeps=True)
    joined = a.rdd.groupWith(b.rdd, a.rdd).mapValues(lambda groups: _number([list(group) for group in groups]))
    return _next(a, joined, folded, other=b)


def subtract_by_key(a: Made, b: Made, r: random.Random) -> Made:
    n = r.choice((None, 3))
    made = a.lists.grouped_with([b.lists], n)
    rest = made.each(lambda p: [(k, v) for k, (vs, ws) in p if not ws for v in vs], keeps=True)
    return _next(a, a.rdd.subtractByKey(b.rdd, n), rest, other=b)


def join(a: Made, b: Made, r: random.Random) -> Made:
    name, n = r.choice(("join", "leftOuterJoin", "rightOuterJoin", "fullOuterJoin")), r.choice((None, 1, 4))
    keep_left, keep_right = name in ("leftOuterJoin", "fullOuterJoin"), name in ("rightOuterJoin", "fullOuterJoin")

    def matched(vs: list[Any], ws: list[Any]) -> list[Any]:
        left = vs or ([None] if keep_right else [])
        right = ws or ([None] if keep_left else [])
        return [(v, w) for v in left for w in right]

    made = a.lists.grouped_with([b.lists], n)
    pairs = made.each(lambda p: [(k, _number(t)) for k, (vs, ws) in p for t in matched(vs, ws)], keeps=True)
    return _next(a, getattr(a.rdd, name)(b.rdd, n).mapValues(_number), pairs, other=b, note=name)


# ---------------------------------------------------------------- tables

OF_NUMBERS: tuple[Callable[[Made, random.Random], Made], ...] = (map_numbers, flat_map, key_by, key_by, group_by)
OF_PAIRS: tuple[Callable[[Made, random.Random], Made], ...] = (
    values, map_values, flat_map_values, partition_by, reduce_by_key, fold_by_key, aggregate_by_key, group_by_key,
    sort_within,
)  # fmt: skip
OF_ANY: tuple[Callable[[Made, random.Random], Made], ...] = (
    filter_any, distinct, zip_with_index, zip_with_unique_id, zip_with_itself, glom, with_index, coalesce, repartition,
    sort_by, sample, random_split, persist, persist, checkpoint, forget_shuffles,
)  # fmt: skip
OF_TWO: tuple[Callable[[Made, Made, random.Random], Made], ...] = (union, cartesian, subtract, intersection)
OF_TWO_OF_PAIRS: tuple[Callable[[Made, Made, random.Random], Made], ...] = (
    cogroup, group_with, subtract_by_key, join, join,
)  # fmt: skip


def _next(a: Made, rdd: Any, lists: Lists, kind: str | None = None, other: Made | None = None, note: str = "") -> Made:
    import sys

    name = note or sys._getframe(1).f_code.co_name
    inside = a.text if other is None else f"{a.text}, {other.text}"
    return Made(rdd, lists, kind or a.kind, f"{name}({inside})")


def _laid_out(a: Made, rdd: Any, expected: list[Any], n: int | None, order: Callable[[list[Any]], list[Any]]) -> Made:
    """For what may put elements where it likes: they are the expected ones, and stay where they were found."""
    parts = rdd.glom().collect()
    assert order([x for part in parts for x in part]) == expected, f"{rdd} of {a.text}"
    assert n is None or len(parts) == n, f"{rdd} of {a.text}"
    return _next(a, rdd, Lists(parts), note=f"laid out {n}")

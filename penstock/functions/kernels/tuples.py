"""Tuple sketches of Apache DataSketches: theta sketches with a number (DOUBLE or INT) kept for each hash.

The compact form writes the hashes in the order of the hash table they were in, so tables are kept as the library keeps
them: open addressing with a stride, 15/16 full at most, growing eightfold up to twice the nominal size.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.functions.kernels import thetas
from penstock.functions.kernels.rows import by_row, raised
from penstock.functions.kernels.thetas import HASHED, MOST, SEED_HASH, DamagedError

_FAMILY, _COMPACT_TYPE = 9, 1
_READ_ONLY, _EMPTY, _COMPACT = 2, 4, 8
MODES = ("sum", "min", "max", "alwaysone")
_STRUCTS = {"double": struct.Struct("<dB"), "integer": struct.Struct("<iB")}
#: value and mode (an index in MODES) of one hash
Summary = tuple[Any, int]


@dataclass(frozen=True)
class Tuples:
    """`entries`: hash -> summary, in the order of the bytes."""

    entries: dict[int, Summary]
    theta: int = MOST
    empty: bool = False

    @property
    def estimating(self) -> bool:
        return self.theta < MOST and not self.empty

    @property
    def estimate(self) -> float:
        return len(self.entries) * (float(MOST) / self.theta) if self.estimating else float(len(self.entries))


NOTHING = Tuples({}, MOST, True)


@dataclass
class Table:
    """A hash table of summaries that keeps at most about two times `1 << lg_nominal` of the smallest hashes."""

    lg_nominal: int
    lg: int = 0
    theta: int = MOST
    slots: dict[int, int] = field(default_factory=dict)
    summaries: dict[int, Summary] = field(default_factory=dict)

    def __post_init__(self) -> None:
        target = self.lg_nominal + 1
        self.lg = (target - 5) % 3 + 5 if target > 5 else 5

    def put(self, hash_: int, summary: Summary) -> None:
        """A hash that is not in the table yet."""
        self.slots[_free_slot(self.slots, hash_, self.lg)] = hash_
        self.summaries[hash_] = summary
        full = 15 / 16 if self.lg > self.lg_nominal else 0.5
        if len(self.slots) > int((1 << self.lg) * full):
            self._rebuild()

    def _rebuild(self) -> None:
        """Eight times as large; or at full size only the smallest hashes are kept."""
        kept = self.in_order()
        if self.lg > self.lg_nominal:
            self.theta = sorted(kept)[1 << self.lg_nominal]
            kept = [h for h in kept if h < self.theta]
        else:
            self.lg += 3
        self.slots = in_slots(kept, self.lg)
        self.summaries = {h: self.summaries[h] for h in kept}

    def in_order(self) -> list[int]:
        return [self.slots[slot] for slot in sorted(self.slots)]

    def compact(self) -> Tuples:
        """All that the table has."""
        return Tuples({h: self.summaries[h] for h in self.in_order()}, self.theta, not self.slots)


def in_slots(hashes: Iterable[int], lg: int) -> dict[int, int]:
    """slot -> hash, after inserting in this order."""
    slots: dict[int, int] = {}
    for h in hashes:
        slots[_free_slot(slots, h, lg)] = h
    return slots


def _free_slot(slots: dict[int, int], h: int, lg: int) -> int:
    mask, stride = (1 << lg) - 1, 2 * ((h >> lg) & 127) + 1
    slot = h & mask
    while slot in slots:
        slot = (slot + stride) & mask
    return slot


# ---------------------------------------------------------------- numbers


def _start(kind: str, mode: int) -> Any:
    """The summary of no values."""
    if kind == "double":
        return (0.0, math.inf, -math.inf, 1.0)[mode]
    return (0, (1 << 31) - 1, -(1 << 31), 1)[mode]


def _combined(kind: str, mode: int, *values: Any) -> Summary:
    """What a summary of this mode becomes when it takes the values."""
    result = _start(kind, mode)
    for value in values:
        if mode == 0:
            result = result + value
        elif mode < 3 and (value < result if mode == 1 else value > result):
            result = value
    return (_int32(result) if kind == "integer" else result), mode


def _int32(value: int) -> int:
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def gathered(kind: str, hashes: np.ndarray, values: Sequence[Any], lg: int, mode: int) -> Tuples:
    """The sketch of rows: hashes (0: no key) with the values that go with them."""
    table = Table(lg)
    summaries, theta = table.summaries, MOST
    for h, value in zip(hashes.tolist(), values, strict=True):
        if h == 0 or h >= theta or value is None:
            continue
        if h in summaries:
            summaries[h] = _updated(kind, summaries[h], value)
        else:
            table.put(h, _combined(kind, mode, value))
            summaries, theta = table.summaries, table.theta
    return union([table.compact()], lg, kind, mode)


def _updated(kind: str, summary: Summary, value: Any) -> Summary:
    """A summary that takes one more value, by its own mode."""
    held, mode = summary
    if mode == 0:
        return (_int32(held + value) if kind == "integer" else held + value), mode
    if mode == 3:
        return summary
    return (value, mode) if (value < held if mode == 1 else value > held) else summary


def union(sketches: Sequence[Tuples], lg: int, kind: str, mode: int) -> Tuples:
    """What any of the sketches has seen; numbers of the same hash by `mode`."""
    table, theta, empty = Table(lg), MOST, True
    for sketch in sketches:
        empty = empty and sketch.empty
        theta = theta if sketch.empty else min(theta, sketch.theta)
        for h, summary in sketch.entries.items():
            if h >= min(theta, table.theta):
                continue
            if h in table.summaries:
                table.summaries[h] = _combined(kind, mode, table.summaries[h][0], summary[0])
            else:
                table.put(h, summary)
    return NOTHING if empty else _trimmed(table, min(theta, table.theta), 1 << lg)


def _trimmed(table: Table, theta: int, nominal: int) -> Tuples:
    kept = [h for h in table.in_order() if h < theta]
    if len(kept) > nominal:
        theta = sorted(kept)[nominal]
        kept = [h for h in kept if h < theta]
    return Tuples({h: table.summaries[h] for h in kept}, theta)


def intersection(sketches: Sequence[Tuples], kind: str, mode: int) -> Tuples:
    """What all of the sketches have seen; numbers of the same hash by `mode`."""
    if any(sketch.empty for sketch in sketches):
        return NOTHING
    theta = min(sketch.theta for sketch in sketches)
    found = _settled(sketches[0].entries)
    for sketch in sketches[1:]:
        both = ((h, s) for h, s in sketch.entries.items() if h in found and h < theta)
        found = _settled({h: _combined(kind, mode, found[h][0], s[0]) for h, s in both})
    return Tuples({h: s for h, s in found.items() if h < theta}, theta)


def _settled(entries: dict[int, Summary]) -> dict[int, Summary]:
    """The entries in the order of a table that is just large enough for them."""
    lg = max(4, (math.ceil(len(entries) / 0.75) - 1).bit_length() if entries else 4)
    slots = in_slots(entries, lg)
    return {slots[slot]: entries[slots[slot]] for slot in sorted(slots)}


def difference(left: Tuples, right: Any) -> Tuples:
    """What the left sketch has seen and the right one (with or without numbers) has not."""
    if left.empty or right.empty:
        return left
    theta = min(left.theta, right.theta)
    seen = set(right.hashes.tolist() if isinstance(right, thetas.Theta) else right.entries)
    kept = {h: s for h, s in left.entries.items() if h < theta and h not in seen}
    return NOTHING if theta == MOST and not kept else Tuples(kept, theta)


# ---------------------------------------------------------------- bytes


def dump(sketch: Tuples, kind: str) -> bytes:
    """The compact form, serial version 3."""
    n, pack = len(sketch.entries), _STRUCTS[kind].pack
    single = n == 1 and not sketch.estimating
    longs = 1 if sketch.empty or single else 3 if sketch.estimating else 2
    flags = _COMPACT | _READ_ONLY | (_EMPTY if sketch.empty else 0)
    out = struct.pack("<6BH", longs, 3, _FAMILY, _COMPACT_TYPE, 0, flags, SEED_HASH)
    if longs > 1:
        out += struct.pack("<II", n, 0)
    if longs > 2:
        out += struct.pack("<Q", sketch.theta)
    return out + b"".join(struct.pack("<Q", h) + pack(*summary) for h, summary in sketch.entries.items())


def load(data: bytes, kind: str) -> Tuples:
    """The sketch in the compact form; DamagedError when there is none."""
    if len(data) < 8 or data[1] != 3 or data[2] != _FAMILY or data[3] != _COMPACT_TYPE:
        raise DamagedError
    if data[5] & _EMPTY:
        return NOTHING
    try:
        longs = data[0]
        count = struct.unpack_from("<I", data, 8)[0] if longs > 1 else 1
        theta = struct.unpack_from("<Q", data, 16)[0] if longs > 2 else MOST
        return Tuples(dict(_entries(data, longs * 8, count, kind)), theta)
    except struct.error as error:
        raise DamagedError from error


def _entries(data: bytes, at: int, count: int, kind: str) -> Iterator[tuple[int, Summary]]:
    layout = _STRUCTS[kind]
    for i in range(count):
        place = at + i * (8 + layout.size)
        value, mode = layout.unpack_from(data, place + 8)
        yield struct.unpack_from("<Q", data, place)[0], (value, mode)


# ---------------------------------------------------------------- kernels


def _loaded(name: str, sketches: Iterable[bytes | None], kind: str) -> list[Tuples]:
    try:
        return [load(data, kind) for data in sketches if data is not None]
    except DamagedError:
        raise raised(
            "TUPLE_INVALID_INPUT_SKETCH_BUFFER", f"The input of `{name}` is no tuple sketch of this kind.",
            sqlstate="22000", function=f"`{name}`",
        ) from None  # fmt: skip


def _of_theta(sketch: bytes, kind: str, mode: int) -> Tuples:
    """A theta sketch whose hashes all have the number with which a summary starts."""
    (theta,) = thetas._loaded(f"tuple_union_theta_{kind}", [sketch])
    summary = _start(kind, mode), mode
    return Tuples(dict.fromkeys(theta.hashes.tolist(), summary), theta.theta, theta.empty)


def _aggregate(kind: str, key: str) -> Any:
    @by_row(pa.binary())
    def kernel(keys: list[Any], values: list[Any], lg: int, mode: str) -> bytes:
        pairs = [(k, v) for k, v in zip(keys, values, strict=True) if k is not None and v is not None]
        hashes = HASHED[key]([k for k, _ in pairs])
        return dump(gathered(kind, hashes, [v for _, v in pairs], lg, MODES.index(mode)), kind)

    return kernel


for _kind in _STRUCTS:
    for _key in HASHED:
        globals()[f"tuple_agg_{_kind}_{_key}"] = _aggregate(_kind, _key)


@by_row(pa.binary())
def tuple_union(sketches: list[bytes | None], lg: int, mode: str, kind: str, name: str) -> bytes:
    return dump(union(_loaded(name, sketches, kind), lg, kind, MODES.index(mode)), kind)


@by_row(pa.binary())
def tuple_intersection(sketches: list[bytes | None], mode: str, kind: str, name: str) -> bytes | None:
    loaded = _loaded(name, sketches, kind)
    return dump(intersection(loaded, kind, MODES.index(mode)) if loaded else NOTHING, kind)


@by_row(pa.binary())
def tuple_difference(left: bytes, right: bytes, kind: str) -> bytes:
    return dump(difference(*_loaded(f"tuple_difference_{kind}", (left, right), kind)), kind)


@by_row(pa.binary())
def tuple_difference_theta(left: bytes, right: bytes, kind: str) -> bytes:
    name = f"tuple_difference_theta_{kind}"
    return dump(difference(_loaded(name, [left], kind)[0], thetas._loaded(name, [right])[0]), kind)


@by_row(pa.binary())
def tuple_union_theta(left: bytes, right: bytes, lg: int, mode: str, kind: str) -> bytes:
    (sketch,), index = _loaded(f"tuple_union_theta_{kind}", [left], kind), MODES.index(mode)
    return dump(union([sketch, _of_theta(right, kind, index)], lg, kind, index), kind)


@by_row(pa.binary())
def tuple_intersection_theta(left: bytes, right: bytes, mode: str, kind: str) -> bytes:
    (sketch,), index = _loaded(f"tuple_intersection_theta_{kind}", [left], kind), MODES.index(mode)
    return dump(intersection([sketch, _of_theta(right, kind, index)], kind, index), kind)


@by_row(pa.float64())
def tuple_estimate(sketch: bytes, kind: str) -> float:
    return _loaded(f"tuple_sketch_estimate_{kind}", [sketch], kind)[0].estimate


@by_row(pa.float64())
def tuple_theta(sketch: bytes, kind: str) -> float:
    return _loaded(f"tuple_sketch_theta_{kind}", [sketch], kind)[0].theta / float(MOST)


def _summary(kind: str, result: pa.DataType) -> Any:
    """All numbers of a sketch in one; 0 when there are none."""

    @by_row(result)
    def kernel(sketch: bytes, mode: str) -> Any:
        entries = _loaded(f"tuple_sketch_summary_{kind}", [sketch], kind)[0].entries
        values = [value for value, _ in entries.values()]
        if mode in ("min", "max"):
            return (min if mode == "min" else max)(values, default=0)
        if mode == "alwaysone":
            return len(values)
        return sum(values) if kind == "double" else _wrapped(sum(values))

    return kernel


def _wrapped(value: int) -> int:
    return (value + (1 << 63)) % (1 << 64) - (1 << 63)


tuple_summary_double, tuple_summary_integer = _summary("double", pa.float64()), _summary("integer", pa.int64())

"""Frequent-items sketches of Apache DataSketches: a hash table of counts that is purged when it is full.

Tables and bytes are the library's, whose keys are Java objects: their `hashCode` decides where a key stands, and so the
order of equally frequent items.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal
from typing import Any

import pyarrow as pa

from penstock.functions.kernels.rows import by_row

_32, _64 = (1 << 32) - 1, (1 << 64) - 1
_FAMILY, _EMPTY, _LEAST = 10, 5, 3
_SAMPLE = 1024
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Item:
    """How items of one Java class hash, and how they are written one after the other."""

    code: Callable[[Any], int]
    dump: Callable[[Sequence[Any]], bytes]
    load: Callable[[bytes, int], list[Any]]


@dataclass
class Sketch:
    """`keys[i]`, `counts[i]`, `drifts[i]` (0: free): slot i of the table; `offset`: what purges took from all."""

    item: Item
    lg_most: int
    lg: int = _LEAST
    offset: int = 0
    weight: int = 0
    active: int = 0
    keys: list[Any] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    drifts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lg_most = max(self.lg_most, _LEAST)
        self._clear(max(self.lg, _LEAST))

    def _clear(self, lg: int) -> None:
        size = 1 << lg
        self.lg, self.active = lg, 0
        self.keys, self.counts, self.drifts = [None] * size, [0] * size, [0] * size

    def update(self, key: Any, count: int = 1) -> None:
        """Count `key` `count` times more."""
        self.weight += count
        self._add(key, count)
        if self.active > (1 << self.lg) * 3 // 4:
            if self.lg < self.lg_most:
                self._grow()
            else:
                self._purge()

    def _add(self, key: Any, count: int) -> None:
        mask = len(self.keys) - 1
        slot, drift = _spread(self.item.code(key)) & mask, 1
        while self.drifts[slot] and self.keys[slot] != key:
            slot, drift = (slot + 1) & mask, drift + 1
        if self.drifts[slot]:
            self.counts[slot] += count
        else:
            self.keys[slot], self.counts[slot], self.drifts[slot] = key, count, drift
            self.active += 1

    def _grow(self) -> None:
        held = list(self.held())
        self._clear(self.lg + 1)
        for key, count in held:
            self._add(key, count)

    def held(self) -> Iterator[tuple[Any, int]]:
        """Keys and counts in the order of the slots."""
        return ((self.keys[i], self.counts[i]) for i, drift in enumerate(self.drifts) if drift)

    def strided(self) -> Iterator[tuple[Any, int]]:
        """Keys and counts in the order in which the library walks: by strides of the golden ratio."""
        size = len(self.keys)
        stride = int(size * _GOLDEN) | 1
        slot, left = 0, self.active
        while left:
            if self.drifts[slot]:
                left -= 1
                yield self.keys[slot], self.counts[slot]
            slot = (slot + stride) & (size - 1)

    def _purge(self) -> None:
        """The median of some counts is taken from all; what has nothing left goes."""
        limit = min(_SAMPLE, (1 << self.lg_most) * 3 // 4, self.active)
        sample = [count for (_, count), _ in zip(self.held(), range(limit), strict=False)]
        median = sorted(sample)[limit // 2]
        self.counts = [count - median for count in self.counts]
        self._drop_spent()
        self.offset += median

    def _drop_spent(self) -> None:
        """Cluster by cluster, from the back."""
        first = len(self.drifts) - 1
        while self.drifts[first]:
            first -= 1
        for slot in (*range(first - 1, -1, -1), *range(len(self.drifts) - 1, first - 1, -1)):
            if self.drifts[slot] and self.counts[slot] <= 0:
                self._delete(slot)
                self.active -= 1

    def _delete(self, slot: int) -> None:
        """Free a slot; keys behind it move up as far as they may."""
        self.drifts[slot] = 0
        mask, drift = len(self.keys) - 1, 1
        probe = (slot + 1) & mask
        while self.drifts[probe]:
            if self.drifts[probe] > drift:
                self.keys[slot], self.counts[slot] = self.keys[probe], self.counts[probe]
                self.drifts[slot] = self.drifts[probe] - drift
                self.drifts[probe] = 0
                slot, drift = probe, 0
            probe, drift = (probe + 1) & mask, drift + 1

    def merge(self, other: Sketch) -> None:
        """Take in what another sketch has counted."""
        if not other.active:
            return
        weight = self.weight + other.weight
        for key, count in other.strided():
            self.update(key, count)
        self.offset += other.offset
        self.weight = weight

    def frequent(self) -> list[tuple[Any, int]]:
        """Items that are surely more frequent than the error, most frequent first."""
        found = [(key, count + self.offset) for key, count in self.strided() if count >= self.offset]
        return sorted(found, key=lambda pair: -pair[1])

    def dump(self) -> bytes:
        """The library's bytes (serial version 1)."""
        head = (1 if not self.active else 4, 1, _FAMILY, self.lg_most, self.lg, _EMPTY if not self.active else 0, 0)
        if not self.active:
            return struct.pack("<6BH", *head)
        keys, counts = zip(*self.held(), strict=True)
        sizes = struct.pack("<6BHIIQQ", *head, self.active, 0, self.weight, self.offset)
        return sizes + struct.pack(f"<{len(counts)}q", *counts) + self.item.dump(keys)


def load(data: bytes, item: Item) -> Sketch:
    """The sketch in the library's bytes."""
    longs, _, _, lg_most, lg, flags, _ = struct.unpack_from("<6BH", data)
    if longs == 1 or flags & _EMPTY:
        return Sketch(item, lg_most)
    count, _, weight, offset = struct.unpack_from("<IIQQ", data, 8)
    sketch = Sketch(item, lg_most, lg, offset)
    counts = struct.unpack_from(f"<{count}q", data, 32)
    for key, n in zip(item.load(data[32 + 8 * count :], count), counts, strict=True):
        sketch.update(key, n)
    sketch.weight = weight
    return sketch


def _spread(code: int) -> int:
    """The library's hash of a Java hash code (an int, which keeps its sign as a long)."""
    key = code & _64
    key = (key ^ key >> 33) * 0xFF51AFD7ED558CCD & _64
    key = (key ^ key >> 33) * 0xC4CEB9FE1A85EC53 & _64
    return key ^ key >> 33


# ---------------------------------------------------------------- Java's hash codes


def _signed(value: int) -> int:
    return (value & _32) - ((value & _32) >> 31 << 32)


def _long_code(value: int) -> int:
    return _signed((value & _64) ^ (value & _64) >> 32)


def _double_code(value: float) -> int:
    return _long_code(struct.unpack("<q", struct.pack("<d", value))[0])


def _float_code(value: float) -> int:
    return int(struct.unpack("<i", struct.pack("<f", value))[0])


def _text_code(value: str) -> int:
    units = value.encode("utf-16-le")
    code = 0
    for i in range(0, len(units), 2):
        code = (code * 31 + (units[i] | units[i + 1] << 8)) & _32
    return _signed(code)


def _decimal_code(value: Decimal) -> int:
    """A Scala BigDecimal hashes as the number it is: an integer, a FLOAT, or a DOUBLE."""
    if value == value.to_integral_value():
        whole = int(value)
        return whole if -(1 << 31) <= whole < 1 << 31 else _long_code(whole)
    nearest = float(value)
    (short,) = struct.unpack("<f", struct.pack("<f", nearest))
    return _float_code(nearest) if short == nearest else _double_code(nearest)


# ---------------------------------------------------------------- how items are written


def _numbers(mark: int, code: str) -> tuple[Callable[[Sequence[Any]], bytes], Callable[[bytes, int], list[Any]]]:
    """A type byte before each number."""
    layout = struct.Struct(f"<B{code}")
    return (
        lambda items: b"".join(layout.pack(mark, item) for item in items),
        lambda data, n: [layout.unpack_from(data, i * layout.size)[1] for i in range(n)],
    )


def _plain(code: str) -> tuple[Callable[[Sequence[Any]], bytes], Callable[[bytes, int], list[Any]]]:
    return (
        lambda items: struct.pack(f"<{len(items)}{code}", *items),
        lambda data, n: list(struct.unpack_from(f"<{n}{code}", data)),
    )


def _dump_texts(items: Sequence[str]) -> bytes:
    encoded = [item.encode() for item in items]
    return b"".join(struct.pack("<i", len(text)) + text for text in encoded)


def _load_texts(data: bytes, n: int) -> list[str]:
    at, found = 0, []
    for _ in range(n):
        (size,) = struct.unpack_from("<i", data, at)
        found.append(data[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return found


def _dump_flags(items: Sequence[bool]) -> bytes:
    out = bytearray((len(items) + 7) // 8)
    for i, item in enumerate(items):
        out[i >> 3] |= item << (i & 7)
    return bytes(out)


def _load_flags(data: bytes, n: int) -> list[bool]:
    return [bool(data[i >> 3] >> (i & 7) & 1) for i in range(n)]


def _dump_big(items: Sequence[int]) -> bytes:
    return b"".join(struct.pack("<i", len(data)) + data for data in map(big_integer, items))


def big_integer(value: int) -> bytes:
    """Java's BigInteger.toByteArray."""
    bits = (value if value >= 0 else ~value).bit_length()
    return value.to_bytes(bits // 8 + 1, "big", signed=True)


def _load_big(data: bytes, n: int) -> list[int]:
    at, found = 0, []
    for _ in range(n):
        (size,) = struct.unpack_from("<i", data, at)
        found.append(int.from_bytes(data[at + 4 : at + 4 + size], "big", signed=True))
        at += 4 + size
    return found


def _decimal(scale: int, precision: int) -> Item:
    """Decimals as unscaled numbers: in 4 bytes, in 8 bytes, or as many as each needs."""
    if precision <= 9:
        dump, load = _numbers(9, "i")
    elif precision <= 18:
        dump, load = _plain("q")
    else:
        dump, load = _dump_big, _load_big
    factor = Decimal(10) ** scale
    context = Context(prec=80)
    return Item(
        _decimal_code,
        lambda items: dump([int(context.multiply(item, factor)) for item in items]),
        lambda data, n: [context.scaleb(Decimal(value), -scale) for value in load(data, n)],
    )


#: kind of item -> how it hashes and is written
ITEMS: dict[str, Item] = {
    "byte": Item(int, *_numbers(2, "b")),
    "short": Item(int, *_numbers(3, "h")),
    "int": Item(int, *_numbers(9, "i")),
    "float": Item(_float_code, *_numbers(6, "f")),
    "long": Item(_long_code, *_plain("q")),
    "double": Item(_double_code, *_plain("d")),
    "text": Item(_text_code, _dump_texts, _load_texts),
    "boolean": Item(lambda value: 1231 if value else 1237, _dump_flags, _load_flags),
}


def item_of(kind: str) -> Item:
    """The item of a kind: `decimal_<precision>_<scale>` or one of ITEMS."""
    if not kind.startswith("decimal"):
        return ITEMS[kind]
    _, precision, scale = kind.split("_")
    return _decimal(int(scale), int(precision))


def _counted(values: Sequence[Any], kind: str, lg_most: int) -> tuple[Sketch, int]:
    """A sketch of the values, and how many are NULL."""
    sketch = Sketch(item_of(kind), lg_most)
    present = [value for value in values if value is not None]
    for value in map(Decimal, present) if kind.startswith("decimal") else present:
        sketch.update(value)
    return _passed_on(sketch), len(values) - len(present)


def _passed_on(sketch: Sketch) -> Sketch:
    """As it comes out of Spark: written, read, and merged into an empty sketch."""
    result = Sketch(sketch.item, sketch.lg_most)
    result.merge(load(sketch.dump(), sketch.item))
    return result


def _with_nulls(sketch: Sketch, nulls: int, k: int) -> list[dict[str, Any]]:
    """The k most frequent items; NULL comes after those that are as frequent."""
    pairs = sketch.frequent()
    if nulls:
        at = next((i for i, (_, count) in enumerate(pairs) if nulls > count), len(pairs))
        pairs = [*pairs[:at], (None, nulls), *pairs[at:]]
    return [{"item": f"{key:f}" if isinstance(key, Decimal) else key, "count": n} for key, n in pairs[:k]]


def _state(sketch: Sketch, nulls: int) -> bytes:
    """Spark's state of approx_top_k: the sketch, then the number of NULLs."""
    return sketch.dump() + struct.pack(">q", nulls)


def _from_state(data: bytes, kind: str) -> tuple[Sketch, int]:
    return load(data[:-8], item_of(kind)), struct.unpack(">q", data[-8:])[0]


_TYPES = {
    "text": pa.string(), "double": pa.float64(), "float": pa.float32(), "boolean": pa.bool_(), "decimal": pa.string(),
    "byte": pa.int8(), "short": pa.int16(), "int": pa.int32(), "long": pa.int64(),
}  # fmt: skip


def _kernels(type_: str) -> dict[str, Any]:
    entry = pa.list_(pa.struct([("item", _TYPES[type_]), ("count", pa.int64())]))

    @by_row(pa.binary())
    def count(values: list[Any], lg_most: int, kind: str) -> bytes:
        return _state(*_counted(values, kind, lg_most))

    @by_row(entry)
    def top_of(values: list[Any], lg_most: int, k: int, kind: str) -> list[dict[str, Any]]:
        return _with_nulls(*_counted(values, kind, lg_most), k)

    @by_row(entry)
    def top(state: bytes, k: int, kind: str) -> list[dict[str, Any]]:
        return _with_nulls(*_from_state(state, kind), k)

    made = {"count": count, "top": top, "top_of": top_of}
    return {f"items_{name}_{type_}": kernel for name, kernel in made.items()}


for _type in _TYPES:
    globals().update(_kernels(_type))


@by_row(pa.binary())
def items_combine(states: list[bytes | None], lg_most: int, kind: str) -> bytes:
    """What all states have counted."""
    result, nulls = Sketch(item_of(kind), lg_most), 0
    for state in states:
        if state is not None:
            sketch, missing = _from_state(state, kind)
            result.merge(sketch)
            nulls += missing
    return _state(_passed_on(result), nulls)

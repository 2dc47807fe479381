"""Theta sketches of Apache DataSketches, in their documented compact forms (serial versions 3 and 4).

A sketch of nominal size k keeps the k smallest hashes of what it has seen, and theta, which all of them are below: how
many distinct values there are is about `number of hashes / theta`.  What Spark returns has always passed through a
union, which leaves exactly those k: so the order of the values does not matter.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from penstock.functions.kernels.murmur import hash_bytes, hash_longs
from penstock.functions.kernels.rows import by_row, raised

MOST = (1 << 63) - 1
SEED_HASH = 0x93CC
_READ_ONLY, _EMPTY, _COMPACT, _ORDERED, _SINGLE = 2, 4, 8, 16, 32
_FAMILY = 3


@dataclass(frozen=True)
class Theta:
    """`hashes` ascending, all below `theta`; `empty`: nothing was ever seen."""

    hashes: np.ndarray
    theta: int = MOST
    empty: bool = False

    @property
    def estimating(self) -> bool:
        return self.theta < MOST and not self.empty

    @property
    def estimate(self) -> float:
        return len(self.hashes) * (float(MOST) / self.theta) if self.estimating else float(len(self.hashes))


NOTHING = Theta(np.empty(0, np.uint64), MOST, True)


class DamagedError(ValueError):
    """Bytes that are no sketch."""


def bottom(hashes: np.ndarray, nominal: int, theta: int = MOST) -> Theta:
    """The sketch of these hashes (0 is none), of which those below `theta` count."""
    kept = np.unique(hashes)
    kept = kept[(kept > 0) & (kept < theta)]
    if len(kept) > nominal:
        return Theta(kept[:nominal], int(kept[nominal]))
    return Theta(kept, theta)


def union(sketches: Sequence[Theta], nominal: int) -> Theta:
    """What any of the sketches has seen."""
    seen = [sketch for sketch in sketches if not sketch.empty]
    if not seen:
        return NOTHING
    return bottom(np.concatenate([sketch.hashes for sketch in seen]), nominal, min(sketch.theta for sketch in seen))


def intersection(sketches: Sequence[Theta]) -> Theta:
    """What all of the sketches have seen."""
    if any(sketch.empty for sketch in sketches):
        return NOTHING
    kept, theta = sketches[0].hashes, min(sketch.theta for sketch in sketches)
    for sketch in sketches[1:]:
        kept = np.intersect1d(kept, sketch.hashes, assume_unique=True)
    kept = kept[kept < theta]
    return NOTHING if theta == MOST and not len(kept) else Theta(kept, theta)


def difference(left: Theta, right: Theta) -> Theta:
    """What the left sketch has seen and the right one has not."""
    if left.empty or right.empty:
        return left
    theta = min(left.theta, right.theta)
    kept = left.hashes[left.hashes < theta]
    kept = kept[~np.isin(kept, right.hashes)]
    return NOTHING if theta == MOST and not len(kept) else Theta(kept, theta)


# ---------------------------------------------------------------- bytes


def dump(sketch: Theta) -> bytes:
    """The compact form: differences of the hashes in as few bits as the widest needs, except for none or one."""
    n = len(sketch.hashes)
    if n == 0 or (n == 1 and not sketch.estimating):
        return _dump_few(sketch)
    deltas = np.diff(sketch.hashes, prepend=np.uint64(0)).astype(">u8")
    width = int(deltas.max()).bit_length()
    bits = np.unpackbits(deltas.view(np.uint8)).reshape(n, 64)[:, 64 - width :]
    size = (n.bit_length() + 7) // 8
    flags = _READ_ONLY | _COMPACT | _ORDERED
    head = struct.pack("<6BH", 2 if sketch.estimating else 1, 4, _FAMILY, width, size, flags, SEED_HASH)
    theta = struct.pack("<Q", sketch.theta) if sketch.estimating else b""
    return head + theta + n.to_bytes(size, "little") + np.packbits(bits.reshape(-1)).tobytes()


def _dump_few(sketch: Theta) -> bytes:
    flags = _READ_ONLY | _COMPACT | _ORDERED
    if sketch.empty:
        return struct.pack("<6BH", 1, 3, _FAMILY, 0, 0, flags | _EMPTY, 0)
    if len(sketch.hashes):
        return struct.pack("<6BHQ", 1, 3, _FAMILY, 0, 0, flags | _SINGLE, SEED_HASH, int(sketch.hashes[0]))
    return struct.pack("<6BHIfQ", 3, 3, _FAMILY, 0, 0, flags, SEED_HASH, 0, 1.0, sketch.theta)


def load(data: bytes) -> Theta:
    """The sketch in a compact form; DamagedError when there is none."""
    if len(data) < 8 or data[2] != _FAMILY or data[1] not in (3, 4) or data[0] not in (1, 2, 3):
        raise DamagedError
    try:
        return _load_packed(data) if data[1] == 4 else _load_plain(data)
    except (struct.error, ValueError) as error:
        raise DamagedError from error


def _load_plain(data: bytes) -> Theta:
    longs, flags = data[0], data[5]
    if flags & _EMPTY:
        return NOTHING
    if longs == 1:
        return Theta(np.frombuffer(data, "<u8", 1, 8).astype(np.uint64))
    (count,) = struct.unpack_from("<I", data, 8)
    theta = struct.unpack_from("<Q", data, 16)[0] if longs == 3 else MOST
    return Theta(np.sort(np.frombuffer(data, "<u8", count, longs * 8).astype(np.uint64)), theta)


def _load_packed(data: bytes) -> Theta:
    longs, width, size = data[0], data[3], data[4]
    theta = struct.unpack_from("<Q", data, 8)[0] if longs == 2 else MOST
    at = longs * 8 + size
    count = int.from_bytes(data[longs * 8 : at], "little")
    bits = np.unpackbits(np.frombuffer(data, np.uint8, offset=at))[: count * width].reshape(count, width)
    whole = np.zeros((count, 64), np.uint8)
    whole[:, 64 - width :] = bits
    deltas = np.packbits(whole, axis=1).view(">u8").reshape(-1).astype(np.uint64)
    return Theta(np.cumsum(deltas, dtype=np.uint64), theta)


# ---------------------------------------------------------------- hashes of values


def hashed_longs(values: Iterable[int | None]) -> Any:
    present = [v for v in values if v is not None]
    return hash_longs(np.array(present, np.int64)) >> np.uint64(1)


def hashed_doubles(values: Iterable[float | None]) -> Any:
    """-0.0 as 0.0, and one NaN."""
    x = np.array([v for v in values if v is not None], np.float64)
    x = np.where(np.isnan(x), np.nan, np.where(x == 0, 0.0, x))
    return hash_longs(x.view(np.int64)) >> np.uint64(1)


def hashed_bytes(values: Iterable[bytes | None]) -> np.ndarray:
    """Empty values do not count."""
    return np.array([hash_bytes(v) >> 1 if v else 0 for v in values if v is not None], np.uint64)


def hashed_texts(values: Iterable[str | None]) -> np.ndarray:
    return hashed_bytes(None if v is None else v.encode() for v in values)


def _packed(kind: str) -> Callable[[Any], bytes]:
    def pack(items: Sequence[int | None]) -> bytes:
        return struct.pack(f"<{len(items)}{kind}", *(item or 0 for item in items))

    return pack


def hashed_int_arrays(values: Iterable[Sequence[int | None] | None]) -> np.ndarray:
    return hashed_bytes(None if v is None else _packed("i")(v) for v in values)


def hashed_long_arrays(values: Iterable[Sequence[int | None] | None]) -> np.ndarray:
    return hashed_bytes(None if v is None else _packed("q")(v) for v in values)


#: kind of key -> its hashes
HASHED: dict[str, Callable[[Any], np.ndarray]] = {
    "long": hashed_longs, "double": hashed_doubles, "bytes": hashed_bytes, "text": hashed_texts,
    "ints": hashed_int_arrays, "longs": hashed_long_arrays,
}  # fmt: skip

# ---------------------------------------------------------------- kernels


def _invalid(name: str) -> ValueError:
    return raised(
        "THETA_INVALID_INPUT_SKETCH_BUFFER", f"The input of `{name}` is no theta sketch.", sqlstate="22000",
        function=f"`{name}`",
    )  # fmt: skip


def _loaded(name: str, sketches: Iterable[bytes | None]) -> list[Theta]:
    try:
        return [load(data) for data in sketches if data is not None]
    except DamagedError:
        raise _invalid(name) from None


def _aggregate(kind: str) -> Any:
    @by_row(pa.binary())
    def kernel(values: list[Any], lg: int) -> bytes:
        hashes = HASHED[kind](values)
        return dump(bottom(hashes, 1 << lg) if hashes.any() else NOTHING)

    return kernel


theta_agg_long, theta_agg_double, theta_agg_text = _aggregate("long"), _aggregate("double"), _aggregate("text")
theta_agg_bytes, theta_agg_ints, theta_agg_longs = _aggregate("bytes"), _aggregate("ints"), _aggregate("longs")


@by_row(pa.binary())
def theta_union(sketches: list[bytes | None], lg: int, name: str) -> bytes:
    return dump(union(_loaded(name, sketches), 1 << lg))


@by_row(pa.binary())
def theta_intersection(sketches: list[bytes | None], name: str) -> bytes:
    """Without sketches: nothing."""
    loaded = _loaded(name, sketches)
    return dump(intersection(loaded) if loaded else NOTHING)


@by_row(pa.binary())
def theta_difference(left: bytes, right: bytes) -> bytes:
    return dump(difference(*_loaded("theta_difference", (left, right))))


@by_row(pa.int64())
def theta_estimate(sketch: bytes) -> int:
    return int(np.floor(_loaded("theta_sketch_estimate", [sketch])[0].estimate + 0.5))

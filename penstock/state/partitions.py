"""Which partition of a state a key belongs to, and how many partitions each version has.

The hash is part of the file format (docs/state-format.md): it depends on the key's type and value alone, not on the
process, the release or the machine.  A state may be written in another number of partitions from some version on: the
file `_partitions` says from which, and whoever loads a version reads each file by what it says of its version.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.core import files
from penstock.state import errors
from penstock.state.bridge import arrow_ints, is_fixed_width, record_batch, to_numpy
from penstock.state.layout import StoreFiles

Words = NDArray[np.uint64]

_NULL = np.uint64(0x5BD1E9955BD1E995)
_NAN = np.uint64(0x7FF8000000000000)
_A, _B = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_STEP = 0x9E3779B97F4A7C15
_STEP_INVERSE = pow(_STEP, -1, 1 << 64)
_33 = np.uint64(33)


@dataclass(frozen=True)
class Partitions:
    """The number of partitions by version: pairs (first version, number), ascending; 1 before the first."""

    epochs: tuple[tuple[int, int], ...] = ()

    def at(self, version: int) -> int:
        """How many partitions the files of this version are."""
        return next((count for first, count in reversed(self.epochs) if first <= version), 1)

    @property
    def most(self) -> int:
        """The greatest number that any version has."""
        return max((count for _, count in self.epochs), default=1)

    def changed(self, version: int, count: int) -> Partitions:
        """As this, with `count` partitions from `version` on."""
        kept = Partitions(tuple(epoch for epoch in self.epochs if epoch[0] < version))
        return kept if kept.at(version) == count else Partitions((*kept.epochs, (version, count)))

    def write(self, store: StoreFiles) -> None:
        """Make it durable."""
        epochs = [{"from": first, "partitions": count} for first, count in self.epochs]
        files.fs.write_atomic(store.partitions, json.dumps({"version": 1, "epochs": epochs}).encode())


def read_partitions(store: StoreFiles) -> Partitions:
    """What is on the disk; raises SparkError naming the file when it is damaged."""
    try:
        content = json.loads(files.fs.read(store.partitions))
        return Partitions(tuple((int(e["from"]), int(e["partitions"])) for e in content["epochs"]))
    except FileNotFoundError:
        return Partitions()
    except (ValueError, KeyError, TypeError) as error:
        raise errors.damaged(store.partitions, f"it does not tell the number of partitions ({error!r})") from error


def split(keys: pa.RecordBatch, count: int) -> list[NDArray[np.int64]]:
    """For each partition, which of these keys belong to it."""
    owner = (stable_hash(keys) % np.uint64(count)).astype(np.int64)
    order = np.argsort(owner, kind="stable")
    bounds = np.cumsum(np.bincount(owner, minlength=count))[:-1]
    return np.split(order, bounds)


def take(rows: pa.RecordBatch, places: NDArray[np.int64]) -> pa.RecordBatch:
    """These rows; also of a batch without columns."""
    return rows.take(arrow_ints(places)) if rows.num_columns else record_batch([], rows.schema, len(places))


def stable_hash(keys: pa.RecordBatch) -> Words:
    """A 64-bit hash of each key; keys that Spark groups together have the same (NaN, -0.0)."""
    hashed = np.full(keys.num_rows, len(keys.columns), np.uint64)
    for column in keys.columns:
        hashed = _mix(hashed * _A + _words(column))
    return hashed


def _mix(words: Words) -> Words:
    words = (words ^ (words >> _33)) * _A
    words = (words ^ (words >> _33)) * _B
    return words ^ (words >> _33)


def _words(array: pa.Array) -> Words:
    found = _values(array)
    if array.null_count:
        valid = to_numpy(array.is_valid())[0]
        found = np.where(valid, found, _NULL)
    return found


def _values(array: pa.Array) -> Words:
    kind = array.type
    if pa.types.is_null(kind):
        return np.full(len(array), _NULL, np.uint64)
    if pa.types.is_struct(kind):
        return stable_hash(pa.RecordBatch.from_arrays(array.flatten(), names=[str(i) for i in range(kind.num_fields)]))
    if pa.types.is_map(kind):
        entries = pa.RecordBatch.from_arrays([array.keys, array.items], names=["key", "value"])
        return _sequences(array.offsets, stable_hash(entries))
    if pa.types.is_fixed_size_list(kind):
        array = array.cast(pa.list_(kind.value_type))
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return _sequences(array.offsets, _mix(_words(array.values)))
    if is_fixed_width(kind):
        return _fixed(array)
    return _bytes(array)


def _fixed(array: pa.Array) -> Words:
    """Numbers and times are one word each, wider values are made of several."""
    data = to_numpy(array)[0]
    if data.dtype.kind == "f":
        numbers = data.astype(np.float64) + 0.0  # -0.0 becomes 0.0
        return np.where(np.isnan(numbers), _NAN, numbers.view(np.uint64))
    if data.dtype.kind != "V":
        return np.asarray(data.astype(np.int64).view(np.uint64))
    width = -(-data.dtype.itemsize // 8) * 8
    padded = np.zeros((len(data), width), np.uint8)
    padded[:, : data.dtype.itemsize] = np.frombuffer(data.tobytes(), np.uint8).reshape(len(data), -1)
    words = padded.view(np.uint64)
    hashed = words[:, 0].copy() if width else np.zeros(len(data), np.uint64)
    for place in range(1, width // 8):
        hashed = _mix(hashed) + words[:, place]
    return hashed


def _bytes(array: pa.Array) -> Words:
    """Strings and binary values, whatever the width of their offsets."""
    wide = array.cast(pa.large_binary())
    offsets = np.frombuffer(wide.buffers()[1], np.int64, len(wide) + 1, wide.offset * 8)
    if wide.buffers()[2] is None:
        return _sequences(offsets, np.empty(0, np.uint64))
    content = np.frombuffer(wide.buffers()[2], np.uint8)[: offsets[-1]]
    return _sequences(offsets, content.astype(np.uint64) + np.uint64(1))


def _sequences(offsets: Any, elements: Words) -> Words:
    """The polynomial hash of each run of elements between two offsets: sum of element[i] * STEP**i, i from 0."""
    bounds = (offsets if isinstance(offsets, np.ndarray) else to_numpy(offsets)[0]).astype(np.int64)
    first, last = (int(bounds[0]), int(bounds[-1])) if len(bounds) else (0, 0)
    elements, bounds = elements[first:last], bounds - first
    powers = _powers(len(elements), _STEP)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(elements * powers, dtype=np.uint64)])
    inverse = _powers(len(elements) + 1, _STEP_INVERSE)
    lengths = (bounds[1:] - bounds[:-1]).astype(np.uint64)
    return _mix((sums[bounds[1:]] - sums[bounds[:-1]]) * inverse[bounds[:-1]] + lengths * _B)


def _powers(count: int, base: int) -> Words:
    powers = np.full(count, base, np.uint64)
    if count:
        powers[0] = 1
    made: Words = np.cumprod(powers, dtype=np.uint64)
    return made

"""Between Arrow and numpy without copying, and without `pa.array`, which imports pandas (a fifth of a second)."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Flags: TypeAlias = NDArray[np.bool_]


def numpy_type(type_: pa.DataType) -> np.dtype[Any]:
    """How numpy holds a fixed-width Arrow type: numbers as they are, times as integers, wider values as raw bytes."""
    if pa.types.is_boolean(type_):
        return np.dtype(np.bool_)
    if pa.types.is_integer(type_) or pa.types.is_floating(type_):
        kind: np.dtype[Any] = np.dtype(type_.to_pandas_dtype())
        return kind
    if pa.types.is_temporal(type_) and type_.bit_width in (32, 64):
        return np.dtype(f"i{type_.bit_width // 8}")
    return np.dtype(f"V{type_.bit_width // 8}")


def is_fixed_width(type_: pa.DataType) -> bool:
    """Whether a FixedColumn holds this type."""
    if pa.types.is_nested(type_) or pa.types.is_null(type_) or pa.types.is_dictionary(type_):
        return False
    try:
        return bool(type_.bit_width)
    except ValueError:
        return False


def to_numpy(values: pa.Array) -> tuple[NDArray[Any], Flags | None]:
    """A fixed-width Arrow array as numpy without copying (booleans are unpacked), and its validity (None: all valid).
    What stands in NULL places is undefined."""
    validity, data = values.buffers()
    count, offset = len(values), values.offset
    if pa.types.is_boolean(values.type):
        found: NDArray[Any] = _bits(data, offset, count)
    else:
        kind = numpy_type(values.type)
        found = np.frombuffer(data, kind, count, offset * kind.itemsize) if count else np.empty(0, kind)
    return found, _bits(validity, offset, count) if values.null_count else None


def to_arrow(type_: pa.DataType, data: NDArray[Any], valid: Flags | None) -> pa.Array:
    """The inverse of `to_numpy`; takes over `data`."""
    count, bitmap = len(data), None
    if valid is not None:
        bitmap = pa.py_buffer(np.packbits(valid, bitorder="little"))
    if pa.types.is_boolean(type_):
        data = np.packbits(data, bitorder="little")
    return pa.Array.from_buffers(type_, count, [bitmap, pa.py_buffer(data)])


def arrow_ints(numbers: NDArray[np.int64]) -> pa.Array:
    """Indices for `take`."""
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(np.ascontiguousarray(numbers))])


def arrow_flags(chosen: Flags) -> pa.Array:
    """A mask for `filter`."""
    return pa.Array.from_buffers(pa.bool_(), len(chosen), [None, pa.py_buffer(np.packbits(chosen, bitorder="little"))])


def record_batch(columns: list[pa.Array], schema: pa.Schema, count: int) -> pa.RecordBatch:
    """A batch of `count` rows, also when it has no columns (state without a grouping key)."""
    if columns:
        return pa.RecordBatch.from_arrays(columns, schema=schema)
    return pa.RecordBatch.from_struct_array(pa.Array.from_buffers(pa.struct([]), count, [None]))


def _bits(bitmap: pa.Buffer, offset: int, count: int) -> Flags:
    first, end = offset // 8, (offset + count + 7) // 8
    unpacked = np.unpackbits(np.frombuffer(bitmap, np.uint8)[first:end], bitorder="little")
    return unpacked[offset - 8 * first :][:count].view(np.bool_)

"""When two keys are the same: Spark's grouping equality, over whole Arrow arrays.

NULL equals NULL, NaN equals NaN, structs and lists are equal when all their elements are (a map is the list of its
entries).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.state.bridge import Flags, arrow_flags, is_fixed_width, to_numpy


def same_numbers(left: NDArray[Any], right: NDArray[Any]) -> Flags:
    """Equality of fixed-width values as numpy holds them."""
    equal: Flags = left == right
    if left.dtype.kind == "f":
        equal |= (left != left) & (right != right)
    return equal


def same_values(left: pa.Array, right: pa.Array) -> Flags:
    """Element-wise equality of two arrays of the same type and length."""
    valid = flags(left.is_valid()) & flags(right.is_valid())
    neither = ~flags(left.is_valid()) & ~flags(right.is_valid())
    if not valid.any():
        return neither
    everything = bool(valid.all())
    which = None if everything else arrow_flags(valid)
    equal = _same_valid(left if everything else left.filter(which), right if everything else right.filter(which))
    result = neither
    result[valid] = equal
    return result


def flags(array: pa.Array) -> Flags:
    """A boolean array without nulls as numpy."""
    return to_numpy(array)[0]


def _same_valid(left: pa.Array, right: pa.Array) -> Flags:
    kind = left.type
    if pa.types.is_struct(kind):
        result = np.ones(len(left), np.bool_)
        for a, b in zip(left.flatten(), right.flatten(), strict=True):
            result &= same_values(a, b)
        return result
    if pa.types.is_map(kind) or _is_list(kind):
        return _same_lists(_as_list(left), _as_list(right))
    if is_fixed_width(kind):
        return same_numbers(to_numpy(left)[0], to_numpy(right)[0])
    import pyarrow.compute as pc  # here, because it takes long to import and most keys are numbers

    return flags(pc.equal(left, right))


def _same_lists(left: pa.Array, right: pa.Array) -> Flags:
    lengths, others = _lengths(left), _lengths(right)
    result: Flags = lengths == others
    full = result & (lengths > 0)
    if full.any():
        chosen = arrow_flags(full)
        elements = same_values(left.filter(chosen).flatten(), right.filter(chosen).flatten())
        starts = np.cumsum(lengths[full]) - lengths[full]
        result[full] = np.logical_and.reduceat(elements, starts)
    return result


def _lengths(lists: pa.Array) -> NDArray[Any]:
    import pyarrow.compute as pc

    return to_numpy(pc.list_value_length(lists))[0]


def _is_list(kind: pa.DataType) -> bool:
    return any(check(kind) for check in (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list))


def _as_list(array: pa.Array) -> pa.Array:
    if not pa.types.is_map(array.type):
        return array
    entries = pa.StructArray.from_arrays([array.keys, array.items], names=["key", "value"])
    return pa.ListArray.from_arrays(array.offsets, entries)

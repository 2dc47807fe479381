"""Lists and maps of a key from the rows that hold their elements."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def lists(key: pa.Array, value: pa.Array, number: pa.Array, flat: bool) -> list[pa.Array]:
    """Elements in the order in which they were added: a row each, or a row a key."""
    order = np.argsort(number.to_numpy(), kind="stable")
    key, value = key.take(pa.array(order)), value.take(pa.array(order))
    if flat:
        return [key, value]
    first, groups = _groups(key)
    ordered = value.take(pa.array(np.concatenate(groups)))
    return [key.take(pa.array(first)), pa.ListArray.from_arrays(_offsets(groups), ordered)]


def indexed(key: pa.Array, value: pa.Array, number: pa.Array, counted: bool) -> list[pa.Array]:
    """The rows of a join's side: how many each key has, or each with its place among those of its key."""
    order = np.argsort(number.to_numpy(), kind="stable")
    key, value = key.take(pa.array(order)), value.take(pa.array(order))
    first, groups = _groups(key)
    if counted:
        counts = pa.array([len(rows) for rows in groups], pa.int64())
        return [key.take(pa.array(first)), pa.StructArray.from_arrays([counts], names=["value"])]
    places = np.concatenate([np.arange(len(rows)) for rows in groups])
    rows = pa.array(np.concatenate(groups))
    key, value = key.take(rows), value.take(rows)
    names = [*(f.name for f in key.type), "index"]
    return [pa.StructArray.from_arrays([*key.flatten(), pa.array(places, pa.int64())], names=names), value]


def maps(key: pa.Array, user_key: pa.Array, value: pa.Array) -> list[pa.Array]:
    """A row a key with the map of its entries."""
    first, groups = _groups(key)
    order = pa.array(np.concatenate(groups))
    made = pa.MapArray.from_arrays(_offsets(groups), user_key.take(order), value.take(order))
    return [key.take(pa.array(first)), made]


def _groups(key: pa.Array) -> tuple[list[int], list[list[int]]]:
    """Where each key first is, and all its rows."""
    found: dict[str, list[int]] = {}
    for row, value in enumerate(key.to_pylist()):
        found.setdefault(repr(value), []).append(row)
    return [rows[0] for rows in found.values()], list(found.values())


def _offsets(groups: list[list[int]]) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum([len(rows) for rows in groups])]), pa.int32())

"""The order of structs and arrays: in Spark a NULL within comes first, in DuckDB last."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from penstock.functions.markers import quote
from penstock.plan.types import ArrayType, DataType, StructType

Parts = list[tuple[str, "DataType | pa.DataType"]]


def needs_key(t: DataType) -> bool:
    """Whether values of the type may hold NULLs that count in their order."""
    if isinstance(t, StructType):
        return any(f.nullable or needs_key(f.dataType) for f in t.fields)
    return isinstance(t, ArrayType) and (t.containsNull or needs_key(t.elementType))


def sort_key(value: str, t: DataType) -> str:
    """What orders as Spark orders `value`, NULL where it is NULL; the value itself where DuckDB agrees."""
    return f"CASE WHEN {value} IS NOT NULL THEN {order_key(value, t)} END" if needs_key(t) else value


def order_key(value: str, t: DataType | pa.DataType, depth: int = 0) -> str:
    """As `sort_key`, but never NULL: a NULL comes before all else."""
    inner = value
    if fields := list(_fields(t)):
        parts = (
            f"'k{i}': {order_key(f'struct_extract({value}, {quote(name)})', kind, depth)}"
            for i, (name, kind) in enumerate(fields)
        )
        inner = "{" + ", ".join(parts) + "}"
    elif (element := _element(t)) is not None:
        name = f"o{depth}_"
        inner = f"list_transform({value}, lambda {name}: {order_key(name, element, depth + 1)})"
    return f"{{'n': {value} IS NOT NULL, 'v': {inner}}}"


def _fields(t: DataType | pa.DataType) -> Iterator[tuple[str, DataType | pa.DataType]]:
    if isinstance(t, StructType):
        yield from ((f.name, f.dataType) for f in t.fields)
    elif isinstance(t, pa.StructType):
        yield from ((t.field(i).name, t.field(i).type) for i in range(t.num_fields))


def _element(t: DataType | pa.DataType) -> DataType | pa.DataType | None:
    if isinstance(t, ArrayType):
        return t.elementType
    return t.value_type if isinstance(t, (pa.ListType, pa.LargeListType)) else None


def sorted_list(array: str, element: DataType, direction: str, *, nulls_first: bool) -> str:
    """The list in Spark's order; `direction` is ASC or DESC."""
    nulls = "NULLS FIRST" if nulls_first else "NULLS LAST"
    if not needs_key(element):
        return f"list_sort({array}, '{direction}', '{nulls}')"
    last = "e_ IS NOT NULL" if nulls_first == (direction == "ASC") else "e_ IS NULL"
    pairs = f"list_transform({array}, lambda e_: {{'n': {last}, 'k': {order_key('e_', element)}, 'v': e_}})"
    return f"list_transform(list_sort({pairs}, '{direction}'), lambda p_: p_.v)"


def extreme_of_list(name: str, array: str, element: DataType) -> str:
    """list_min or list_max in Spark's order, NULLs left out."""
    if not needs_key(element):
        return f"list_{name}({array})"
    there = f"list_filter({array}, lambda e_: e_ IS NOT NULL)"
    pairs = f"list_transform({there}, lambda e_: {{'k': {order_key('e_', element)}, 'v': e_}})"
    return f"struct_extract(list_{name}({pairs}), 'v')"

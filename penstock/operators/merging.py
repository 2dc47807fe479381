"""How a group's buffers in state take in the partial buffers of a batch: whole columns at a time.

Both sides are Arrow arrays of the same length; `old` is NULL where the group is new.  Three ways, the cheapest that is
exact for the type: an Arrow kernel, "keep what was first / take what came last", or a SQL expression run by DuckDB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from penstock.core.errors import ARITHMETIC, SparkError, sum_overflow
from penstock.functions.nested_order import order_key

#: Runs a SELECT over named Arrow tables: the engine's, given by the planner.
RunSql = Callable[[str, Mapping[str, pa.Table]], pa.Table]

KERNELS = frozenset({"sum", "min", "max", "first", "last"})


@dataclass(frozen=True)
class Merge:
    """How one buffer merges: `rule` is a name in KERNELS or a SQL template over {old}, {new} and, for the other buffers
    of the same aggregate, {old_<buffer>} and {new_<buffer>}; `siblings` maps those buffers' names to their columns."""

    column: str
    type: pa.DataType
    rule: str
    siblings: Mapping[str, str] = field(default_factory=dict)


def merge_buffers(
    merges: Sequence[Merge], old: pa.RecordBatch, new: pa.RecordBatch, is_new: pa.Array, run_sql: RunSql
) -> pa.RecordBatch:
    """The merged buffers, in the order of `merges`; `is_new[i]` says that group i has no old buffers."""
    by_sql = [m for m in merges if not _has_kernel(m)]
    sql_columns = _merge_by_sql(by_sql, old, new, is_new, run_sql) if by_sql else {}
    columns = [
        sql_columns[m.column] if m.column in sql_columns else _merge_by_kernel(m, old.column(i), new.column(i), is_new)
        for i, m in enumerate(merges)
    ]
    return pa.RecordBatch.from_arrays(columns, schema=new.schema)


def _has_kernel(merge: Merge) -> bool:
    kind = merge.type
    if merge.rule in ("first", "last"):
        return True
    is_integer: bool = pa.types.is_integer(kind)
    if merge.rule == "sum":
        return is_integer or bool(pa.types.is_floating(kind))
    # Arrow's min/max do not put NaN last as Spark does, so floats go by SQL.
    return merge.rule in ("min", "max") and (is_integer or bool(pa.types.is_temporal(kind)))


def _merge_by_kernel(merge: Merge, old: pa.Array, new: pa.Array, is_new: pa.Array) -> pa.Array:
    if merge.rule == "first":
        return pc.if_else(is_new, new, old)
    if merge.rule == "last":
        return new
    if merge.rule in ("min", "max"):
        choose = pc.min_element_wise if merge.rule == "min" else pc.max_element_wise
        return _as_type(choose(_as_integers(old), _as_integers(new)), merge.type)
    try:
        return pc.coalesce(pc.add_checked(old, new), old, new)
    except pa.ArrowInvalid as error:
        raise SparkError(
            "ARITHMETIC_OVERFLOW",
            "A running sum does not fit its type. Cast the argument to DECIMAL(38, 0).",
            {"message": "long overflow", "alternative": "", "config": '"spark.sql.ansi.enabled"'},
            sqlstate="22003",
            classes=ARITHMETIC,
        ) from error


def _as_integers(values: pa.Array) -> pa.Array:
    """Dates and times as the integers they are: Arrow compares those only without a time zone."""
    if not pa.types.is_temporal(values.type):
        return values
    return values.view(pa.int32() if values.type.bit_width == 32 else pa.int64())


def _as_type(values: pa.Array, kind: pa.DataType) -> pa.Array:
    return values.view(kind) if pa.types.is_temporal(kind) else values


def _merge_by_sql(
    merges: Sequence[Merge], old: pa.RecordBatch, new: pa.RecordBatch, is_new: pa.Array, run_sql: RunSql
) -> dict[str, pa.Array]:
    columns: dict[str, pa.Array] = {"is_new": is_new}
    for m in merges:
        for column in {m.column, *m.siblings.values()}:
            columns[f"old_{column}"] = old.column(old.schema.get_field_index(column))
            columns[f"new_{column}"] = new.column(new.schema.get_field_index(column))
    try:
        merged = run_sql(merge_sql(merges), {"merge_input": pa.table(columns)})
    except SparkError as error:
        if error.condition != "NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION":
            raise
        raise sum_overflow() from error  # nothing but the sum of two decimals leaves its type here
    return {m.column: merged.column(i).combine_chunks().cast(m.type) for i, m in enumerate(merges)}


_SQL_RULES = {
    "sum": "CASE WHEN {old} IS NULL THEN {new} WHEN {new} IS NULL THEN {old} ELSE {old} + {new} END",
    "min": "least({old}, {new})",
    "max": "greatest({old}, {new})",
}


def _nested_rule(merge: Merge) -> str:
    """The lesser or greater of two structs or arrays in Spark's order; a side that is NULL is left out."""
    greater, lesser = ("{new}", "{old}") if merge.rule == "max" else ("{old}", "{new}")
    keys = (order_key(f"{side}_{merge.column}", merge.type) for side in ("new", "old"))
    is_greater = " > ".join(keys).replace("{", "{{").replace("}", "}}")
    chosen = f"CASE WHEN {is_greater} THEN {greater} ELSE {lesser} END"
    return "CASE WHEN {old} IS NULL THEN {new} WHEN {new} IS NULL THEN {old} ELSE " + chosen + " END"


def merge_sql(merges: Sequence[Merge]) -> str:
    """The SELECT that merges over `merge_input`, whose columns are is_new, old_<column> and new_<column>."""
    items = []
    for m in merges:
        old, new = f"old_{m.column}", f"new_{m.column}"
        others = {
            f"{side}_{name}": f"{side}_{column}" for name, column in m.siblings.items() for side in ("old", "new")
        }
        rule = _nested_rule(m) if m.rule in ("min", "max") and pa.types.is_nested(m.type) else None
        merged = (rule or _SQL_RULES.get(m.rule, m.rule)).format(old=old, new=new, **others)
        items.append(f"CASE WHEN is_new THEN {new} ELSE {merged} END AS {m.column}")
    return f"SELECT {', '.join(items)} FROM merge_input"

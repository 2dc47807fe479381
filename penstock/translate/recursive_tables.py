"""WITH RECURSIVE becomes DuckDB's own, with two more columns: the number of the step, and of the rows so far."""

from __future__ import annotations

from penstock.functions.markers import raise_sql
from penstock.plan.recursive_nodes import LastStep, RecursiveUnion
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import to_sql, translates
from penstock.translate.pruning import Ids
from penstock.translate.select import Column, Select, plain_columns


@translates(LastStep)
def last_step(node: LastStep, needed: Ids, context: TranslateContext) -> Select:
    """The table that DuckDB fills again before each step."""
    return Select(_table(node), {a.id: Column(f"l{i}") for i, a in enumerate(node.columns)})


@translates(RecursiveUnion)
def recursive_union(node: RecursiveUnion, needed: Ids, context: TranslateContext) -> Select:
    """The rows of all steps."""
    table = _table(node)
    names = [f"l{i}" for i in range(len(node.columns))]
    first = f"SELECT *, 0, count(*) OVER () FROM ({to_sql(node.first, context)})"
    level = f"((SELECT max(level) FROM {table}) + 1)"
    rows = f"((SELECT max(total) FROM {table}) + count(*) OVER ())"
    checked = f"{_within(level, _too_deep(node))}, {_within(rows, _too_many(node))}"
    step = f"SELECT *, {checked} FROM ({to_sql(node.step, context)})"
    shown = ", ".join(f"{name} AS c{a.id}" for name, a in zip(names, node.columns, strict=True))
    text = f"WITH RECURSIVE {table}({', '.join(names)}, level, total) AS ({first} UNION ALL {step})"
    return Select(f"({text} SELECT {shown} FROM {table})", plain_columns(a.id for a in node.columns))


def _table(node: LastStep | RecursiveUnion) -> str:
    return f"loop_{node.loop}"


def _within(value: str, limit: tuple[str, str] | None) -> str:
    if limit is None:
        return value
    condition, error = limit
    return f"CASE WHEN {value} {condition} THEN {error} ELSE {value} END"


def _too_deep(node: RecursiveUnion) -> tuple[str, str] | None:
    if node.max_levels < 0:
        return None
    message = f"The recursion has not ended after {node.max_levels} steps (MAX RECURSION LEVEL allows more)."
    error = raise_sql(
        "RECURSION_LEVEL_LIMIT_EXCEEDED", message, sqlstate="42836", kind="spark", levelLimit=node.max_levels
    )
    return f">= {node.max_levels}", error


def _too_many(node: RecursiveUnion) -> tuple[str, str] | None:
    if node.max_rows < 0:
        return None
    message = f"The recursion has given more than {node.max_rows} rows (spark.sql.cteRecursionRowLimit)."
    error = raise_sql("RECURSION_ROW_LIMIT_EXCEEDED", message, sqlstate="42836", kind="spark", rowLimit=node.max_rows)
    return f"> {node.max_rows}", error

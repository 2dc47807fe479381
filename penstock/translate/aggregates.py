"""GROUP BY, with rollup, cube and grouping sets."""

from __future__ import annotations

from dataclasses import replace

from penstock.functions.table import lookup
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall, fresh_id
from penstock.plan.nodes import Aggregate
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import seal, translate, translates
from penstock.translate.expressions import expression_sql
from penstock.translate.projects import expression_depth, ready_for
from penstock.translate.pruning import Ids, ids_of
from penstock.translate.select import Column, Select


@translates(Aggregate)
def aggregate(node: Aggregate, needed: Ids, context: TranslateContext) -> Select:
    """An Aggregate: keys become columns of the SELECT below, so that they are computed once and have a name."""
    kept = [e for e in node.aggregates if isinstance(e, (Alias, Attribute)) and e.id in needed]
    child_needed = ids_of((*node.grouping, *kept))
    select = translate(node.child, child_needed, context)
    if not all(column.stable for column in select.columns.values()):  # no window function inside an aggregate
        select = seal(select, child_needed, context)
    select, keys = _with_keys(select, node, kept, child_needed, context)
    names = dict(zip(node.grouping, keys, strict=True))
    columns = {e.id: _column(e, select, names, context) for e in kept}
    group_by = _group_by(node, keys) if keys else _empty_group(kept)
    return Select(select.source, columns, where=select.where, group_by=group_by, aggregated=True)


def _with_keys(
    select: Select, node: Aggregate, kept: list[Alias | Attribute], needed: Ids, context: TranslateContext
) -> tuple[Select, list[str]]:
    """The SELECT to aggregate, and the name of each grouping key in it."""
    plain = all(isinstance(key, Attribute) and _is_name(select.columns.get(key.id)) for key in node.grouping)
    if plain:
        ready = select if select.order_by is None else seal(select, needed, context)
        ready = ready_for(ready, [_detached(e) for e in kept], needed, context)
        return ready, [expression_sql(key, context, ready.columns) for key in node.grouping]
    select = ready_for(select, [*node.grouping, *kept], needed, context)
    ids = [key.id if isinstance(key, Attribute) else fresh_id() for key in node.grouping]
    keyed = dict(select.columns)
    for id_, key in zip(ids, node.grouping, strict=True):
        keyed[id_] = Column(expression_sql(key, context, select.columns), simple=False)
    sealed = seal(_replace_columns(select, keyed), needed | frozenset(ids), context)
    return sealed, [f"c{id_}" for id_ in ids]


def _replace_columns(select: Select, columns: dict[int, Column]) -> Select:
    return replace(select, columns=columns)


def _is_name(column: Column | None) -> bool:
    return column is not None and column.sql.startswith("c") and column.sql[1:].isdigit()


def _detached(expression: Expression) -> Expression:
    """An aggregate always works on its input: even a bare column is not just a name that can be passed on."""
    return Alias(expression, ("",), 0)


def _column(
    expression: Alias | Attribute, select: Select, names: dict[Expression, str], context: TranslateContext
) -> Column:
    inner = expression.child if isinstance(expression, Alias) else expression
    text = expression_sql(inner, context, select.columns, names)
    return Column(text, simple=inner in names, depth=expression_depth(inner))


def _group_by(node: Aggregate, keys: list[str]) -> str:
    if node.kind == "groupby":
        return ", ".join(keys)
    if node.kind in ("rollup", "cube"):
        return f"{node.kind.upper()} ({', '.join(keys)})"
    sets = ", ".join(f"({', '.join(keys[i] for i in indices)})" for indices in node.sets)
    return f"GROUPING SETS ({sets})"


def _empty_group(kept: list[Alias | Attribute]) -> str | None:
    """Without keys there is one row, even when no aggregate function says so."""
    return None if any(_has_aggregate(e) for e in kept) else "GROUPING SETS (())"


def _has_aggregate(expression: Expression) -> bool:
    calls = (part for part in expression.walk() if isinstance(part, FunctionCall))
    return any(call.name not in ("grouping", "grouping_id") and lookup(call.name).kind == "aggregate" for call in calls)

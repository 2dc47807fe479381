"""ORDER BY, and the last rows of a result."""

from __future__ import annotations

from dataclasses import replace

from penstock.plan.expressions import Literal
from penstock.plan.nodes import Sort, Tail
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import seal, translate, translates
from penstock.translate.expressions import expression_sql
from penstock.translate.projects import needs_names
from penstock.translate.pruning import Ids, ids_of
from penstock.translate.select import Select, plain_columns, render


@translates(Sort)
def sort(node: Sort, needed: Ids, context: TranslateContext) -> Select:
    """A Sort (SORT BY sorts everything, which is also sorted within each partition)."""
    order = [key for key in node.order if not isinstance(key.child, Literal)]  # a constant orders nothing
    wanted = needed | ids_of(order)
    select = translate(node.child, wanted, context)
    if select.is_limited or select.windowed or select.distinct is not None or needs_names(select, order):
        select = seal(select, wanted, context)
    if not order:
        return select
    return replace(select, order_by=", ".join(expression_sql(key, context, select.columns) for key in order))


@translates(Tail)
def tail(node: Tail, needed: Ids, context: TranslateContext) -> Select:
    """A Tail: everything after the first (number of rows - count) rows, in the child's order."""
    name, ids = context.unique("t"), sorted(needed)
    text = render(translate(node.child, needed, context), ids)
    columns = ", ".join(f"c{id_}" for id_ in ids) or "c0"
    skipped = f"greatest(0, (SELECT count(*) FROM {name}) - {node.count})"
    source = f"(WITH {name} AS MATERIALIZED ({text}) SELECT {columns} FROM {name} OFFSET {skipped})"
    return Select(source, plain_columns(ids))

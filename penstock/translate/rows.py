"""Nodes that keep or drop whole rows, and those that are nothing at run time."""

from __future__ import annotations

from dataclasses import replace

from penstock.plan.nodes import Deduplicate, Hint, Limit, Node, Offset, Repartition, SubqueryAlias, Watermark
from penstock.plan.statistic_nodes import CollectMetrics
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import seal, translate, translates
from penstock.translate.pruning import Ids
from penstock.translate.select import Select, plain_columns, render


@translates(Limit)
def limit(node: Limit, needed: Ids, context: TranslateContext) -> Select:
    """The first rows."""
    child = translate(node.child, needed, context)
    count = node.count if child.limit is None else min(node.count, child.limit)
    return replace(child, limit=count)


@translates(Offset)
def offset(node: Offset, needed: Ids, context: TranslateContext) -> Select:
    """All but the first rows."""
    child = translate(node.child, needed, context)
    if child.is_limited:
        child = seal(child, needed, context)
    return replace(child, offset=node.count)


@translates(CollectMetrics, Hint, Repartition, SubqueryAlias, Watermark)
def transparent(node: Node, needed: Ids, context: TranslateContext) -> Select:
    """A node that is nothing at run time, except that it may give its columns other ids by position."""
    (child,) = node.children
    pairs = zip(node.output, child.output, strict=True)
    renamed = {outer.id: inner.id for outer, inner in pairs if outer.id != inner.id}
    select = translate(child, frozenset(renamed.get(id_, id_) for id_ in needed), context)
    if not renamed:
        return select
    if select.distinct is not None:
        select = seal(select, frozenset(select.columns), context)
    named = {outer: select.columns[inner] for outer, inner in renamed.items() if inner in select.columns}
    return replace(select, columns={**select.columns, **named})


@translates(Deduplicate)
def deduplicate(node: Deduplicate, needed: Ids, context: TranslateContext) -> Select:
    """One row for each combination of the keys: the first one in DuckDB's order."""
    keys = frozenset(key.id for key in node.keys)
    wanted = needed | keys
    child = seal(translate(node.child, wanted, context), wanted, context)
    if wanted <= keys:
        distinct = "DISTINCT"
    else:
        distinct = f"DISTINCT ON ({', '.join(child.columns[id_].sql for id_ in sorted(keys))})"
    return Select(f"({render(replace(child, distinct=distinct), sorted(wanted))})", plain_columns(wanted))

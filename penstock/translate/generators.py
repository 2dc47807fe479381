"""Generators: one input row, several output rows."""

from __future__ import annotations

from dataclasses import replace

from penstock.core.errors import unsupported
from penstock.functions.table import lookup
from penstock.plan.expressions import FunctionCall, fresh_id
from penstock.plan.nodes import Generate
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import seal, translate, translates
from penstock.translate.expressions import expression_sql
from penstock.translate.projects import ready_for
from penstock.translate.pruning import Ids, child_needs
from penstock.translate.select import Column, Select, plain_columns, render


@translates(Generate)
def generate(node: Generate, needed: Ids, context: TranslateContext) -> Select:
    """A Generate.  The function table gives a LIST of STRUCTs (fields g0, g1, ...); each becomes a row."""
    if not isinstance(node.generator, FunctionCall):
        raise unsupported(f"{type(node.generator).__name__} as a generator")
    (child_needed,) = child_needs(node, needed)
    select = _source(node, child_needed, context)
    rows = expression_sql(node.generator, context, select.columns)
    if node.outer or lookup(node.generator.name).outer:
        name = context.unique("v")
        rows = f"list_transform([{rows}], lambda {name}: CASE WHEN len({name}) > 0 THEN {name} ELSE [NULL] END)[1]"
    kept, row = sorted(needed & select.columns.keys()), fresh_id()
    unnested = replace(select, columns={**select.columns, row: Column(f"unnest({rows})", simple=False)})
    columns = plain_columns(kept)
    for position, attribute in enumerate(node.generated):
        columns[attribute.id] = Column(f"struct_extract(c{row}, 'g{position}')")
    return Select(f"({render(unnested, [*kept, row])})", columns)


def _source(node: Generate, needed: Ids, context: TranslateContext) -> Select:
    select = translate(node.child, needed, context)
    if select.order_by is not None or select.aggregated:
        return seal(select, needed, context)
    return ready_for(select, [node.generator], needed, context)

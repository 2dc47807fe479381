"""Where rows come from."""

from __future__ import annotations

from penstock.engine.types import from_spark_arrow
from penstock.plan.nodes import LocalData, OneRow, Range, Read
from penstock.plan.types import StructType
from penstock.translate.context import TranslateContext
from penstock.translate.dispatch import translates
from penstock.translate.nodes import Input
from penstock.translate.pruning import Ids
from penstock.translate.select import Select, plain_columns


@translates(Input)
def input_view(node: Input, needed: Ids, context: TranslateContext) -> Select:
    """A view that the caller has registered."""
    return Select(node.name, plain_columns(attribute.id for attribute in node.columns))


@translates(OneRow)
def one_row(node: OneRow, needed: Ids, context: TranslateContext) -> Select:
    """A SELECT without FROM."""
    return Select(None, {})


@translates(Range)
def range_(node: Range, needed: Ids, context: TranslateContext) -> Select:
    """DuckDB's own range function, which streams."""
    id_ = node.columns[0].id
    source = f"range(CAST({node.start} AS BIGINT), CAST({node.end} AS BIGINT), CAST({node.step} AS BIGINT))"
    return Select(f"{source} AS {context.unique('r')}(c{id_})", plain_columns([id_]))


@translates(LocalData)
def local_data(node: LocalData, needed: Ids, context: TranslateContext) -> Select:
    """The Arrow table itself, with the columns that are needed under their SQL names."""
    if not node.columns:
        return Select(f"range({node.table.num_rows})", {})
    kept = [i for i, attribute in enumerate(node.columns) if attribute.id in needed] or [0]
    schema = StructType([node.data_schema[i] for i in kept])
    columns = [node.columns[i] for i in kept]
    table = from_spark_arrow(node.table.select(kept), schema, [column.sql_name for column in columns])
    return Select(context.add_table(table), plain_columns(column.id for column in columns))


@translates(Read)
def read(node: Read, needed: Ids, context: TranslateContext) -> Select:
    """A scan of the data source, asked for the needed columns only (a count still reads one)."""
    columns = [a for a in node.columns if a.id in needed] or list(node.columns[:1])
    scan = node.relation.scan([(a.name, a.sql_name) for a in columns], context.conf.time_zone)
    if scan.sql is not None and scan.fallback_sql is not None:
        context.fallbacks[scan.sql] = scan.fallback_sql
    source = f"({scan.sql})" if scan.sql is not None else context.add_table(scan.table)
    return Select(source, plain_columns(a.id for a in columns))

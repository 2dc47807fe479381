"""The last columns of a query where they need no SQL: renamed, a count that is not NULL, a window put together.

A statement costs a millisecond however few its rows are, about a tenth of a small batch with state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from penstock.plan.expressions import Alias, Attribute, Expression
from penstock.plan.nodes import Hint, Node, Project, Repartition, SubqueryAlias
from penstock.runtime.plan_aggregate import AggregatePlan
from penstock.translate.nodes import Input

_NAME = re.compile(r"\w+")
_COUNT = re.compile(r"coalesce\((\w+), 0\)")
_FIELD = r'"((?:[^"]|"")+)" := (\w+)'
_STRUCT = re.compile(rf"struct_pack\(({_FIELD}(?:, {_FIELD})*)\)")


@dataclass(frozen=True)
class FinalColumn:
    """A column of an operator's rows; `is_count`: with 0 for NULL; `fields`: several of them as a struct's fields."""

    column: str = ""
    is_count: bool = False
    fields: tuple[tuple[str, str], ...] = ()

    def array(self, rows: pa.Table) -> pa.ChunkedArray:
        """The column of these rows."""
        if self.fields:
            parts = [rows.column(column).combine_chunks() for _, column in self.fields]
            return pa.chunked_array([pa.StructArray.from_arrays(parts, [name for name, _ in self.fields])])
        found = rows.column(self.column)
        return pc.coalesce(found, pa.scalar(0, found.type)) if self.is_count else found


@dataclass(frozen=True)
class Finish:
    """The last columns of a query, in order, from the rows of the operator `table`."""

    table: str
    columns: tuple[FinalColumn, ...]

    def rows(self, tables: Mapping[str, pa.Table]) -> pa.Table:
        """The query's rows; names are of no account."""
        rows = tables[self.table]
        arrays = [column.array(rows) for column in self.columns]
        return pa.Table.from_arrays(arrays, names=[str(i) for i in range(len(arrays))])


def finish_of(top: Node, operators: Sequence[str], aggregates: Mapping[str, AggregatePlan]) -> Finish | None:
    """How the rows of the last node come from an operator's without a query; None if they need one.  `aggregates` are
    the plans of those operators whose buffers have to be finished."""
    below = top
    while not isinstance(below, Input):
        if not isinstance(below, (Project, SubqueryAlias, Hint, Repartition)):
            return None
        below = below.child
    table = _NAME.findall(below.name)[-1] if below.name.endswith(")") else below.name
    if table not in operators or not top.output:
        return None
    plan = aggregates.get(table)
    known = {a.id: FinalColumn(a.sql_name) for a in below.columns} if plan is None else _finals(plan)
    columns = _traced(top, known)
    if any(a.id not in columns for a in top.output):
        return None
    return Finish(table, tuple(columns[a.id] for a in top.output))


def _finals(plan: AggregatePlan) -> dict[int, FinalColumn]:
    """The columns that an aggregate finishes without SQL, by the id of the attribute above."""
    if not plan.final_sql.endswith(" FROM {operator}"):
        return {}
    made = ((a.id, _parsed(sql)) for a, sql in zip(plan.columns, plan.finals, strict=True))
    return {id_: found for id_, found in made if found is not None}


def _parsed(sql: str) -> FinalColumn | None:
    if _NAME.fullmatch(sql):
        return FinalColumn(sql)
    if (count := _COUNT.fullmatch(sql)) is not None:
        return FinalColumn(count[1], is_count=True)
    if _STRUCT.fullmatch(sql):
        return FinalColumn(fields=tuple((name.replace('""', '"'), c) for name, c in re.findall(_FIELD, sql)))
    return None


def _traced(node: Node, known: Mapping[int, FinalColumn]) -> dict[int, FinalColumn]:
    """The columns of `node` that are the leaf's, by the ids of its attributes."""
    if isinstance(node, Input):
        return dict(known)
    (child,) = node.children
    below = _traced(child, known)
    sources: Sequence[Expression] = child.output
    if isinstance(node, Project):
        sources = tuple(e.child if isinstance(e, Alias) else e for e in node.expressions)
    return {
        made.id: below[source.id]
        for made, source in zip(node.output, sources, strict=True)
        if isinstance(source, Attribute) and source.id in below
    }

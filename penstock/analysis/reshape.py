"""Rows into columns and columns into rows: unpivot, transpose, crosstab; and df.na.replace."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.analysis.build import Build, literal, named
from penstock.analysis.context import AnalysisContext
from penstock.analysis.distinct_values import distinct_values
from penstock.analysis.errors import fail, sql_id, sql_type
from penstock.analysis.expressions import resolve_expression
from penstock.analysis.project import resolve_project
from penstock.analysis.scope import Scope
from penstock.analysis.select_list import name_column
from penstock.analysis.stars import expand_star, is_star
from penstock.functions.coercion import cast_if_needed, common_type, is_numeric, is_string
from penstock.plan.expressions import Alias, Attribute, Expression, Literal, SortOrder, UnresolvedFunction, fresh_id
from penstock.plan.nodes import Aggregate, Filter, LocalData, Node, Project, Sort
from penstock.plan.statistic_nodes import CrossTab, ReplaceNa, Transpose, Unpivot
from penstock.plan.types import DOUBLE, STRING, BooleanType, DataType, NullType, StructField, StructType


def resolve_unpivot(node: Unpivot, context: AnalysisContext) -> Node:
    """A row for each value column: the ids, the column's name, its value (cast to the columns' common type)."""
    scope = Scope(context, node.child)
    ids = _resolved(node.ids, scope)
    if node.values is None:
        taken = {a.id for e in ids for a in e.walk() if isinstance(a, Attribute)}
        values: list[Expression] = [a for a in node.child.output if a.id not in taken]
    else:
        values = _resolved(node.values, scope)
    if not values:
        raise fail("UNPIVOT_REQUIRES_VALUE_COLUMNS")
    shared = common_type(tuple(v.type for v in values), context.conf)
    if shared is None or len({is_string(v.type) for v in values if not isinstance(v.type, NullType)}) > 1:
        raise fail("UNPIVOT_VALUE_DATA_TYPE_MISMATCH", types=", ".join(sorted(_type_of(v) for v in values)))
    rows = tuple(_unpivoted(v, shared, context) for v in values)
    generator = UnresolvedFunction("inline", (UnresolvedFunction("array", rows),))
    return resolve_project(
        Project((*ids, Alias(generator, (node.variable_name, node.value_name))), node.child), context
    )


def _resolved(expressions: Sequence[Expression], scope: Scope) -> list[Expression]:
    found: list[Expression] = []
    for e in expressions:
        found += expand_star(e, scope) if is_star(e) else [name_column(e, resolve_expression(e, scope))]
    return found


def _type_of(value: Expression) -> str:
    return f"{sql_type(value.type)} ({sql_id([_name(value)])})"


def _name(value: Expression) -> str:
    assert isinstance(value, (Alias, Attribute))
    return value.name


def _unpivoted(value: Expression, shared: DataType, context: AnalysisContext) -> Expression:
    bare = value.child if isinstance(value, Alias) else value
    cast = cast_if_needed(bare, shared, context.conf)
    return UnresolvedFunction("named_struct", (literal("k"), literal(_name(value)), literal("v"), cast))


# ---------------------------------------------------------------- transpose


def resolve_transpose(node: Transpose, context: AnalysisContext) -> Node:
    """Rows become columns, named by the index column's values in ascending order.  The rows are collected for that, and
    what comes out is local data; rows whose index is NULL are left out."""
    build, output = Build(context), node.child.output
    empty = StructType([StructField("key", STRING, False)])
    if not output:
        return local_rows(empty, [], context)
    index = output[0] if node.index is None else resolve_expression(node.index, Scope(context, node.child))
    if not isinstance(index, Attribute):
        raise fail("TRANSPOSE_INVALID_INDEX_COLUMN", reason="Index column must be an atomic attribute")
    others = [a for a in output if a.id != index.id]
    shared = _shared_type(others, context)
    cells = [named(cast_if_needed(a, shared, context.conf), a.name) for a in others]
    key = named(build.cast(index, STRING), "key")
    rows = Filter(build.call("isnotnull", index), node.child)
    table = context.collected(Project((key, *cells), Sort((SortOrder(index),), rows)))
    limit = int(context.conf.get("spark.sql.transposeMaxValues", "500") or 500)
    if table.num_rows > limit:
        raise fail("TRANSPOSE_EXCEED_ROW_LIMIT", maxValues=limit, config="spark.sql.transposeMaxValues")
    fields = [StructField(name, shared) for name in table.column(0).to_pylist()]
    schema = StructType([*empty.fields, *fields])
    return local_rows(schema, [(a.name, *table.column(i + 1).to_pylist()) for i, a in enumerate(others)], context)


def _shared_type(columns: list[Attribute], context: AnalysisContext) -> DataType:
    shared: DataType = columns[0].type if columns else STRING
    for a in columns[1:]:
        wider = common_type((shared, a.type), context.conf)
        if wider is None:
            raise fail("TRANSPOSE_NO_LEAST_COMMON_TYPE", dt1=sql_type(shared), dt2=sql_type(a.type))
        shared = wider
    return shared


def local_rows(schema: StructType, rows: Sequence[tuple[object, ...]], context: AnalysisContext) -> Node:
    """Rows of Python values as a leaf."""
    import pyarrow as pa

    from penstock.analysis.leaves import resolve_local_data
    from penstock.engine.types import arrow_schema

    arrow = arrow_schema(schema)
    arrays = [pa.array([row[i] for row in rows], field.type) for i, field in enumerate(arrow)]
    return resolve_local_data(LocalData(pa.Table.from_arrays(arrays, schema=arrow), schema), context)


# ---------------------------------------------------------------- crosstab


def resolve_cross_tab(node: CrossTab, context: AnalysisContext) -> Node:
    """How often each pair of values occurs: a row for each value of the first column, a column for each of the second
    (NULL shows as `null`)."""
    build = Build(context)
    texts = [
        named(build.call("coalesce", build.cast(a, STRING), literal("null")), a.name)
        for a in build.columns((node.first, node.second), node.child)
    ]
    pairs = Project(tuple(texts), node.child)
    row, column = pairs.output
    counts = tuple(named(_occurrences(column, e, build), e.name) for e in distinct_values(column, pairs, context))
    title = named(row, f"{texts[0].name}_{texts[1].name}")
    return Aggregate((row,), (title, *counts), pairs)


def _occurrences(column: Attribute, value: Expression, build: Build) -> Expression:
    return build.call("count", build.call("when", build.call("==", column, value), literal(1)))


# ---------------------------------------------------------------- na.replace


def resolve_replace(node: ReplaceNa, context: AnalysisContext) -> Node:
    """df.na.replace: values replaced in the columns whose type fits theirs."""
    build = Build(context)
    chosen = {a.id for a in (build.columns(node.column_names, node.child) if node.column_names else node.child.output)}
    columns = tuple(_replaced(a, node.replacements, build) if a.id in chosen else a for a in node.child.output)
    return Project(columns, node.child)


def _replaced(a: Attribute, pairs: tuple[tuple[Expression, Expression], ...], build: Build) -> Expression:
    cases: list[Expression] = []
    for old, new in pairs:
        if not _fits(old.type, a.type):
            continue
        value = new if isinstance(new, Literal) and new.value is None else build.cast(new, a.type)
        test = (
            build.call("==", build.cast(a, DOUBLE), build.cast(old, DOUBLE))
            if is_numeric(a.type)
            else build.call("==", a, old)
        )
        cases += [test, build.cast(value, a.type)]
    if not cases:
        return a
    return Alias(build.call("when", *cases, a), (a.name,), fresh_id(), a.metadata or None)


def _fits(value: DataType, column: DataType) -> bool:
    if isinstance(column, BooleanType):
        return isinstance(value, BooleanType)
    return (is_numeric(value) and is_numeric(column)) or (is_string(value) and is_string(column))

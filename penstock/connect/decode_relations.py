"""Protobuf relations -> logical plan: one small function a kind, found by the message's oneof name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyspark.sql.connect.proto as pb

from penstock.connect.decode_context import DecodeContext
from penstock.connect.decode_expressions import alias, expression, expressions, sort_order
from penstock.connect.decode_python import python_relations
from penstock.connect.decode_sources import SOURCES
from penstock.connect.decode_statistics import statistic_relations
from penstock.connect.decode_types import decode_literal, decode_type
from penstock.core.errors import SparkError, unsupported
from penstock.plan import nodes
from penstock.plan.expressions import Expression, SortOrder
from penstock.plan.parse_nodes import ParseText
from penstock.plan.types import StructType
from penstock.sql import split_identifier
from penstock.sql.intervals import parse_delay

_JOIN_KINDS = {
    pb.Join.JOIN_TYPE_UNSPECIFIED: "inner",
    pb.Join.JOIN_TYPE_INNER: "inner",
    pb.Join.JOIN_TYPE_FULL_OUTER: "full",
    pb.Join.JOIN_TYPE_LEFT_OUTER: "left",
    pb.Join.JOIN_TYPE_RIGHT_OUTER: "right",
    pb.Join.JOIN_TYPE_LEFT_ANTI: "anti",
    pb.Join.JOIN_TYPE_LEFT_SEMI: "semi",
    pb.Join.JOIN_TYPE_CROSS: "cross",
}
_SET_KINDS = {
    pb.SetOperation.SET_OP_TYPE_INTERSECT: "intersect",
    pb.SetOperation.SET_OP_TYPE_UNION: "union",
    pb.SetOperation.SET_OP_TYPE_EXCEPT: "except",
}
_GROUP_KINDS = {
    pb.Aggregate.GROUP_TYPE_GROUPBY: "groupby",
    pb.Aggregate.GROUP_TYPE_ROLLUP: "rollup",
    pb.Aggregate.GROUP_TYPE_CUBE: "cube",
    pb.Aggregate.GROUP_TYPE_PIVOT: "groupby",
    pb.Aggregate.GROUP_TYPE_GROUPING_SETS: "grouping_sets",
}


def relation(message: pb.Relation, context: DecodeContext) -> nodes.Node:
    """Any relation, numbered with the client's plan id; a kind that is not decoded is refused by its name."""
    kind = message.WhichOneof("rel_type")
    if kind is None:
        raise SparkError("CONNECT_INVALID_PLAN.FIELD_NOT_SET", "A relation came without content.", sqlstate="56K00")
    decode = RELATIONS.get(kind)
    if decode is None:
        raise unsupported(REFUSED_RELATIONS.get(kind, f"the relation {kind}"))
    node = decode(getattr(message, kind), context)
    if not message.common.HasField("plan_id"):
        return node
    return replace(node, plan_id=message.common.plan_id)


def _project(message: pb.Project, context: DecodeContext) -> nodes.Node:
    child = relation(message.input, context) if message.HasField("input") else nodes.OneRow()
    return nodes.Project(expressions(message.expressions, context), child)


def _filter(message: pb.Filter, context: DecodeContext) -> nodes.Node:
    return nodes.Filter(expression(message.condition, context), relation(message.input, context))


def _join(message: pb.Join, context: DecodeContext) -> nodes.Node:
    if message.HasField("join_data_type"):
        raise unsupported("joinWith, the typed join of Scala")
    condition = expression(message.join_condition, context) if message.HasField("join_condition") else None
    left, right = relation(message.left, context), relation(message.right, context)
    return nodes.Join(left, right, _JOIN_KINDS[message.join_type], condition, tuple(message.using_columns))


def _lateral_join(message: pb.LateralJoin, context: DecodeContext) -> nodes.Node:
    condition = expression(message.join_condition, context) if message.HasField("join_condition") else None
    left, right = relation(message.left, context), relation(message.right, context)
    return nodes.Join(left, right, _JOIN_KINDS[message.join_type], condition, lateral=True)


def _set_op(message: pb.SetOperation, context: DecodeContext) -> nodes.Node:
    kind = _SET_KINDS.get(message.set_op_type)
    if kind is None:
        raise unsupported(f"the set operation {message.set_op_type}")
    left, right = relation(message.left_input, context), relation(message.right_input, context)
    return nodes.SetOperation(left, right, kind, message.is_all, message.by_name, message.allow_missing_columns)


def _sort(message: pb.Sort, context: DecodeContext) -> nodes.Node:
    order = tuple(sort_order(key, context) for key in message.order)
    is_global = message.is_global if message.HasField("is_global") else True
    return nodes.Sort(order, relation(message.input, context), is_global)


def _limit(message: pb.Limit, context: DecodeContext) -> nodes.Node:
    return nodes.Limit(message.limit, relation(message.input, context))


def _offset(message: pb.Offset, context: DecodeContext) -> nodes.Node:
    return nodes.Offset(message.offset, relation(message.input, context))


def _tail(message: pb.Tail, context: DecodeContext) -> nodes.Node:
    return nodes.Tail(message.limit, relation(message.input, context))


def _aggregate(message: pb.Aggregate, context: DecodeContext) -> nodes.Node:
    kind = _GROUP_KINDS.get(message.group_type)
    if kind is None:
        raise SparkError(
            "CONNECT_INVALID_PLAN.UNKNOWN_ENUM", "An aggregate came without a group type.", sqlstate="56K00"
        )
    grouping = expressions(message.grouping_expressions, context)
    aggregates = expressions(message.aggregate_expressions, context)
    sets: tuple[tuple[int, ...], ...] = ()
    if kind == "grouping_sets":
        grouping, sets = _grouping_sets(message, grouping, context)
    child = relation(message.input, context)
    return nodes.Aggregate(grouping, aggregates, child, kind, sets, True, _pivot(message, context))


def _grouping_sets(
    message: pb.Aggregate, grouping: tuple[Expression, ...], context: DecodeContext
) -> tuple[tuple[Expression, ...], tuple[tuple[int, ...], ...]]:
    """Each set by the positions of its expressions among the keys; keys that only a set names are appended."""
    keys = list(grouping)
    sets = []
    for grouping_set in message.grouping_sets:
        members = expressions(grouping_set.grouping_set, context)
        keys.extend(member for member in members if member not in keys)
        sets.append(tuple(keys.index(member) for member in members))
    return tuple(keys), tuple(sets)


def _pivot(message: pb.Aggregate, context: DecodeContext) -> tuple[Expression, tuple[Expression, ...]] | None:
    if message.group_type != pb.Aggregate.GROUP_TYPE_PIVOT:
        return None
    values = tuple(decode_literal(value) for value in message.pivot.values)
    return expression(message.pivot.col, context), values


def _sample(message: pb.Sample, context: DecodeContext) -> nodes.Node:
    seed = message.seed if message.HasField("seed") else None
    child = relation(message.input, context)
    return nodes.Sample(message.lower_bound, message.upper_bound, child, message.with_replacement, seed)


def _deduplicate(message: pb.Deduplicate, context: DecodeContext) -> nodes.Node:
    names = () if message.all_columns_as_keys else tuple(message.column_names)
    if not names and not message.all_columns_as_keys:
        text = "Deduplicate needs either column names or all columns as keys."
        raise SparkError("CONNECT_INVALID_PLAN.DEDUPLICATE_REQUIRES_COLUMNS_OR_ALL", text, sqlstate="56K00")
    return nodes.Deduplicate(relation(message.input, context), names, message.within_watermark)


def _subquery_alias(message: pb.SubqueryAlias, context: DecodeContext) -> nodes.Node:
    return nodes.SubqueryAlias(message.alias, relation(message.input, context))


def _repartition(message: pb.Repartition, context: DecodeContext) -> nodes.Node:
    kind = "hash" if message.shuffle or not message.HasField("shuffle") else "coalesce"
    return nodes.Repartition(relation(message.input, context), message.num_partitions, kind=kind)


def _repartition_by(message: pb.RepartitionByExpression, context: DecodeContext) -> nodes.Node:
    count = message.num_partitions if message.HasField("num_partitions") else None
    child, first = relation(message.input, context), message.partition_exprs[0] if message.partition_exprs else None
    if first is not None and first.WhichOneof("expr_type") == "direct_shuffle_partition_id":
        wanted = expression(first.direct_shuffle_partition_id.child, context)
        return nodes.Repartition(child, count, (wanted,), "id")
    keys = expressions(message.partition_exprs, context)
    return nodes.Repartition(child, count, keys, "range" if any(isinstance(k, SortOrder) for k in keys) else "hash")


def _to_df(message: pb.ToDF, context: DecodeContext) -> nodes.Node:
    return nodes.ToDF(tuple(message.column_names), relation(message.input, context))


def _renamed(message: pb.WithColumnsRenamed, context: DecodeContext) -> nodes.Node:
    pairs = tuple((rename.col_name, rename.new_col_name) for rename in message.renames)
    return nodes.WithColumnsRenamed(
        pairs or tuple(message.rename_columns_map.items()), relation(message.input, context)
    )


def _show_string(message: pb.ShowString, context: DecodeContext) -> nodes.Node:
    return nodes.ShowString(relation(message.input, context), message.num_rows, message.truncate, message.vertical)


def _drop(message: pb.Drop, context: DecodeContext) -> nodes.Node:
    child = relation(message.input, context)
    return nodes.Drop(child, expressions(message.columns, context), tuple(message.column_names))


def _with_columns(message: pb.WithColumns, context: DecodeContext) -> nodes.Node:
    return nodes.WithColumns(tuple(alias(a, context) for a in message.aliases), relation(message.input, context))


def _hint(message: pb.Hint, context: DecodeContext) -> nodes.Node:
    return nodes.Hint(message.name, relation(message.input, context), expressions(message.parameters, context))


def _to_schema(message: pb.ToSchema, context: DecodeContext) -> nodes.Node:
    target = decode_type(message.schema)
    if not isinstance(target, StructType):
        raise SparkError("CONNECT_INVALID_PLAN.SCHEMA", "DataFrame.to needs a struct type.", sqlstate="56K00")
    return nodes.ToSchema(target, relation(message.input, context))


def _fill_na(message: pb.NAFill, context: DecodeContext) -> nodes.Node:
    values = tuple(decode_literal(value) for value in message.values)
    return nodes.FillNa(relation(message.input, context), tuple(message.cols), values)


def _drop_na(message: pb.NADrop, context: DecodeContext) -> nodes.Node:
    minimum = message.min_non_nulls if message.HasField("min_non_nulls") else None
    return nodes.DropNa(relation(message.input, context), tuple(message.cols), minimum)


def _with_watermark(message: pb.WithWatermark, context: DecodeContext) -> nodes.Node:
    delay = parse_delay(message.delay_threshold)
    return nodes.Watermark(relation(message.input, context), message.event_time, delay)


def with_relations(message: pb.WithRelations, context: DecodeContext) -> nodes.Node:
    """A root with further plans: subqueries by plan id, or (under SQL) the DataFrames that the text names."""
    if message.root.WhichOneof("rel_type") == "sql":
        names, plans = views(message, context)
        return nodes.With(names, plans, relation(message.root, context))
    return relation(message.root, with_references(message, context))


def views(message: pb.WithRelations, context: DecodeContext) -> tuple[tuple[str, ...], tuple[nodes.Node, ...]]:
    """The DataFrames given to spark.sql("... {df}", df=df), under the names that the client made up."""
    aliases = [relation(reference, context) for reference in message.references]
    named = [node for node in aliases if isinstance(node, nodes.SubqueryAlias)]
    if len(named) != len(aliases):
        text = "The relations that come with a SQL text must be subquery aliases."
        raise SparkError("CONNECT_INVALID_PLAN.WITH_RELATIONS", text, sqlstate="56K00")
    return tuple(node.alias for node in named), tuple(node.child for node in named)


def with_references(message: pb.WithRelations, context: DecodeContext) -> DecodeContext:
    """The context in which subquery expressions find their plans (one may use those before it)."""
    for reference in message.references:
        node = relation(reference, context)
        context = replace(context, references={**context.references, reference.common.plan_id: node})
    return context


_PARSED = {
    pb.Parse.PARSE_FORMAT_CSV: "csv",
    pb.Parse.PARSE_FORMAT_JSON: "json",
    pb.Parse.PARSE_FORMAT_XML: "xml",
}


def _parse(message: pb.Parse, context: DecodeContext) -> nodes.Node:
    """spark.read.json(df), .csv(df), .xml(df)."""
    form = {pb.Parse.PARSE_FORMAT_CSV: "csv", pb.Parse.PARSE_FORMAT_JSON: "json", pb.Parse.PARSE_FORMAT_XML: "xml"}[
        message.format
    ]
    found = decode_type(message.schema) if message.HasField("schema") else None
    schema = found if isinstance(found, StructType) else None
    return ParseText(form, relation(message.input, context), dict(message.options), schema)


def _catalog(message: pb.Catalog, context: DecodeContext) -> nodes.Node:
    """The DataFrame of createTable is the table that it has made."""
    kind = message.WhichOneof("cat_type") or ""
    if kind not in ("create_table", "create_external_table"):
        raise unsupported("this catalog operation inside of a query")
    return nodes.UnresolvedTable(split_identifier(getattr(message, kind).table_name))


RELATIONS: dict[str, Callable[[Any, DecodeContext], nodes.Node]] = {
    **SOURCES,
    **python_relations(relation),
    **statistic_relations(relation),
    "project": _project,
    "filter": _filter,
    "join": _join,
    "lateral_join": _lateral_join,
    "set_op": _set_op,
    "sort": _sort,
    "limit": _limit,
    "offset": _offset,
    "tail": _tail,
    "aggregate": _aggregate,
    "sample": _sample,
    "deduplicate": _deduplicate,
    "subquery_alias": _subquery_alias,
    "repartition": _repartition,
    "repartition_by_expression": _repartition_by,
    "to_df": _to_df,
    "with_columns_renamed": _renamed,
    "show_string": _show_string,
    "drop": _drop,
    "with_columns": _with_columns,
    "hint": _hint,
    "to_schema": _to_schema,
    "fill_na": _fill_na,
    "drop_na": _drop_na,
    "with_watermark": _with_watermark,
    "with_relations": with_relations,
    "parse": _parse,
    "catalog": _catalog,
}

REFUSED_RELATIONS: dict[str, str] = {
    "html_string": "DataFrame._repr_html_ (spark.sql.repl.eagerEval.enabled)",
    "common_inline_user_defined_data_source": "Python data sources",
    "relation_changes": "reading a table's changes",
    "ml_relation": "machine learning",
    "extension": "relation plug-ins",
    "unknown": "a relation of unknown kind",
}

"""Protobuf plans -> our logical plan.  Pure: what a plan needs of the session comes through `DecodeHooks`.

A kind of message that is not decoded is refused by its name; nothing is passed over in silence.
"""

from __future__ import annotations

from dataclasses import replace

import pyspark.sql.connect.proto as pb

from penstock.connect import decode_expressions, decode_relations
from penstock.connect.decode_context import DecodeContext, DecodeHooks, NoHooks
from penstock.connect.decode_sources import sql_statement
from penstock.connect.decode_types import decode_literal, decode_type
from penstock.core.errors import SparkError
from penstock.core.recursion import allow_deep_plans
from penstock.plan.expressions import Expression
from penstock.plan.nodes import Node, With
from penstock.sql.statements import CreateView, Query, Statement

__all__ = [
    "DecodeHooks",
    "NoHooks",
    "decode_expression",
    "decode_literal",
    "decode_relation",
    "decode_sql",
    "decode_type",
]


def decode_relation(message: pb.Relation, hooks: DecodeHooks | None = None) -> Node:
    """The unresolved plan of a relation."""
    allow_deep_plans()
    return decode_relations.relation(message, DecodeContext(hooks or NoHooks()))


def decode_expression(message: pb.Expression, hooks: DecodeHooks | None = None) -> Expression:
    """The unresolved expression of a message."""
    return decode_expressions.expression(message, DecodeContext(hooks or NoHooks()))


def decode_sql(message: pb.Relation, hooks: DecodeHooks | None = None) -> Statement:
    """The statement of a `sql_command`: a query or a command.  `message` is its input: a SQL relation, or one within a
    WithRelations that brings along the DataFrames that the text names."""
    context = DecodeContext(hooks or NoHooks())
    kind = message.WhichOneof("rel_type")
    if kind == "sql":
        return sql_statement(message.sql, context)
    if kind != "with_relations":
        raise SparkError("CONNECT_INVALID_PLAN.SQL_COMMAND", f"A SQL command came with a {kind}.", sqlstate="56K00")
    inner = message.with_relations
    statement = sql_statement(inner.root.sql, context)
    names, plans = decode_relations.views(inner, context)
    if isinstance(statement, (Query, CreateView)):
        return replace(statement, plan=With(names, plans, statement.plan))
    return statement

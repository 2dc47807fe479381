"""Spark SQL text -> the same unresolved plans, expressions and types that the protobuf decoder makes.

Types, schemas, identifiers and intervals have small parsers of their own; only queries, statements and expressions
import sqlglot, and only when the first one is parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from penstock.plan.expressions import Expression, Literal
from penstock.plan.nodes import Node
from penstock.sql.identifiers import quote_identifier, split_identifier
from penstock.sql.intervals import parse_interval
from penstock.sql.statements import Statement
from penstock.sql.types import parse_schema, parse_type

__all__ = [
    "Arguments", "parse_expression", "parse_interval", "parse_query", "parse_schema", "parse_statement", "parse_type",
    "quote_identifier", "split_identifier",
]  # fmt: skip

Arguments = Mapping[str, Expression] | Sequence[Expression] | None
"""Values for `:name` or `?` parameters."""

Variables = Callable[[tuple[str, ...]], Literal | None]
"""The value of a session variable, None where there is no such variable: IDENTIFIER(...) may name one."""


def parse_query(
    text: str, args: Arguments = None, *, time_zone: str = "UTC", variable: Variables | None = None
) -> Node:
    """The unresolved plan of a query.  `time_zone` is the session's: TIMESTAMP literals without a zone are in it."""
    from penstock.sql import parsing

    return parsing.query(text, parsing.Around(args, time_zone, variable))


def parse_expression(
    text: str, args: Arguments = None, *, time_zone: str = "UTC", variable: Variables | None = None
) -> Expression:
    """`a + 1 AS b`: one expression, perhaps with an alias."""
    from penstock.sql import parsing

    return parsing.expression(text, parsing.Around(args, time_zone, variable))


def parse_statement(
    text: str, args: Arguments = None, *, time_zone: str = "UTC", variable: Variables | None = None
) -> Statement:
    """A query or a command."""
    from penstock.sql import parsing

    return parsing.statement(text, parsing.Around(args, time_zone, variable))

"""Small readings of sqlglot's trees, and the refusal of what is not understood."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from penstock.core.errors import unsupported
from penstock.sql.syntax import syntax_error

Tree = Any
"""A node of sqlglot's tree (its classes carry no useful types)."""


def only(node: Tree, *known: str) -> None:
    """Refuse a node that says more than `known`: nothing that the user wrote may be lost."""
    for name, value in node.args.items():
        if name not in known and value not in (None, False, [], ""):
            raise unsupported(f"{name.rstrip('_').replace('_', ' ').upper()} in {node.key.upper()} of SQL")


def part(node: Tree, name: str) -> Tree:
    """An argument, or None."""
    value = node.args.get(name)
    return value if value not in ([], "") else None


def identifier(node: Tree) -> str:
    """The text of a name."""
    if isinstance(node, str):
        return node
    if isinstance(node, (exp.Identifier, exp.Var, exp.Literal)):
        return str(node.this)
    raise syntax_error(first_word(node))


def column_parts(node: exp.Column) -> tuple[Any, ...]:
    """Catalog, database, table and name, those that are there, outermost first."""
    found = (node.args.get(name) for name in ("catalog", "db", "table", "this"))
    return tuple(item for item in found if item is not None)


def first_word(node: Tree) -> str:
    """Something of `node` to name in an error."""
    if not isinstance(node, exp.Expression):
        return str(node)
    return str(node.name or node.key)


def table_alias(node: Tree) -> tuple[str, tuple[str, ...]]:
    """Name and column names of `AS t(a, b)`; ("", ()) when there is none."""
    alias = node.args.get("alias")
    if alias is None:
        return "", ()
    if isinstance(alias, exp.Identifier):
        return identifier(alias), ()
    columns = tuple(identifier(column) for column in alias.args.get("columns") or ())
    name = alias.args.get("this")
    return (identifier(name) if name else ""), columns

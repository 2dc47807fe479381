"""Spark's functions and operators: names, coercion, result types, display names, and their DuckDB SQL."""

from penstock.functions.names import display_name
from penstock.functions.render import function_sql, update_sql
from penstock.functions.resolve import resolve
from penstock.functions.table import Buffer, Function, Incremental, exists, lookup, names

__all__ = [
    "Buffer", "Function", "Incremental", "display_name", "exists", "function_sql", "lookup", "names", "resolve",
    "update_sql",
]  # fmt: skip

"""Resolved plans as DuckDB SQL: one SELECT for as many nodes as can share one, nested where they cannot."""

from penstock.translate import (  # noqa: F401  (they register their translations)
    aggregates,
    generators,
    joins,
    leaves,
    projects,
    recursive_tables,
    rows,
    sampling,
    session_windows,
    set_operations,
    sorting,
    time_windows,
)
from penstock.translate.dispatch import to_sql, translate

__all__ = ["to_sql", "translate"]

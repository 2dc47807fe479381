"""Tables where a command wants a table, views where it wants a view: else Spark's error of the wrong kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.connect.catalog import not_found, quoted
from penstock.connect.tables import Table
from penstock.core.errors import SparkError, analysis_error

if TYPE_CHECKING:
    from penstock.connect.session import Session

_SEARCH_PATH = "[`system`.`session`, `spark_catalog`.`default`]"


def known_table(session: Session, parts: tuple[str, ...]) -> Table:
    """A table, or persistent view; raises TABLE_OR_VIEW_NOT_FOUND."""
    table = session.catalog.table(parts)
    if table is None:
        raise not_found(parts, _SEARCH_PATH)
    return table


def require_table(session: Session, parts: tuple[str, ...], operation: str, kind: str = "NO_ALTERNATIVE") -> Table:
    """A table; raises EXPECT_TABLE_NOT_VIEW."""
    if session.catalog.is_view(parts):
        raise not_a_table(quoted(parts), operation, kind)
    table = known_table(session, parts)
    if table.view is not None:
        raise not_a_table(quoted(table.full_name), operation, kind)
    return table


def not_a_table(name: str, operation: str, kind: str) -> SparkError:
    """EXPECT_TABLE_NOT_VIEW."""
    remedy = " Use ALTER VIEW." if kind == "USE_ALTER_VIEW" else ""
    message = f"'{operation}' is for tables, and {name} is a view.{remedy}"
    return analysis_error(f"EXPECT_TABLE_NOT_VIEW.{kind}", message, "42809", viewName=name, operation=operation)


def require_view(session: Session, parts: tuple[str, ...], operation: str, kind: str = "NO_ALTERNATIVE") -> Table:
    """A persistent view; raises EXPECT_VIEW_NOT_TABLE and EXPECT_PERMANENT_VIEW_NOT_TEMP."""
    if session.catalog.is_view(parts):
        name = quoted(parts)
        message = f"'{operation}' is for views of the catalog, and {name} is a temporary view."
        condition = "EXPECT_PERMANENT_VIEW_NOT_TEMP"
        raise analysis_error(condition, message, "42809", viewName=name, operation=operation)
    table = known_table(session, parts)
    if table.view is None:
        raise not_a_view(quoted(table.full_name), operation, kind)
    return table


def not_a_view(name: str, operation: str, kind: str) -> SparkError:
    """EXPECT_VIEW_NOT_TABLE."""
    remedy = " Use ALTER TABLE." if kind == "USE_ALTER_TABLE" else ""
    message = f"'{operation}' is for views, and {name} is a table.{remedy}"
    return analysis_error(f"EXPECT_VIEW_NOT_TABLE.{kind}", message, "42809", tableName=name, operation=operation)

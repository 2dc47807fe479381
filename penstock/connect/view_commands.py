"""Views: CREATE VIEW, ALTER VIEW, and what their queries may name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from penstock.connect.catalog import GLOBAL_DATABASE, quoted, view_name
from penstock.connect.column_defaults import column_exists
from penstock.connect.kinds import known_table, not_a_table, not_a_view, require_view
from penstock.connect.partition_commands import nothing
from penstock.connect.pipeline import Result, resolve
from penstock.connect.tables import Table, already_exists
from penstock.core.errors import SparkError, analysis_error
from penstock.plan.expressions import Alias, Attribute, Expression, fresh_id
from penstock.plan.nodes import Node, Project, ToDF, UnresolvedTable, With
from penstock.sql import alter_statements as st
from penstock.sql import statements as s

if TYPE_CHECKING:
    from penstock.connect.session import Session


def create_view(session: Session, statement: s.CreateView) -> Result:
    """CREATE VIEW, temporary or of the catalog."""
    if statement.kind == "persistent":
        return _create_persistent(session, statement)
    is_global = statement.kind == "global"
    name = view_name(statement.name, is_global=is_global)
    parts = (GLOBAL_DATABASE, name) if is_global else (name,)
    if statement.if_not_exists and session.catalog.is_view(parts):
        return nothing()
    plan = _with_comments(resolve(session, _renamed(session, statement)), statement.comments)
    session.catalog.create_view(name, plan, is_global=is_global, replace=statement.replace)
    return nothing()


def _create_persistent(session: Session, statement: s.CreateView) -> Result:
    """A view of the catalog: its query is analysed anew whenever it is used."""
    tables = session.catalog.tables
    database, name = session.catalog.table_name(statement.name)
    old = tables.find(tables.database(database, session.conf).name, name)
    if old is not None and old.view is None and statement.replace:
        raise already_exists(old.full_name)
    if old is not None and statement.if_not_exists:
        return nothing()
    made = Table(database, name.lower(), resolve(session, statement.plan).schema, comment=statement.comment,
                 properties=dict(statement.properties))  # fmt: skip
    view = _defined(session, made, _renamed(session, statement), statement.comments)
    if statement.replace:
        tables.put(view)
    else:
        tables.create(view)
    return nothing()


def _defined(session: Session, view: Table, plan: Node, comments: tuple[str | None, ...] = ()) -> Table:
    """The view with a query.  Raises INVALID_TEMP_OBJ_REFERENCE, RECURSIVE_VIEW, COLUMN_ALREADY_EXISTS."""
    _check_names(session, plan, view)
    schema = resolve(session, plan).schema
    names = [name.lower() for name in schema.names]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise column_exists(twice)
    return replace(view, schema=schema, view=lambda: _with_comments(resolve(session, plan), comments), query=plan)


def _with_comments(plan: Node, comments: tuple[str | None, ...]) -> Node:
    """A resolved plan whose columns have comments."""
    if not any(comments):
        return plan
    columns: list[Expression] = []
    for a, comment in zip(plan.output, comments, strict=True):
        columns.append(a if comment is None else Alias(a, (a.name,), fresh_id(), {**a.metadata, "comment": comment}))
    return Project(tuple(columns), plan)


def _renamed(session: Session, statement: s.CreateView) -> Node:
    if not statement.columns:
        return statement.plan
    given, found = len(statement.columns), len(resolve(session, statement.plan).output)
    if given == found:
        return ToDF(statement.columns, statement.plan)
    kind = "NOT_ENOUGH_DATA_COLUMNS" if given > found else "TOO_MANY_DATA_COLUMNS"
    message = f"The view {quoted(statement.name)} names {given} columns and its query gives {found}."
    raise analysis_error(f"CREATE_VIEW_COLUMN_ARITY_MISMATCH.{kind}", message, "21S01", viewName=quoted(statement.name))


def alter_view(session: Session, statement: st.AlterView) -> Result:
    """ALTER VIEW ... AS: another query under the same name; a view's comment and properties stay."""
    catalog = session.catalog
    if catalog.is_view(statement.name):
        if any(parts == statement.name for parts in _names(statement.plan)):
            raise _recursive([quoted(statement.name)] * 2)
        plan = resolve(session, statement.plan)
        catalog.create_view(statement.name[-1], plan, is_global=len(statement.name) == 2, replace=True)
        return nothing()
    view = require_view(session, statement.name, "ALTER VIEW ... AS")
    new = _defined(session, view, statement.plan)
    change = {"schema": new.schema, "view": new.view, "query": new.query}
    catalog.tables.update(view, lambda known: replace(known, **change))
    return nothing()


def require_kind(session: Session, statement: st.Rename) -> Table:
    """The table, or view, that a RENAME is for."""
    table = known_table(session, statement.name)
    if table.view is not None and not statement.is_view:
        raise not_a_table(quoted(statement.name), "ALTER TABLE", "USE_ALTER_VIEW")
    if table.view is None and statement.is_view:
        raise not_a_view(quoted(statement.name), "ALTER VIEW", "USE_ALTER_TABLE")
    return table


def rename_temporary(session: Session, statement: st.Rename) -> Result:
    """A temporary view under another name."""
    catalog, is_global = session.catalog, len(statement.name) == 2
    if len(statement.new) > 1 and not (is_global and statement.new[0].lower() == GLOBAL_DATABASE):
        shown = {"db": statement.new[0], "newName": quoted(statement.new), "oldName": quoted(statement.name)}
        message = f"A temporary view belongs to no database: {shown['newName']} is no name for it."
        raise analysis_error("_LEGACY_ERROR_TEMP_1074", message, "XXKD0", **shown)
    views = catalog.global_views if is_global else catalog.views
    views.rename(statement.name[-1], statement.new[-1], session.conf.case_sensitive)
    return nothing()


# ---------------------------------------------------------------- what a query names


def _names(plan: Node) -> Iterator[tuple[str, ...]]:
    """The tables and views that an unresolved query names, in its subqueries too."""
    bound: set[str] = set()
    found: list[tuple[str, ...]] = []
    _collect(plan, found, bound)
    return (parts for parts in found if not (len(parts) == 1 and parts[0].lower() in bound))


def _collect(value: Any, found: list[tuple[str, ...]], bound: set[str]) -> None:
    if isinstance(value, (tuple, list)):
        for item in value:
            _collect(item, found, bound)
    elif isinstance(value, UnresolvedTable):
        found.append(value.parts)
    elif isinstance(value, (Node, Expression)) and not isinstance(value, Attribute):
        if isinstance(value, With):
            bound.update(name.lower() for name in value.names)
        for f in fields(value):
            _collect(getattr(value, f.name), found, bound)


def _check_names(session: Session, plan: Node, view: Table) -> None:
    """A view of the catalog names no temporary views, and not itself, nor what names it."""
    for parts in _names(plan):
        if session.catalog.is_view(parts):
            name, other = quoted(view.full_name), quoted(parts)
            message = f"The view {name} of the catalog cannot name the temporary view {other}."
            shown = {"obj": "VIEW", "objName": name, "tempObj": "VIEW", "tempObjName": other}
            raise analysis_error("INVALID_TEMP_OBJ_REFERENCE", message, "42K0F", **shown)
    _check_path(session, plan, [view])


def _check_path(session: Session, plan: Node, path: list[Table]) -> None:
    for parts in _names(plan):
        named = session.catalog.table(parts)
        if named is None or named.view is None:
            continue
        if named.full_name == path[0].full_name:
            raise _recursive([quoted(table.full_name) for table in (*path, path[0])])
        if named.query is not None and named not in path:
            _check_path(session, named.query, [*path, named])


def _recursive(path: list[str]) -> SparkError:
    shown = {"viewIdent": path[0], "newPath": " -> ".join(path)}
    message = f"The view {path[0]} would name itself: {shown['newPath']}."
    return analysis_error("RECURSIVE_VIEW", message, "42K0H", **shown)

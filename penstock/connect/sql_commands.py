"""`spark.sql(text)`: a query stays lazy, a command runs at once and gives its rows as a local relation."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyspark.sql.connect.proto as pb

from penstock.connect import alter_commands, function_commands, table_commands, variable_commands, view_commands
from penstock.connect import catalog_relations as catalogs
from penstock.connect.analyze import DEFAULT_LEVEL, explain_text
from penstock.connect.catalog import matches, not_found, quoted, view_name
from penstock.connect.column_defaults import defaults_of
from penstock.connect.configuration import get_all
from penstock.connect.decode import decode_sql
from penstock.connect.encode import local_relation, rows_result
from penstock.connect.operations import Operation
from penstock.connect.pipeline import Result, resolve, run
from penstock.connect.tables import CATALOG, CLUSTERING
from penstock.core.errors import SparkError, unsupported
from penstock.plan.nodes import Node
from penstock.plan.types import BOOLEAN, STRING, StructField, StructType
from penstock.sql import statements as s

if TYPE_CHECKING:
    from penstock.connect.session import Session

_EMPTY = StructType()
_KEY_VALUE = StructType([StructField("key", STRING, False), StructField("value", STRING, False)])
_DESCRIBE = StructType(
    [StructField("col_name", STRING, False), StructField("data_type", STRING, False), StructField("comment", STRING)]
)


def _listing(kind: str) -> StructType:
    names = [StructField("namespace", STRING, False), StructField(kind, STRING, False)]
    return StructType([*names, StructField("isTemporary", BOOLEAN, False)])


def _one(name: str, nullable: bool = False) -> StructType:
    return StructType([StructField(name, STRING, nullable)])


def execute(session: Session, relation: pb.Relation, operation: Operation) -> pb.Relation:
    """The relation that stands for the statement's result: itself for a query, local rows for a command."""
    statement = decode_sql(relation, session)
    if isinstance(statement, s.Query):
        resolve(session, statement.plan)  # errors are raised here, not at the first action
        return relation
    return local_relation(run_command(session, statement))


def run_command(session: Session, statement: s.Statement) -> Result:
    """Do what a command says."""
    handler = _COMMANDS.get(type(statement))
    if handler is None:
        raise unsupported(f"the SQL command {type(statement).__name__}")
    return handler(session, statement)


def _nothing() -> Result:
    return rows_result(_EMPTY, [])


def _set(session: Session, statement: s.SetConf) -> Result:
    if statement.key is None:
        return rows_result(_KEY_VALUE, list(get_all(session.conf)))
    if statement.value is not None:
        session.conf.set(statement.key, statement.value)
    value = session.conf.get(statement.key, "<undefined>")
    return rows_result(_KEY_VALUE, [(statement.key, value)])


def _reset(session: Session, statement: s.ResetConf) -> Result:
    if statement.key is None:
        session.conf.reset()
    else:
        session.conf.unset(statement.key)
    return _nothing()


def _drop_view(session: Session, statement: s.DropView) -> Result:
    table_commands.drop(session, statement.name, if_exists=statement.if_exists, view=not statement.is_table)
    return _nothing()


def _show_tables(session: Session, statement: s.ShowTables) -> Result:
    return _show_views_as("tableName", session, statement)


def _show_views(session: Session, statement: s.ShowViews) -> Result:
    return _show_views_as("viewName", session, statement)


def _show_views_as(kind: str, session: Session, statement: s.ShowTables | s.ShowViews) -> Result:
    database = ".".join(statement.database)
    if database:
        catalogs.require_database(session, database)
    held = session.catalog.tables.tables(statement.database[-1] if database else session.catalog.current_database)
    tables = [t for t in held if kind == "tableName" or t.view is not None]
    rows = [(t.database, t.name, False) for t in tables if matches(t.name, statement.pattern)]
    rows += [(namespace, name, True) for namespace, name in session.catalog.listing(database, statement.pattern)]
    return rows_result(_listing(kind), rows)


def _show_databases(session: Session, statement: s.ShowDatabases) -> Result:
    known = session.catalog.tables.databases(session.conf)
    return rows_result(_one("namespace"), [(d.name,) for d in known if matches(d.name, statement.pattern)])


def _show_catalogs(session: Session, statement: s.ShowCatalogs) -> Result:
    return rows_result(_one("catalog"), [(CATALOG,)] if matches(CATALOG, statement.pattern) else [])


def _show_current(session: Session, statement: s.ShowCurrent) -> Result:
    shown = StructType([StructField("catalog", STRING, False), StructField("namespace", STRING, False)])
    return rows_result(shown, [(CATALOG, session.catalog.current_database)])


def _describe_database(session: Session, statement: s.DescribeDatabase) -> Result:
    database = session.catalog.tables.database(statement.name[-1], session.conf)
    rows = [("Catalog Name", CATALOG), ("Namespace Name", database.name), ("Comment", database.description),
            ("Location", database.location), ("Owner", getpass.getuser())]  # fmt: skip
    shown = StructType([StructField("info_name", STRING, False), StructField("info_value", STRING, False)])
    told = ", ".join(f"({key},{value})" for key, value in sorted(database.properties.items()))
    return rows_result(shown, [*rows, ("Properties", f"({told})" if told else "")] if statement.extended else rows)


def _show_columns(session: Session, statement: s.ShowColumns) -> Result:
    plan = _table_plan(session, statement.table)
    return rows_result(_one("col_name"), [(a.name,) for a in plan.output])


def _show_functions(session: Session, statement: s.ShowFunctions) -> Result:
    return rows_result(_one("function"), [(name,) for name in catalogs.function_names(statement.pattern)])


def _describe(session: Session, statement: s.Describe) -> Result:
    if statement.plan is not None:
        plan = resolve(session, statement.plan)
    else:
        plan = _table_plan(session, statement.table or ())
    comments = [(a.metadata or {}).get("comment") for a in plan.output]
    rows = [(a.name, a.type.simpleString(), comment) for a, comment in zip(plan.output, comments, strict=True)]
    table = (
        None
        if statement.table is None or session.catalog.is_view(statement.table)
        else session.catalog.table(statement.table)
    )
    if table is not None and statement.extended:
        raise unsupported("DESCRIBE EXTENDED of a table", "DESCRIBE shows the columns, SHOW CREATE TABLE the rest.")
    if table is not None and table.partition_by:
        rows += [("# Partition Information", "", ""), ("# col_name", "data_type", "comment")]
        rows += rows[len(plan.output) - len(table.partition_by) : len(plan.output)]
    if table is not None and CLUSTERING in table.properties:
        rows += [("# Clustering Information", "", ""), ("# col_name", "data_type", "comment")]
        by_name = {row[0].lower(): row for row in rows[: len(plan.output)]}
        rows += [by_name[".".join(name).lower()] for name in json.loads(table.properties[CLUSTERING])]
    if table is not None and table.view is None and (defaults := defaults_of(table.schema)):
        rows += [("", "", ""), ("# Column Default Values", "", "")]
        rows += [(f.name, f.dataType.simpleString(), text) for f, text in defaults]
    return rows_result(_DESCRIBE, rows)


def _table_plan(session: Session, parts: tuple[str, ...]) -> Node:
    plan = session.catalog.lookup(parts)
    if plan is None:
        raise not_found(parts, catalogs.COMMAND_SEARCH_PATH)
    return plan


def _use(session: Session, statement: s.Use) -> Result:
    if statement.is_catalog and statement.name != (CATALOG,):
        raise unsupported(f"the catalog {quoted(statement.name)}")
    if not statement.is_catalog:
        catalogs.use_database(session, quoted(statement.name))
    return _nothing()


def _explain(session: Session, statement: s.Explain) -> Result:
    inner = statement.statement
    if not isinstance(inner, s.Query):
        text = f"== Physical Plan ==\nExecute {type(inner).__name__}\n"
    else:
        try:
            text = explain_text(session, inner.plan, statement.mode)
        except SparkError as error:  # EXPLAIN shows the error as its plan
            text = f"Error occurred during query planning:\n{error}\n"
    return rows_result(_one("plan", nullable=True), [(text,)])


def _cache_table(session: Session, statement: s.CacheTable) -> Result:
    if statement.plan is not None:
        view = view_name(statement.name, is_global=False)
        session.catalog.create_view(view, resolve(session, statement.plan), is_global=False, replace=False)
    plan = catalogs.view_plan(session, quoted(statement.name))
    session.caches.persist(plan, DEFAULT_LEVEL.SerializeToString())
    if not statement.lazy:
        run(session, plan, None)
    return _nothing()


def _uncache_table(session: Session, statement: s.UncacheTable) -> Result:
    if statement.if_exists and session.catalog.lookup(statement.name) is None:
        return _nothing()
    session.caches.unpersist(catalogs.view_plan(session, quoted(statement.name)))
    return _nothing()


def _clear_cache(session: Session, statement: s.ClearCache) -> Result:
    session.caches.clear()
    return _nothing()


def _script(session: Session, statement: s.Script) -> Result:
    from penstock.connect.scripting import run_script

    return run_script(session, statement)


_COMMANDS: dict[type[s.Statement], Callable[[Session, Any], Result]] = {
    s.Script: _script,
    s.SetConf: _set,
    s.ResetConf: _reset,
    s.CreateView: view_commands.create_view,
    s.DropView: _drop_view,
    s.ShowTables: _show_tables,
    s.ShowViews: _show_views,
    s.ShowDatabases: _show_databases,
    s.ShowCatalogs: _show_catalogs,
    s.ShowCurrent: _show_current,
    s.DescribeDatabase: _describe_database,
    s.ShowColumns: _show_columns,
    s.ShowFunctions: _show_functions,
    s.Describe: _describe,
    s.Use: _use,
    s.Explain: _explain,
    s.CacheTable: _cache_table,
    s.UncacheTable: _uncache_table,
    s.ClearCache: _clear_cache,
    s.CreateTable: table_commands.create_table_as,
    s.Insert: table_commands.insert_into,
    s.CreateDatabase: table_commands.create_database_as,
    s.DropDatabase: table_commands.drop_database_as,
    s.AboutTable: table_commands.about_table,
    s.ChangeRows: table_commands.change_rows,
    s.DeclareVariables: variable_commands.declare,
    s.SetVariables: variable_commands.set_variables,
    s.DropVariable: variable_commands.drop,
    s.ExecuteImmediate: variable_commands.execute_immediate,
    s.CreateFunction: function_commands.create_function,
    s.DropFunction: function_commands.drop_function,
    s.DescribeFunction: function_commands.describe_function,
    **alter_commands.COMMANDS,
}

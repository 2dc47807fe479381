"""`spark.catalog`: questions about views, tables, databases and functions; what changes tables is in table_commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyspark.sql.connect.proto as pb

from penstock.connect import table_commands
from penstock.connect.analyze import DEFAULT_LEVEL
from penstock.connect.catalog import GLOBAL_DATABASE, matches, not_found
from penstock.connect.encode import rows_result
from penstock.connect.pipeline import Result
from penstock.connect.tables import CATALOG, Database, Table, schema_not_found
from penstock.core.errors import analysis_error, unsupported
from penstock.plan.nodes import Node, Read
from penstock.plan.sql_functions import JavaFunction, UserFunction
from penstock.plan.types import BOOLEAN, STRING, ArrayType, DataType, StructField, StructType
from penstock.sql import split_identifier

if TYPE_CHECKING:
    from penstock.connect.session import Session

#: Where Spark looks for a table, for a plan, and for a command about tables.
SEARCH_PATH = "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]"
COMMAND_SEARCH_PATH = "[`system`.`session`, `spark_catalog`.`default`]"

Rows = list[tuple[Any, ...]]


def _struct(*fields: tuple[str, DataType, bool]) -> StructType:
    return StructType([StructField(name, data_type, nullable) for name, data_type, nullable in fields])


_VALUE = _struct(("value", STRING, True))
_FLAG = _struct(("value", BOOLEAN, False))
_NOTHING = StructType()
_CATALOGS = _struct(("name", STRING, True), ("description", STRING, True))
_DATABASES = _struct(
    ("name", STRING, True), ("catalog", STRING, True), ("description", STRING, True), ("locationUri", STRING, True)
)
_NAMESPACE = ("namespace", ArrayType(STRING, True), True)
_TABLES = _struct(
    ("name", STRING, True), ("catalog", STRING, True), _NAMESPACE, ("description", STRING, True),
    ("tableType", STRING, True), ("isTemporary", BOOLEAN, False),
)  # fmt: skip
_FUNCTIONS = _struct(
    ("name", STRING, True), ("catalog", STRING, True), _NAMESPACE, ("description", STRING, True),
    ("className", STRING, True), ("isTemporary", BOOLEAN, False),
)  # fmt: skip
_COLUMNS = _struct(
    ("name", STRING, True), ("description", STRING, True), ("dataType", STRING, True), ("nullable", BOOLEAN, False),
    ("isPartition", BOOLEAN, False), ("isBucket", BOOLEAN, False), ("isCluster", BOOLEAN, False),
)  # fmt: skip


#: Operations whose DataFrame is the table that they have made.
MAKES_TABLE = ("create_table", "create_external_table")


def run(session: Session, relation: pb.Relation) -> Result:
    """Do one catalog operation."""
    message = relation.catalog
    kind = message.WhichOneof("cat_type") or ""
    result_schema, handler = _operation(kind)
    result = rows_result(result_schema, handler(session, getattr(message, kind)))
    if kind in MAKES_TABLE:
        session.catalog.made_tables.add(relation.SerializeToString(deterministic=True))
    return result


def has_made_table(session: Session, relation: pb.Relation) -> bool:
    """Whether this very DataFrame has made its table before: from then on it is that table."""
    kind = relation.catalog.WhichOneof("cat_type")
    return kind in MAKES_TABLE and relation.SerializeToString(deterministic=True) in session.catalog.made_tables


def schema(message: pb.Catalog) -> StructType:
    """The schema of its result."""
    return _operation(message.WhichOneof("cat_type") or "")[0]


def _operation(kind: str) -> tuple[StructType, Callable[[Session, Any], Rows]]:
    if kind not in _OPERATIONS:
        raise unsupported(f"the catalog operation {kind}")
    return _OPERATIONS[kind]


def view_plan(session: Session, name: str, search_path: str = SEARCH_PATH) -> Node:
    """The plan of a temp view; raises TABLE_OR_VIEW_NOT_FOUND."""
    parts = split_identifier(name)
    plan = session.catalog.lookup(parts)
    if plan is None:
        raise not_found(parts, search_path)
    return plan


def require_database(session: Session, name: str) -> None:
    """Raises SCHEMA_NOT_FOUND where there is no such database."""
    if not _is_database(session, name):
        raise schema_not_found(name)


def _is_database(session: Session, name: str) -> bool:
    parts = split_identifier(name)
    if len(parts) > (2 if parts[0].lower() == CATALOG else 1):
        return False
    return (
        parts[-1].lower() == GLOBAL_DATABASE
        or session.catalog.tables.find_database(parts[-1], session.conf) is not None
    )


def _current_database(session: Session, message: Any) -> Rows:
    return [(session.catalog.current_database,)]


def use_database(session: Session, name: str) -> None:
    """The database that bare names of tables are looked up in."""
    require_database(session, name)
    session.catalog.current_database = split_identifier(name)[-1].lower()


def _set_current_database(session: Session, message: pb.SetCurrentDatabase) -> Rows:
    use_database(session, message.db_name)
    return []


def _current_catalog(session: Session, message: Any) -> Rows:
    return [(CATALOG,)]


def _set_current_catalog(session: Session, message: pb.SetCurrentCatalog) -> Rows:
    if message.catalog_name != CATALOG:
        name = f"`{message.catalog_name}`"
        raise analysis_error("CATALOG_NOT_FOUND", f"There is no catalog {name}.", "42P08", catalogName=name)
    return []


def _list_catalogs(session: Session, message: pb.ListCatalogs) -> Rows:
    return [(CATALOG, None)] if matches(CATALOG, message.pattern or None) else []


def _database(database: Database) -> tuple[str, str, str, str]:
    return (database.name, CATALOG, database.description, database.location)


def _list_databases(session: Session, message: pb.ListDatabases) -> Rows:
    known = session.catalog.tables.databases(session.conf)
    return [_database(database) for database in known if matches(database.name, message.pattern or None)]


def _get_database(session: Session, message: pb.GetDatabase) -> Rows:
    require_database(session, message.db_name)
    return [_database(session.catalog.tables.database(split_identifier(message.db_name)[-1], session.conf))]


def _database_exists(session: Session, message: pb.DatabaseExists) -> Rows:
    return [(_is_database(session, message.db_name),)]


def _view(namespace: str, name: str) -> tuple[Any, ...]:
    return (name, None, [namespace] if namespace else [], None, "TEMPORARY", True)


def _table(table: Table) -> tuple[Any, ...]:
    return (table.name, CATALOG, [table.database], table.comment, table.kind, False)


def _list_tables(session: Session, message: pb.ListTables, *, views_only: bool = False) -> Rows:
    catalog, pattern = session.catalog, message.pattern or None
    if message.db_name:
        require_database(session, message.db_name)
    database = split_identifier(message.db_name)[-1] if message.db_name else catalog.current_database
    tables = [t for t in catalog.tables.tables(database) if t.view is not None or not views_only]
    found = [_table(table) for table in tables if matches(table.name, pattern)]
    return found + [_view(*entry) for entry in catalog.listing(message.db_name or None, pattern)]


def _list_views(session: Session, message: Any) -> Rows:
    return _list_tables(session, message, views_only=True)


def _get_table(session: Session, message: pb.GetTable) -> Rows:
    parts = split_identifier(message.table_name)
    if session.catalog.is_view(parts):
        return [_view(parts[0] if len(parts) == 2 else "", parts[-1])]
    table = session.catalog.table(parts)
    if table is None:
        raise not_found(parts, COMMAND_SEARCH_PATH)
    return [_table(table)]


def _table_exists(session: Session, message: pb.TableExists) -> Rows:
    parts = split_identifier(message.table_name)
    if message.db_name and len(parts) == 1:
        parts = (*split_identifier(message.db_name), *parts)
    return [(session.catalog.is_view(parts) or session.catalog.table(parts) is not None,)]


def _list_columns(session: Session, message: pb.ListColumns) -> Rows:
    plan = view_plan(session, message.table_name, COMMAND_SEARCH_PATH)
    parts = split_identifier(message.table_name)
    table = None if session.catalog.is_view(parts) else session.catalog.table(parts)
    keys = {name.lower() for name in table.partition_by} if table is not None else set()
    buckets = {name.lower() for name in table.buckets.columns} if table is not None and table.buckets else set()
    return [
        (
            a.name,
            a.metadata.get("comment"),
            a.type.simpleString(),
            a.nullable,
            a.name.lower() in keys,
            a.name.lower() in buckets,
            False,
        )
        for a in plan.output
    ]


def _drop_temp_view(session: Session, message: pb.DropTempView) -> Rows:
    return [(session.catalog.drop_view((message.view_name,)),)]


def _drop_global_temp_view(session: Session, message: pb.DropGlobalTempView) -> Rows:
    return [(session.catalog.drop_view((GLOBAL_DATABASE, message.view_name)),)]


def _is_cached(session: Session, message: pb.IsCached) -> Rows:
    return [(session.caches.level(view_plan(session, message.table_name)) is not None,)]


def _cache_table(session: Session, message: pb.CacheTable) -> Rows:
    level = message.storage_level if message.HasField("storage_level") else DEFAULT_LEVEL
    session.caches.persist(view_plan(session, message.table_name), level.SerializeToString())
    return []


def _uncache_table(session: Session, message: pb.UncacheTable) -> Rows:
    session.caches.unpersist(view_plan(session, message.table_name))
    return []


def _clear_cache(session: Session, message: Any) -> Rows:
    session.caches.clear()
    return []


def _refresh_table(session: Session, message: pb.RefreshTable) -> Rows:
    plan = view_plan(session, message.table_name)
    table = session.catalog.table(split_identifier(message.table_name))
    for path in [path for node in plan.walk() if isinstance(node, Read) for path in node.paths]:
        session.caches.forget_path(path)
    if table is not None and table.view is None:
        session.caches.forget_path(table.path)
    return []


def _refresh_by_path(session: Session, message: pb.RefreshByPath) -> Rows:
    session.caches.forget_path(message.path)
    return []


def function_names(pattern: str | None = None) -> list[str]:
    """The functions that plans may call, by name."""
    from penstock.functions import names

    return sorted(name for name in names() if matches(name, pattern))


def _function(name: str) -> tuple[Any, ...]:
    return (name, None, None, None, f"penstock.functions.{name}", True)


def _user_function(session: Session, parts: tuple[str, ...], function: UserFunction) -> tuple[Any, ...]:
    """A function that SQL defined: of the session, or of a database."""
    name = parts[-1].lower()
    class_name = function.class_name if isinstance(function, JavaFunction) else "org.apache.spark.sql.SQLFunction"
    if len(parts) == 1 and name in session.catalog.sql_functions:
        return (name, None, None, None, class_name, True)
    database = session.catalog.function_key(parts)[0]
    return (name, CATALOG, [database], None, class_name, False)


def _registered(session: Session) -> set[str]:
    """Functions and table functions of Python, by name."""
    return {*session.catalog.functions, *session.catalog.table_functions}


def _list_functions(session: Session, message: pb.ListFunctions) -> Rows:
    registered = [name for name in sorted(_registered(session)) if matches(name, message.pattern or None)]
    found = [_function(name) for name in (*function_names(message.pattern or None), *registered)]
    catalog, database = session.catalog, message.db_name or session.catalog.current_database
    persistent = {key[1]: f for key, f in catalog.tables.functions.items() if key[0] == database.lower()}
    for name, function in sorted({**persistent, **catalog.sql_functions}.items()):
        if matches(name, message.pattern or None):
            found.append(_user_function(session, (name,), function))
    return found


def _function_exists(session: Session, message: pb.FunctionExists) -> Rows:
    name = split_identifier(message.function_name)[-1].lower()
    known = session.catalog.sql_function(message.function_name) is not None
    return [(known or name in _registered(session) or name in function_names(),)]


def _get_function(session: Session, message: pb.GetFunction) -> Rows:
    parts = split_identifier(message.function_name)
    name = parts[-1].lower()
    defined = session.catalog.sql_function(message.function_name)
    if defined is not None:
        return [_user_function(session, parts, defined)]
    if name not in _registered(session) and name not in function_names():
        routine = f"`{name}`"
        raise analysis_error(
            "UNRESOLVED_ROUTINE",
            f"There is no function {routine}.",
            "42883",
            routineName=routine,
            searchPath=SEARCH_PATH,
        )
    return [_function(name)]


_OPERATIONS: dict[str, tuple[StructType, Callable[[Session, Any], Rows]]] = {
    "current_database": (_VALUE, _current_database),
    "set_current_database": (_NOTHING, _set_current_database),
    "current_catalog": (_VALUE, _current_catalog),
    "set_current_catalog": (_NOTHING, _set_current_catalog),
    "list_catalogs": (_CATALOGS, _list_catalogs),
    "list_databases": (_DATABASES, _list_databases),
    "get_database": (_DATABASES, _get_database),
    "database_exists": (_FLAG, _database_exists),
    "list_tables": (_TABLES, _list_tables),
    "get_table": (_TABLES, _get_table),
    "table_exists": (_FLAG, _table_exists),
    "list_columns": (_COLUMNS, _list_columns),
    "drop_temp_view": (_FLAG, _drop_temp_view),
    "drop_global_temp_view": (_FLAG, _drop_global_temp_view),
    "is_cached": (_FLAG, _is_cached),
    "cache_table": (_NOTHING, _cache_table),
    "uncache_table": (_NOTHING, _uncache_table),
    "clear_cache": (_NOTHING, _clear_cache),
    "refresh_table": (_NOTHING, _refresh_table),
    "refresh_by_path": (_NOTHING, _refresh_by_path),
    "list_functions": (_FUNCTIONS, _list_functions),
    "function_exists": (_FLAG, _function_exists),
    "get_function": (_FUNCTIONS, _get_function),
    "list_views": (_TABLES, _list_views),
    "list_partitions": (table_commands.PARTITION, table_commands.list_partitions),
    "get_table_properties": (table_commands.KEY_VALUE, table_commands.list_properties),
    "get_create_table_string": (table_commands.CREATE_STATEMENT, table_commands.create_statement),
    "create_table": (_NOTHING, table_commands.create_table),
    "create_external_table": (_NOTHING, table_commands.create_table),
    "drop_table": (_NOTHING, table_commands.drop_table),
    "drop_view": (_NOTHING, table_commands.drop_view),
    "create_database": (_NOTHING, table_commands.create_database),
    "drop_database": (_NOTHING, table_commands.drop_database),
    "truncate_table": (_NOTHING, table_commands.truncate_table),
    "analyze_table": (_NOTHING, table_commands.analyze_table),
    "recover_partitions": (_NOTHING, table_commands.recover_partitions),
}

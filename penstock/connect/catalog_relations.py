"""`spark.catalog`: what there is are temp views, functions, and one empty schema `default` of `spark_catalog`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyspark.sql.connect.proto as pb

from penstock.connect.catalog import GLOBAL_DATABASE, matches, not_found, schema_not_found
from penstock.connect.encode import rows_result
from penstock.connect.pipeline import Result
from penstock.core.errors import analysis_error, unsupported
from penstock.plan.nodes import Node
from penstock.plan.types import BOOLEAN, STRING, ArrayType, DataType, StructField, StructType
from penstock.sql import split_identifier

if TYPE_CHECKING:
    from penstock.connect.session import Session

CATALOG = "spark_catalog"
DATABASE = "default"
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


def run(session: Session, message: pb.Catalog) -> Result:
    """Do one catalog operation."""
    kind = message.WhichOneof("cat_type") or ""
    result_schema, handler = _operation(kind)
    return rows_result(result_schema, handler(session, getattr(message, kind)))


def schema(message: pb.Catalog) -> StructType:
    """The schema of its result."""
    return _operation(message.WhichOneof("cat_type") or "")[0]


def _operation(kind: str) -> tuple[StructType, Callable[[Session, Any], Rows]]:
    if kind not in _OPERATIONS:
        raise unsupported(f"the catalog operation {kind}", "Penstock has temporary views, and no catalog of tables.")
    return _OPERATIONS[kind]


def view_plan(session: Session, name: str, search_path: str = SEARCH_PATH) -> Node:
    """The plan of a temp view; raises TABLE_OR_VIEW_NOT_FOUND."""
    parts = split_identifier(name)
    plan = session.catalog.lookup(parts)
    if plan is None:
        raise not_found(parts, search_path)
    return plan


def require_database(name: str) -> None:
    """Only `default` (and `spark_catalog.default`) exists."""
    if split_identifier(name)[-1].lower() not in (DATABASE, GLOBAL_DATABASE):
        raise schema_not_found(name)


def _current_database(session: Session, message: Any) -> Rows:
    return [(DATABASE,)]


def _set_current_database(session: Session, message: pb.SetCurrentDatabase) -> Rows:
    require_database(message.db_name)
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


def _database(session: Session) -> tuple[str, str, str, str | None]:
    return (DATABASE, CATALOG, "default database", session.conf.get("spark.sql.warehouse.dir"))


def _list_databases(session: Session, message: pb.ListDatabases) -> Rows:
    return [_database(session)] if matches(DATABASE, message.pattern or None) else []


def _get_database(session: Session, message: pb.GetDatabase) -> Rows:
    require_database(message.db_name)
    return [_database(session)]


def _database_exists(session: Session, message: pb.DatabaseExists) -> Rows:
    return [(split_identifier(message.db_name)[-1].lower() in (DATABASE, GLOBAL_DATABASE),)]


def _table(namespace: str, name: str) -> tuple[Any, ...]:
    return (name, None, [namespace] if namespace else [], None, "TEMPORARY", True)


def _list_tables(session: Session, message: pb.ListTables) -> Rows:
    if message.db_name:
        require_database(message.db_name)
    return [_table(*entry) for entry in session.catalog.listing(message.db_name or None, message.pattern or None)]


def _get_table(session: Session, message: pb.GetTable) -> Rows:
    view_plan(session, message.table_name, COMMAND_SEARCH_PATH)
    parts = split_identifier(message.table_name)
    return [_table(parts[0] if len(parts) == 2 else "", parts[-1])]


def _table_exists(session: Session, message: pb.TableExists) -> Rows:
    return [(session.catalog.lookup(split_identifier(message.table_name)) is not None,)]


def _list_columns(session: Session, message: pb.ListColumns) -> Rows:
    plan = view_plan(session, message.table_name, COMMAND_SEARCH_PATH)
    return [(a.name, None, a.type.simpleString(), a.nullable, False, False, False) for a in plan.output]


def _drop_temp_view(session: Session, message: pb.DropTempView) -> Rows:
    return [(session.catalog.drop_view((message.view_name,)),)]


def _drop_global_temp_view(session: Session, message: pb.DropGlobalTempView) -> Rows:
    return [(session.catalog.drop_view((GLOBAL_DATABASE, message.view_name)),)]


def _is_cached(session: Session, message: pb.IsCached) -> Rows:
    view_plan(session, message.table_name)
    return [(message.table_name.lower() in session.catalog.cached_tables,)]


def _cache_table(session: Session, message: pb.CacheTable) -> Rows:
    view_plan(session, message.table_name)
    session.catalog.cached_tables.add(message.table_name.lower())
    return []


def _uncache_table(session: Session, message: pb.UncacheTable) -> Rows:
    view_plan(session, message.table_name)
    session.catalog.cached_tables.discard(message.table_name.lower())
    return []


def _clear_cache(session: Session, message: Any) -> Rows:
    session.catalog.cached_tables.clear()
    session.storage_levels.clear()
    return []


def _refresh_table(session: Session, message: pb.RefreshTable) -> Rows:
    view_plan(session, message.table_name)
    return []


def _refresh_by_path(session: Session, message: pb.RefreshByPath) -> Rows:
    return []


def function_names(pattern: str | None = None) -> list[str]:
    """The functions that plans may call, by name."""
    from penstock.functions import names

    return sorted(name for name in names() if matches(name, pattern))


def _function(name: str) -> tuple[Any, ...]:
    return (name, None, None, None, f"penstock.functions.{name}", True)


def _list_functions(session: Session, message: pb.ListFunctions) -> Rows:
    return [_function(name) for name in function_names(message.pattern or None)]


def _function_exists(session: Session, message: pb.FunctionExists) -> Rows:
    return [(split_identifier(message.function_name)[-1].lower() in function_names(),)]


def _get_function(session: Session, message: pb.GetFunction) -> Rows:
    name = split_identifier(message.function_name)[-1].lower()
    if name not in function_names():
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
}

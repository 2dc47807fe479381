"""What changes tables and databases, and what tells how a table was made: for SQL and for `spark.catalog`."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyspark.sql.connect.proto as pb

from penstock.connect import column_defaults, partition_commands, table_writes
from penstock.connect.catalog import not_found, quoted
from penstock.connect.decode_types import decode_type
from penstock.connect.encode import rows_result
from penstock.connect.kinds import known_table, not_a_table, require_table
from penstock.connect.pipeline import Result, resolve
from penstock.connect.tables import CATALOG, Buckets, Database, Table, database_location, partition_directories
from penstock.core.errors import SparkError, analysis_error, unsupported
from penstock.core.files import local_path
from penstock.functions.type_names import type_sql
from penstock.plan.expressions import Cast, Expression
from penstock.plan.nodes import Node
from penstock.plan.types import (
    STRING,
    ArrayType,
    CharType,
    DataType,
    MapType,
    StringType,
    StructField,
    StructType,
    VarcharType,
)
from penstock.sql import parse_expression, split_identifier
from penstock.sql import statements as s
from penstock.sql.columns import CURRENT_DEFAULT

if TYPE_CHECKING:
    from penstock.connect.session import Session

Rows = list[tuple[Any, ...]]

PARTITION = StructType([StructField("partition", STRING, False)])
KEY_VALUE = StructType([StructField("key", STRING, False), StructField("value", STRING, False)])
CREATE_STATEMENT = StructType([StructField("createtab_stmt", STRING, False)])


def drop(session: Session, parts: tuple[str, ...], *, if_exists: bool, view: bool) -> None:
    """DROP TABLE and DROP VIEW; DROP TABLE takes views, too."""
    if session.catalog.drop_view(parts):
        return
    table = session.catalog.table(parts)
    if table is None:
        if if_exists:
            return
        full = (CATALOG, *session.catalog.table_name(parts)) if len(parts) <= 2 else parts
        raise not_found(full, f"[{quoted(full[:-1])}]")
    if view and table.view is None:
        raise _wrong_kind("DROP VIEW", table, "VIEW or METRIC_VIEW", "Use DROP TABLE instead.")
    session.catalog.tables.drop(table)
    session.caches.forget_path(table.path or "/dev/null")


def _wrong_kind(operation: str, table: Table, required: str, remedy: str) -> SparkError:
    name = ".".join(table.full_name)
    message = f"{operation} needs a {required}, and {name} is a {table.kind}. {remedy}"
    shown = {"operation": operation, "requiredType": required, "objectName": name, "foundType": table.kind}
    return analysis_error("WRONG_COMMAND_FOR_OBJECT_TYPE", message, "42809", alternative=remedy, **shown)


# ---------------------------------------------------------------- SQL


def create_table_as(session: Session, statement: s.CreateTable) -> Result:
    """CREATE TABLE, with a schema or AS SELECT; the schema of files that are there may be left out."""
    exists = session.catalog.table(statement.name) is not None
    if statement.replace:
        name = quoted((CATALOG, *session.catalog.table_name(statement.name)))
        message = f"The table {name} cannot be replaced in place: drop it first."
        condition = "UNSUPPORTED_FEATURE.TABLE_OPERATION"
        raise analysis_error(condition, message, "0A000", tableName=name, operation="REPLACE TABLE")
    if exists and statement.if_not_exists:
        return _nothing()
    plan = None if statement.plan is None else resolve(session, statement.plan)
    if statement.schema is not None:
        _check_columns(session, statement, statement.schema)
    schema = plan.schema if plan is not None else _given_schema(session, statement)
    table = table_writes.define(
        session, statement.name, schema, statement.provider, partition_by=statement.partition_by,
        options=statement.options, location=statement.location, comment=statement.comment,
        properties=statement.properties, buckets=None if statement.buckets is None else Buckets(*statement.buckets),
    )  # fmt: skip
    if plan is not None:
        fill(session, table, plan)
    elif statement.schema is None and statement.partition_by:
        session.catalog.tables.update(table, _with_all_partitions)
    return _nothing()


def _check_columns(session: Session, statement: s.CreateTable, schema: StructType) -> None:
    """Names that differ, and defaults that are constants of their columns' types."""
    names = [name.lower() for name in schema.names]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise column_defaults.column_exists(twice)
    column_defaults.check(session, schema.fields, "CREATE TABLE")
    place = statement.location or next((v for k, v in statement.options.items() if k.lower() == "path"), None)
    if place is None or not column_defaults.defaults_of(schema):
        return
    path = Path(local_path(place))
    if path.is_dir() and any(path.iterdir()):
        what = "CREATE TABLE with DEFAULT over files that are there"
        raise unsupported(what, "Leave DEFAULT out, and set it with ALTER TABLE ... ALTER COLUMN ... SET DEFAULT.")


def fill(session: Session, table: Table, plan: Node) -> None:
    """The rows of a new table; without them there is no table either."""
    try:
        ordered = table_writes.by_name(session, table, plan, [a.name for a in plan.output])
        table_writes.insert(session, table, ordered, None)
    except BaseException:
        session.catalog.tables.drop(table)
        raise


def _given_schema(session: Session, statement: s.CreateTable) -> StructType:
    if statement.schema is not None:
        return statement.schema
    path = statement.location or next((v for k, v in statement.options.items() if k.lower() == "path"), None)
    if path is None:
        message = f"The table {quoted(statement.name)} has neither columns nor files to take them from."
        raise analysis_error("_LEGACY_ERROR_TEMP_1166", message, "XXKD0")
    return inferred_schema(session, statement.provider, path, dict(statement.options))


def inferred_schema(session: Session, provider: str | None, path: str, options: dict[str, str]) -> StructType:
    """The schema of the files at a path."""
    from penstock.plan.nodes import Read

    rest = {key: value for key, value in options.items() if key.lower() != "path"}
    return resolve(session, Read(provider, rest, (path,))).schema


def insert_into(session: Session, statement: s.Insert) -> Result:
    """INSERT INTO and INSERT OVERWRITE."""
    require_insertable(session, statement.name)
    table = table_writes.writable(session, statement.name)
    fixed = {name.lower(): value for name, value in statement.partition}
    if fixed and statement.overwrite:
        raise unsupported("INSERT OVERWRITE of one partition", "Overwrite the whole table, or insert.")
    _check_fixed(table, fixed)
    fields = (
        column_defaults.given_fields(table, statement.columns)
        if statement.columns
        else [f for f in table.schema.fields if f.name.lower() not in fixed]
    )
    plan = resolve(session, column_defaults.with_defaults(session, statement.plan, fields))
    if statement.by_name:
        plan = _by_name(session, table, plan, fixed)
    elif fixed or statement.columns:
        plan = _by_place(session, table, plan, [f.name for f in fields], fixed)
    table_writes.insert(session, table, plan, None, overwrite=statement.overwrite)
    return _nothing()


def require_insertable(session: Session, parts: tuple[str, ...]) -> None:
    """Raises EXPECT_TABLE_NOT_VIEW for a view of the catalog."""
    table = session.catalog.table(parts)
    if table is not None and table.view is not None:
        raise not_a_table(quoted(table.full_name), "INSERT", "NO_ALTERNATIVE")


def _by_place(session: Session, table: Table, plan: Node, names: list[str], fixed: dict[str, str]) -> Node:
    """The plan's columns as those of these names, and the partition's values."""
    if len(plan.output) != len(names):
        raise table_writes.arity_error(table, [a.name for a in plan.output], names)
    given = {name.lower(): a for name, a in zip(names, plan.output, strict=True)}
    return table_writes.arranged(session, table, plan, {**given, **_values(session, table, fixed)})


def _by_name(session: Session, table: Table, plan: Node, fixed: dict[str, str]) -> Node:
    """The plan's columns by their own names; raises INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS."""
    known = {f.name.lower() for f in table.schema.fields}
    extra = ", ".join(f"`{a.name}`" for a in plan.output if a.name.lower() not in known - set(fixed))
    if extra:
        message = f"The table {quoted(table.full_name)} has no place for the columns {extra}."
        shown = {"tableName": quoted(table.full_name), "extraColumns": extra}
        raise analysis_error("INCOMPATIBLE_DATA_FOR_TABLE.EXTRA_COLUMNS", message, "KD000", **shown)
    given = {a.name.lower(): a for a in plan.output}
    return table_writes.arranged(session, table, plan, {**given, **_values(session, table, fixed)})


def _values(session: Session, table: Table, fixed: dict[str, str]) -> dict[str, Expression]:
    """The values of a partition as constants of its columns' types."""
    time_zone = session.conf.get("spark.sql.session.timeZone") or "UTC"
    types = {f.name.lower(): f.dataType for f in table.schema.fields}
    return {
        name: column_defaults.constant(session, Cast(parse_expression(text, time_zone=time_zone), types[name]))
        for name, text in fixed.items()
    }


def _check_fixed(table: Table, fixed: dict[str, str]) -> None:
    """All partition columns, or none."""
    unknown = set(fixed) - {name.lower() for name in table.partition_by}
    if unknown:
        name = next(iter(unknown))
        message = f"{name} is no partition column of {quoted(table.full_name)}."
        raise analysis_error("NON_PARTITION_COLUMN", message, "42000", columnName=f"`{name}`")
    if fixed and len(fixed) < len(table.partition_by):
        raise unsupported("INSERT ... PARTITION with some of the partition columns", "Name all of them.")


def change_rows(session: Session, statement: s.ChangeRows) -> Result:
    """UPDATE, DELETE and MERGE: refused as Spark refuses them for tables of files."""
    raise rows_unchangeable(session, statement.name, statement.operation)


def rows_unchangeable(session: Session, parts: tuple[str, ...], operation: str) -> SparkError:
    """UNSUPPORTED_FEATURE.TABLE_OPERATION, or TABLE_OR_VIEW_NOT_FOUND."""
    if session.catalog.lookup(parts) is None:
        return not_found(parts, "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]")
    is_view = session.catalog.is_view(parts)
    name = quoted(parts if is_view else (CATALOG, *session.catalog.table_name(parts)))
    message = f"The table {name} does not support {operation}: its rows are files. Write the table anew."
    condition = "UNSUPPORTED_FEATURE.TABLE_OPERATION"
    return analysis_error(condition, message, "0A000", tableName=name, operation=operation)


def create_database_as(session: Session, statement: s.CreateDatabase) -> Result:
    """CREATE DATABASE."""
    database = (statement.if_not_exists, statement.comment, statement.location, dict(statement.properties))
    _create_database(session, statement.name, *database)
    return _nothing()


def _create_database(
    session: Session,
    parts: tuple[str, ...],
    if_not_exists: bool,
    comment: str | None,
    location: str | None,
    properties: dict[str, str],
) -> None:
    name = parts[-1].lower()
    database = Database(name, location or database_location(name, session.conf), comment or "", properties)
    session.catalog.tables.create_database(database, session.conf, if_not_exists=if_not_exists)


def drop_database_as(session: Session, statement: s.DropDatabase) -> Result:
    """DROP DATABASE."""
    session.catalog.tables.drop_database(
        statement.name[-1], session.conf, if_exists=statement.if_exists, cascade=statement.cascade
    )
    return _nothing()


def about_table(session: Session, statement: s.AboutTable) -> Result:
    """TRUNCATE, ANALYZE, REFRESH, and what SHOW tells of one table."""
    if session.catalog.is_view(statement.name) and statement.action in ("properties", "refresh", "create"):
        return _about_view(statement)
    table = (
        require_table(session, statement.name, "TRUNCATE TABLE")
        if statement.action == "truncate"
        else known_table(session, statement.name)
    )
    match statement.action:
        case "partitions":
            return rows_result(PARTITION, partition_rows(table))
        case "properties":
            return rows_result(KEY_VALUE, sorted(table.properties.items()))
        case "create":
            return rows_result(CREATE_STATEMENT, [(create_text(table),)])
        case "truncate":
            _truncate(session, table)
        case "refresh":
            session.caches.forget_path(table.path)
        case _:
            _analyze(table)
    return _nothing()


def _about_view(statement: s.AboutTable) -> Result:
    """What can be asked of a temporary view: it has no properties, and is always fresh."""
    if statement.action == "create":
        name = quoted(statement.name)
        message = f"{name} is a temporary view; SHOW CREATE TABLE shows tables and views of the catalog."
        raise analysis_error("EXPECT_PERMANENT_VIEW_NOT_TEMP", message, "42809", viewName=name,
                             operation="SHOW CREATE TABLE")  # fmt: skip
    return rows_result(KEY_VALUE, []) if statement.action == "properties" else _nothing()


def _nothing() -> Result:
    return rows_result(StructType(), [])


# ---------------------------------------------------------------- spark.catalog


def _parts(message: Any) -> tuple[str, ...]:
    return split_identifier(message.table_name)


def create_table(session: Session, message: pb.CreateTable | pb.CreateExternalTable) -> Rows:
    """createTable and createExternalTable."""
    options = dict(message.options)
    path = message.path or next((v for k, v in options.items() if k.lower() == "path"), None)
    source = message.source or session.conf["spark.sql.sources.default"]
    given = decode_type(message.schema) if message.HasField("schema") else None
    schema = given if isinstance(given, StructType) and len(given) else None
    if schema is None and path is not None:
        schema = inferred_schema(session, source, path, options)
    if schema is None:
        raise analysis_error("_LEGACY_ERROR_TEMP_1166", "A table needs a schema, or a path with files.", "XXKD0")
    comment = getattr(message, "description", "") or None
    table_writes.define(session, _parts(message), schema, source, options=options, location=path, comment=comment)
    return []


def drop_table(session: Session, message: pb.DropTable) -> Rows:
    """dropTable."""
    drop(session, _parts(message), if_exists=message.if_exists, view=False)
    return []


def drop_view(session: Session, message: pb.DropView) -> Rows:
    """dropView."""
    drop(session, split_identifier(message.view_name), if_exists=message.if_exists, view=True)
    return []


def create_database(session: Session, message: pb.CreateDatabase) -> Rows:
    """createDatabase."""
    properties = dict(message.properties)
    comment, location = properties.pop("comment", None), properties.pop("location", None)
    _create_database(session, split_identifier(message.db_name), message.if_not_exists, comment, location, properties)
    return []


def drop_database(session: Session, message: pb.DropDatabase) -> Rows:
    """dropDatabase."""
    name = split_identifier(message.db_name)[-1]
    tables = session.catalog.tables
    tables.drop_database(name, session.conf, if_exists=message.if_exists, cascade=message.cascade)
    return []


def list_partitions(session: Session, message: pb.ListPartitions) -> Rows:
    """listPartitions."""
    return partition_rows(known_table(session, _parts(message)))


def partition_rows(table: Table) -> Rows:
    """SHOW PARTITIONS."""
    if not table.partition_by:
        name = quoted(table.full_name)
        message = f"The table {name} is not partitioned."
        condition = "INVALID_PARTITION_OPERATION.PARTITION_SCHEMA_IS_EMPTY"
        raise analysis_error(condition, message, "42601", name=name)
    return [(partition,) for partition in sorted(table.partitions)]


def list_properties(session: Session, message: pb.GetTableProperties) -> Rows:
    """getTableProperties."""
    return sorted(known_table(session, _parts(message)).properties.items())


def create_statement(session: Session, message: pb.GetCreateTableString) -> Rows:
    """getCreateTableString."""
    return [(create_text(known_table(session, _parts(message))),)]


def create_text(table: Table) -> str:
    """The CREATE TABLE that makes such a table."""
    if table.view is not None:
        raise unsupported("SHOW CREATE TABLE of a view")
    columns = ",\n".join(f"  {_column_text(f)}" for f in table.schema.fields)
    text = f"CREATE TABLE {'.'.join(table.full_name)} (\n{columns})\nUSING {table.provider}\n"
    if table.options:
        text += f"OPTIONS (\n{_properties(table.options)})\n"
    if table.partition_by:
        text += f"PARTITIONED BY ({', '.join(table.partition_by)})\n"
    if table.buckets is not None:
        text += f"CLUSTERED BY ({', '.join(table.buckets.columns)})\n"
        if table.buckets.sorted_by:
            text += f"SORTED BY ({', '.join(table.buckets.sorted_by)})\n"
        text += f"INTO {table.buckets.count} BUCKETS\n"
    if not table.managed:
        text += f"LOCATION 'file:{table.path}'\n"
    if table.comment is not None:
        text += f"COMMENT '{_escaped(table.comment)}'\n"
    return text + (f"TBLPROPERTIES (\n{_properties(table.properties)})\n" if table.properties else "")


def _column_text(field: StructField) -> str:
    found = field.metadata or {}
    text = f"{quoted_if_needed(field.name)} {ddl_type(field.dataType)}"
    if CURRENT_DEFAULT in found:
        text += f" DEFAULT {found[CURRENT_DEFAULT]}"
    return f"{text} COMMENT '{_escaped(found['comment'])}'" if "comment" in found else text


def ddl_type(data_type: DataType) -> str:
    """A type as SHOW CREATE TABLE has it: strings with their collation, fields with their comments."""
    match data_type:
        case ArrayType():
            return f"ARRAY<{ddl_type(data_type.elementType)}>"
        case MapType():
            return f"MAP<{ddl_type(data_type.keyType)}, {ddl_type(data_type.valueType)}>"
        case StructType():
            return f"STRUCT<{', '.join(map(_field_text, data_type.fields))}>"
        case StringType() | CharType() | VarcharType():
            return f"{type_sql(data_type)} COLLATE UTF8_BINARY"
    return type_sql(data_type)


def _field_text(field: StructField) -> str:
    comment = (field.metadata or {}).get("comment")
    text = f"{quoted_if_needed(field.name)}: {ddl_type(field.dataType)}" + ("" if field.nullable else " NOT NULL")
    return text if comment is None else f"{text} COMMENT '{_escaped(comment)}'"


def quoted_if_needed(name: str) -> str:
    """A name, in backquotes where it is no identifier."""
    return name if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else "`" + name.replace("`", "``") + "`"


def _properties(pairs: Any) -> str:
    return ",\n".join(f"  '{_escaped(key)}' = '{_escaped(value)}'" for key, value in sorted(pairs.items()))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def truncate_table(session: Session, message: pb.TruncateTable) -> Rows:
    """truncateTable."""
    _truncate(session, known_table(session, _parts(message)))
    return []


def _truncate(session: Session, table: Table) -> None:
    if table.view is not None:
        raise _wrong_kind("TRUNCATE TABLE", table, "TABLE", "")
    if not table.managed:
        raise partition_commands.cannot_truncate(table)
    table_writes.truncate(session, table)


def analyze_table(session: Session, message: pb.AnalyzeTable) -> Rows:
    """analyzeTable: statistics are computed by the engine whenever it reads, so nothing is stored."""
    _analyze(known_table(session, _parts(message)))
    return []


def _analyze(table: Table) -> None:
    if table.view is not None:
        raise _wrong_kind("ANALYZE TABLE", table, "TABLE", "")


def recover_partitions(session: Session, message: pb.RecoverPartitions) -> Rows:
    """recoverPartitions."""
    partition_commands.repair(session, known_table(session, _parts(message)))
    return []


def _with_all_partitions(table: Table) -> Table:
    return replace(table, partitions=partition_directories(table))

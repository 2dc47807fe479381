"""ALTER TABLE, ALTER VIEW, ALTER DATABASE and COMMENT ON: what changes in the catalog, each under its lock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.connect import column_defaults, partition_commands, table_writes, view_commands
from penstock.connect.catalog import quoted
from penstock.connect.column_defaults import column_exists, unknown_column
from penstock.connect.kinds import known_table, require_table, require_view
from penstock.connect.partition_commands import nothing
from penstock.connect.pipeline import Result
from penstock.connect.tables import CLUSTERING, Database, Table, files_below, managed_path, without_columns
from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError, analysis_error, parse_error, unsupported
from penstock.core.files import local_path
from penstock.functions.coercion import same_type
from penstock.functions.type_names import quoted_type
from penstock.plan.types import StructField, StructType
from penstock.sql import alter_statements as st
from penstock.sql.columns import CURRENT_DEFAULT
from penstock.sql.statements import Statement

if TYPE_CHECKING:
    from penstock.connect.session import Session

_TABLE_RESERVED = {
    "provider": "please use the USING clause to specify it", "location": "please use the LOCATION clause to specify it",
    "owner": "it will be set to the current user", "external": "please use CREATE EXTERNAL TABLE",
}  # fmt: skip
_DATABASE_RESERVED = {key: _TABLE_RESERVED[key] for key in ("location", "owner")}


def _change(session: Session, table: Table, change: Callable[[Table], Table]) -> Result:
    session.catalog.tables.update(table, change)
    if table.view is None:
        session.caches.forget_path(table.path)
    return nothing()


def rename(session: Session, statement: st.Rename) -> Result:
    """RENAME TO, of tables and of views, temporary ones too."""
    if session.catalog.is_view(statement.name):
        return view_commands.rename_temporary(session, statement)
    if len(statement.new) > 2:
        message = f"{quoted(statement.new)} has too many parts: a new name has a database and a name at most."
        shown = {"identifier": quoted(statement.new), "limit": "2"}
        raise analysis_error("IDENTIFIER_TOO_MANY_NAME_PARTS", message, "42601", **shown)
    table = view_commands.require_kind(session, statement)
    name = statement.new[-1]
    if len(statement.new) == 2 and statement.new[0].lower() != table.database.lower():
        message = f"A table stays in its database {table.database}; {statement.new[0]} is another one."
        shown = {"db": table.database, "newDb": statement.new[0].lower()}
        raise analysis_error("_LEGACY_ERROR_TEMP_1073", message, "XXKD0", **shown)
    table_writes.check_name((name,))
    moves = table.view is None and table.managed
    path = managed_path(session.catalog.tables.database(table.database, session.conf), name) if moves else table.path
    session.catalog.tables.rename(table, name.lower(), path)
    if table.view is None:
        session.caches.forget_path(table.path)
    return nothing()


def set_properties(session: Session, statement: st.SetProperties) -> Result:
    """SET and UNSET TBLPROPERTIES."""
    kind = "VIEW" if statement.is_view else "TABLE"
    operation = f"ALTER {kind} ... {'UNSET' if statement.removed else 'SET'} TBLPROPERTIES"
    _refuse_reserved(statement.properties, _TABLE_RESERVED, "SET_TABLE_PROPERTY")
    require = require_view if statement.is_view else require_table
    table = require(session, statement.name, operation, f"USE_ALTER_{'TABLE' if statement.is_view else 'VIEW'}")

    def changed(known: Table) -> Table:
        left = {**known.properties, **statement.properties}
        left = {key: value for key, value in left.items() if key not in statement.removed}
        comment = left.pop("comment", None if "comment" in statement.removed else known.comment)
        return replace(known, properties=left, comment=comment)

    return _change(session, table, changed)


def _refuse_reserved(properties: Mapping[str, str], reserved: Mapping[str, str], feature: str) -> None:
    for name in properties:
        if name in reserved:
            message = f"{name} is a reserved property: {reserved[name]}."
            raise parse_error(f"UNSUPPORTED_FEATURE.{feature}", message, "0A000", property=name, msg=reserved[name])


def comment_on(session: Session, statement: st.CommentOn) -> Result:
    """COMMENT ON TABLE and COMMENT ON DATABASE."""
    if statement.is_database:
        change = lambda known: replace(known, description=statement.comment)  # noqa: E731
        session.catalog.tables.update_database(statement.name[-1], session.conf, change)
        return nothing()
    table = require_table(session, statement.name, "COMMENT ON TABLE")
    return _change(session, table, lambda known: replace(known, comment=statement.comment))


# ---------------------------------------------------------------- columns


def add_columns(session: Session, statement: st.AddColumns) -> Result:
    """ADD COLUMNS: behind the others, before the partition columns; rows that are there have NULL or the default."""
    table = require_table(session, statement.name, "ALTER TABLE ... ADD COLUMNS")
    if statement.nested:
        raise _not_for_files(table, "ADD COLUMN with qualified column")
    if any(not f.nullable for f in statement.columns.fields):
        raise analysis_error("_LEGACY_ERROR_TEMP_1052", "New columns of a table of files take NULL.", "XXKD0")
    if table.provider == "text":
        name = "org.apache.spark.sql.execution.datasources.v2.text.TextDataSourceV2"
        message = f"The table {quoted(table.full_name)} is of the format text, which has one column."
        shown = {"table": quoted(table.full_name), "tableType": name}
        raise analysis_error("_LEGACY_ERROR_TEMP_1260", message, "XXKD0", **shown)
    new = [StructField(f.name, f.dataType, True, f.metadata) for f in statement.columns.fields]
    column_defaults.check(session, new, "ALTER TABLE ADD COLUMNS")
    values = column_defaults.stored(session, new)
    if values and not _has_own_files(table):
        what = "ALTER TABLE ... ADD COLUMNS with DEFAULT for a table whose files others may write"
        raise unsupported(what, "Add the column without DEFAULT, and set the default with ALTER COLUMN.")
    return _change(session, table, lambda known: _with_columns(known, new, values))


def _has_own_files(table: Table) -> bool:
    """Whether all files are there by INSERT: then those that are there now are the ones without a new column."""
    return table.managed and not (Path(table.path) / "_spark_metadata").is_dir()


def _with_columns(table: Table, new: list[StructField], values: tuple[tuple[str, str], ...]) -> Table:
    seen = {name.lower() for name in table.schema.names}
    for field in new:
        if field.name.lower() in seen:
            raise column_exists(field.name)
        seen.add(field.name.lower())
    end = len(table.schema.fields) - len(table.partition_by)
    schema = StructType([*table.schema.fields[:end], *new, *table.schema.fields[end:]])
    changed = replace(table, schema=schema, younger=(*table.younger, *values))
    return without_columns(changed, files_below(table.path) if values else (), values)


def alter_column(session: Session, statement: st.AlterColumn) -> Result:
    """ALTER COLUMN: comments and defaults; all else tables of files do not take."""
    table = require_table(session, statement.name, "ALTER TABLE ... ALTER COLUMN")
    if statement.action == "bulk":
        raise _not_for_files(table, "ALTER COLUMN in bulk")
    field = _column(table, statement.column)
    if len(statement.column) > 1:
        raise _not_for_files(table, "ALTER COLUMN with qualified column")
    if statement.action == "position":
        raise _not_for_files(table, "ALTER COLUMN ... FIRST | AFTER")
    if statement.action == "nullability":
        raise _not_for_files(table, "ALTER COLUMN ... SET NOT NULL")
    if field.name.lower() in {name.lower() for name in table.partition_by}:
        shown = {"tableName": quoted(table.full_name), "columnName": f"`{field.name}`"}
        message = f"`{field.name}` is a partition column of {shown['tableName']}: it stays as it is."
        raise analysis_error("CANNOT_ALTER_PARTITION_COLUMN", message, "428FR", **shown)
    if statement.type is not None and not same_type(statement.type, field.dataType):
        raise _other_type(table, field, StructField(field.name, statement.type))
    if statement.action == "type" or (statement.action == "comment" and statement.text is None):
        return nothing()
    if statement.action == "comment":
        return _change(session, table, lambda known: _with_metadata(known, field, "comment", statement.text))
    if statement.text is not None:
        checked = StructField(field.name, field.dataType, True, {CURRENT_DEFAULT: statement.text})
        column_defaults.check(session, [checked], "ALTER TABLE ALTER COLUMN")
    return _change(session, table, lambda known: _with_metadata(known, field, CURRENT_DEFAULT, statement.text))


def _with_metadata(table: Table, field: StructField, key: str, value: str | None) -> Table:
    fields = []
    for f in table.schema.fields:
        if f.name == field.name:
            metadata = {k: v for k, v in {**(f.metadata or {}), key: value}.items() if v is not None}
            f = StructField(f.name, f.dataType, f.nullable, metadata)
        fields.append(f)
    return replace(table, schema=StructType(fields))


def _column(table: Table, parts: tuple[str, ...]) -> StructField:
    """A column of the table; raises UNRESOLVED_COLUMN."""
    found = [f for f in table.schema.fields if f.name.lower() == parts[0].lower()]
    if not found:
        raise unknown_column(table, parts)
    return found[0]


def _other_type(table: Table, old: StructField, new: StructField) -> SparkError:
    shown = {
        "table": quoted(table.full_name), "originName": f"`{old.name}`", "originType": quoted_type(old.dataType),
        "newName": f"`{new.name}`", "newType": quoted_type(new.dataType),
    }  # fmt: skip
    message = f"The column `{old.name}` of {shown['table']} is {shown['originType']} in its files, and stays so."
    return analysis_error("NOT_SUPPORTED_CHANGE_COLUMN", message, "0A000", **shown)


def columns_unchangeable(session: Session, statement: st.ColumnsUnchangeable) -> Result:
    """RENAME COLUMN, DROP COLUMN, REPLACE COLUMNS, constraints: refused as Spark refuses them for tables of files."""
    table = require_table(session, statement.name, f"ALTER TABLE ... {statement.about}")
    for parts in statement.columns:
        _column(table, parts)
    raise _not_for_files(table, statement.operation)


def _not_for_files(table: Table, operation: str) -> SparkError:
    name = quoted(table.full_name)
    message = f"The table {name} does not support {operation}: its rows are files. Write the table anew."
    condition = "UNSUPPORTED_FEATURE.TABLE_OPERATION"
    return analysis_error(condition, message, "0A000", tableName=name, operation=operation)


# ---------------------------------------------------------------- where and how it is kept


def set_location(session: Session, statement: st.SetTableLocation) -> Result:
    """SET LOCATION: what lies there are the rows from now on; what lay where it was stays there."""
    table = require_table(session, statement.name, "ALTER TABLE ... SET LOCATION ...")
    path = str(local_path(statement.location))
    if statement.of_partition:
        raise unsupported("ALTER TABLE ... PARTITION ... SET LOCATION", "Partitions lie in the table's directory.")
    if column_defaults.defaults_of(table.schema) and Path(path).is_dir() and any(Path(path).iterdir()):
        what = "ALTER TABLE ... SET LOCATION to files that are there, with a DEFAULT of a column"
        raise unsupported(what, "Drop the default first.")

    def moved(known: Table) -> Table:
        if known.partitions:
            what = "ALTER TABLE ... SET LOCATION of a table with partitions"
            raise unsupported(what, "Drop its partitions first, and add them anew.")
        return replace(known, path=path, lacking={})

    session.catalog.tables.update(table, moved)
    session.caches.forget_path(table.path)
    session.caches.forget_path(path)
    return nothing()


def cluster_by(session: Session, statement: st.ClusterBy) -> Result:
    """CLUSTER BY: kept with the table, and nothing at run time."""
    table = require_table(session, statement.name, "ALTER TABLE ... CLUSTER BY")
    names = [f.name.lower() for f in table.schema.fields]
    for parts in statement.columns:
        if parts[0].lower() not in names:
            message = f"The table {quoted(table.full_name)} has no column {quoted(parts)} to be clustered by."
            shown = {"i": parts[0], "schema": table.schema.treeString()}
            raise analysis_error("_LEGACY_ERROR_TEMP_3060", message, "XXKD0", **shown)

    def clustered(known: Table) -> Table:
        rest = {key: value for key, value in known.properties.items() if key != CLUSTERING}
        columns = [[known.schema.names[names.index(p.lower())] for p in parts] for parts in statement.columns]
        return replace(known, properties={**rest, CLUSTERING: json.dumps(columns)} if columns else rest)

    return _change(session, table, clustered)


def set_serde(session: Session, statement: st.SetSerde) -> Result:
    """SET SERDE: tables of data sources have none."""
    table = require_table(session, statement.name, "ALTER TABLE ... SET [SERDE|SERDEPROPERTIES]")
    name = quoted(table.full_name)
    message = f"The table {name} is of a data source: it has no SERDE."
    condition = "UNSUPPORTED_FEATURE.ALTER_TABLE_SERDE_FOR_DATASOURCE_TABLE"
    raise analysis_error(condition, message, "0A000", tableName=name)


def show_property(session: Session, statement: st.ShowProperty) -> Result:
    """SHOW TBLPROPERTIES name (key)."""
    from penstock.connect.encode import rows_result
    from penstock.connect.table_commands import KEY_VALUE

    if session.catalog.is_view(statement.name):
        return rows_result(KEY_VALUE, [])
    table = known_table(session, statement.name)
    missing = f"Table {'.'.join(table.full_name)} does not have property: {statement.key}"
    return rows_result(KEY_VALUE, [(statement.key, table.properties.get(statement.key, missing))])


def alter_database(session: Session, statement: st.AlterDatabase) -> Result:
    """SET and UNSET DBPROPERTIES, SET LOCATION: where tables that are made from now on go."""
    _refuse_reserved(statement.properties, _DATABASE_RESERVED, "SET_NAMESPACE_PROPERTY")
    location = statement.location
    if location is not None and not location:
        shown = {"location": location}
        raise SparkError(
            "INVALID_EMPTY_LOCATION", "A location is not empty.", shown, sqlstate="42K05", classes=ILLEGAL_ARGUMENT
        )

    def changed(known: Database) -> Database:
        left = {**known.properties, **statement.properties}
        left = {key: value for key, value in left.items() if key not in statement.removed}
        comment = left.pop("comment", "" if "comment" in statement.removed else known.description)
        place = known.location if location is None else f"file:{local_path(location)}"
        return replace(known, properties=left, description=comment, location=place)

    session.catalog.tables.update_database(statement.name[-1], session.conf, changed)
    return nothing()


COMMANDS: dict[type[Statement], Callable[..., Result]] = {
    st.Rename: rename,
    st.SetProperties: set_properties,
    st.AlterView: view_commands.alter_view,
    st.AddColumns: add_columns,
    st.AlterColumn: alter_column,
    st.ColumnsUnchangeable: columns_unchangeable,
    st.ChangePartitions: partition_commands.change,
    st.RepairTable: partition_commands.repair_table,
    st.ShowPartitions: partition_commands.show,
    st.ShowProperty: show_property,
    st.SetTableLocation: set_location,
    st.ClusterBy: cluster_by,
    st.SetSerde: set_serde,
    st.CommentOn: comment_on,
    st.AlterDatabase: alter_database,
}

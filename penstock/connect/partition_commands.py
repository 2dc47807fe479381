"""Partitions of tables: ADD, DROP, RENAME, TRUNCATE, MSCK REPAIR TABLE, SHOW PARTITIONS of some."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.connect import table_writes
from penstock.connect.catalog import quoted
from penstock.connect.encode import rows_result
from penstock.connect.kinds import require_table
from penstock.connect.pipeline import Result, resolve, run
from penstock.connect.tables import Table, move_directory, partition_directories
from penstock.core.errors import SparkError, analysis_error, unsupported
from penstock.core.text import texts, zone
from penstock.plan.expressions import Alias, Cast
from penstock.plan.nodes import OneRow, Project
from penstock.plan.types import StructField, StructType
from penstock.sinks.partitioning import escape
from penstock.sql import alter_statements as st
from penstock.sql import parse_expression

if TYPE_CHECKING:
    from penstock.connect.session import Session

NULL_DIRECTORY = "__HIVE_DEFAULT_PARTITION__"
_ABOUT = {
    "add": ("ALTER TABLE ... ADD PARTITION ...", "ALTER TABLE ADD PARTITION"),
    "drop": ("ALTER TABLE ... DROP PARTITION ...", "ALTER TABLE DROP PARTITION"),
    "rename": ("ALTER TABLE ... RENAME TO PARTITION", "ALTER TABLE RENAME PARTITION"),
    "truncate": ("TRUNCATE TABLE", ""),
}


class Partition:
    """A partition, or with some of the columns several, as a command names it."""

    def __init__(self, session: Session, table: Table, spec: st.Spec) -> None:
        given = {name.lower(): text for name, text in spec}
        by_name = {f.name.lower(): f for f in table.schema.fields}
        fields = [by_name[name.lower()] for name in table.partition_by if name.lower() in given]
        self.whole = len(fields) == len(table.partition_by)
        parts = self._evaluated(session, fields, given)
        self.directory = "/".join(name for name, _ in parts)
        self.shown = f"PARTITION ({', '.join(f'`{f.name}` = {v}' for f, (_, v) in zip(fields, parts, strict=True))})"
        self._names = {name for name, _ in parts}

    def _evaluated(self, session: Session, fields: list[StructField], given: dict[str, str]) -> list[tuple[str, str]]:
        """`name=value` as a directory and the value as text, of each column."""
        time_zone = session.conf.get("spark.sql.session.timeZone") or "UTC"
        values = tuple(
            Alias(Cast(parse_expression(given[f.name.lower()], time_zone=time_zone), f.dataType), (f.name,))
            for f in fields
        )
        table = run(session, resolve(session, Project(values, OneRow()))).table
        found = []
        for column, field in zip(table.columns, fields, strict=True):
            text = texts(column, field.dataType, zone(time_zone))[0]
            found.append((f"{escape(field.name)}={escape(text) if text else NULL_DIRECTORY}", text or "null"))
        return found

    def matches(self, directory: str) -> bool:
        """Whether a partition of the table is (one of) this."""
        return self._names <= set(directory.split("/"))


def change(session: Session, statement: st.ChangePartitions) -> Result:
    """ADD, DROP, RENAME and TRUNCATE PARTITION."""
    about, action = _ABOUT[statement.action]
    table = require_table(session, statement.name, about)
    if not table.partition_by:
        raise _not_partitioned(table, action)
    partitions = [_named(session, table, spec) for spec in statement.specs]
    if statement.action in ("add", "rename") and not all(p.whole for p in partitions):
        raise _not_whole(table, statement.specs)
    if statement.action == "truncate":
        _truncate(session, table, partitions[0])
    elif statement.action == "rename":
        old, new = partitions
        session.catalog.tables.update(table, lambda known: _renamed(known, old, new))
    elif statement.action == "add":
        session.catalog.tables.update(table, lambda known: _added(known, partitions, statement.lenient))
    else:
        session.catalog.tables.update(table, lambda known: _dropped(known, partitions, statement.lenient))
    session.caches.forget_path(table.path)
    return nothing()


def _named(session: Session, table: Table, spec: st.Spec) -> Partition:
    """Raises PARTITIONS_NOT_FOUND for a column that is none of the partition columns."""
    keys = {name.lower() for name in table.partition_by}
    unknown = [name for name, _ in spec if name.lower() not in keys]
    if unknown:
        raise _missing(", ".join(f"`{name}`" for name in unknown), quoted(table.full_name))
    return Partition(session, table, spec)


def _not_partitioned(table: Table, action: str) -> SparkError:
    name = quoted(table.full_name)
    message = f"The table {name} is not partitioned."
    if not action:
        return analysis_error("_LEGACY_ERROR_TEMP_1267", message, "XXKD0", tableIdentWithDB=name)
    return analysis_error("_LEGACY_ERROR_TEMP_1251", message, "XXKD0", action=action, tableName=table.name)


def _not_whole(table: Table, specs: tuple[st.Spec, ...]) -> SparkError:
    partial = next(spec for spec in specs if len(spec) < len(table.partition_by))
    keys, columns = ", ".join(name for name, _ in partial), ", ".join(table.partition_by)
    message = f"The partition names {keys}; the partition columns of {quoted(table.full_name)} are {columns}."
    shown = {"specKeys": keys, "partitionColumnNames": columns, "tableName": quoted(table.full_name)}
    return analysis_error("_LEGACY_ERROR_TEMP_1232", message, "XXKD0", **shown)


def _missing(partitions: str, table: str) -> SparkError:
    message = f"The table {table} has no {partitions}."
    return analysis_error("PARTITIONS_NOT_FOUND", message, "428FT", partitionList=partitions, tableName=table)


def _already(partitions: list[Partition], table: Table) -> SparkError:
    shown = {"partitionList": ", ".join(p.shown for p in partitions), "tableName": quoted(table.full_name[1:])}
    message = f"The table {shown['tableName']} has {shown['partitionList']} already."
    return analysis_error("PARTITIONS_ALREADY_EXIST", message, "428FT", **shown)


def _require(table: Table, partitions: list[Partition]) -> None:
    missing = [p for p in partitions if p.directory not in table.partitions]
    if missing:
        raise _missing(", ".join(p.shown for p in missing), quoted(table.full_name[1:]))


def _added(table: Table, partitions: list[Partition], lenient: bool) -> Table:
    """The directories are made: a partition of which nothing has been written has no rows."""
    there = [p for p in partitions if p.directory in table.partitions]
    if there and not lenient:
        raise _already(there, table)
    new = tuple(dict.fromkeys(p.directory for p in partitions if p not in there))
    for directory in new:
        (Path(table.path) / directory).mkdir(parents=True, exist_ok=True)
    return replace(table, partitions=(*table.partitions, *new))


def _dropped(table: Table, partitions: list[Partition], lenient: bool) -> Table:
    """The files of a managed table go, those of an external one stay."""
    if not lenient:
        _require(table, partitions)
    gone = {p.directory for p in partitions if p.directory in table.partitions}
    for directory in gone if table.managed else ():
        shutil.rmtree(Path(table.path) / directory, ignore_errors=True)
    return replace(table, partitions=tuple(d for d in table.partitions if d not in gone))


def _renamed(table: Table, old: Partition, new: Partition) -> Table:
    _require(table, [old])
    if new.directory in table.partitions:
        raise _already([new], table)
    if not table.managed:
        what = "ALTER TABLE ... RENAME TO PARTITION of an external table"
        raise unsupported(what, "The name of a directory is its partition's value; add the partition anew.")
    root = Path(table.path)
    move_directory(str(root / old.directory), str(root / new.directory), quoted(table.full_name))
    return replace(table, partitions=tuple(new.directory if d == old.directory else d for d in table.partitions))


def _truncate(session: Session, table: Table, partition: Partition) -> None:
    if not table.managed:
        raise cannot_truncate(table)
    if partition.whole:
        _require(table, [partition])
    for directory in table.partitions:
        if partition.matches(directory):
            table_writes.clear_directory(Path(table.path) / directory)


def cannot_truncate(table: Table) -> SparkError:
    """CANNOT_TRUNCATE_EXTERNAL_TABLE."""
    name = quoted(table.full_name)
    message = f"The table {name} is external: its files are not ours to remove."
    return analysis_error("CANNOT_TRUNCATE_EXTERNAL_TABLE", message, "42928", tableName=name)


def repair_table(session: Session, statement: st.RepairTable) -> Result:
    """MSCK REPAIR TABLE and ALTER TABLE ... RECOVER PARTITIONS."""
    about = "MSCK REPAIR TABLE" if statement.msck else "ALTER TABLE ... RECOVER PARTITIONS"
    table = require_table(session, statement.name, about)
    repair(session, table, add=statement.add, drop=statement.drop, msck=statement.msck)
    return nothing()


def repair(session: Session, table: Table, *, add: bool = True, drop: bool = False, msck: bool = False) -> None:
    """The partitions that are on disk are the table's; with `drop` those that are not there (any more) are not."""
    if not table.partition_by:
        name = quoted(table.full_name)
        operation = "MSCK REPAIR TABLE" if msck else "ALTER TABLE RECOVER PARTITIONS"
        message = f"The table {name} is not partitioned."
        shown = {"operation": operation, "tableIdentWithDB": name}
        raise analysis_error("NOT_A_PARTITIONED_TABLE", message, "42809", **shown)

    def repaired(known: Table) -> Table:
        found = partition_directories(known)
        kept = tuple(d for d in known.partitions if not drop or d in found)
        return replace(known, partitions=(*kept, *(d for d in found if add and d not in kept)))

    session.catalog.tables.update(table, repaired)
    session.caches.forget_path(table.path)


def show(session: Session, statement: st.ShowPartitions) -> Result:
    """SHOW PARTITIONS ... PARTITION (...)."""
    from penstock.connect.table_commands import PARTITION, partition_rows

    table = require_table(session, statement.name, "SHOW PARTITIONS")
    rows = partition_rows(table)
    wanted = _named(session, table, statement.spec)
    return rows_result(PARTITION, [row for row in rows if wanted.matches(row[0])])


def nothing() -> Result:
    """A command without rows."""
    return rows_result(StructType(), [])

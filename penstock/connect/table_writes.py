"""Rows into tables: saveAsTable, insertInto, INSERT, CREATE TABLE AS SELECT, TRUNCATE."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.connect.catalog import not_found, quoted
from penstock.connect.column_defaults import constant, default
from penstock.connect.pipeline import require_batch, run
from penstock.connect.tables import (
    CATALOG,
    Buckets,
    Table,
    already_exists,
    files_below,
    managed_path,
    table_schema,
    unknown_files,
    with_partitions,
    without_columns,
)
from penstock.core.errors import analysis_error, unsupported
from penstock.core.files import local_path
from penstock.functions.coercion import cast_if_needed, is_numeric, is_string, same_type
from penstock.functions.type_names import quoted_type
from penstock.plan.expressions import Alias, Attribute, Expression, Literal, fresh_id
from penstock.plan.nodes import Node, Project
from penstock.plan.types import (
    NULL,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

if TYPE_CHECKING:
    from penstock.connect.operations import Operation
    from penstock.connect.session import Session

#: Formats that a table can have here.
PROVIDERS = ("parquet", "csv", "json", "text")
_TIMES = (DateType, TimestampType, TimestampNTZType)


def define(
    session: Session,
    parts: tuple[str, ...],
    schema: StructType,
    provider: str | None = None,
    *,
    partition_by: Sequence[str] = (),
    options: Mapping[str, str] | None = None,
    location: str | None = None,
    comment: str | None = None,
    properties: Mapping[str, str] | None = None,
    buckets: Buckets | None = None,
    take_over: bool = False,
) -> Table:
    """A new table, known to the catalog; its directory exists from now on.

    take_over: what a stream of an earlier process has left in the directory is the table's, so that the stream can be
    started again: the catalog does not outlive the process, the rows and the sink's log do."""
    format_name = (provider or session.conf["spark.sql.sources.default"]).lower()
    if format_name not in PROVIDERS:
        raise unsupported(f"tables in the format {format_name}", f"The formats are {', '.join(PROVIDERS)}.")
    catalog, name = session.catalog, parts[-1]
    check_name(parts)
    database = catalog.tables.database(catalog.table_name(parts)[0], session.conf)
    given = dict(options or {})
    path = location or next((given.pop(key) for key in list(given) if key.lower() == "path"), None)
    keys = tuple(partition_by)
    table = Table(
        database.name, name.lower(), table_schema(schema, keys), format_name,
        str(local_path(path)) if path else managed_path(database, name), keys, given, dict(properties or {}), comment,
        managed=path is None, buckets=checked_buckets(buckets, schema, keys, (CATALOG, database.name, name)),
    )  # fmt: skip
    _check_place(session, table, take_over)
    catalog.tables.create(table)
    Path(table.path).mkdir(parents=True, exist_ok=True)
    return table


def check_name(parts: tuple[str, ...]) -> None:
    """A name that the catalog can hold."""
    if len(parts) > (3 if parts[0].lower() == CATALOG else 2):
        message = f"The catalog {CATALOG} has schemas of one part; {quoted(parts)} names one of {len(parts) - 1}."
        condition = "REQUIRES_SINGLE_PART_NAMESPACE"
        raise analysis_error(condition, message, "42K05", sessionCatalog=CATALOG, identifier=quoted(parts))
    if not re.fullmatch(r"[A-Za-z0-9_]+", parts[-1]):
        shown = quoted(parts[-1:])
        message = f"{shown} is no name for a table: use letters, digits and underscores."
        raise analysis_error("INVALID_SCHEMA_OR_RELATION_NAME", message, "42602", name=shown)


def checked_buckets(
    buckets: Buckets | None, schema: StructType, partition_by: tuple[str, ...], parts: tuple[str, ...]
) -> Buckets | None:
    """Raises INVALID_BUCKET_COUNT, COLUMN_NOT_DEFINED_IN_TABLE."""
    if buckets is None:
        return None
    if not 0 < buckets.count <= 100_000:
        message = f"The number of buckets should be greater than 0 and at most 100000, not {buckets.count}."
        shown = {"bucketingMaxBuckets": 100_000, "numBuckets": buckets.count}
        raise analysis_error("INVALID_BUCKET_COUNT", message, "22003", **shown)
    known = {name.lower() for name in schema.names}
    for column in (*buckets.columns, *buckets.sorted_by):
        if column.lower() in known and column.lower() not in {name.lower() for name in partition_by}:
            continue
        kind = "bucket" if column in buckets.columns else "sort"
        message = f"The {kind} column `{column}` of the table {quoted(parts)} is not one of its data columns."
        raise analysis_error(
            "COLUMN_NOT_DEFINED_IN_TABLE", message, "42703", colType=kind, colName=f"`{column}`",
            tableName=quoted(parts), tableCols=", ".join(f"`{name}`" for name in schema.names),
        )  # fmt: skip
    return buckets


def _check_place(session: Session, table: Table, take_over: bool) -> None:
    if session.catalog.tables.find(table.database, table.name) is not None:
        raise already_exists(table.full_name)
    place = Path(table.path)
    if take_over and (place / "_spark_metadata").is_dir():
        return
    if table.managed and place.is_dir() and any(place.iterdir()):
        shown, identifier = f"'file:{table.path}'", quoted(table.full_name)
        message = f"The directory {shown} of the table {identifier} exists already and is not empty."
        raise analysis_error("LOCATION_ALREADY_EXISTS", message, "42710", location=shown, identifier=identifier)


def writable(session: Session, parts: tuple[str, ...]) -> Table:
    """A table by its name; views cannot be written."""
    table = session.catalog.table(parts)
    if table is None:
        raise not_found(parts, "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]")
    if table.view is not None:
        name = quoted(table.full_name)
        raise analysis_error("UNSUPPORTED_INSERT.RDD_BASED", f"{name} is a view and cannot be written.", "42809")
    return table


def insert(session: Session, table: Table, plan: Node, operation: Operation | None, *, overwrite: bool = False) -> None:
    """The rows of a resolved plan, by position, into a table."""
    from penstock.sinks import batch_writer

    require_batch(plan)
    result = run(session, conformed(session, table, plan), operation)
    before = unknown_files(table)
    job = batch_writer.write(
        result.table,
        table.schema,
        format=table.provider,
        path=table.path,
        mode="overwrite" if overwrite else "append",
        partition_by=table.partition_by,
        options={key.lower(): value for key, value in table.options.items()},
        conf=session.conf,
    )
    session.catalog.tables.update(table, lambda known: _after_write(known, table, before, job, overwrite))
    session.caches.forget_path(table.path)


def _after_write(known: Table, planned: Table, before: Mapping[str, set[str]], job: str, overwrite: bool) -> Table:
    """What is known of the table after a write; the files do not have columns that came after it was planned."""
    found = (
        with_partitions(replace(known, partitions=(), lacking={}), {}) if overwrite else with_partitions(known, before)
    )
    had = {name.lower() for name in planned.schema.names}
    late = [column for column in known.younger if column[0] not in had]
    return without_columns(found, files_below(found.path, job) if late and job else (), late)


def truncate(session: Session, table: Table) -> None:
    """A table without its rows; its partitions stay, empty."""
    kept = {Path(table.path) / directory for directory in table.partitions}
    for directory in kept:
        clear_directory(directory)
    clear_directory(Path(table.path), {parent for directory in kept for parent in (directory, *directory.parents)})
    session.caches.forget_path(table.path)


def clear_directory(directory: Path, kept: Collection[Path] = ()) -> None:
    """Remove what is in a directory, but for `kept`."""
    import shutil

    for entry in directory.iterdir() if directory.is_dir() else ():
        if entry in kept:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def conformed(session: Session, table: Table, plan: Node) -> Node:
    """The plan's columns as the table's, by position.  Raises INSERT_COLUMN_ARITY_MISMATCH, and
    INCOMPATIBLE_DATA_FOR_TABLE for a type that ANSI does not assign."""
    given, wanted = plan.output, table.schema.fields
    if len(given) != len(wanted):
        raise arity_error(table, [a.name for a in given])
    columns: list[Expression] = []
    for a, f in zip(given, wanted, strict=True):
        if not assignable(a.type, f.dataType):
            raise _unsafe(table, f.name, a.type, f.dataType)
        columns.append(Alias(cast_if_needed(a, f.dataType, session.conf), (f.name,), fresh_id()))
    return Project(tuple(columns), plan)


def arranged(session: Session, table: Table, plan: Node, given: Mapping[str, Expression]) -> Node:
    """A resolved plan's columns as the table's: those `given` (by names in lower case), and defaults."""
    columns = [
        Alias(
            given[f.name.lower()] if f.name.lower() in given else constant(session, default(session, f)),
            (f.name,),
            fresh_id(),
        )
        for f in table.schema.fields
    ]
    return Project(tuple(columns), plan)


def by_name(session: Session, table: Table, plan: Node, names: Sequence[str]) -> Node:
    """The plan's columns, called `names`, in the order of the table's; columns that are not given are NULL."""
    if len(names) != len(plan.output):
        raise arity_error(table, [a.name for a in plan.output])
    given: dict[str, Attribute] = {name.lower(): a for name, a in zip(names, plan.output, strict=True)}
    unknown = set(given) - {f.name.lower() for f in table.schema.fields}
    if unknown:
        shown = f"`{next(iter(unknown))}`"
        message = f"The table {quoted(table.full_name)} has no column {shown}."
        raise analysis_error("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", message, "42703", objectName=shown)
    columns = [
        Alias(given.get(f.name.lower(), Literal(None, NULL)), (f.name,), fresh_id()) for f in table.schema.fields
    ]
    return Project(tuple(columns), plan)


def assignable(source: DataType, target: DataType) -> bool:
    """Whether a value may be stored in a column of another type (spark.sql.storeAssignmentPolicy=ANSI)."""
    if same_type(source, target) or source == NULL:
        return True
    if is_numeric(source) and is_numeric(target):
        return True
    if isinstance(source, _TIMES) and isinstance(target, _TIMES):
        return True
    return (
        is_string(target) and (is_numeric(source) or is_string(source) or isinstance(source, (*_TIMES, BooleanType)))
    ) or (isinstance(source, BinaryType) and isinstance(target, BinaryType))


def arity_error(table: Table, given: list[str], columns: Sequence[str] = ()) -> Exception:
    """INSERT_COLUMN_ARITY_MISMATCH: `columns` are those that are written, all by default."""
    columns = columns or [f.name for f in table.schema.fields]
    kind = "NOT_ENOUGH_DATA_COLUMNS" if len(given) < len(columns) else "TOO_MANY_DATA_COLUMNS"
    name = quoted(table.full_name)
    message = f"{len(given)} columns cannot be written to {name}, which has {len(columns)}."
    shown = {
        "tableColumns": ", ".join(f"`{c}`" for c in columns), "dataColumns": ", ".join(f"`{c}`" for c in given),
    }  # fmt: skip
    return analysis_error(f"INSERT_COLUMN_ARITY_MISMATCH.{kind}", message, "21S01", tableName=name, **shown)


def _unsafe(table: Table, column: str, source: DataType, target: DataType) -> Exception:
    name = quoted(table.full_name)
    shown = {"colName": f"`{column}`", "srcType": quoted_type(source), "targetType": quoted_type(target)}
    message = (
        f"The column `{column}` of {name} is {shown['targetType']}: {shown['srcType']} cannot safely be cast to it."
    )
    condition = "INCOMPATIBLE_DATA_FOR_TABLE.CANNOT_SAFELY_CAST"
    return analysis_error(condition, message, "KD000", tableName=name, **shown)

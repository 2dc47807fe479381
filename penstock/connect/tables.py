"""The catalog `spark_catalog`: databases, tables whose rows are files, and persistent views.

It lives as long as the server, as Spark's in-memory catalog does; the files of managed tables are under
`spark.sql.warehouse.dir`.  A partitioned table knows its partitions: a directory that nobody has added is not read.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from penstock.core.config import Conf
from penstock.core.errors import SparkError, analysis_error
from penstock.core.files import local_path
from penstock.plan.nodes import Node
from penstock.plan.sql_functions import UserFunction
from penstock.plan.types import StructField, StructType

CATALOG = "spark_catalog"
DEFAULT = "default"


@dataclass(frozen=True)
class Database:
    """A namespace of tables."""

    name: str
    location: str
    description: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Buckets:
    """`CLUSTERED BY (columns) SORTED BY (sorted_by) INTO count BUCKETS`: kept with the table, and nothing at run
    time."""

    count: int
    columns: tuple[str, ...]
    sorted_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """Files in one directory, or (with `view`) a query under a name.

    lacking: names of files that do not have columns which were added with a default, and these columns in lower case
    with the text of the value that stands for them; `younger` are all such columns."""

    database: str
    name: str
    schema: StructType
    provider: str = ""
    path: str = ""
    partition_by: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)
    comment: str | None = None
    managed: bool = True
    partitions: tuple[str, ...] = ()
    view: Callable[[], Node] | None = None
    query: Node | None = None  # of a view: the plan as it was written, with the names that it uses
    lacking: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    younger: tuple[tuple[str, str], ...] = ()
    buckets: Buckets | None = None

    @property
    def kind(self) -> str:
        """As Spark names it."""
        return "VIEW" if self.view is not None else "MANAGED" if self.managed else "EXTERNAL"

    @property
    def full_name(self) -> tuple[str, str, str]:
        return (CATALOG, self.database, self.name)


#: The property that says which columns a table is clustered by: a JSON list of names in parts, as Spark keeps it.
CLUSTERING = "clusteringColumns"


class TableCatalog:
    """All databases and tables of a server.  Thread-safe; names compare without regard to case."""

    def __init__(self) -> None:
        self._databases: dict[str, Database] = {}
        self._tables: dict[tuple[str, str], Table] = {}
        self.functions: dict[tuple[str, str], UserFunction] = {}
        self._lock = threading.RLock()

    # ---- databases

    def database(self, name: str, conf: Conf) -> Database:
        """A database; raises SCHEMA_NOT_FOUND."""
        found = self.find_database(name, conf)
        if found is None:
            raise schema_not_found(name)
        return found

    def find_database(self, name: str, conf: Conf) -> Database | None:
        """A database, or None; `default` is always there."""
        found = self._databases.get(name.lower())
        if found is None and name.lower() == DEFAULT:
            return Database(DEFAULT, warehouse(conf), "default database")
        return found

    def databases(self, conf: Conf) -> list[Database]:
        """All of them, by name."""
        with self._lock:
            known = {DEFAULT: self.database(DEFAULT, conf), **self._databases}
        return sorted(known.values(), key=lambda database: database.name)

    def update_database(self, name: str, conf: Conf, change: Callable[[Database], Database]) -> None:
        """Change what is known of a database; raises SCHEMA_NOT_FOUND."""
        with self._lock:
            known = self.database(name, conf)
            self._databases[known.name.lower()] = change(known)

    def create_database(self, database: Database, conf: Conf, *, if_not_exists: bool) -> None:
        """Raises SCHEMA_ALREADY_EXISTS."""
        with self._lock:
            if self.find_database(database.name, conf) is None:
                self._databases[database.name.lower()] = database
            elif not if_not_exists:
                shown = f"`{database.name}`"
                message = f"There is a schema {shown} already."
                raise analysis_error("SCHEMA_ALREADY_EXISTS", message, "42P06", schemaName=shown)

    def drop_database(self, name: str, conf: Conf, *, if_exists: bool, cascade: bool) -> None:
        """With `cascade` its tables go too; else it has to be empty."""
        if name.lower() == DEFAULT:
            message = "The database `default` cannot be dropped."
            shown = "`spark_catalog`.`default`"
            raise analysis_error("UNSUPPORTED_FEATURE.DROP_DATABASE", message, "0A000", database=shown)
        with self._lock:
            if self.find_database(name, conf) is None:
                if if_exists:
                    return
                raise schema_not_found(name)
            tables = self.tables(name)
            if tables and not cascade:
                message = f"The schema `{name}` is not empty: drop its tables, or use CASCADE."
                raise analysis_error("SCHEMA_NOT_EMPTY", message, "2BP01", schemaName=f"`{name}`")
            for table in tables:
                self.drop(table)
            del self._databases[name.lower()]

    # ---- tables

    def find(self, database: str, name: str) -> Table | None:
        """A table or persistent view."""
        return self._tables.get((database.lower(), name.lower()))

    def tables(self, database: str) -> list[Table]:
        """What a database holds, by name."""
        with self._lock:
            held = [table for (owner, _), table in self._tables.items() if owner == database.lower()]
        return sorted(held, key=lambda table: table.name)

    def create(self, table: Table) -> None:
        """Raises TABLE_OR_VIEW_ALREADY_EXISTS."""
        with self._lock:
            if self.find(table.database, table.name) is not None:
                raise already_exists(table.full_name)
            self._tables[(table.database.lower(), table.name.lower())] = table

    def put(self, table: Table) -> None:
        """Replace what is known of a table."""
        with self._lock:
            self._tables[(table.database.lower(), table.name.lower())] = table

    def update(self, table: Table, change: Callable[[Table], Table]) -> None:
        """Change what is known of a table by now: others may have changed or dropped it since `table` was looked up."""
        with self._lock:
            known = self.find(table.database, table.name)
            if known is not None and known.path == table.path:
                self.put(change(known))

    def rename(self, table: Table, name: str, path: str) -> None:
        """Another name in the same database; the directory of a managed table moves to `path` with it.  Raises
        TABLE_OR_VIEW_ALREADY_EXISTS, LOCATION_ALREADY_EXISTS."""
        with self._lock:
            known = self.find(table.database, table.name)
            if self.find(table.database, name) is not None:
                raise already_exists((table.database, name))
            if known is None:
                return
            if known.path != path:
                move_directory(known.path, path, quoted_name(known.full_name))
            del self._tables[(known.database.lower(), known.name.lower())]
            self.put(replace(known, name=name, path=path))

    def drop(self, table: Table) -> None:
        """Forget a table; the files of a managed one are removed."""
        with self._lock:
            self._tables.pop((table.database.lower(), table.name.lower()), None)
        if table.view is None and table.managed:
            shutil.rmtree(table.path, ignore_errors=True)


def warehouse(conf: Conf) -> str:
    """Where managed tables live, as a URI."""
    return str(conf.get("spark.sql.warehouse.dir") or f"file:{Path.cwd()}/spark-warehouse")


def managed_path(database: Database, name: str) -> str:
    """The directory of a managed table."""
    return str(Path(local_path(database.location)) / name.lower())


def database_location(name: str, conf: Conf) -> str:
    """Where the tables of a new database go."""
    return f"{warehouse(conf).rstrip('/')}/{name.lower()}.db"


def table_schema(schema: StructType, partition_by: tuple[str, ...]) -> StructType:
    """The columns of a table: all nullable, partition columns last.  Raises COLUMN_NOT_FOUND for an unknown one."""
    by_name = {f.name.lower(): f for f in schema.fields}
    for name in partition_by:
        if name.lower() not in by_name:
            shown = f"`{name}`"
            message = f"The partition column {shown} is none of the table's columns."
            raise analysis_error("COLUMN_NOT_FOUND", message, "42703", colName=shown, caseSensitiveConfig="false")
    keys = [by_name[name.lower()] for name in partition_by]
    data = [f for f in schema.fields if f not in keys]
    return StructType([StructField(f.name, f.dataType, True, f.metadata) for f in (*data, *keys)])


def partition_directories(table: Table) -> tuple[str, ...]:
    """The partitions that exist on disk: `p=1/q=2`."""
    found = [Path(table.path)]
    for name in table.partition_by:
        found = [d for parent in found if parent.is_dir() for d in sorted(parent.iterdir())
                 if d.is_dir() and d.name.lower().startswith(f"{name.lower()}=")]  # fmt: skip
    return tuple(str(d.relative_to(table.path)) for d in found) if table.partition_by else ()


def unknown_files(table: Table) -> dict[str, set[str]]:
    """What lies in directories that are no partitions of the table (any more): a write makes partitions of them."""
    found = (d for d in partition_directories(table) if d not in table.partitions)
    return {directory: {entry.name for entry in (Path(table.path) / directory).iterdir()} for directory in found}


def with_partitions(table: Table, before: Mapping[str, set[str]]) -> Table:
    """The table after a write: the directories in which files came with it are partitions."""
    new = tuple(d for d, names in unknown_files(table).items() if names - before.get(d, set()))
    return replace(table, partitions=(*(p for p in table.partitions if (Path(table.path) / p).is_dir()), *new))


def without_columns(table: Table, files: Iterable[str], columns: Iterable[tuple[str, str]]) -> Table:
    """The table with files that do not have some columns."""
    new = tuple(columns)
    added = {name: (*table.lacking.get(name, ()), *new) for name in files}
    return replace(table, lacking={**table.lacking, **added}) if new else table


def files_below(directory: str, part: str = "") -> list[str]:
    """The names of the files in a directory and in those below it that have `part` in them."""
    found = Path(directory).rglob("*") if Path(directory).is_dir() else ()
    return [path.name for path in found if part in path.name and path.is_file()]


def move_directory(old: str, new: str, identifier: str) -> None:
    """A directory under another name; raises LOCATION_ALREADY_EXISTS where something is there."""
    target = Path(new)
    if target.is_dir() and any(target.iterdir()):
        message = f"The directory 'file:{new}' exists already and is not empty."
        raise analysis_error(
            "LOCATION_ALREADY_EXISTS", message, "42710", location=f"'file:{new}'", identifier=identifier
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    if Path(old).is_dir():
        Path(old).replace(target)  # an empty directory gives way
    else:
        target.mkdir(exist_ok=True)


def quoted_name(parts: tuple[str, ...]) -> str:
    """A name with back quotes."""
    return ".".join(f"`{part}`" for part in parts)


def schema_not_found(name: str) -> SparkError:
    """SCHEMA_NOT_FOUND."""
    schema = f"`{CATALOG}`.`{name}`"
    return analysis_error("SCHEMA_NOT_FOUND", f"There is no schema {schema}.", "42704", schemaName=schema)


def already_exists(parts: tuple[str, ...]) -> SparkError:
    """TABLE_OR_VIEW_ALREADY_EXISTS."""
    shown = quoted_name(parts)
    message = f"There is a table or view {shown} already."
    return analysis_error("TABLE_OR_VIEW_ALREADY_EXISTS", message, "42P07", relationName=shown)

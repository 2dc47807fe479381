"""What a session's plans can name: temp views (its own and the server's global ones; a view is a resolved plan), and
the tables of the catalog."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.connect import script_scope
from penstock.connect.tables import CATALOG, DEFAULT, Table, TableCatalog, already_exists
from penstock.core.config import Conf
from penstock.core.errors import SparkError, analysis_error, unsupported
from penstock.plan.expressions import Literal, PythonFunction
from penstock.plan.nodes import Node, Read
from penstock.plan.sql_functions import UserFunction
from penstock.plan.table_functions import PythonTableFunction
from penstock.plan.types import StructType
from penstock.sources.base import Scan, StreamContext, StreamSource

if TYPE_CHECKING:
    from penstock.pyfn.data_sources import PythonDataSource

#: A resolved plan, or what makes one anew at each look-up (the table of a memory sink grows).
View = Node | Callable[[], Node]

GLOBAL_DATABASE = "global_temp"


class Views:
    """Views of one namespace; names compare as the session's case sensitivity says."""

    def __init__(self) -> None:
        self._views: dict[str, View] = {}
        self._lock = threading.Lock()

    def get(self, name: str, case_sensitive: bool) -> View | None:
        with self._lock:
            key = self._key(name, case_sensitive)
            return None if key is None else self._views[key]

    def put(self, name: str, view: View, *, replace: bool, case_sensitive: bool) -> None:
        """Define a view; one that is there is replaced or is an error."""
        with self._lock:
            key = self._key(name, case_sensitive)
            if key is not None and not replace:
                raise _already_exists(name)
            if key is not None:
                del self._views[key]
            self._views[name if case_sensitive else name.lower()] = view

    def drop(self, name: str, case_sensitive: bool) -> bool:
        """Whether there was one."""
        with self._lock:
            key = self._key(name, case_sensitive)
            return key is not None and self._views.pop(key) is not None

    def rename(self, name: str, new: str, case_sensitive: bool) -> None:
        """Another name for a view that is there."""
        with self._lock:
            key = self._key(name, case_sensitive)
            if self._key(new, case_sensitive) is not None:
                raise already_exists((new,))
            if key is not None:
                self._views[new if case_sensitive else new.lower()] = self._views.pop(key)

    def names(self) -> list[str]:
        with self._lock:
            return sorted(self._views)

    def copy(self) -> Views:
        """The same views, independent from now on."""
        other = Views()
        with self._lock:
            other._views = dict(self._views)
        return other

    def _key(self, name: str, case_sensitive: bool) -> str | None:
        if name in self._views:
            return name
        if case_sensitive:
            return None
        return next((key for key in self._views if key.lower() == name.lower()), None)


class SessionCatalog:
    """What a session's plans can name: `penstock.analysis.context.Catalog`."""

    def __init__(
        self, conf: Conf, global_views: Views, views: Views | None = None, tables: TableCatalog | None = None
    ) -> None:
        self.conf = conf
        self.tables = tables or TableCatalog()
        self.current_database = DEFAULT
        self.views = views or Views()
        self.global_views = global_views
        self.relations: dict[str, Node] = {}
        self.made_tables: set[bytes] = set()  # the messages of createTable, each with its DataFrame's id
        self.functions: dict[str, PythonFunction] = {}
        self.sql_functions: dict[str, UserFunction] = {}
        self.variables: dict[str, Literal] = {}
        self.table_functions: dict[str, PythonTableFunction] = {}
        self.data_sources: dict[str, PythonDataSource] = {}

    def lookup(self, parts: tuple[str, ...], *, streaming: bool = False) -> Node | None:
        """The plan of a temp view (`name` or `global_temp.name`), else of a table (also as a stream) or a persistent
        view."""
        view: View | None = None
        if len(parts) == 1:
            view = self.views.get(parts[0], self.conf.case_sensitive)
        elif len(parts) == 2 and parts[0].lower() == GLOBAL_DATABASE:
            view = self.global_views.get(parts[1], self.conf.case_sensitive)
        if view is None:
            table = self.table(parts)
            return None if table is None else scan(table, self.conf, streaming=streaming)
        return view if isinstance(view, Node) else view()

    def table(self, parts: tuple[str, ...]) -> Table | None:
        """A table or persistent view: `name`, `database.name`, `spark_catalog.database.name`."""
        if len(parts) > (3 if parts[0].lower() == CATALOG else 2):
            return None
        return self.tables.find(*self.table_name(parts))

    def table_name(self, parts: tuple[str, ...]) -> tuple[str, str]:
        """The database and the bare name that a table's name stands for."""
        if len(parts) == 3 and parts[0].lower() == CATALOG:
            parts = parts[1:]
        return (self.current_database, parts[0]) if len(parts) == 1 else (parts[0], parts[1])

    def is_view(self, parts: tuple[str, ...]) -> bool:
        """Whether a name means a temp view."""
        if len(parts) == 2 and parts[0].lower() == GLOBAL_DATABASE:
            return self.global_views.get(parts[1], self.conf.case_sensitive) is not None
        return len(parts) == 1 and self.views.get(parts[0], self.conf.case_sensitive) is not None

    def cached(self, relation_id: str) -> Node | None:
        """A DataFrame that the server keeps under an id."""
        return self.relations.get(relation_id)

    def create_view(self, name: str, view: View, *, is_global: bool, replace: bool) -> None:
        """createTempView and its variants; `name` is the bare name."""
        views = self.global_views if is_global else self.views
        views.put(name, view, replace=replace, case_sensitive=self.conf.case_sensitive)

    def register(self, function: PythonFunction) -> None:
        """spark.udf.register: a function that SQL text may call, in place of one registered before."""
        self.functions[function.name.lower()] = function

    def register_table(self, function: PythonTableFunction) -> None:
        """spark.udtf.register."""
        self.table_functions[function.name.lower()] = function

    def variable(self, parts: tuple[str, ...]) -> Literal | None:
        """A variable of the running script, or a session variable: `x`, `session.x`, `system.session.x`."""
        place = self.variable_place(parts)
        return None if place is None else place.get(parts[-1].lower())

    def variable_place(self, parts: tuple[str, ...]) -> dict[str, Literal] | None:
        """Where a variable is kept, by its name in lower case; None where there is no such variable."""
        if (found := script_scope.local(parts)) is not None:
            return found
        is_session = tuple(part.lower() for part in parts[:-1]) in ((), ("session",), ("system", "session"))
        return self.variables if is_session and parts[-1].lower() in self.variables else None

    def function_key(self, parts: tuple[str, ...]) -> tuple[str, str]:
        """The database and the bare name that a function's name stands for, in lower case."""
        database, name = self.table_name(parts)
        return database.lower(), name.lower()

    def sql_function(self, name: str) -> UserFunction | None:
        """A function that SQL defined: `f`, `database.f`, `spark_catalog.database.f`."""
        parts = tuple(name.split("."))
        if len(parts) == 1 and (found := self.sql_functions.get(name.lower())) is not None:
            return found
        return self.tables.functions.get(self.function_key(parts)) if len(parts) <= 3 else None

    def drop_view(self, parts: tuple[str, ...]) -> bool:
        """Whether there was such a temp view."""
        if len(parts) == 2 and parts[0].lower() == GLOBAL_DATABASE:
            return self.global_views.drop(parts[1], self.conf.case_sensitive)
        return len(parts) == 1 and self.views.drop(parts[0], self.conf.case_sensitive)

    def listing(self, database: str | None = None, pattern: str | None = None) -> Iterator[tuple[str, str]]:
        """(namespace, name) of the temp views, those of `global_temp` first where that is asked for."""
        if (database or "").lower() == GLOBAL_DATABASE:
            yield from ((GLOBAL_DATABASE, name) for name in self.global_views.names() if matches(name, pattern))
        yield from (("", name) for name in self.views.names() if matches(name, pattern))


def matches(name: str, pattern: str | None) -> bool:
    """Spark's patterns: `*` for anything, `|` between alternatives, without regard to case."""
    if pattern is None:
        return True
    return any(fnmatch.fnmatchcase(name.lower(), part.strip().lower()) for part in pattern.split("|"))


def quoted(parts: tuple[str, ...]) -> str:
    """A name with back quotes, as error messages show it."""
    return ".".join(f"`{part.replace('`', '``')}`" for part in parts)


def view_name(parts: tuple[str, ...], *, is_global: bool) -> str:
    """The bare name of a view to create; a qualified one is refused, but for global_temp."""
    if len(parts) == 1 or (is_global and len(parts) == 2 and parts[0].lower() == GLOBAL_DATABASE):
        return parts[-1]
    message = f"A temporary view has a name of one part, not {quoted(parts)}."
    raise analysis_error("TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS", message, "428EK", actualName=quoted(parts))


def not_found(parts: tuple[str, ...], search_path: str) -> SparkError:
    """TABLE_OR_VIEW_NOT_FOUND."""
    message = f"There is no table or view {quoted(parts)} on the search path {search_path}."
    return analysis_error(
        "TABLE_OR_VIEW_NOT_FOUND", message, "42P01", relationName=quoted(parts), searchPath=search_path
    )


def scan(table: Table, conf: Conf, *, streaming: bool = False) -> Node:
    """The plan that reads a table: its files, of its partitions if it has such; no rows where there are no files.
    A stream reads what is in the table's directory, then or later."""
    from penstock.analysis.leaves import attributes_of
    from penstock.sources import registry
    from penstock.sources.files.relation import FileRelation

    if table.view is not None:
        return table.view()
    streamed = (Path(table.path) / "_spark_metadata").is_dir()  # a stream's log says which files count
    whole = streamed or streaming or not table.partition_by
    paths = (table.path,) if whole else tuple(str(Path(table.path) / p) for p in table.partitions)
    paths = tuple(path for path in paths if whole or Path(path).is_dir())
    options = dict(table.options) if whole else {**table.options, "basePath": table.path}
    read = Read(table.provider, options, paths, table.schema, columns=attributes_of(table.schema))
    there = streaming or (paths and Path(table.path).is_dir())
    relation = registry.resolve(read, conf) if there else NoFiles(table.schema)
    if isinstance(relation, FileRelation):
        relation = replace(relation, is_table=True, lacking=table.lacking)
    return replace(read, relation=relation)


@dataclass(frozen=True)
class NoFiles:
    """The relation of a table that has no directory to read (any more): it has no rows."""

    schema: StructType

    def scan(self, columns: Sequence[tuple[str, str]], time_zone: str) -> Scan:
        from penstock.engine.types import arrow_schema, from_spark_arrow

        fields = {f.name: f for f in self.schema.fields}
        wanted = StructType([fields[name] for name, _ in columns])
        return Scan(table=from_spark_arrow(arrow_schema(wanted).empty_table(), wanted, [name for _, name in columns]))

    def open_stream(self, context: StreamContext) -> StreamSource:
        raise unsupported("a stream from a table whose directory is gone")


def _already_exists(name: str) -> SparkError:
    message = f"There is a temporary view `{name}` already. Choose another name, or drop or replace that one."
    return analysis_error("TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", message, "42P07", relationName=f"`{name}`")

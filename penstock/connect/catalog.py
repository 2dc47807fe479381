"""Temp views by name: a session's own and the server's global ones; a view is a resolved plan."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable, Iterator

from penstock.core.config import Conf
from penstock.core.errors import SparkError, analysis_error
from penstock.plan.nodes import Node

#: A resolved plan, or what makes one anew at each look-up (the table of a memory sink grows).
View = Node | Callable[[], Node]

GLOBAL_DATABASE = "global_temp"


class Views:
    """Views of one namespace; names compare as the session's case sensitivity says."""

    def __init__(self) -> None:
        self._views: dict[str, View] = {}
        self._lock = threading.Lock()

    def get(self, name: str, case_sensitive: bool) -> View | None:
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

    def names(self) -> list[str]:
        return sorted(self._views)

    def copy(self) -> Views:
        """The same views, independent from now on."""
        other = Views()
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

    def __init__(self, conf: Conf, global_views: Views, views: Views | None = None) -> None:
        self.conf = conf
        self.views = views or Views()
        self.global_views = global_views
        self.relations: dict[str, Node] = {}
        self.cached_tables: set[str] = set()

    def lookup(self, parts: tuple[str, ...]) -> Node | None:
        """The plan of a temp view: `name` or `global_temp.name`."""
        view: View | None = None
        if len(parts) == 1:
            view = self.views.get(parts[0], self.conf.case_sensitive)
        elif len(parts) == 2 and parts[0].lower() == GLOBAL_DATABASE:
            view = self.global_views.get(parts[1], self.conf.case_sensitive)
        return view if view is None or isinstance(view, Node) else view()

    def cached(self, relation_id: str) -> Node | None:
        """A DataFrame that the server keeps under an id."""
        return self.relations.get(relation_id)

    def create_view(self, name: str, view: View, *, is_global: bool, replace: bool) -> None:
        """createTempView and its variants; `name` is the bare name."""
        views = self.global_views if is_global else self.views
        views.put(name, view, replace=replace, case_sensitive=self.conf.case_sensitive)

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


def schema_not_found(name: str) -> SparkError:
    """SCHEMA_NOT_FOUND: there is only `default`."""
    schema = f"`spark_catalog`.`{name}`"
    return analysis_error("SCHEMA_NOT_FOUND", f"There is no schema {schema}.", "42704", schemaName=schema)


def _already_exists(name: str) -> SparkError:
    message = f"There is a temporary view `{name}` already. Choose another name, or drop or replace that one."
    return analysis_error("TEMP_TABLE_OR_VIEW_ALREADY_EXISTS", message, "42P07", relationName=f"`{name}`")

"""What the analyzer needs from the session, injected so that analysis itself does no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from penstock.core.config import Conf
from penstock.core.errors import unsupported
from penstock.plan.expressions import Literal, PythonFunction
from penstock.plan.nodes import Node, Read
from penstock.plan.sql_functions import UserFunction
from penstock.plan.table_functions import PythonTableFunction
from penstock.sources.base import Relation

if TYPE_CHECKING:
    import pyarrow as pa

    from penstock.analysis.scope import Scope


class Catalog(Protocol):
    """Names that stand for plans; every plan given is already resolved."""

    current_database: str

    def lookup(self, parts: tuple[str, ...], *, streaming: bool = False) -> Node | None:
        """The plan of a temp view, or None."""

    def cached(self, relation_id: str) -> Node | None:
        """The plan of a DataFrame kept by the server, or None."""


class EmptyCatalog:
    """A catalog without any view."""

    current_database = "default"

    def lookup(self, parts: tuple[str, ...], *, streaming: bool = False) -> Node | None:
        return None

    def cached(self, relation_id: str) -> Node | None:
        return None


@dataclass(frozen=True)
class CommonTable:
    """A WITH definition: its unresolved plan, and the definitions that it can see.  `recursive`: it names itself, and
    may go on for `max_levels` steps (None: as the session says)."""

    plan: Node
    visible: Mapping[str, CommonTable]
    name: str = ""
    recursive: bool = False
    max_levels: int | None = None


@dataclass(frozen=True)
class AnalysisContext:
    """One analysis: the session's conf and catalog, and how a Read becomes a Relation.

    `functions` and `table_functions` were registered by the user (lower-case names), `sql_function` looks up those
    that SQL defined, `variable` session variables.  `collect` runs a resolved plan.  `common_tables` (lower-case
    names) and `outer` (the enclosing query's scope) change on the way down."""

    conf: Conf
    catalog: Catalog
    resolve_source: Callable[[Read], Relation]
    common_tables: Mapping[str, CommonTable] = field(default_factory=dict)
    outer: Scope | None = None
    collect: Callable[[Node], pa.Table] | None = None
    functions: Mapping[str, PythonFunction] = field(default_factory=dict)
    table_functions: Mapping[str, PythonTableFunction] = field(default_factory=dict)
    sql_function: Callable[[str], UserFunction | None] = lambda name: None
    variable: Callable[[tuple[str, ...]], Literal | None] = lambda parts: None
    case_sensitive: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "case_sensitive", self.conf.case_sensitive)

    def collected(self, plan: Node) -> pa.Table:
        """The rows of a resolved plan, in the client's types: some methods need them to know their columns."""
        if self.collect is None:
            raise unsupported("a plan whose columns depend on its rows", "It needs a session.")
        if plan.is_streaming:
            raise unsupported("a stream whose columns depend on its rows (pivot without values, crosstab, transpose)")
        return self.collect(plan)

    def key(self, name: str) -> str:
        """A name in the form in which names are compared."""
        return name if self.case_sensitive else name.lower()

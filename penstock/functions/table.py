"""The function table: one row a function.

A row says how a function's arguments are coerced, what its result is, how it is computed in DuckDB and how it shows in
column names.  Rows are registered by the family modules (`operators`, `math`, `strings`, ...); `families` says which
module has which name, so that a program imports the families it uses.

SQL templates are a str with `{0}`, `{1}`, `{*}` (all arguments, comma-separated), or a callable
`(args_sql, call, context) -> str`.  Templates of aggregates place `{distinct}` before the first argument, `{order}`
after the last one and `{tail}` (FILTER and OVER clauses) right after the DuckDB aggregate; in a callable these are the
constants DISTINCT, ORDER and TAIL.  Generators give a DuckDB LIST of STRUCTs with the fields g0, g1, ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from penstock.core.config import Conf
from penstock.core.errors import analysis_error
from penstock.functions.families import FAMILIES
from penstock.plan.expressions import Expression, FunctionCall, Lambda, SortOrder
from penstock.plan.types import DataType

if TYPE_CHECKING:
    from penstock.functions.accept import Accept

Args = tuple[Expression, ...]
Template = str | Callable[[list[str], FunctionCall, Any], str]
TypeRule: TypeAlias = "DataType | int | Callable[[Args], DataType]"
NullRule = bool | Callable[[Args], bool]
LambdaResolver = Callable[[Lambda, tuple[tuple[DataType, bool], ...]], Lambda]

DISTINCT, ORDER, TAIL = "\x02distinct\x02", "\x02order\x02", "\x02tail\x02"
IGNORE_NULLS = "\x02ignore\x02"  # inside the parentheses of a window function; elsewhere `tail_if` does the work


def tail_if(condition: str) -> str:
    """TAIL for an aggregate that takes only rows where `condition` holds (besides the call's own FILTER)."""
    return f"\x02tail:{condition}\x03"


def any_nullable(args: Args) -> bool:
    """NULL in, NULL out: nullable when any argument is."""
    return any(arg.nullable for arg in args)


@dataclass(frozen=True)
class Buffer:
    """One value of an aggregate's running state.

    `update`: an aggregate template over the call's arguments, evaluated over one batch's rows of a group.
    `merge`: "sum", "min", "max", "first", "last", or a scalar template (or a function of the call that gives one) over
    `{old}` and `{new}` (neither is checked for NULL; `{old_<buffer>}` and `{new_<buffer>}` name the other buffers).
    "sum", "min", "max" ignore NULL sides; a "sum" that leaves the range of LONG must raise ARITHMETIC_OVERFLOW.
    "first" keeps the old value, "last" takes the new.
    """

    name: str
    type: DataType | Callable[[FunctionCall], DataType]
    update: Template
    merge: str | Callable[[FunctionCall], str]

    def merge_rule(self, call: FunctionCall) -> str:
        """How the buffer merges for one call."""
        return self.merge if isinstance(self.merge, str) else self.merge(call)

    def data_type(self, call: FunctionCall) -> DataType:
        """The buffer's type for one call."""
        return self.type if isinstance(self.type, DataType) else self.type(call)


@dataclass(frozen=True)
class Incremental:
    """How an aggregate is kept across micro-batches.  `final` is a scalar template over `{<buffer name>}`."""

    buffers: tuple[Buffer, ...]
    final: str | Callable[[Mapping[str, str], FunctionCall, Any], str]

    def final_sql(self, buffers: Mapping[str, str], call: FunctionCall, context: Any) -> str:
        """The result, given the SQL of each buffer."""
        return self.final.format(**buffers) if isinstance(self.final, str) else self.final(buffers, call, context)


@dataclass(frozen=True)
class Request:
    """What a coercion rule sees: the row, the name the user wrote, the session, and what follows WITHIN GROUP."""

    function: Function
    name: str
    conf: Conf
    resolve_lambda: LambdaResolver | None = None
    order_by: tuple[SortOrder, ...] = ()


@dataclass(frozen=True)
class Function:
    """One row.  `takes`: what each argument accepts ("*" and "?" at the end of a spec: repeated, optional);
    `coerce` replaces the generic coercion; `build` replaces everything (the function is a rewrite into others)."""

    name: str
    kind: str = "scalar"
    takes: tuple[Accept, ...] = ()
    arity: tuple[int, int | None] = (0, 0)
    coerce: Callable[[Args, Request], Args] | None = None
    result: TypeRule = 0
    nullable: NullRule = any_nullable
    sql: Template = ""
    aliases: tuple[str, ...] = ()
    shows: Mapping[str, str] = field(default_factory=dict)
    display: Callable[[FunctionCall, Sequence[str]], str] | None = None
    params: tuple[str, ...] = ()
    defaults: Mapping[int, Expression] = field(default_factory=dict)
    incremental: Incremental | None = None
    build: Callable[[Args, Request], Expression] | None = None
    outer: bool = False
    deterministic: bool = True

    def result_type(self, args: Args) -> DataType:
        """The type rule, applied."""
        if isinstance(self.result, DataType):
            return self.result
        return args[self.result].type if isinstance(self.result, int) else self.result(args)

    def result_nullable(self, args: Args) -> bool:
        """The nullability rule, applied."""
        return self.nullable if isinstance(self.nullable, bool) else self.nullable(args)


_rows: dict[str, Function] = {}
_family_of: dict[str, str] = {}


def register(*rows: Function) -> None:
    """Add rows under their names and aliases; a name may be taken once."""
    for row in rows:
        for name in (row.name, *row.aliases):
            if name in _rows:
                raise ValueError(f"two rows for function {name}")
            _rows[name] = row


def _index() -> dict[str, str]:
    """Name -> family module; a family is imported when one of its names is looked up."""
    if not _family_of:
        for family, text in FAMILIES.items():
            _family_of.update(dict.fromkeys(text.split(), family))
    return _family_of


def lookup(name: str) -> Function:
    """The row of a function; UNRESOLVED_ROUTINE when there is none."""
    row = _rows.get(name)
    if row is not None:
        return row
    index = _index()
    known = name if name in index else name.lower()
    if known not in index:
        raise unresolved_routine(name)
    if known not in _rows:
        import_module(f"penstock.functions.{index[known]}")
    return _rows[known]


def exists(name: str) -> bool:
    """Whether the table has a row for `name`."""
    return name.lower() in _index()


_INTERNAL = frozenset({"getarrayitem", "getmapvalue", "likeall", "likeany", "notlikeall", "notlikeany", "product",
                       "unwrap_udt"})  # fmt: skip


def is_internal(name: str) -> bool:
    """Whether only the client and the analyzer call the function: it has no name in SQL."""
    return name in _INTERNAL or name.startswith("$")


def names() -> tuple[str, ...]:
    """Every name and alias, sorted."""
    return tuple(sorted(_index()))


def unresolved_routine(name: str) -> Exception:
    """Spark's error for a function that does not exist (here: or that Penstock does not have)."""
    parts = name.split(".") if "." in name.strip(".") else [name]
    quoted = ".".join(f"`{part}`" for part in parts)
    if len(parts) > (3 if parts[0] in ("spark_catalog", "system") else 2):
        return analysis_error(
            "REQUIRES_SINGLE_PART_NAMESPACE",
            f"The catalog spark_catalog has databases of one name, not as in {quoted}.", "42K05",
            sessionCatalog="spark_catalog", identifier=quoted,
        )  # fmt: skip
    return analysis_error(
        "UNRESOLVED_ROUTINE", f"Cannot find the function {quoted}: neither built in nor registered.", "42883",
        routineName=quoted, searchPath="[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]",
    )  # fmt: skip


def derive(row: Function, **changes: Any) -> Function:
    """A row like another one."""
    return replace(row, **changes)

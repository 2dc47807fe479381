"""Expressions of the logical plan: frozen, hashable, without I/O and without knowledge of DuckDB.

Decoding makes the *unresolved* kinds; analysis replaces them, bottom-up, by resolved ones.  A resolved expression
has `.type` and `.nullable`; an unresolved one raises AttributeError when asked for them.
Every resolved column has a unique `id`; its SQL name is `c<id>` everywhere (as Catalyst's exprId), so that names and
cases never collide and a correlated subquery may refer to an outer column by that name alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from penstock.plan.cast_rules import can_up_cast, forces_null
from penstock.plan.types import BOOLEAN, DataType, StructField

if TYPE_CHECKING:
    from penstock.plan.nodes import Node

_ids = itertools.count(1)


_field_names: dict[type, tuple[str, ...]] = {}


def field_names(cls: type[Any]) -> tuple[str, ...]:
    """The dataclass fields of a kind of node or expression (dataclasses.fields() is slow, and trees are walked a
    lot)."""
    names = _field_names.get(cls)
    if names is None:
        names = _field_names[cls] = tuple(f.name for f in fields(cls))
    return names


def fresh_id() -> int:
    """The next column id of this process."""
    return next(_ids)


@dataclass(frozen=True)
class Expression:
    """The base: children are found in the dataclass fields (an Expression, or a tuple of them)."""

    @property
    def type(self) -> DataType:
        """The result type; only resolved expressions have one."""
        raise AttributeError(f"{type(self).__name__} is unresolved and has no type")

    @property
    def nullable(self) -> bool:
        """Whether the result can be NULL; only resolved expressions know."""
        raise AttributeError(f"{type(self).__name__} is unresolved and has no nullability")

    @property
    def children(self) -> tuple[Expression, ...]:
        """Direct sub-expressions in field order."""
        found: list[Expression] = []
        for name in field_names(type(self)):
            value = getattr(self, name)
            if isinstance(value, Expression):
                found.append(value)
            elif isinstance(value, tuple):
                found.extend(v for v in value if isinstance(v, Expression))
        return tuple(found)

    def map_children(self, function: Callable[[Expression], Expression]) -> Expression:
        """A copy with `function` applied to each direct child; `self` when nothing changed."""
        changed: dict[str, Any] = {}
        for name in field_names(type(self)):
            value = getattr(self, name)
            if isinstance(value, Expression):
                new: Any = function(value)
                if new is not value:
                    changed[name] = new
            elif isinstance(value, tuple) and any(isinstance(v, Expression) for v in value):
                new = tuple(function(v) if isinstance(v, Expression) else v for v in value)
                if any(a is not b for a, b in zip(new, value, strict=True)):
                    changed[name] = new
        return replace(self, **changed) if changed else self

    def transform(self, function: Callable[[Expression], Expression]) -> Expression:
        """Bottom-up rewrite: children first, then `function` on the result."""
        return function(self.map_children(lambda child: child.transform(function)))

    def walk(self) -> Iterator[Expression]:
        """This expression and all below it, top-down (subquery plans are not entered)."""
        todo = [self]  # not by recursion: every value would pass through as many generators as it is deep
        while todo:
            found = todo.pop()
            yield found
            todo.extend(reversed(found.children))


# ---------------------------------------------------------------- resolved


@dataclass(frozen=True)
class Attribute(Expression):
    """A column of a resolved node's output.  Equality is by id alone; `qualifier` is e.g. ("t",) under an alias."""

    name: str = field(compare=False)
    data_type: DataType = field(compare=False)
    is_nullable: bool = field(compare=False)
    id: int
    qualifier: tuple[str, ...] = field(default=(), compare=False)
    metadata: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def type(self) -> DataType:
        return self.data_type

    @property
    def nullable(self) -> bool:
        return self.is_nullable

    @property
    def sql_name(self) -> str:
        """The column's name in generated SQL."""
        return f"c{self.id}"

    def to_field(self) -> StructField:
        """As a field of the schema that users see."""
        return StructField(self.name, self.data_type, self.is_nullable, dict(self.metadata))


@dataclass(frozen=True)
class Literal(Expression):
    """A constant.  Values: bool, int, float, str, bytes, Decimal, None; DATE: int days; TIMESTAMP(_NTZ): int us;
    day-time interval: int us; year-month interval: int months; TIME: int ns; calendar interval: (months, days, us);
    array and struct: tuple of values; map: tuple of (key, value)."""

    value: Any
    data_type: DataType

    @property
    def type(self) -> DataType:
        return self.data_type

    @property
    def nullable(self) -> bool:
        return self.value is None


@dataclass(frozen=True)
class Alias(Expression):
    """`child AS name`.  `id` is the id of the attribute it defines: 0 until analysis gives it one.
    Several names (`names[1:]`) occur only over a generator.  `metadata` None means the child's."""

    child: Expression
    names: tuple[str, ...]
    id: int = 0
    metadata: Mapping[str, Any] | None = field(default=None, compare=False)
    generated: bool = field(default=False, compare=False)  # a display name made by analysis, not by the user

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def type(self) -> DataType:
        return self.child.type

    @property
    def nullable(self) -> bool:
        return self.child.nullable

    def to_attribute(self) -> Attribute:
        """The column that this alias defines."""
        inherited = self.child.metadata if isinstance(self.child, (Attribute, Alias)) else None
        metadata = self.metadata if self.metadata is not None else inherited
        return Attribute(self.name, self.type, self.nullable, self.id, (), metadata or {})


@dataclass(frozen=True)
class Cast(Expression):
    """`CAST(child AS type)`.  mode: "ansi" raises, "legacy" gives NULL (ansi off), "try" gives NULL (try_cast);
    "" until analysis sets it from the session.  `implicit` casts were inserted by coercion and do not show in names."""

    child: Expression
    data_type: DataType
    mode: str = ""
    implicit: bool = False

    @property
    def type(self) -> DataType:
        return self.data_type

    @property
    def nullable(self) -> bool:
        if self.child.nullable:
            return True
        if self.mode == "try":
            return not can_up_cast(self.child.type, self.data_type)
        return forces_null(self.child.type, self.data_type)


@dataclass(frozen=True)
class FunctionCall(Expression):
    """A resolved call of a function of the function table (operators are functions too: "+", "and", "=", "when").

    `name` is the table's key.  For aggregates: `distinct`, `filter` (FILTER WHERE), `order_by` (WITHIN GROUP or
    aggregate order), `ignore_nulls`.  `display` is the name the call shows under in column names (Spark's
    prettyName)."""

    name: str
    args: tuple[Expression, ...]
    data_type: DataType
    is_nullable: bool
    display: str = field(default="", compare=False)
    distinct: bool = False
    filter: Expression | None = None
    order_by: tuple[SortOrder, ...] = ()
    ignore_nulls: bool = False

    @property
    def type(self) -> DataType:
        return self.data_type

    @property
    def nullable(self) -> bool:
        return self.is_nullable


@dataclass(frozen=True)
class SortOrder(Expression):
    """One key of an ORDER BY.  `nulls_first` None means Spark's default: first when ascending, last when descending."""

    child: Expression
    ascending: bool = True
    nulls_first: bool | None = None

    @property
    def type(self) -> DataType:
        return self.child.type

    @property
    def nullable(self) -> bool:
        return self.child.nullable

    @property
    def puts_nulls_first(self) -> bool:
        return self.ascending if self.nulls_first is None else self.nulls_first


@dataclass(frozen=True)
class GetField(Expression):
    """`struct.field` by ordinal; over an array of structs it maps over the elements (Spark's GetArrayStructFields)."""

    child: Expression
    field_name: str
    data_type: DataType
    is_nullable: bool

    @property
    def type(self) -> DataType:
        return self.data_type

    @property
    def nullable(self) -> bool:
        return self.is_nullable


@dataclass(frozen=True)
class LambdaVariable(Expression):
    """A parameter of a lambda.  Resolved when `data_type` is set; its SQL name is `l<id>`."""

    name: str = field(compare=False)
    id: int = 0
    data_type: DataType | None = field(default=None, compare=False)
    is_nullable: bool = field(default=True, compare=False)

    @property
    def type(self) -> DataType:
        if self.data_type is None:
            return super().type
        return self.data_type

    @property
    def nullable(self) -> bool:
        return self.is_nullable


@dataclass(frozen=True)
class Lambda(Expression):
    """`(x, y) -> body`: an argument of a higher-order function."""

    params: tuple[LambdaVariable, ...]
    body: Expression

    @property
    def type(self) -> DataType:
        return self.body.type

    @property
    def nullable(self) -> bool:
        return self.body.nullable


@dataclass(frozen=True)
class FrameBound(Expression):
    """One end of a window frame: kind is "unbounded_preceding", "preceding", "current_row", "following",
    "unbounded_following"; `value` is the offset of "preceding" and "following"."""

    kind: str
    value: Expression | None = None


@dataclass(frozen=True)
class WindowExpression(Expression):
    """`function OVER (PARTITION BY ... ORDER BY ... frame)`.  `frame_type` is "rows", "range", or "" (Spark's
    default)."""

    function: Expression
    partition_by: tuple[Expression, ...] = ()
    order_by: tuple[SortOrder, ...] = ()
    frame_type: str = ""
    lower: FrameBound | None = None
    upper: FrameBound | None = None

    @property
    def type(self) -> DataType:
        return self.function.type

    @property
    def nullable(self) -> bool:
        return self.function.nullable


@dataclass(frozen=True)
class SubqueryExpression(Expression):
    """A query used as a value.  kind: "scalar", "exists" or "in" (then `values` are the left-hand side).
    `plan` may refer to attributes of the enclosing query by their ids; `outer` are their names, as column names show
    them."""

    kind: str
    plan: Node
    values: tuple[Expression, ...] = ()
    outer: tuple[str, ...] = ()

    @property
    def type(self) -> DataType:
        return self.plan.output[0].type if self.kind == "scalar" else BOOLEAN

    @property
    def nullable(self) -> bool:
        if self.kind == "in" and self.values:
            return any(e.nullable for e in (*self.values, *self.plan.output))
        return self.kind != "exists"


@dataclass(frozen=True)
class PythonFunction(Expression):
    """A Python UDF call: `command` is the client's pickled function, `eval_type` Spark's PythonEvalType code."""

    name: str
    args: tuple[Expression, ...]
    command: bytes
    eval_type: int
    data_type: DataType
    deterministic: bool = True

    @property
    def type(self) -> DataType:
        return self.data_type

    @property
    def nullable(self) -> bool:
        return True


# ---------------------------------------------------------------- unresolved


@dataclass(frozen=True)
class UnresolvedAttribute(Expression):
    """A name: `a`, `t.a`, `a.field`.  `plan_id` (Connect) names the DataFrame it was taken from."""

    parts: tuple[str, ...]
    plan_id: int | None = None
    is_metadata: bool = False


@dataclass(frozen=True)
class UnresolvedStar(Expression):
    """`*`, `t.*`, or `struct.*`; `plan_id` as for a name."""

    target: tuple[str, ...] = ()
    plan_id: int | None = None


@dataclass(frozen=True)
class UnresolvedStarExcept(Expression):
    """`* EXCEPT (a, t.b)` and `t.* EXCEPT (...)`: the star without the columns (or struct fields) named in
    `excluded`."""

    target: tuple[str, ...]
    excluded: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class UnresolvedRegex(Expression):
    """`df.colRegex(pattern)`."""

    pattern: str
    plan_id: int | None = None


@dataclass(frozen=True)
class UnresolvedFunction(Expression):
    """A call by name, not yet looked up.  Operators arrive under Spark's symbols: "+", "==", "and", "isnull", ...
    `public`: SQL text calls it, which knows fewer functions than the client."""

    name: str
    args: tuple[Expression, ...] = ()
    distinct: bool = False
    filter: Expression | None = None
    order_by: tuple[SortOrder, ...] = ()
    ignore_nulls: bool = False
    public: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class NamedArgument(Expression):
    """`name => value` in a function call."""

    name: str
    value: Expression


@dataclass(frozen=True)
class UnresolvedExtract(Expression):
    """`child[extraction]` or `child.extraction`: a field, an element or a map's value."""

    child: Expression
    extraction: Expression


@dataclass(frozen=True)
class UpdateFields(Expression):
    """`Column.withField` (value given) and `Column.dropFields` (value None)."""

    struct: Expression
    field_name: str
    value: Expression | None = None

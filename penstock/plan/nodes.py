"""Nodes of the logical plan.  Decoding builds them unresolved; analysis returns the same kinds with resolved
expressions (and without the kinds marked *unresolved only*).

A resolved node has `output`: the attributes it yields, in order.  Names may repeat, ids may not.
`plan_id` is the client's number of the DataFrame (Connect), by which columns refer to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from penstock.plan.expressions import Alias, Attribute, Expression, SortOrder, field_names
from penstock.plan.types import StructType


@dataclass(frozen=True, eq=False)
class Node:
    """The base: child nodes are found in the dataclass fields (a Node, or a tuple of them)."""

    plan_id: int | None = field(default=None, kw_only=True)

    @property
    def children(self) -> tuple[Node, ...]:
        """Input nodes in field order."""
        values = (getattr(self, name) for name in field_names(type(self)))
        members = (value if isinstance(value, tuple) else (value,) for value in values)
        return tuple(v for group in members for v in group if isinstance(v, Node))

    @property
    def output(self) -> tuple[Attribute, ...]:
        """The columns of a resolved node; by default those of its only child."""
        (child,) = self.children
        return child.output

    @property
    def schema(self) -> StructType:
        """The output as users see it."""
        return StructType([attribute.to_field() for attribute in self.output])

    @property
    def is_streaming(self) -> bool:
        """Whether any source below is a stream."""
        return any(child.is_streaming for child in self.children)

    def map_children(self, function: Callable[[Node], Node]) -> Node:
        """A copy with `function` applied to each input node; `self` when nothing changed."""
        changed: dict[str, Any] = {}
        for name in field_names(type(self)):
            value = getattr(self, name)
            if isinstance(value, Node):
                new: Any = function(value)
                if new is not value:
                    changed[name] = new
            elif isinstance(value, tuple) and any(isinstance(v, Node) for v in value):
                new = tuple(function(v) if isinstance(v, Node) else v for v in value)
                if any(a is not b for a, b in zip(new, value, strict=True)):
                    changed[name] = new
        return replace(self, **changed) if changed else self

    def transform(self, function: Callable[[Node], Node]) -> Node:
        """Bottom-up rewrite: inputs first, then `function` on the result."""
        return function(self.map_children(lambda child: child.transform(function)))

    def walk(self) -> Iterator[Node]:
        """This node and all below it, top-down (plans inside subquery expressions are not entered)."""
        yield self
        for child in self.children:
            yield from child.walk()


def named_output(expressions: tuple[Expression, ...]) -> tuple[Attribute, ...]:
    """The attributes that a list of resolved Alias and Attribute expressions defines."""
    return tuple(
        e.to_attribute() if isinstance(e, Alias) else e for e in expressions if isinstance(e, (Alias, Attribute))
    )


# ---------------------------------------------------------------- leaves


@dataclass(frozen=True, eq=False)
class LocalData(Node):
    """Rows held in memory.  `table`'s columns are positional; `columns` () until analysis gives attributes."""

    table: pa.Table
    data_schema: StructType
    columns: tuple[Attribute, ...] = ()

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns


@dataclass(frozen=True, eq=False)
class Range(Node):
    """`spark.range(start, end, step, partitions)`: one LONG column `id`."""

    start: int
    end: int
    step: int = 1
    columns: tuple[Attribute, ...] = ()
    partitions: int | None = None

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns


@dataclass(frozen=True, eq=False)
class OneRow(Node):
    """One row without columns: `SELECT 1` has it as its input."""

    @property
    def output(self) -> tuple[Attribute, ...]:
        return ()


@dataclass(frozen=True, eq=False)
class Read(Node):
    """A data source: files, rate, socket, ... in batch or as a stream.

    Unresolved: `format` (None means the session's default), `options` (case-insensitive keys as the user wrote them),
    `user_schema`, `paths`.  Resolved: `columns`, and `relation`: what the source registry made of it
    (`penstock.sources.base.Relation`, which knows how to scan or to open a stream)."""

    format: str | None
    options: Mapping[str, str]
    paths: tuple[str, ...] = ()
    user_schema: StructType | None = None
    streaming: bool = False
    predicates: tuple[str, ...] = ()
    name: str | None = None
    columns: tuple[Attribute, ...] = ()
    relation: Any = None

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns

    @property
    def is_streaming(self) -> bool:
        return self.streaming


@dataclass(frozen=True, eq=False)
class UnresolvedTable(Node):
    """A table or temp view by name (*unresolved only*)."""

    parts: tuple[str, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    streaming: bool = False


@dataclass(frozen=True, eq=False)
class CachedRelation(Node):
    """A DataFrame kept by the server under an id (foreachBatch, checkpoint, persist); *unresolved only*."""

    relation_id: str


@dataclass(frozen=True, eq=False)
class Values(Node):
    """`VALUES (..), (..) AS t(a, b)`: rows of expressions (*unresolved only*; analysis makes a union of projects)."""

    rows: tuple[tuple[Expression, ...], ...]


@dataclass(frozen=True, eq=False)
class TableFunction(Node):
    """A table-valued function call: `range(5)`, `explode(...)` (*unresolved only*)."""

    name: str
    args: tuple[Expression, ...]


# ---------------------------------------------------------------- one input


@dataclass(frozen=True, eq=False)
class Project(Node):
    """SELECT.  Resolved: every expression is an Alias or an Attribute; may hold window functions, no aggregates."""

    expressions: tuple[Expression, ...]
    child: Node

    @property
    def output(self) -> tuple[Attribute, ...]:
        return named_output(self.expressions)


@dataclass(frozen=True, eq=False)
class Filter(Node):
    """WHERE and HAVING."""

    condition: Expression
    child: Node


@dataclass(frozen=True, eq=False)
class Aggregate(Node):
    """GROUP BY.  Resolved: `aggregates` is the whole output (Alias/Attribute), `grouping` the keys.

    Inside resolved `aggregates`, an occurrence of a grouping expression is written as that very expression (equal to
    one in `grouping`); the rest is aggregate FunctionCalls and expressions over both.  kind: "groupby", "rollup",
    "cube", "grouping_sets" (then `sets` are tuples of indices into `grouping`).  Unresolved, `aggregates` holds only
    what the user gave: with `include_grouping` the keys come first (DataFrame API)."""

    grouping: tuple[Expression, ...]
    aggregates: tuple[Expression, ...]
    child: Node
    kind: str = "groupby"
    sets: tuple[tuple[int, ...], ...] = ()
    include_grouping: bool = False
    pivot: tuple[Expression, tuple[Expression, ...]] | None = None

    @property
    def output(self) -> tuple[Attribute, ...]:
        return named_output(self.aggregates)


@dataclass(frozen=True, eq=False)
class Generate(Node):
    """Rows multiplied by a generator (explode family): the child's columns, then `generated`.  `outer` keeps all."""

    generator: Expression
    child: Node
    generated: tuple[Attribute, ...] = ()
    outer: bool = False
    alias: str | None = None
    column_names: tuple[str, ...] = ()

    @property
    def output(self) -> tuple[Attribute, ...]:
        return (*self.child.output, *self.generated)


@dataclass(frozen=True, eq=False)
class ExpandWindows(Node):
    """Each row once for every time window that its `time` falls into (`window()` in a query); rows whose time is NULL
    drop out.  Windows are [start, start + duration), starts are `start_us` modulo `slide_us`; output is the child's
    columns, then `window`, a struct of start and end."""

    child: Node
    time: Expression
    duration_us: int
    slide_us: int
    start_us: int
    window: Attribute

    @property
    def output(self) -> tuple[Attribute, ...]:
        return (*self.child.output, self.window)


@dataclass(frozen=True, eq=False)
class Sort(Node):
    """ORDER BY (`is_global`) or SORT BY."""

    order: tuple[SortOrder, ...]
    child: Node
    is_global: bool = True


@dataclass(frozen=True, eq=False)
class Limit(Node):
    """The first `count` rows."""

    count: int
    child: Node


@dataclass(frozen=True, eq=False)
class Offset(Node):
    """All but the first `count` rows."""

    count: int
    child: Node


@dataclass(frozen=True, eq=False)
class Tail(Node):
    """The last `count` rows."""

    count: int
    child: Node


@dataclass(frozen=True, eq=False)
class Distinct(Node):
    """SELECT DISTINCT: Deduplicate over all columns, from SQL (*unresolved only*)."""

    child: Node


@dataclass(frozen=True, eq=False)
class Deduplicate(Node):
    """dropDuplicates.  Unresolved: `column_names` (empty: all).  Resolved: `keys`."""

    child: Node
    column_names: tuple[str, ...] = ()
    within_watermark: bool = False
    keys: tuple[Attribute, ...] = ()


@dataclass(frozen=True, eq=False)
class SubqueryAlias(Node):
    """`child AS alias`: qualifies the columns.  It stays in the resolved plan and is nothing at run time.
    `column_names` renames (`AS t(a, b)`)."""

    alias: str
    child: Node
    column_names: tuple[str, ...] = ()
    columns: tuple[Attribute, ...] = ()

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns or super().output


@dataclass(frozen=True, eq=False)
class Watermark(Node):
    """withWatermark.  Unresolved: `column_name`.  Resolved: `column`, whose output attribute bears
    metadata `spark.watermarkDelayMs`.  `delay_us` is the delay in microseconds."""

    child: Node
    column_name: str
    delay_us: int
    column: Attribute | None = None
    columns: tuple[Attribute, ...] = ()

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns or super().output


@dataclass(frozen=True, eq=False)
class WithColumns(Node):
    """withColumn(s): replaces or appends (*unresolved only*)."""

    aliases: tuple[Alias, ...]
    child: Node


@dataclass(frozen=True, eq=False)
class WithColumnsRenamed(Node):
    """withColumnRenamed(s): pairs of old and new name (*unresolved only*)."""

    renames: tuple[tuple[str, str], ...]
    child: Node


@dataclass(frozen=True, eq=False)
class Drop(Node):
    """drop: by column expression or by name; a name that is not there is ignored (*unresolved only*)."""

    child: Node
    columns: tuple[Expression, ...] = ()
    column_names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ToDF(Node):
    """toDF: new names for all columns (*unresolved only*)."""

    column_names: tuple[str, ...]
    child: Node


@dataclass(frozen=True, eq=False)
class ToSchema(Node):
    """DataFrame.to(schema): reorder and cast (*unresolved only*)."""

    target: StructType
    child: Node


@dataclass(frozen=True, eq=False)
class Hint(Node):
    """An optimizer hint: accepted, and nothing at run time."""

    name: str
    child: Node
    parameters: tuple[Expression, ...] = ()


@dataclass(frozen=True, eq=False)
class Repartition(Node):
    """repartition ("hash"; round robin without expressions), "coalesce", repartitionByRange ("range"), ...ById ("id"):
    nothing but a wish on one machine, unless a query asks for partition ids."""

    child: Node
    count: int | None = None
    expressions: tuple[Expression, ...] = ()
    kind: str = "hash"


@dataclass(frozen=True, eq=False)
class Sample(Node):
    """df.sample: fractions in 0..1."""

    lower: float
    upper: float
    child: Node
    with_replacement: bool = False
    seed: int | None = None


@dataclass(frozen=True, eq=False)
class FillNa(Node):
    """df.na.fill (*unresolved only*): `values` are literals, one for all columns or one a column."""

    child: Node
    column_names: tuple[str, ...]
    values: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class DropNa(Node):
    """df.na.drop (*unresolved only*): keep rows with at least `min_non_nulls` values (None: all)."""

    child: Node
    column_names: tuple[str, ...]
    min_non_nulls: int | None


@dataclass(frozen=True, eq=False)
class ShowString(Node):
    """df.show: one row, one STRING column `show_string`; made by the service after running the child."""

    child: Node
    rows: int
    truncate: int
    vertical: bool = False


# ---------------------------------------------------------------- several inputs


@dataclass(frozen=True, eq=False)
class Join(Node):
    """kind: "inner", "left", "right", "full", "semi", "anti", "cross".  `using` names (DataFrame and SQL USING) and
    `natural` are unresolved only: analysis turns them into `condition` and a Project."""

    left: Node
    right: Node
    kind: str = "inner"
    condition: Expression | None = None
    using: tuple[str, ...] = ()
    natural: bool = False
    lateral: bool = False

    @property
    def output(self) -> tuple[Attribute, ...]:
        left, right = self.left.output, self.right.output
        if self.kind in ("semi", "anti"):
            return left
        if self.kind in ("right", "full"):
            left = _as_nullable(left)
        if self.kind in ("left", "full"):
            right = _as_nullable(right)
        return (*left, *right)


@dataclass(frozen=True, eq=False)
class SetOperation(Node):
    """kind: "union", "intersect", "except".  Resolved: both sides have the same types; `columns` is the output."""

    left: Node
    right: Node
    kind: str
    is_all: bool = True
    by_name: bool = False
    allow_missing: bool = False
    columns: tuple[Attribute, ...] = ()

    @property
    def output(self) -> tuple[Attribute, ...]:
        return self.columns


@dataclass(frozen=True, eq=False)
class With(Node):
    """WITH name AS (plan), ... child (*unresolved only*).  `names[i]` is defined by `plans[i]`; with `recursive` it may
    name itself, for at most `max_levels[i]` steps if that says a number."""

    names: tuple[str, ...]
    plans: tuple[Node, ...]
    child: Node
    recursive: bool = False
    max_levels: tuple[int | None, ...] = ()


def _as_nullable(attributes: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
    return tuple(a if a.is_nullable else replace(a, is_nullable=True) for a in attributes)

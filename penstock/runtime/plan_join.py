"""A join of two streams cut into a segment a side, the operator, and what the segment above reads.

SELECT columns, join keys, hash, eligible FROM side             -- one batch's rows of each side, in DuckDB
JoinOperator                                                    -- state, in Arrow; other conditions in DuckDB
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyspark.sql.types import NumericType

from penstock.core.errors import SparkError, analysis_error
from penstock.engine.types import engine_type, quote_name
from penstock.operators.join import ELIGIBLE, HASH, JoinOperator, JoinRules, SideRules
from penstock.operators.join_state import ROW_NUMBER, HashKeys, JoinState, SideLayout, SideState, hash_numbers
from penstock.plan.expressions import Attribute, Expression, FunctionCall, Literal
from penstock.plan.nodes import Join, Node
from penstock.plan.types import (
    CalendarIntervalType,
    DataType,
    DayTimeIntervalType,
    StructType,
    TimestampNTZType,
    TimestampType,
)
from penstock.runtime.join_watermarks import Bound, Microseconds, state_bound
from penstock.runtime.plan_aggregate import WATERMARK_DELAY
from penstock.runtime.plan_deduplicate import event_time_of
from penstock.runtime.pushdown import conjunction, conjuncts, is_movable
from penstock.runtime.pushdown_joins import produced, reads_only
from penstock.state import open_store
from penstock.translate import TranslateContext, expression_sql
from penstock.translate.pruning import Ids, child_needs, ids_of

_EVENT_TIME = "event_time"
_EXPIRES = "expires"


@dataclass(frozen=True)
class JoinKey:
    """Two expressions, one a side, that must be equal; null_safe: NULL equals NULL (`<=>`)."""

    left: Expression
    right: Expression
    null_safe: bool


@dataclass(frozen=True)
class SidePlan:
    """One side: the columns wanted of its input, the SQL items of its segment, and what the operator has to know."""

    node: Node
    inputs: tuple[Attribute, ...]
    items: tuple[tuple[str, str, pa.DataType], ...]
    eligible: str
    layout: SideLayout
    rules: SideRules

    def segment_sql(self, child_sql: str) -> str:
        """The segment below the operator."""
        items = ", ".join(f"{sql} AS {name}" for name, sql, _ in self.items)
        hashed = f"hash({', '.join(self.layout.keys)}) AS {HASH}"
        return f"SELECT *, {hashed}, {self.eligible} AS {ELIGIBLE} FROM (SELECT {items} FROM ({child_sql}))"

    @property
    def empty(self) -> pa.Table:
        """The segment's rows when there are none."""
        fields = [(name, kind) for name, _, kind in self.items]
        return pa.schema([*fields, (HASH, pa.uint64()), (ELIGIBLE, pa.bool_())]).empty_table()


@dataclass(frozen=True)
class JoinPlan:
    """What the planner needs to build the operator, the segments below it, and the leaf that stands for it."""

    left: SidePlan
    right: SidePlan
    rules: JoinRules
    columns: tuple[Attribute, ...]


def needed_of(plan: Node, target: Node) -> Ids:
    """The columns of `target`, a node of `plan`, that what stands above it uses."""
    found = _search(plan, target, frozenset(a.id for a in plan.output))
    assert found is not None, "the node is not in the plan"
    return found


def _search(node: Node, target: Node, needed: Ids) -> Ids | None:
    if node is target:
        return needed
    for child, wanted in zip(node.children, child_needs(node, needed), strict=True):
        if (found := _search(child, target, wanted)) is not None:
            return found
    return None


def plan_join(join: Join, needed: Ids, context: TranslateContext, microseconds: Microseconds) -> JoinPlan:
    """Cut a join of two streams of whose columns `needed` are used above."""
    keys, rest = _split(join)
    if not keys:
        raise _no_equality()
    columns = tuple(a for a in join.output if a.id in needed) or join.output[:1]
    make = _SideMaker(join, keys, rest, columns, context, microseconds)
    left, right = make.side(0), make.side(1)
    rules = JoinRules(
        left=left.rules,
        right=right.rules,
        is_semi=join.kind == "semi",
        condition=expression_sql(conjunction(make.common), context) if make.common else None,
        output=pa.schema([(a.sql_name, engine_type(a.type)) for a in columns]),
    )
    return JoinPlan(left, right, rules, columns)


def _split(join: Join) -> tuple[list[JoinKey], list[Expression]]:
    """The equalities of one side with the other, and the other conditions."""
    keys: list[JoinKey] = []
    rest: list[Expression] = []
    for part in conjuncts(join.condition) if join.condition is not None else ():
        key = _join_key(part, produced(join.left), produced(join.right))
        if key is None:
            rest.append(part)
        else:
            keys.append(key)
    return keys, rest


def _join_key(part: Expression, left: Ids, right: Ids) -> JoinKey | None:
    if not isinstance(part, FunctionCall) or part.name not in ("==", "<=>") or not is_movable(part):
        return None
    one, other = part.args
    if not ids_of([one]) or not ids_of([other]):
        return None
    if reads_only(one, left) and reads_only(other, right):
        return JoinKey(one, other, part.name == "<=>")
    if reads_only(one, right) and reads_only(other, left):
        return JoinKey(other, one, part.name == "<=>")
    return None


class _SideMaker:
    """Plans both sides of one join; a side is 0 (left) or 1 (right)."""

    def __init__(
        self,
        join: Join,
        keys: Sequence[JoinKey],
        rest: Sequence[Expression],
        columns: Sequence[Attribute],
        context: TranslateContext,
        microseconds: Microseconds,
    ) -> None:
        self._kind = join.kind
        self._nodes = (join.left, join.right)
        self._keys = [(key.left, key.right) for key in keys]
        self._null_safe = tuple(key.null_safe for key in keys)
        self._rest = rest
        self._context = context
        self._microseconds = microseconds
        self._alone = [[p for p in rest if is_movable(p) and reads_only(p, produced(node))] for node in self._nodes]
        self.common = [p for p in rest if p not in self._alone[0] and p not in self._alone[1]]
        self._wanted = {a.id for a in columns} | ids_of(self.common)
        self._given = {a.id for a in columns}

    def side(self, index: int) -> SidePlan:
        """The plan of one side."""
        node, keys, alone = self._nodes[index], [pair[index] for pair in self._keys], self._alone[index]
        inputs = self._inputs(index)
        stored = [a for a in inputs if a.id in self._wanted]
        items = [(a.sql_name, a.sql_name, engine_type(a.type)) for a in stored]
        names = []
        for i, key in enumerate(keys):
            name = key.sql_name if isinstance(key, Attribute) else f"k{i}"
            names.append(name)
            if name not in [item[0] for item in items]:
                items.append((name, expression_sql(key, self._context), engine_type(key.type)))
        event_time = event_time_of(inputs)
        expiry, bound = self._expiry(index, inputs, event_time, names, items)
        schema = pa.schema([(name, kind) for name, _, kind in items])
        late = _time_item(event_time.sql_name, event_time.type, _EVENT_TIME, items) if event_time is not None else None
        items += [item for item in ((a.sql_name, a.sql_name, engine_type(a.type)) for a in inputs) if item not in items]
        return SidePlan(
            node=node,
            inputs=inputs,
            items=tuple(items),
            eligible=f"coalesce({expression_sql(conjunction(alone), self._context)}, false)" if alone else "true",
            layout=SideLayout(schema, tuple(names), self._null_safe, self._is_kept(index), expiry),
            rules=SideRules(
                late=late,
                kept=self._is_kept(index),
                output=tuple(a.sql_name for a in stored if a.id in self._given),
                expiry_offset_us=bound.offset_us,
                expiry_is_exclusive=bound.exclusive,
            ),
        )

    def _inputs(self, index: int) -> tuple[Attribute, ...]:
        keys = ids_of(pair[index] for pair in self._keys)
        wanted = self._wanted | keys | ids_of(self._alone[index])
        return tuple(a for a in self._nodes[index].output if a.id in wanted)

    def _is_kept(self, index: int) -> bool:
        return self._kind in (("left", "full"), ("right", "full"))[index]

    def _expiry(
        self,
        index: int,
        inputs: Sequence[Attribute],
        event_time: Attribute | None,
        names: Sequence[str],
        items: list[tuple[str, str, pa.DataType]],
    ) -> tuple[str | None, Bound]:
        """The stored column by which the watermark evicts, and its limit."""
        at_watermark = Bound(0, False)
        ordinal = self._watermarked_key()
        if ordinal is not None:
            return _time_item(names[ordinal], self._keys[ordinal][index].type, _EXPIRES, items), at_watermark
        if event_time is None:
            return None, at_watermark
        other = self._inputs(1 - index)
        bound = state_bound(self._rest, produced(self._nodes[index]), other, self._microseconds)
        if bound is None:
            return None, at_watermark
        if event_time.sql_name not in [item[0] for item in items]:
            items.append((event_time.sql_name, event_time.sql_name, engine_type(event_time.type)))
        return _time_item(event_time.sql_name, event_time.type, _EXPIRES, items), bound

    def _watermarked_key(self) -> int | None:
        """The first join key that bears a watermark: Spark looks at the left's first."""
        for index, node in enumerate(self._nodes):
            marked = frozenset(a.id for a in node.output if WATERMARK_DELAY in a.metadata)
            for ordinal, pair in enumerate(self._keys):
                key = pair[index]
                if isinstance(key, Attribute) and key.id in marked and not self._null_safe[ordinal]:
                    return ordinal
        return None


def _time_item(column: str, kind: DataType, name: str, items: list[tuple[str, str, pa.DataType]]) -> str:
    """The column that holds the time of `column`: itself, or for a window a further item with its end."""
    if not isinstance(kind, StructType):
        return column
    end = kind.fields[-1]
    source = next((sql for item, sql, _ in items if item == column), column)
    items.append((name, f"({source}).{quote_name(end.name)}", engine_type(end.dataType)))
    return name


def _no_equality() -> SparkError:
    return analysis_error(
        "_LEGACY_ERROR_TEMP_1181",
        "Stream-stream join without equality predicate is not supported: give a condition left.key == right.key.",
        "XXKD0",
        plan="Join",
    )


def open_state(plan: JoinPlan, directory: Path, number: int, hash_keys: HashKeys) -> JoinState:
    """The state of the query's operator `number`, a store a side."""
    left, right = (
        SideState(
            open_store(
                directory,
                ROW_NUMBER,
                side.layout.value_schema,
                hash_numbers,
                operator=f"{number}-{name}",
                description=f"{JoinOperator.name}, {name}",
            ),
            side.layout,
            hash_keys,
        )
        for name, side in (("left", plan.left), ("right", plan.right))
    )
    return JoinState(left, right)


def span_sql(e: Expression, context: TranslateContext) -> str | None:
    """SQL for the microseconds of a constant in a sum of times: an interval, a time, or a number of seconds; None if
    it is of another kind, or an interval of months."""
    if isinstance(e.type, CalendarIntervalType):
        if not isinstance(e, Literal) or e.value is None or e.value[0]:
            return None
        return f"{e.value[1] * 86_400_000_000 + e.value[2]}::DOUBLE"
    sql = expression_sql(e, context)
    if isinstance(e.type, DayTimeIntervalType):
        return f"({sql})::DOUBLE"
    if isinstance(e.type, (TimestampType, TimestampNTZType)):
        return f"epoch_us({sql})::DOUBLE"
    return f"({sql})::DOUBLE * 1000000" if isinstance(e.type, NumericType) else None

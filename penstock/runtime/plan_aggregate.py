"""A streaming GROUP BY cut in three: partial buffers (SQL), merge into state (operator), final results (SQL).

SELECT hash, keys, partial buffers FROM child GROUP BY keys     -- one batch's rows, in DuckDB
AggregateOperator                                               -- state, in Arrow
SELECT keys, final(buffers) FROM operator's output              -- read by the segment above
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

from penstock.core.errors import unsupported
from penstock.engine.types import engine_type
from penstock.functions.render import update_sql
from penstock.functions.table import Incremental, lookup
from penstock.operators.aggregate import HASH
from penstock.operators.merging import Merge
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall, fresh_id
from penstock.plan.nodes import Aggregate, Join, Node, Project
from penstock.plan.types import BYTE, LONG, DataType, StructType
from penstock.translate import TranslateContext, expression_sql
from penstock.translate.nodes import Input

WATERMARK_DELAY = "spark.watermarkDelayMs"
TIME_WINDOW = "spark.timeWindow"
SESSION_WINDOW = "spark.sessionWindow"
_GROUPING = ("grouping", "grouping_id")
_BUFFER_NAMES = {"n": "count", "total": "sum"}
Sets: TypeAlias = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class KeyColumn:
    """One column of the state's key: `sql` reads it from the child's rows."""

    name: str
    sql: str
    type: DataType


@dataclass(frozen=True)
class AggregatePlan:
    """What the planner needs to build the operator and the segments on both sides of it."""

    keys: tuple[KeyColumn, ...]
    updates: tuple[str, ...]
    merges: tuple[Merge, ...]
    finals: tuple[str, ...]
    final_sql: str
    columns: tuple[Attribute, ...]
    output: tuple[Expression, ...]
    event_time_key: str | None
    is_global: bool
    session: tuple[str, str] | None = None  # the key columns that are a session's start and end
    sets: Sets | None = None  # for grouping sets: the positions in `keys` of each; the last of `keys` tells the set

    @property
    def key_schema(self) -> pa.Schema:
        """The state's key columns."""
        return pa.schema([(key.name, engine_type(key.type)) for key in self.keys])

    @property
    def value_schema(self) -> pa.Schema:
        """The state's value columns: the buffers."""
        return pa.schema([(merge.column, merge.type) for merge in self.merges])

    @property
    def state_schema(self) -> pa.Schema:
        """Keys and buffers."""
        return pa.schema([*self.key_schema, *self.value_schema])

    def partial_sql(self, child_sql: str, extra: str, hashed: tuple[str, ...] = ()) -> str:
        """The segment below the operator; `extra` are further aggregates (event-time figures), or ''; `hashed` are the
        keys to hash, all if there are none."""
        keys = [f"{key.sql} AS {key.name}" for key in self.keys]
        names = ", ".join(hashed or [key.name for key in self.keys])
        if self.sets is not None:
            return f"SELECT *, hash({names}) AS {HASH} FROM ({self._in_sets(self.sets, child_sql, extra)})"
        items = ", ".join([*keys, *self.updates, *([extra] if extra else [])])
        group = "" if self.is_global else f" GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}"
        return f"SELECT *, hash({names}) AS {HASH} FROM (SELECT {items} FROM ({child_sql}){group})"

    def _in_sets(self, sets: Sets, child_sql: str, extra: str) -> str:
        """Without rows there are no groups, not even that of all rows."""
        *keys, which = self.keys
        inner = ", ".join(f"{key.sql} AS g_{key.name}" for key in keys)
        items = [*(f"g_{key.name} AS {key.name}" for key in keys), f"{which.sql} AS {which.name}"]
        grouped = ", ".join(f"({', '.join(f'g_{keys[i].name}' for i in indices)})" for indices in sets)
        return (
            f"SELECT {', '.join([*items, *self.updates, *([extra] if extra else [])])} "
            f"FROM (SELECT *, {inner} FROM ({child_sql})) GROUP BY GROUPING SETS ({grouped}) HAVING count(*) > 0"
        )

    def above(self, name: str) -> Node:
        """The node that stands for the Aggregate in the segment above; it reads the operator's output `name`."""
        return Project(self.output, Input(f"({self.final_sql.format(operator=name)})", self.columns))


def plan_aggregate(node: Aggregate, context: TranslateContext) -> AggregatePlan:
    """Cut an Aggregate whose child is already free of streaming leaves."""
    keys, key_finals, replaced, session, positions = _plan_keys(node, context)
    sets = None
    if node.kind != "groupby":
        keys, sets = _with_set(node, keys, positions)
    calls = _aggregate_calls(node)
    updates, merges, finals, columns = [], [], list(key_finals), [a for a, _ in replaced.values()]
    for i, call in enumerate(calls):
        call_updates, call_merges, final = _plan_call(call, i, context)
        updates += call_updates
        merges += call_merges
        result = Attribute(f"a{i}", call.type, call.nullable, fresh_id())
        columns.append(result)
        finals.append(f"{final} AS {result.sql_name}")
        replaced[call] = (result, None)
    if sets is not None:
        for i, call in enumerate(_grouping_calls(node)):
            result = Attribute(f"g{i}", call.type, call.nullable, fresh_id())
            columns.append(result)
            finals.append(f"{_grouping_sql(call, node, keys[-1].name)} AS {result.sql_name}")
            replaced[call] = (result, None)
    attributes = _Replacement({k: a for k, (a, _) in replaced.items()})
    output = tuple(attributes.whole(e) for e in node.aggregates)
    return AggregatePlan(
        keys=keys,
        updates=tuple(updates),
        merges=tuple(merges),
        finals=tuple(f.rpartition(" AS ")[0] for f in finals),
        final_sql=f"SELECT {', '.join(_escape(f) for f in finals) or '1 AS one'} FROM {_repeated(node, keys[-1].name)}",
        columns=tuple(columns),
        output=output,
        event_time_key=_event_time_key(replaced),
        is_global=not node.grouping,
        session=session,
        sets=sets,
    )


Replaced = dict[Expression, tuple[Attribute, str | None]]


def _with_set(
    node: Aggregate, keys: tuple[KeyColumn, ...], positions: list[list[int]]
) -> tuple[tuple[KeyColumn, ...], Sets]:
    """The key columns with one more, the number of the grouping set, and the sets in terms of these columns."""
    heads = ", ".join(f"g_{keys[flat[0]].name}" for flat in positions)
    which = KeyColumn(f"k{len(keys)}", f"CAST(GROUPING({heads}) AS BIGINT)", LONG)
    sets = tuple(dict.fromkeys(node.sets))
    return (*keys, which), tuple(tuple(f for i in indices for f in positions[i]) for indices in sets)


def _repeated(node: Aggregate, which: str) -> str:
    """What to read the operator's groups from: those of a set that the query names more than once come as often."""
    count = len(node.grouping)
    times = {
        sum(1 << (count - 1 - i) for i in range(count) if i not in indices): node.sets.count(indices)
        for indices in node.sets
        if node.sets.count(indices) > 1
    }
    if not times:
        return "{operator}"
    cases = " ".join(f"WHEN {number} THEN {n}" for number, n in times.items())
    return f"(SELECT *, unnest(range(CASE {which} {cases} ELSE 1 END)) AS copy FROM {{operator}})"


def _grouping_calls(node: Aggregate) -> tuple[FunctionCall, ...]:
    """The distinct calls of grouping() and grouping_id() in the output."""
    calls = (e for column in node.aggregates for e in column.walk() if isinstance(e, FunctionCall))
    return tuple(dict.fromkeys(call for call in calls if call.name in _GROUPING))


def _grouping_sql(call: FunctionCall, node: Aggregate, which: str) -> str:
    """The number of the grouping set, or the bit of one key (the first key's is the highest)."""
    if call.name == "grouping_id":
        return which
    return f"CAST(({which} >> {len(node.grouping) - 1 - node.grouping.index(call.args[0])}) & 1 AS TINYINT)"


def _plan_keys(
    node: Aggregate, context: TranslateContext
) -> tuple[tuple[KeyColumn, ...], list[str], Replaced, tuple[str, str] | None, list[list[int]]]:
    """Key columns, the SQL that restores each grouping expression, what replaces it above (with its event-time key),
    the columns of a session window, and which columns each grouping expression has."""
    session = None
    positions: list[list[int]] = []
    columns: list[KeyColumn] = []
    finals: list[str] = []
    replaced: Replaced = {}
    # Spark calls sliding windows nullable; they are NULL only on the far side of an outer join or outside their set.
    outer_joined = any(isinstance(n, Join) and n.kind in ("left", "right", "full") for n in node.walk())
    for expression in node.grouping:
        if expression in replaced:
            positions.append(positions[node.grouping.index(expression)])
            continue
        sql = expression_sql(expression, context)
        metadata = expression.metadata if isinstance(expression, Attribute) else {}
        is_window = TIME_WINDOW in metadata or SESSION_WINDOW in metadata
        flat, restored = _flatten(sql, expression.type, expression.nullable and not is_window, len(columns))
        if is_window and expression.nullable and (outer_joined or node.kind != "groupby"):
            restored = f"CASE WHEN {flat[0].name} IS NOT NULL THEN {restored} END"
        positions.append(list(range(len(columns), len(columns) + len(flat))))
        columns += flat
        if SESSION_WINDOW in metadata:
            session = (flat[0].name, flat[1].name)
        name = expression.name if isinstance(expression, (Attribute, Alias)) else "key"
        attribute = Attribute(name, expression.type, expression.nullable, fresh_id(), (), metadata)
        finals.append(f"{restored} AS {attribute.sql_name}")
        # The watermark compares with a window's end, which is its last field.
        replaced[expression] = (attribute, flat[-1].name if WATERMARK_DELAY in metadata else None)
    if not columns:
        columns.append(KeyColumn("k0", "0::TINYINT", BYTE))
    return tuple(columns), finals, replaced, session, positions


def _flatten(sql: str, kind: DataType, nullable: bool, start: int) -> tuple[list[KeyColumn], str]:
    """A key as flat columns (a struct that is never NULL becomes one a field: windows) and the SQL that restores it."""
    if not (isinstance(kind, StructType) and not nullable and kind.fields):
        name = f"k{start}"
        return [KeyColumn(name, sql, kind)], name
    columns: list[KeyColumn] = []
    parts: list[str] = []
    for field in kind.fields:
        quoted = '"' + field.name.replace('"', '""') + '"'
        flat, restored = _flatten(f"({sql}).{quoted}", field.dataType, field.nullable, start + len(columns))
        columns += flat
        parts.append(f"{quoted} := {restored}")
    return columns, f"struct_pack({', '.join(parts)})"


def _event_time_key(replaced: Replaced) -> str | None:
    return next((key for _, key in replaced.values() if key is not None), None)


def _aggregate_calls(node: Aggregate) -> tuple[FunctionCall, ...]:
    """The distinct aggregate calls of the output, in order."""
    found: dict[FunctionCall, None] = {}
    for expression in node.aggregates:
        for call in _calls_in(expression):
            found[call] = None
    return tuple(found)


def _is_aggregate(name: str) -> bool:
    return name not in _GROUPING and lookup(name).kind == "aggregate"


def _calls_in(expression: Expression) -> Iterator[FunctionCall]:
    todo = [expression]
    while todo:
        found = todo.pop()
        if isinstance(found, FunctionCall) and _is_aggregate(found.name):
            yield found
        else:
            todo.extend(reversed(found.children))


def buffer_names(node: Aggregate) -> tuple[tuple[str, int | None], ...]:
    """What the buffers are called, in the order of AggregatePlan.merges, as far as Spark has them by Spark's names; and
    what Spark holds where ours are NULL."""
    found = ((call.name, lookup(call.name).incremental) for call in _aggregate_calls(node))
    return tuple(
        (
            _BUFFER_NAMES.get(buffer.name, name if len(incremental.buffers) == 1 else buffer.name),
            0 if name == "avg" else None,
        )
        for name, incremental in found
        if incremental is not None
        for buffer in incremental.buffers
    )


def _plan_call(call: FunctionCall, index: int, context: TranslateContext) -> tuple[list[str], list[Merge], str]:
    """Update items, merges and final SQL of one aggregate call."""
    incremental = lookup(call.name).incremental
    if incremental is None or call.distinct:
        what = f"{call.name}(DISTINCT)" if call.distinct else call.name
        raise unsupported(f"the aggregate function {what} on a streaming DataFrame")
    names = {buffer.name: f"b{index}_{j}" for j, buffer in enumerate(incremental.buffers)}
    return (
        _updates(call, incremental, names, context),
        _merges(call, incremental, names),
        incremental.final_sql(names, call, context),
    )


def _updates(
    call: FunctionCall, incremental: Incremental, names: dict[str, str], context: TranslateContext
) -> list[str]:
    args = [expression_sql(arg, context) for arg in call.args]
    where = expression_sql(call.filter, context) if call.filter is not None else None
    order = ", ".join(expression_sql(key, context) for key in call.order_by) or None
    args += [expression_sql(key.child, context) for key in call.order_by]  # for buffers that keep the keys, too
    return [
        f"{update_sql(call, b.update, args, context, filter_sql=where, order_sql=order)} AS {names[b.name]}"
        for b in incremental.buffers
    ]


def _merges(call: FunctionCall, incremental: Incremental, names: dict[str, str]) -> list[Merge]:
    return [
        Merge(names[b.name], engine_type(b.data_type(call)), b.merge_rule(call), names) for b in incremental.buffers
    ]


class _Replacement:
    """Top-down replacement of grouping expressions and aggregate calls.

    Only what is of a kind to be found is looked up: the hash of an expression is that of all below it, so looking up
    every level of a sum of many aggregates would cost their number squared."""

    def __init__(self, replaced: dict[Expression, Attribute]) -> None:
        self._replaced = replaced
        self._heads = {_head(key) for key in replaced}

    def whole(self, expression: Expression) -> Expression:
        """A column of the output; a bare one that is replaced keeps its name and id."""
        found = self._find(expression)
        if found is not None:
            if isinstance(expression, Attribute):
                return Alias(found, (expression.name,), expression.id, expression.metadata)
            return found
        if isinstance(expression, Alias):
            metadata = expression.metadata
            if metadata is None and isinstance(expression.child, (Attribute, Alias)):
                metadata = dict(expression.child.metadata or {})
            return Alias(self.inner(expression.child), expression.names, expression.id, metadata)
        return expression.map_children(self.inner)

    def inner(self, expression: Expression) -> Expression:
        """A part of one."""
        found = self._find(expression)
        return found if found is not None else expression.map_children(self.inner)

    def _find(self, expression: Expression) -> Attribute | None:
        return self._replaced.get(expression) if _head(expression) in self._heads else None


def _head(expression: Expression) -> tuple[type[Expression], object]:
    return type(expression), expression.name if isinstance(expression, FunctionCall) else None


def _escape(sql: str) -> str:
    return sql.replace("{", "{{").replace("}", "}}")

"""From a resolved streaming plan to a Pipeline: cut at the stateful nodes, compile every segment to SQL, once.

Going up the tree, each streaming leaf, each withWatermark and each stateful node becomes a step, and in the tree an
`Input` that reads what the step leaves behind; what remains between them is plain relational algebra for DuckDB.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from penstock.core.config import Conf
from penstock.core.errors import unsupported
from penstock.engine import EngineCursor
from penstock.engine.types import arrow_type, duckdb_type
from penstock.operators.aggregate import HASH, AggregateOperator
from penstock.operators.base import KeepsState, StatefulOperator
from penstock.operators.deduplicate import SEEN, DeduplicateOperator
from penstock.operators.join import JoinOperator
from penstock.plan.expressions import Attribute, Expression, FunctionCall
from penstock.plan.nodes import (
    Aggregate,
    Deduplicate,
    ExpandWindows,
    Hint,
    Join,
    Limit,
    Node,
    Offset,
    Project,
    Read,
    Repartition,
    SetOperation,
    Sort,
    SubqueryAlias,
    Tail,
    Watermark,
)
from penstock.plan.printing import tree
from penstock.plan.types import DataType, StructType
from penstock.pyfn import PYTHON_NODES, cut, extract
from penstock.runtime.join_step import JoinInput, RunJoin
from penstock.runtime.pipeline import CompiledQuery, Pipeline
from penstock.runtime.plan_aggregate import WATERMARK_DELAY, AggregatePlan, plan_aggregate
from penstock.runtime.plan_join import needed_of, open_state, plan_join, span_sql
from penstock.runtime.pushdown import push_filters
from penstock.runtime.pushdown_joins import joins_streams, push_into_joins
from penstock.runtime.python_step import add_python_step, refuse_groups
from penstock.runtime.steps import (
    EVENT_TIME_COLUMNS,
    MeasureEventTime,
    ReadSource,
    RunOperator,
    Segment,
    Step,
    event_time_columns,
)
from penstock.state import KeyedStore, open_store
from penstock.translate import TranslateContext, to_sql
from penstock.translate.nodes import Input
from penstock.translate.pruning import referenced_attributes


def compile_query(
    plan: Node, output_mode: str, conf: Conf, cursor: EngineCursor, state_directory: Path, label: str
) -> Pipeline:
    """Compile `plan` (resolved and checked for streaming) for one run of a query; `label` names the query in errors."""
    planner = _Planner(
        extract(push_filters(push_into_joins(plan))), output_mode.lower(), conf, cursor, state_directory, label
    )
    return Pipeline(planner.compile(), cursor, conf)


class _Planner:
    def __init__(
        self, plan: Node, output_mode: str, conf: Conf, cursor: EngineCursor, state_directory: Path, label: str
    ) -> None:
        self.plan = plan
        self.mode = output_mode
        self.conf = conf
        self.cursor = cursor
        self.state_directory = state_directory
        self.label = label
        self.token = uuid.uuid4().hex[:12]
        self.context = TranslateContext(conf)
        self.sources = tuple(n for n in plan.walk() if isinstance(n, Read) and n.streaming)
        self.watermarks = tuple(n for n in plan.walk() if isinstance(n, Watermark) and n.is_streaming)
        self.required = referenced_attributes(plan) | {a.id for a in plan.output}
        self.steps: list[Step] = []
        self.operators: list[KeepsState] = []

    def compile(self) -> CompiledQuery:
        """The whole query."""
        needed = tuple(self._needed(read) for read in self.sources)
        top = self._cut(self.plan, None)
        last = self._segment(to_sql(top, self.context))
        return CompiledQuery(
            plan=self.plan,
            sources=self.sources,
            needed=tuple(tuple((a.name, a.sql_name) for a in columns) for columns in needed),
            steps=tuple(self.steps),
            operators=tuple(self.operators),
            watermark_delays_ms=tuple(w.delay_us // 1000 for w in self.watermarks),
            last=last,
            output=self.plan.output,
            tables=dict(self.context.tables),
            fallbacks=dict(self.context.fallbacks),
            output_mode=self.mode,
            evicts=any(not isinstance(o, JoinOperator) or o.evicts for o in self.operators),
            describe=self._describe,
        )

    def _describe(self, extended: bool) -> str:
        lines = ["== Streaming Plan ==", tree(self.plan)]
        if extended:
            lines += ["== Steps of a Batch ==", *(str(step) for step in self.steps)]
        return "\n".join(lines)

    # ------------------------------------------------------------ cutting

    def _cut(self, node: Node, folds: Watermark | None) -> Node:
        """`node` without streaming leaves and stateful nodes.  `folds` is a withWatermark below whose event times the
        aggregate above measures itself."""
        if not node.is_streaming:
            return cut(node, self._place_python)
        if isinstance(node, PYTHON_NODES):
            refuse_groups(node)
            return self._place_python(node.map_children(lambda child: self._cut(child, None)))
        if isinstance(node, Read):
            return self._cut_read(node)
        if isinstance(node, Watermark):
            return self._cut_watermark(node, folds)
        if isinstance(node, Aggregate):
            return self._cut_aggregate(node)
        self._refuse(node)
        if isinstance(node, Deduplicate):
            return self._cut_deduplicate(node)
        if isinstance(node, Join) and joins_streams(node):
            return self._cut_join(node)
        return node.map_children(lambda child: self._cut(child, folds))

    def _refuse(self, node: Node) -> None:
        if isinstance(node, Deduplicate) and node.within_watermark:
            raise unsupported("dropDuplicatesWithinWatermark")
        if isinstance(node, (Sort, Limit, Offset, Tail)) and not self._above_complete_aggregate(node):
            raise unsupported(f"{type(node).__name__.lower()} on a streaming DataFrame in {self.mode} mode")
        if isinstance(node, SetOperation) and node.kind != "union":
            raise unsupported(f"{node.kind} on a streaming DataFrame")

    def _above_complete_aggregate(self, node: Node) -> bool:
        return self.mode == "complete" and any(isinstance(n, Aggregate) for n in node.walk())

    def _cut_read(self, read: Read) -> Node:
        index = self.sources.index(read)
        columns = self._needed(read)
        self.steps.append(
            ReadSource(index, self._source_name(index), self._empty_table({a.sql_name: a.type for a in columns}))
        )
        return Input(self._source_name(index), read.output)

    def _cut_watermark(self, node: Watermark, folds: Watermark | None) -> Node:
        child = self._cut(node.child, None)
        if node is folds:
            return replace(node, child=child)
        index, name = self.watermarks.index(node), f"watermarked_{self.token}_{len(self.steps)}"
        column = _watermark_column(node)
        select = self._select(replace(node, child=child))
        self.steps.append(MeasureEventTime(index, node.delay_us // 1000, name, self._segment(select), column.sql_name))
        return Input(name, node.output)

    def _cut_aggregate(self, node: Aggregate) -> Node:
        self._refuse_chain(node)
        folds = _foldable_watermark(node)
        child = self._cut(node.child, folds)
        plan = plan_aggregate(node, self.context)
        extra = event_time_columns(_watermark_column(folds).sql_name) if folds else ""
        segment = self._segment(plan.partial_sql(self._select(child), extra))
        time_key = plan.event_time_key if self.mode != "complete" else None
        store = self._open_store(plan.key_schema, plan.value_schema, AggregateOperator.name, time_key)
        operator = AggregateOperator(store, plan.key_schema, plan.merges, self.mode, time_key, self._run_sql)
        measures = (self.watermarks.index(folds), folds.delay_us // 1000) if folds else None
        empty = _partial_schema(plan, folds is not None).empty_table()
        return plan.above(self._add_operator(node, operator, segment, empty, plan.is_global, measures))

    def _cut_deduplicate(self, node: Deduplicate) -> Node:
        self._refuse_chain(node)
        child = self._cut(node.child, None)
        names = {key.id: f"k{i}" for i, key in enumerate(node.keys)}
        columns = tuple(
            a for a in node.output if a.id in self.required or a.id in names or WATERMARK_DELAY in a.metadata
        )
        own = {a.sql_name: (a.sql_name, a.type) for a in columns}
        keys = {names[key.id]: (key.sql_name, key.type) for key in node.keys}
        items = ", ".join(f"{sql} AS {name}" for name, (sql, _) in {**own, **keys}.items())
        hashed = f"hash({', '.join(key.sql_name for key in node.keys)}) AS {HASH}"
        segment = self._segment(f"SELECT {items}, {hashed} FROM ({self._select(child)})")
        time = next((a for a in columns if WATERMARK_DELAY in a.metadata and not isinstance(a.type, StructType)), None)
        time_key = names.get(time.id) if time is not None else None
        key_schema = pa.schema([(name, arrow_type(kind)) for name, (_, kind) in keys.items()])
        store = self._open_store(key_schema, SEEN, DeduplicateOperator.name, time_key)
        operator = DeduplicateOperator(store, key_schema, time.sql_name if time else None, time_key, self._run_sql)
        empty = self._empty_table({name: kind for name, (_, kind) in {**own, **keys}.items()})
        return Input(self._add_operator(node, operator, segment, empty, False), columns)

    def _cut_join(self, node: Join) -> Node:
        self._refuse_chain(node)
        plan = plan_join(node, needed_of(self.plan, node), self.context, self._microseconds)
        left, right = (
            JoinInput(
                self._segment(side.segment_sql(to_sql(Project(side.inputs, self._cut(side.node, None)), self.context))),
                side.empty,
                self._feeding(side.node),
            )
            for side in (plan.left, plan.right)
        )
        state = open_state(plan, self.state_directory, len(self.operators), _hash_keys(self.cursor, self.conf))
        operator = JoinOperator(state, plan.rules, self._run_sql)
        name = f"operator_{self.token}_{len(self.operators)}"
        self.operators.append(operator)
        self.steps.append(RunJoin(operator, left, right, name))
        return Input(name, plan.columns)

    def _microseconds(self, constant: Expression) -> float | None:
        sql = span_sql(constant, self.context)
        if sql is None:
            return None
        value = self.cursor.query(f"SELECT {sql} AS span", {}, self.conf).column(0)[0].as_py()
        return None if value is None else float(value)

    def _refuse_chain(self, node: Node) -> None:
        below = (n for child in node.children for n in child.walk())
        if any((isinstance(n, (Aggregate, Deduplicate)) and n.is_streaming) or joins_streams(n) for n in below):
            raise unsupported("a chain of stateful operators on a streaming DataFrame")

    def _add_operator(
        self,
        node: Node,
        operator: StatefulOperator,
        segment: Segment,
        empty: pa.Table,
        needs_rows: bool,
        measures: tuple[int, int] | None = None,
    ) -> str:
        """Append the step that runs `operator`; returns the name under which its rows can be read."""
        name = f"operator_{self.token}_{len(self.operators)}"
        self.operators.append(operator)
        self.steps.append(RunOperator(operator, segment, name, empty, self._feeding(node), needs_rows, measures))
        return name

    def _feeding(self, node: Node) -> frozenset[int]:
        """The sources below `node`."""
        below = list(node.walk())
        return frozenset(i for i, read in enumerate(self.sources) if any(n is read for n in below))

    def _open_store(self, keys: pa.Schema, values: pa.Schema, operator: str, time_key: str | None) -> KeyedStore:
        number = str(len(self.operators))
        hash_keys = _hash_keys(self.cursor, self.conf)
        store = open_store(self.state_directory, keys, values, hash_keys, operator=number, description=operator)
        if time_key is not None:
            store.track_expiry(time_key)
        return store

    def _run_sql(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        return self.cursor.query(sql, tables, self.conf)

    def _empty_table(self, columns: Mapping[str, DataType]) -> pa.Table:
        """No rows, in the types that DuckDB gives such columns."""
        items = ", ".join(f"CAST(NULL AS {duckdb_type(kind)}) AS {name}" for name, kind in columns.items())
        return self.cursor.query(f"SELECT {items} LIMIT 0", {}, self.conf)

    def _place_python(self, node: Node) -> Node:
        name = f"python_{self.token}_{len(self.steps)}"
        return add_python_step(
            self.steps, node, name, self.required, self.conf, lambda one: self._segment(to_sql(one, self.context))
        )

    # ------------------------------------------------------------ segments

    def _select(self, node: Node) -> str:
        """The SELECT of those columns of `node` that the query uses; the relations that a step leaves hold no
        others."""
        return to_sql(Project(tuple(a for a in node.output if a.id in self.required), node), self.context)

    def _segment(self, sql: str) -> Segment:
        names = tuple(self._source_name(i) for i in range(len(self.sources)))
        return Segment(sql, tuple(name for name in names if name in sql))

    def _source_name(self, index: int) -> str:
        return f"source_{self.token}_{index}"

    def _needed(self, read: Read) -> tuple[Attribute, ...]:
        """The columns that the query uses; a query that only counts rows still has to read one."""
        used = tuple(a for a in read.output if a.id in self.required)
        return used or read.output[:1]


def _foldable_watermark(node: Aggregate) -> Watermark | None:
    """The withWatermark below `node` when the same rows reach both, so that one scan serves both."""
    below = node.child
    while isinstance(below, (Project, SubqueryAlias, Hint, Repartition, ExpandWindows)):
        if isinstance(below, Project) and any(_has_volatile(e) for e in below.expressions):
            return None
        if isinstance(below, ExpandWindows) and below.duration_us % below.slide_us:
            return None  # some rows fall into more windows than others, which would skew the average
        below = below.child
    if not isinstance(below, Watermark) or (isinstance(node, Aggregate) and not node.grouping):
        return None
    column = _watermark_column(below)
    return below if any(a.id == column.id for a in node.child.output) else None


def _has_volatile(expression: Expression) -> bool:
    return any(isinstance(e, FunctionCall) and e.name in ("explode", "explode_outer") for e in expression.walk())


def _watermark_column(node: Watermark) -> Attribute:
    assert node.column is not None, "analysis resolves the column"
    return node.column


def _partial_schema(plan: AggregatePlan, measured: bool) -> pa.Schema:
    """The columns of the partial segment's rows, for a batch that has none."""
    fields = [*plan.key_schema, *plan.value_schema]
    if measured:
        fields += [pa.field(name, pa.int64()) for name in EVENT_TIME_COLUMNS]
    return pa.schema([*fields, pa.field(HASH, pa.uint64())])


def _hash_keys(cursor: EngineCursor, conf: Conf) -> Callable[[pa.RecordBatch], NDArray[np.uint64]]:
    """DuckDB's hash of key columns: the same as the partial segments compute."""

    def hash_keys(keys: pa.RecordBatch) -> NDArray[np.uint64]:
        names = ", ".join(keys.schema.names)
        hashed = cursor.query(
            f"SELECT hash({names}) AS {HASH} FROM keys_to_hash", {"keys_to_hash": pa.table(keys)}, conf
        )
        return np.asarray(hashed.column(0).to_numpy(), dtype=np.uint64)

    return hash_keys

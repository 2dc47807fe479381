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
from penstock.engine.types import duckdb_type
from penstock.operators.aggregate import HASH, AggregateOperator
from penstock.operators.base import KeepsState, StatefulOperator
from penstock.operators.deduplicate import DeduplicateOperator
from penstock.operators.join import JoinOperator
from penstock.operators.limit import KEY, PASSED, LimitOperator, hash_nothing
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall, Literal
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
from penstock.plan.python_nodes import ApplyInPandasWithState, TransformWithState
from penstock.plan.statistic_nodes import CollectMetrics
from penstock.plan.types import DataType
from penstock.pyfn import PYTHON_NODES, cut, extract
from penstock.runtime.finish import finish_of
from penstock.runtime.join_step import JoinInput, RunJoin
from penstock.runtime.late_rows import KEEP, LateRowKeeper
from penstock.runtime.observe import cut_metrics
from penstock.runtime.operator_check import check_operators
from penstock.runtime.pipeline import CompiledQuery, Pipeline
from penstock.runtime.plan_aggregate import AggregatePlan, plan_aggregate
from penstock.runtime.plan_deduplicate import plan_deduplicate
from penstock.runtime.plan_join import needed_of, open_state, plan_join, span_sql
from penstock.runtime.plan_session import groups_sessions, plan_session, session_operator, session_segment
from penstock.runtime.plan_with_state import StateContext, apply_operator, initial_input, input_of, transform_operator
from penstock.runtime.pushdown import push_filters
from penstock.runtime.pushdown_joins import joins_streams, push_into_joins
from penstock.runtime.python_step import add_python_step, refuse_aggregates
from penstock.runtime.state_layouts import aggregate_layout, deduplicate_layout, join_layout
from penstock.runtime.state_step import RunApplyWithState, RunTransformWithState, StateInput
from penstock.runtime.steps import (
    EVENT_TIME_COLUMNS,
    MeasureEventTime,
    ReadSource,
    RescanTable,
    RunOperator,
    Segment,
    Step,
    event_time_columns,
)
from penstock.runtime.watermark_flow import input_lag, is_single, join_lag, redefines_watermark
from penstock.state import KeyedStore, open_store
from penstock.state.fields import check_layout, write_layout
from penstock.state.options import StateOptions, assign
from penstock.translate import TranslateContext, to_sql
from penstock.translate.nodes import Input
from penstock.translate.pruning import referenced_attributes


def compile_query(
    plan: Node, output_mode: str, conf: Conf, cursor: EngineCursor, state_directory: Path, label: str
) -> Pipeline:
    """Compile `plan` (resolved and checked for streaming) for one run of a query; `label` names the query in errors."""
    assign(state_directory, StateOptions.of(conf, label))
    pushed = push_filters(push_into_joins(push_filters(plan)))
    planner = _Planner(extract(pushed), output_mode.lower(), conf, cursor, state_directory, label)
    check_operators(planner.plan, lambda limit: not planner.above_complete_aggregate(limit), state_directory)
    query = planner.compile()
    keeps_late_rows = str(conf.get(KEEP, "false")).strip().lower() == "true"
    names = [operator.name for operator in query.operators]
    late_rows = LateRowKeeper(state_directory, plan, names) if keeps_late_rows else None
    return Pipeline(query, cursor, conf, late_rows)


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
        self.lags_ms: list[int | None] = []
        self.held_back: dict[int, int] = {}
        self.tables: list[str] = []
        self.stateful: dict[int, int] = {}
        self.aggregates: dict[str, AggregatePlan] = {}

    def compile(self) -> CompiledQuery:
        """The whole query."""
        needed = tuple(self._needed(read) for read in self.sources)
        top = self._cut(self.plan, None)
        last = self._segment(to_sql(top, self.context))
        names = [self._operator_name(number) for number in range(len(self.operators))]
        return CompiledQuery(
            plan=self.plan,
            sources=self.sources,
            needed=tuple(tuple((a.name, a.sql_name) for a in columns) for columns in needed),
            steps=tuple(self.steps),
            operators=tuple(self.operators),
            watermark_delays_ms=tuple(w.delay_us // 1000 for w in self.watermarks),
            last=last,
            finish=finish_of(top, names, self.aggregates),
            output=self.plan.output,
            tables=dict(self.context.tables),
            fallbacks=dict(self.context.fallbacks),
            output_mode=self.mode,
            lags_ms=tuple(self.lags_ms),
            from_the_top=tuple(self.stateful[id(n)] for n in self.plan.walk() if id(n) in self.stateful),
            redefines_watermark=redefines_watermark(self.plan),
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
            return cut(node.transform(self._rescan), self._place_python)
        if isinstance(node, (ApplyInPandasWithState, TransformWithState)):
            return self._cut_with_state(node)
        if isinstance(node, PYTHON_NODES):
            refuse_aggregates(node)
            return self._place_python(node.map_children(lambda child: self._cut(child, None)))
        if isinstance(node, Read):
            return self._cut_read(node)
        if isinstance(node, Watermark):
            return self._cut_watermark(node, folds)
        if isinstance(node, CollectMetrics):
            name = f"observed_{self.token}_{len(self.steps)}"
            child = self._cut(node.child, None)
            return cut_metrics(node, child, name, self.required, self.steps, self._segment, self.context)
        if isinstance(node, Aggregate):
            return self._cut_aggregate(node)
        self._refuse(node)
        if isinstance(node, Limit) and not self.above_complete_aggregate(node):
            return self._cut_limit(node)
        if isinstance(node, Deduplicate):
            return self._cut_deduplicate(node)
        if isinstance(node, Join) and joins_streams(node):
            return self._cut_join(node)
        return node.map_children(lambda child: self._cut(child, folds))

    def _refuse(self, node: Node) -> None:
        if isinstance(node, (Sort, Offset, Tail)) and not self.above_complete_aggregate(node):
            raise unsupported(f"{type(node).__name__.lower()} on a streaming DataFrame in {self.mode} mode")
        if isinstance(node, SetOperation) and node.kind != "union":
            raise unsupported(f"{node.kind} on a streaming DataFrame")

    def above_complete_aggregate(self, node: Node) -> bool:
        """Whether a node sees all rows of an aggregate whenever it runs."""
        return self.mode == "complete" and any(isinstance(n, Aggregate) for n in node.walk())

    def _cut_read(self, read: Read) -> Node:
        index = self.sources.index(read)
        columns = self._needed(read)
        self.steps.append(
            ReadSource(index, self._source_name(index), self._empty_table({a.sql_name: a.type for a in columns}))
        )
        return Input(self._source_name(index), read.output)

    def _rescan(self, node: Node) -> Node:
        """A table on the static side is looked at anew for every batch; other files stay those of the beginning."""
        if not isinstance(node, Read) or not getattr(node.relation, "is_table", False):
            return node
        name, columns = f"table_{self.token}_{len(self.steps)}", self._needed(node)
        self.steps.append(RescanTable(name, node.relation, tuple((a.name, a.sql_name) for a in columns)))
        self.tables.append(name)
        return Input(name, columns)

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
        if groups_sessions(node):
            return self._cut_sessions(node)
        folds = _foldable_watermark(node)
        child = self._cut(node.child, folds)
        wanted = self._wanted(node)
        plan = plan_aggregate(wanted, self.context)
        extra = event_time_columns(_watermark_column(folds).sql_name) if folds else ""
        segment = self._segment(plan.partial_sql(self._select(child), extra))
        time_key = plan.event_time_key if self.mode != "complete" else None
        layout, place = aggregate_layout(plan, wanted), self.state_directory / str(len(self.operators))
        check_layout(place, layout)
        store = self._open_store(plan.key_schema, plan.value_schema, AggregateOperator.name, time_key)
        write_layout(place, layout)
        operator = AggregateOperator(store, plan.key_schema, plan.merges, self.mode, time_key, self._run_sql)
        measures = (self.watermarks.index(folds), folds.delay_us // 1000) if folds else None
        empty = _partial_schema(plan, folds is not None).empty_table()
        return self._above(plan, self._add_operator(node, operator, segment, empty, plan.is_global, measures))

    def _above(self, plan: AggregatePlan, name: str) -> Node:
        self.aggregates[name] = plan
        return plan.above(name)

    def _wanted(self, node: Aggregate) -> Aggregate:
        """With NULL for results that nothing above uses: their arguments are not read."""

        def wanted(e: Expression) -> Expression:
            is_unused = isinstance(e, Alias) and e.id not in self.required
            return _nothing(e.to_attribute()) if isinstance(e, Alias) and is_unused else e

        return replace(node, aggregates=tuple(wanted(e) for e in node.aggregates))

    def _cut_sessions(self, node: Aggregate) -> Node:
        child = self._cut(node.child.children[0], None)
        wanted = self._wanted(node)
        plan = plan_session(wanted, self.context)
        segment = self._segment(session_segment(plan, self._select(child), ""))
        hash_keys = _hash_keys(self.cursor, self.conf)
        number = len(self.operators)
        layout, place = aggregate_layout(plan, wanted), self.state_directory / str(number)
        check_layout(place, layout)
        operator = session_operator(plan, self.state_directory, number, hash_keys, self.mode, self._run_sql)
        write_layout(place, layout)
        empty = _partial_schema(plan, False).empty_table()
        return self._above(plan, self._add_operator(node, operator, segment, empty, False))

    def _cut_deduplicate(self, node: Deduplicate) -> Node:
        child = self._cut(node.child, None)
        plan = plan_deduplicate(node, self.required)
        segment = self._segment(plan.segment_sql(self._select(child)))
        name = "dedupeWithinWatermark" if node.within_watermark else "dedupe"
        store = self._open_store(plan.key_schema, plan.value_schema, name, plan.evicts_by)
        write_layout(self.state_directory / str(len(self.operators)), deduplicate_layout(plan, node.keys))
        output = tuple(a.sql_name for a in plan.columns)
        schemas = (plan.key_schema, plan.value_schema)
        operator = DeduplicateOperator(name, store, *schemas, output, plan.late, plan.evicts_by, self._run_sql)
        empty = self._empty_table({name: kind for name, (_, kind) in plan.items.items()})
        return Input(self._add_operator(node, operator, segment, empty, False), node.output)

    def _cut_with_state(self, node: ApplyInPandasWithState | TransformWithState) -> Node:
        child = self._cut(node.child, None)
        rows = input_of(node, node.child)
        segment = self._segment(to_sql(replace(rows, child=child), self.context))
        empty = self._empty_table({a.sql_name: a.type for a in rows.output})
        chained = self._has_state(node.child)
        context = StateContext(
            self.state_directory, len(self.operators), _hash_keys(self.cursor, self.conf), self._run_sql, self.conf
        )
        if isinstance(node, ApplyInPandasWithState):
            apply = apply_operator(node, context)
            name, lag = self._enter(node, apply)
            given = StateInput(segment, empty, self._feeding(node), chained, lag)
            self.steps.append(RunApplyWithState(apply, given, name))
            return Input(name, node.columns)
        initial = None
        if node.initial is not None:
            static = initial_input(node, node.initial)
            initial = self._segment(to_sql(replace(static, child=self._cut(node.initial, None)), self.context))
        transform = transform_operator(node, context)
        name, lag = self._enter(node, transform)
        given = StateInput(segment, empty, self._feeding(node), chained, lag)
        self.steps.append(RunTransformWithState(transform, given, initial, name))
        return Input(name, node.columns)

    def _cut_limit(self, node: Limit) -> Node:
        child = self._cut(node.child, None)
        columns = tuple(a for a in node.output if a.id in self.required) or node.output[:1]
        segment = self._segment(to_sql(Project(columns, child), self.context))
        number = str(len(self.operators))
        name = LimitOperator.name
        store = open_store(self.state_directory, KEY, PASSED, hash_nothing, operator=number, description=name)
        empty = self._empty_table({a.sql_name: a.type for a in columns})
        return Input(self._add_operator(node, LimitOperator(store, node.count), segment, empty, False), node.output)

    def _cut_join(self, node: Join) -> Node:
        plan = plan_join(node, needed_of(self.plan, node), self.context, self._microseconds)
        left, right = (
            JoinInput(
                self._segment(side.segment_sql(to_sql(Project(side.inputs, self._cut(side.node, None)), self.context))),
                side.empty,
                self._feeding(side.node),
                self._has_state(side.node),
            )
            for side in (plan.left, plan.right)
        )
        number = len(self.operators)
        layouts = {
            self.state_directory / f"{number}-{name}": join_layout(side)
            for name, side in (("left", plan.left), ("right", plan.right))
        }
        for place, layout in layouts.items():
            check_layout(place, layout)
        state = open_state(plan, self.state_directory, number, _hash_keys(self.cursor, self.conf))
        for place, layout in layouts.items():
            write_layout(place, layout)
        operator = JoinOperator(state, plan.rules, self._run_sql)
        name, lag = self._enter(node, operator)
        expires = (side.layout.expiry is not None for side in (plan.left, plan.right))
        if not is_single(self.conf):
            self.held_back[id(node)] = join_lag(plan.rules, *expires)
        self.steps.append(RunJoin(operator, left, right, name, lag))
        given = {a.id for a in plan.columns}
        return Project(tuple(a if a.id in given else _nothing(a) for a in node.output), Input(name, plan.columns))

    def _microseconds(self, constant: Expression) -> float | None:
        sql = span_sql(constant, self.context)
        if sql is None:
            return None
        value = self.cursor.query(f"SELECT {sql} AS span", {}, self.conf).column(0)[0].as_py()
        return None if value is None else float(value)

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
        chained = any(self._has_state(child) for child in node.children)
        name, lag = self._enter(node, operator)
        feeding = self._feeding(node)
        step = RunOperator(operator, segment, name, empty, feeding, needs_rows or chained, measures, lag)
        self.steps.append(step)
        return name

    def _enter(self, node: Node, operator: KeepsState) -> tuple[str, int | None]:
        """Number an operator; returns the name for its rows, and the lag of the watermark that it sees."""
        name, lag = self._operator_name(len(self.operators)), input_lag(node, self.held_back)
        self.stateful[id(node)] = len(self.operators)
        self.operators.append(operator)
        self.lags_ms.append(lag)
        return name, lag

    def _has_state(self, node: Node) -> bool:
        """Whether an operator stands at or below `node`, which may give rows in a batch without new ones."""
        return any(id(n) in self.stateful for n in node.walk())

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
        names = (*(self._source_name(i) for i in range(len(self.sources))), *self.tables)
        return Segment(sql, tuple(name for name in names if name in sql))

    def _operator_name(self, number: int) -> str:
        return f"operator_{self.token}_{number}"

    def _source_name(self, index: int) -> str:
        return f"source_{self.token}_{index}"

    def _needed(self, read: Read) -> tuple[Attribute, ...]:
        """The columns that the query uses; a query that only counts rows still has to read one."""
        used = tuple(a for a in read.output if a.id in self.required)
        return used or read.output[:1]


def _nothing(column: Attribute) -> Alias:
    """NULL in the place of a column that nothing uses: the nodes above count columns."""
    return Alias(Literal(None, column.type), (column.name,), column.id, column.metadata)


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

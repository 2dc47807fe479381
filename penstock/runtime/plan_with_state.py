"""How applyInPandasWithState and transformWithState become operators: their arguments, keys and schemas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from penstock.core.active_conf import active
from penstock.core.config import Conf
from penstock.engine.types import engine_type
from penstock.operators.apply_with_state import ApplyWithStateOperator, FunctionPlan, value_schema
from penstock.operators.groups import HashKeys
from penstock.operators.merging import RunSql
from penstock.operators.processor_state import ProcessorState
from penstock.operators.transform_with_state import ProcessorPlan, TransformWithStateOperator
from penstock.plan.expressions import Attribute, Expression, PythonFunction
from penstock.plan.nodes import Node, Project
from penstock.plan.python_nodes import ApplyInPandasWithState, TransformWithState
from penstock.plan.types import StructType
from penstock.pyfn.calls import Argument, Call
from penstock.pyfn.eval_types import TRANSFORM_PANDAS, TRANSFORM_PANDAS_INITIAL
from penstock.pyfn.processor import Handle, Variable, load_processor
from penstock.pyfn.state_values import Codec
from penstock.runtime.plan_aggregate import WATERMARK_DELAY
from penstock.runtime.state_layouts import apply_layout, variable_layout
from penstock.sql import parse_schema
from penstock.state import open_store
from penstock.state.fields import write_layout


@dataclass(frozen=True)
class StateContext:
    """What the planner lends."""

    directory: Path
    number: int
    hash_keys: HashKeys
    run_sql: RunSql
    conf: Conf


def input_of(node: ApplyInPandasWithState | TransformWithState, child: Node) -> Project:
    """The columns that the function's rows have."""
    return Project(_columns(node.grouping, node.function), child)


def initial_input(node: TransformWithState, child: Node) -> Project:
    """The columns that the initial state's rows have."""
    return Project(_unique([*_attributes(node.initial_grouping), *child.output]), child)


def apply_operator(node: ApplyInPandasWithState, context: StateContext) -> ApplyWithStateOperator:
    """The operator of an applyInPandasWithState, with its store."""
    call, keys, columns = _call(node.grouping, node.function, node.columns)
    watermark = _event_time(node.child)
    codec = Codec(node.state_schema, "v_")
    plan = FunctionPlan(
        call=call,
        key_columns=tuple(key.sql_name for key in keys),
        key_schema=_key_schema(keys),
        columns=columns,
        timeout=node.timeout,
        event_time=watermark.sql_name if watermark is not None and node.timeout == "EventTimeTimeout" else None,
        has_watermark=watermark is not None,
        state=node.state_schema,
        result=node.result_schema,
    )
    store = open_store(
        context.directory,
        plan.key_schema,
        value_schema(codec),
        context.hash_keys,
        operator=str(context.number),
        description=ApplyWithStateOperator.name,
    )
    store.track_expiry("timeoutTimestamp")
    write_layout(context.directory / str(context.number), apply_layout(keys, node.state_schema))
    return ApplyWithStateOperator(plan, codec, store, context.hash_keys, context.run_sql, context.conf)


def transform_operator(node: TransformWithState, context: StateContext) -> TransformWithStateOperator:
    """The operator of a transformWithState, with its stores."""
    call, keys, columns = _call(node.grouping, node.function, node.columns)
    watermark = _event_time(node.child)
    is_timed = node.time_mode.lower() == "eventtime"
    pandas = node.function.eval_type in (TRANSFORM_PANDAS, TRANSFORM_PANDAS_INITIAL)
    initial = None
    initial_keys = _attributes(node.initial_grouping)
    if node.initial is not None:
        attributes = _unique([*initial_keys, *node.initial.output])
        initial = Call(call.name, call.command, call.eval_type, _arguments(attributes), call.result_type, call.results)
    plan = ProcessorPlan(
        call=call,
        initial=initial,
        key_columns=tuple(key.sql_name for key in keys),
        initial_key_columns=tuple(key.sql_name for key in initial_keys),
        key_schema=_key_schema(keys),
        key_type=StructType([key.to_field() for key in keys]),
        frame_columns=columns if node.initial is None else tuple(range(len(call.arguments))),
        pandas=pandas,
        time_mode=node.time_mode,
        event_time=watermark.sql_name if watermark is not None and is_timed else None,
        result=node.result_schema,
        emitted_event_time=next((a.sql_name for a in node.columns if WATERMARK_DELAY in a.metadata), None),
    )
    state = ProcessorState(
        context.directory,
        context.number,
        plan.key_schema,
        context.hash_keys,
        lambda: declared(call, node.time_mode, reader_of_schemas(context.conf)),
        node.time_mode.lower() != "none",
        lambda variable, stored: variable_layout(keys, plan.key_schema, variable, stored, plan, node.output_mode),
    )
    return TransformWithStateOperator(
        plan, state, context.hash_keys, context.run_sql, context.conf, reader_of_schemas(context.conf)
    )


def reader_of_schemas(conf: Conf) -> Callable[[str], StructType]:
    """Reads what a processor says of its variables: TIMESTAMP means what it did where the query was started."""

    def read(text: str) -> StructType:
        with active(conf):
            return parse_schema(text)

    return read


def declared(call: Call, time_mode: str, read_schema: Callable[[str], StructType]) -> Mapping[str, Variable]:
    """The state variables of a processor: its `init` is run with a handle that only takes note."""
    from penstock.pyfn.errors import user_code

    handle = Handle(time_mode, read_schema)
    with user_code():
        processor = load_processor(call)
        processor.init(handle)
        processor.close()
    return handle.variables


def _call(
    grouping: Sequence[Expression], function: PythonFunction, results: tuple[Attribute, ...]
) -> tuple[Call, tuple[Attribute, ...], tuple[int, ...]]:
    """The function as a call, its keys, and where the columns of its input are among the call's arguments."""
    columns = _columns(grouping, function)
    own = _attributes(function.args)
    positions = tuple(next(i for i, c in enumerate(columns) if c.id == a.id) for a in own)
    call = Call(function.name, function.command, function.eval_type, _arguments(columns), function.data_type, results)
    return call, _attributes(grouping), positions


def _columns(grouping: Sequence[Expression], function: PythonFunction) -> tuple[Attribute, ...]:
    return _unique([*_attributes(grouping), *_attributes(function.args)])


def _unique(attributes: Sequence[Attribute]) -> tuple[Attribute, ...]:
    return tuple({a.id: a for a in attributes}.values())


def _attributes(expressions: Sequence[Expression]) -> tuple[Attribute, ...]:
    return tuple(e for e in expressions if isinstance(e, Attribute))


def _arguments(columns: Sequence[Attribute]) -> tuple[Argument, ...]:
    return tuple(Argument(a.sql_name, a.name, a.type, a.nullable) for a in columns)


def _key_schema(keys: Sequence[Attribute]) -> pa.Schema:
    return pa.schema([(f"k{i}", engine_type(key.type)) for i, key in enumerate(keys)])


def _event_time(child: Node) -> Attribute | None:
    return next((a for a in child.output if WATERMARK_DELAY in a.metadata), None)

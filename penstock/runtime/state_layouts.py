"""What the stored columns of each stateful operator mean: for those who read state as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from penstock.operators.processor_state import NUMBER
from penstock.operators.transform_with_state import ProcessorPlan
from penstock.plan.expressions import Attribute
from penstock.plan.nodes import Aggregate
from penstock.plan.types import LONG, DataType, NullType, StructField, StructType
from penstock.pyfn.processor import Variable
from penstock.pyfn.state_cells import EXPIRES, TIMER, value_schema
from penstock.pyfn.state_values import Codec
from penstock.runtime.plan_aggregate import AggregatePlan, KeyColumn, buffer_names
from penstock.runtime.plan_deduplicate import DeduplicatePlan
from penstock.runtime.plan_join import SidePlan
from penstock.state.fields import Field, Layout, stored_names


def aggregate_layout(plan: AggregatePlan, node: Aggregate) -> Layout:
    """The groups of an aggregate and their buffers; sessions are stored as numbered rows."""
    if plan.session is not None:
        names, width = stored_names(pa.schema([("number", pa.int64())]), plan.state_schema), 1
    else:
        names, width = stored_names(plan.key_schema, plan.value_schema), len(plan.keys)
    left = iter(plan.keys)
    keys = tuple(_key_field(a.name, a.type, left, names) for a in plan.columns if _is_key(a, plan, node))
    values = tuple(
        Field(name, _spark_type(merge.type), names[merge.column], default=default)
        for (name, default), merge in zip(buffer_names(node), plan.merges, strict=True)
    )
    return Layout(keys, values, properties={"keyWidth": width})


def _is_key(attribute: Attribute, plan: AggregatePlan, node: Aggregate) -> bool:
    """The grouping expressions come first among the columns, each once."""
    count = len(dict.fromkeys(node.grouping))
    return any(attribute is a for a in plan.columns[:count])


def _key_field(name: str, kind: DataType, left: Iterator[KeyColumn], names: Mapping[str, str]) -> Field:
    """A grouping key: a stored column, or a struct of those that follow."""
    column = next(left)
    if column.type == kind or not isinstance(kind, StructType):
        return Field(name, kind, names[column.name])
    chain = _pushed(column, left)
    parts = tuple(_key_field(f.name, f.dataType, chain, names) for f in kind.fields)
    return Field(name, kind, None, parts)


def _pushed(first: KeyColumn, left: Iterator[KeyColumn]) -> Iterator[KeyColumn]:
    yield first
    yield from left


def deduplicate_layout(plan: DeduplicatePlan, keys: Sequence[Attribute]) -> Layout:
    """The keys that have been seen."""
    names = stored_names(plan.key_schema, plan.value_schema)
    fields = tuple(Field(key.name, key.type, f"k{i}") for i, key in enumerate(keys))
    expires = [Field("expiresAtMicros", LONG, names[name]) for name in plan.value_schema.names if name != "seen"]
    seen = Field("__dummy__", NullType(), None)
    return Layout(fields, tuple(expires) or (seen,), properties={"keyWidth": len(plan.key_schema)})


def join_layout(side: SidePlan) -> Layout:
    """The buffered rows of one side of a join."""
    layout = side.layout
    names = stored_names(pa.schema([("number", pa.int64())]), layout.value_schema)
    types = {name: kind for name, _, kind in side.items}
    keys = tuple(Field(f"field{i}", _spark_type(types[name]), names[name]) for i, name in enumerate(layout.keys))
    values = tuple(Field(a.name, a.type, names[a.sql_name]) for a in side.inputs if a.sql_name in names)
    return Layout(keys, values, properties={"keyWidth": 1, "join": True, "matched": names.get("matched")})


def apply_layout(keys: Sequence[Attribute], state: StructType) -> Layout:
    """The states of an applyInPandasWithState and the times at which they time out."""
    parts = tuple(Field(f.name, f.dataType, f"v{i}") for i, f in enumerate(state.fields))
    timeout = Field("timeoutTimestamp", LONG, f"v{len(state.fields) + 1}", default=-1)
    return Layout(_keys(keys), (Field("groupState", state, None, parts), timeout), properties={"keyWidth": len(keys)})


def variable_layout(
    keys: Sequence[Attribute],
    key_schema: pa.Schema,
    variable: Variable | None,
    stored: Sequence[str],
    plan: ProcessorPlan,
    mode: str,
) -> Layout:
    """A state variable of a transformWithState, or (None) its timers; stored: see KeyedStore.stored_names."""
    times = {"timeMode": plan.time_mode, "outputMode": mode}
    if variable is None:
        timer = (Field(TIMER.name, LONG, f"k{len(keys)}"),)
        return Layout(_keys(keys), timer, "timers", properties={"keyWidth": len(keys) + 1, **times})
    codec = Codec(variable.schema, "v_")
    values = value_schema(codec, variable.ttl_ms)
    user = () if variable.key is None else tuple(
        Field(f.name, f.dataType, f"k{len(keys) + i}") for i, f in enumerate(variable.key.fields)
    )  # fmt: skip
    stored_keys = pa.schema([*key_schema, *(pa.field(f"u{i}", pa.null()) for i in range(len(user)))])
    prefix = ""
    if variable.kind == "ListState":
        stored_keys, values, prefix = NUMBER, pa.schema([*key_schema, *values]), "v"
    names = stored_names(stored_keys, values, stored)
    own = tuple(
        Field(f.name, f.dataType, names[column])
        for f, column in zip(variable.schema.fields, codec.arrow.names, strict=True)
    )
    return Layout(
        _keys(keys, prefix or "k"),
        _with_end(own, variable, names),
        {"ListState": "list", "MapState": "map"}.get(variable.kind, "row"),
        user,
        variable.name,
        names.get(EXPIRES.name),
        {"keyWidth": len(stored_keys), "variableType": variable.kind, **times},
    )


def _with_end(own: tuple[Field, ...], variable: Variable, names: Mapping[str, str]) -> tuple[Field, ...]:
    """Values that live for a time are told with their end."""
    if variable.ttl_ms is None:
        return own
    value = StructType([StructField(f.name, f.type, True) for f in own])
    return Field("value", value, None, own), Field("ttlExpirationMs", LONG, names[EXPIRES.name])


def _keys(keys: Sequence[Attribute], prefix: str = "k") -> tuple[Field, ...]:
    return tuple(Field(key.name, key.type, f"{prefix}{i}") for i, key in enumerate(keys))


def _spark_type(kind: pa.DataType) -> DataType:
    from pyspark.sql.pandas.types import from_arrow_type

    found: DataType = from_arrow_type(kind, prefer_timestamp_ntz=True)
    return found

"""Spark's types in DuckDB and in Arrow, and the conversion of Arrow data between the two.

There are two Arrow forms of a type.  The *client's* is what a Spark Connect client expects on the wire.  The *engine's*
is what DuckDB reads and writes; it differs only where DuckDB has no such type: a day-time interval is BIGINT
microseconds, a year-month interval INTEGER months, void an INTEGER that is always NULL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.types as pat
from pyspark.sql.types import UserDefinedType

from penstock.core.errors import unsupported
from penstock.plan.expressions import Attribute
from penstock.plan.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CalendarIntervalType,
    CharType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
    TimeType,
    VarcharType,
    VariantType,
    YearMonthIntervalType,
)

#: Arrow field metadata under this key holds a Spark field's metadata as JSON (Spark's own key).
METADATA_KEY = b"SPARK::metadata::json"

_DUCKDB: dict[type[DataType], str] = {
    BooleanType: "BOOLEAN",
    ByteType: "TINYINT",
    ShortType: "SMALLINT",
    IntegerType: "INTEGER",
    LongType: "BIGINT",
    FloatType: "FLOAT",
    DoubleType: "DOUBLE",
    StringType: "VARCHAR",
    CharType: "VARCHAR",
    VarcharType: "VARCHAR",
    BinaryType: "BLOB",
    DateType: "DATE",
    TimestampType: "TIMESTAMPTZ",
    TimestampNTZType: "TIMESTAMP",
    TimeType: "TIME_NS",
    DayTimeIntervalType: "BIGINT",
    YearMonthIntervalType: "INTEGER",
    CalendarIntervalType: "INTERVAL",
    NullType: "INTEGER",
    VariantType: "STRUCT(value BLOB, metadata BLOB)",
}

_CLIENT: dict[type[DataType], pa.DataType] = {
    BooleanType: pa.bool_(),
    ByteType: pa.int8(),
    ShortType: pa.int16(),
    IntegerType: pa.int32(),
    LongType: pa.int64(),
    FloatType: pa.float32(),
    DoubleType: pa.float64(),
    StringType: pa.string(),
    CharType: pa.string(),
    VarcharType: pa.string(),
    BinaryType: pa.binary(),
    DateType: pa.date32(),
    TimestampType: pa.timestamp("us", tz="UTC"),
    TimestampNTZType: pa.timestamp("us"),
    TimeType: pa.time64("ns"),
    DayTimeIntervalType: pa.duration("us"),
    YearMonthIntervalType: pa.int32(),  # pyarrow cannot make Arrow's year-month interval
    CalendarIntervalType: pa.month_day_nano_interval(),
    NullType: pa.null(),
    VariantType: pa.struct(
        [
            pa.field("value", pa.binary(), nullable=False),
            pa.field("metadata", pa.binary(), nullable=False, metadata={b"variant": b"true"}),
        ]
    ),
}

_ENGINE: dict[type[DataType], pa.DataType] = {
    **_CLIENT,
    DayTimeIntervalType: pa.int64(),
    NullType: pa.int32(),
}


def duckdb_type(data_type: DataType) -> str:
    """The DuckDB type that holds values of `data_type`."""
    if (simple := _DUCKDB.get(type(data_type))) is not None:
        return simple
    if isinstance(data_type, DecimalType):
        return f"DECIMAL({data_type.precision},{data_type.scale})"
    if isinstance(data_type, ArrayType):
        return f"{duckdb_type(data_type.elementType)}[]"
    if isinstance(data_type, MapType):
        return f"MAP({duckdb_type(data_type.keyType)}, {duckdb_type(data_type.valueType)})"
    if isinstance(data_type, StructType):
        return f"STRUCT({', '.join(f'{quote_name(f.name)} {duckdb_type(f.dataType)}' for f in data_type)})"
    if isinstance(data_type, UserDefinedType):
        return duckdb_type(data_type.sqlType())
    raise unsupported(f"the data type {data_type.simpleString()}")


def quote_name(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def arrow_type(data_type: DataType) -> pa.DataType:
    """The Arrow type that the client expects for `data_type`."""
    return _arrow(data_type, _CLIENT)


def engine_type(data_type: DataType) -> pa.DataType:
    """The Arrow type in which DuckDB gives and takes `data_type`."""
    return _arrow(data_type, _ENGINE)


def arrow_schema(schema: StructType, time_zone: str = "UTC") -> pa.Schema:
    """The Arrow schema that the client expects, and Python functions with timestamps in `time_zone`; field metadata
    under Spark's key."""
    simple = _CLIENT if time_zone == "UTC" else {**_CLIENT, TimestampType: pa.timestamp("us", tz=time_zone)}
    return pa.schema([_field(f.name, _arrow(f.dataType, simple), f.nullable, f.metadata) for f in schema])


def to_spark_arrow(table: pa.Table, attributes: Sequence[Attribute] | StructType, time_zone: str = "UTC") -> pa.Table:
    """A DuckDB result in the client's types, by position, under the user's names (which may repeat).

    Columns beyond `attributes` are dropped, so that a result without columns keeps its number of rows.
    """
    schema = attributes if isinstance(attributes, StructType) else StructType([a.to_field() for a in attributes])
    if not len(schema):
        return table.select([])
    target = arrow_schema(schema, time_zone)
    columns = [_convert_column(table.column(i), field.type) for i, field in enumerate(target)]
    return pa.Table.from_arrays(columns, schema=target)


def from_spark_arrow(table: pa.Table, schema: StructType, names: Sequence[str]) -> pa.Table:
    """The client's rows in the engine's types under `names`, by position; columns that agree are not copied."""
    types = [engine_type(f.dataType) for f in schema]
    columns = [_convert_column(table.column(i), t) for i, t in enumerate(types)]
    return pa.Table.from_arrays(columns, schema=pa.schema(list(zip(names, types, strict=True))))


def _arrow(data_type: DataType, simple: dict[type[DataType], pa.DataType]) -> pa.DataType:
    if (found := simple.get(type(data_type))) is not None:
        return found
    if isinstance(data_type, DecimalType):
        return pa.decimal128(data_type.precision, data_type.scale)
    if isinstance(data_type, ArrayType):
        return pa.list_(_field("element", _arrow(data_type.elementType, simple), data_type.containsNull, None))
    if isinstance(data_type, MapType):
        key = pa.field("key", _arrow(data_type.keyType, simple), nullable=False)
        value = _field("value", _arrow(data_type.valueType, simple), data_type.valueContainsNull, None)
        return pa.map_(key, value)
    if isinstance(data_type, StructType):
        return pa.struct([_field(f.name, _arrow(f.dataType, simple), f.nullable, f.metadata) for f in data_type])
    if isinstance(data_type, UserDefinedType):
        return _arrow(data_type.sqlType(), simple)
    raise unsupported(f"the data type {data_type.simpleString()}")


def _field(name: str, data_type: pa.DataType, nullable: bool, metadata: dict[str, Any] | None) -> pa.Field:
    encoded = {METADATA_KEY: json.dumps(metadata).encode()} if metadata else None
    return pa.field(name, data_type, nullable or pa.types.is_null(data_type), encoded)  # Arrow has no other nulls


def _convert_column(column: pa.ChunkedArray, target: pa.DataType) -> pa.ChunkedArray:
    if column.type.equals(target, check_metadata=False) and not pat.is_nested(target):
        return column
    return pa.chunked_array([_convert(chunk, target) for chunk in column.chunks], type=target)


def _convert(array: pa.Array, target: pa.DataType) -> pa.Array:
    """`array` as `target`: nested arrays are taken apart (names and nullability differ), leaves cast."""
    if array.type.equals(target, check_metadata=True):
        return array
    if pat.is_null(target) or pat.is_null(array.type):
        return pa.nulls(len(array), target)
    for matches, convert in _NESTED:
        if matches(target) and matches(array.type):
            return convert(array, target)
    return _convert_leaf(array, target)


def _convert_leaf(array: pa.Array, target: pa.DataType) -> pa.Array:
    if pat.is_duration(target) and pat.is_int64(array.type):
        return array.view(target)
    if pat.is_duration(array.type) and pat.is_int64(target):
        return array.cast(pa.duration("us"), safe=False).view(target)
    return array.cast(target, safe=not pat.is_temporal(target))


def _convert_list(array: pa.ListArray, target: pa.DataType) -> pa.Array:
    child = _convert(array.values, target.value_type)
    return pa.Array.from_buffers(target, len(array), array.buffers()[:2], offset=array.offset, children=[child])


def _convert_map(array: pa.MapArray, target: pa.DataType) -> pa.Array:
    keys, items = _convert(array.keys, target.key_type), _convert(array.items, target.item_type)
    entries = pa.StructArray.from_arrays([keys, items], fields=[target.key_field, target.item_field])
    return pa.Array.from_buffers(target, len(array), array.buffers()[:2], offset=array.offset, children=[entries])


def _convert_struct(array: pa.StructArray, target: pa.DataType) -> pa.Array:
    fields = [target.field(i) for i in range(target.num_fields)]
    children = [_convert(array.field(i), field.type) for i, field in enumerate(fields)]
    if not children:
        return pa.array([None if null else {} for null in array.is_null().to_pylist()], type=target)
    return pa.StructArray.from_arrays(children, fields=fields, mask=array.is_null() if array.null_count else None)


def _is_list(data_type: pa.DataType) -> bool:
    return bool(pat.is_list(data_type))


_NESTED: tuple[tuple[Callable[[pa.DataType], bool], Callable[[Any, pa.DataType], pa.Array]], ...] = (
    (_is_list, _convert_list),
    (pat.is_map, _convert_map),
    (pat.is_struct, _convert_struct),
)

"""Protobuf data types and literals -> Spark types and `Literal` values."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyspark.sql.connect.proto as pb
from pyspark.sql.connect.types import proto_schema_to_pyspark_data_type

from penstock.core.collations import without_collations
from penstock.core.errors import SparkError, unsupported
from penstock.plan import types as t
from penstock.plan.expressions import Literal
from penstock.sql.types import parse_type_or_schema

Value = tuple[Any, t.DataType]


def decode_type(message: pb.DataType) -> t.DataType:
    """A protobuf type; an unparsed one (a DDL text that the client did not read) may also be a list of columns."""
    kind = message.WhichOneof("kind")
    if kind == "unparsed":
        return parse_type_or_schema(message.unparsed.data_type_string)
    if kind in (None, "geometry", "geography"):
        raise unsupported(f"the data type {kind}")
    return without_collations(proto_schema_to_pyspark_data_type(message))


def decode_literal(message: pb.Expression.Literal) -> Literal:
    """A protobuf literal; the value is represented as `Literal` says."""
    value, data_type = _decode(message)
    return Literal(value, data_type)


def _decode(message: pb.Expression.Literal) -> Value:
    kind = message.WhichOneof("literal_type")
    if kind is None or kind not in _LITERALS:
        raise unsupported(f"a literal of kind {kind}")
    return _LITERALS[kind](message)


def _plain(kind: str, data_type: t.DataType) -> Callable[[pb.Expression.Literal], Value]:
    return lambda message: (getattr(message, kind), data_type)


def _null(message: pb.Expression.Literal) -> Value:
    return None, decode_type(message.null)


def _decimal(message: pb.Expression.Literal) -> Value:
    value = Decimal(message.decimal.value)
    digits = value.as_tuple()
    scale = max(0, -int(digits.exponent))
    precision = max(len(digits.digits) + max(0, int(digits.exponent)), scale, 1)
    # the client sends (10, 0) for any Decimal: what is said widens the type that the digits need, never narrows it
    precision = max(precision, message.decimal.precision)
    scale = max(scale, message.decimal.scale)
    return value, t.DecimalType(max(precision, scale), scale)


def _calendar(message: pb.Expression.Literal) -> Value:
    interval = message.calendar_interval
    return (interval.months, interval.days, interval.microseconds), t.CalendarIntervalType()


def _time(message: pb.Expression.Literal) -> Value:
    precision = message.time.precision if message.time.HasField("precision") else 6
    return message.time.nano, t.TimeType(precision)


def _whole_type(message: pb.Expression.Literal, kind: type[t.DataType]) -> Any:
    """The type that newer clients put beside a nested literal, if it is of the kind asked for."""
    if not message.HasField("data_type"):
        return None
    found = decode_type(message.data_type)
    return found if isinstance(found, kind) else None


def _array(message: pb.Expression.Literal) -> Value:
    items = [_decode(item) for item in message.array.elements]
    whole = _whole_type(message, t.ArrayType)
    if whole is None:
        declared = _declared(message.array.element_type)
        whole = t.ArrayType(declared or _first_type(items), any(value is None for value, _ in items))
    return tuple(value for value, _ in items), whole


def _map(message: pb.Expression.Literal) -> Value:
    keys = [_decode(key) for key in message.map.keys]
    values = [_decode(value) for value in message.map.values]
    whole = _whole_type(message, t.MapType)
    if whole is None:
        key_type = _declared(message.map.key_type) or _first_type(keys)
        value_type = _declared(message.map.value_type) or _first_type(values)
        whole = t.MapType(key_type, value_type, any(value is None for value, _ in values))
    return tuple((k, v) for (k, _), (v, _) in zip(keys, values, strict=True)), whole


def _struct(message: pb.Expression.Literal) -> Value:
    items = [_decode(item) for item in message.struct.elements]
    whole = _whole_type(message, t.StructType) or _declared(message.struct.struct_type)
    if whole is None:
        raise SparkError("CONNECT_INVALID_PLAN.LITERAL", "A struct literal came without its type.", sqlstate="56K00")
    return tuple(value for value, _ in items), whole


_SPECIALIZED: dict[str, t.DataType] = {
    "bools": t.BOOLEAN, "ints": t.INTEGER, "longs": t.LONG, "floats": t.FLOAT, "doubles": t.DOUBLE, "strings": t.STRING,
}  # fmt: skip


def _specialized(message: pb.Expression.Literal) -> Value:
    kind = message.specialized_array.WhichOneof("value_type")
    if kind is None:
        raise unsupported("a literal array without elements' type")
    return tuple(getattr(message.specialized_array, kind).values), t.ArrayType(_SPECIALIZED[kind], False)


def _declared(message: pb.DataType) -> t.DataType | None:
    return decode_type(message) if message.WhichOneof("kind") is not None else None


def _first_type(items: list[Value]) -> t.DataType:
    """The elements' type, told by the first that is not NULL."""
    return next((data_type for value, data_type in items if value is not None), items[0][1] if items else t.NULL)


_LITERALS: dict[str, Callable[[pb.Expression.Literal], Value]] = {
    "null": _null,
    "binary": _plain("binary", t.BINARY),
    "boolean": _plain("boolean", t.BOOLEAN),
    "byte": _plain("byte", t.BYTE),
    "short": _plain("short", t.SHORT),
    "integer": _plain("integer", t.INTEGER),
    "long": _plain("long", t.LONG),
    "float": _plain("float", t.FLOAT),
    "double": _plain("double", t.DOUBLE),
    "decimal": _decimal,
    "string": _plain("string", t.STRING),
    "date": _plain("date", t.DATE),
    "timestamp": _plain("timestamp", t.TIMESTAMP),
    "timestamp_ntz": _plain("timestamp_ntz", t.TIMESTAMP_NTZ),
    "calendar_interval": _calendar,
    "year_month_interval": _plain("year_month_interval", t.YearMonthIntervalType()),
    "day_time_interval": _plain("day_time_interval", t.DayTimeIntervalType()),
    "array": _array,
    "map": _map,
    "struct": _struct,
    "specialized_array": _specialized,
    "time": _time,
}

"""Results of functions of eval type 100 as the declared type, by Spark's rules: what is of another type becomes NULL.

Integers are cut to the width of the type, decimals rounded half up, anything has a text.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql.types import UserDefinedType

from penstock.core.errors import ARITHMETIC, ILLEGAL_ARGUMENT, SparkError
from penstock.core.text import decimal_text, double_text
from penstock.plan.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    ShortType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

Convert = Callable[[Any], Any]

_WIDTHS = {ByteType: 8, ShortType: 16, IntegerType: 32, DateType: 32}
_LONGS = (LongType, TimestampType, TimestampNTZType, DayTimeIntervalType)
#: Types whose values Arrow takes over as they are, when all of them are of this Python type.
_AS_IS: dict[type[DataType], type] = {
    BooleanType: bool,
    LongType: int,
    DoubleType: float,
    StringType: str,
    BinaryType: bytes,
    TimestampType: int,
    TimestampNTZType: int,
}


def to_array(values: list[Any], data_type: DataType, arrow_type: pa.DataType) -> pa.Array:
    """Python values (dates as days, timestamps as microseconds) as an Arrow array of `data_type`."""
    expected = _AS_IS.get(type(data_type))
    if expected is not None and set(map(type, values)) <= {expected, type(None)}:
        try:
            return pa.array(values, type=arrow_type)
        except (pa.ArrowInvalid, OverflowError):
            pass  # an integer that is too large: it becomes NULL below
    convert = converter(data_type)
    return pa.array([None if value is None else convert(value) for value in values], type=arrow_type)


def converter(data_type: DataType) -> Convert:
    """From a value that is not None to one of `data_type`, or None."""
    if isinstance(data_type, UserDefinedType):
        return converter(data_type.sqlType())
    if (width := _WIDTHS.get(type(data_type))) is not None:
        return _integer(width)
    if isinstance(data_type, _LONGS):
        return _integer(64)
    for kind, make in _CONVERTERS.items():
        if isinstance(data_type, kind):
            return make(data_type)
    return lambda value: None


def _integer(width: int) -> Convert:
    half, full = 1 << (width - 1), 1 << width

    def convert(value: Any) -> int | None:
        if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
            return None
        return (value + half) % full - half

    return convert


def _only(expected: type) -> Callable[[Any], Convert]:
    return lambda data_type: lambda value: value if type(value) is expected else None


def _binary(data_type: Any) -> Convert:
    def convert(value: Any) -> bytes | None:
        if isinstance(value, str):
            return value.encode()
        return bytes(value) if isinstance(value, (bytes, bytearray)) else None

    return convert


def _string(data_type: Any) -> Convert:
    return java_text


def java_text(value: Any) -> str:
    """What Java's toString gives for the object that a value is pickled to."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return double_text(value)
    if isinstance(value, decimal.Decimal):
        return decimal_text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(java_text, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{java_text(k)}={java_text(v)}' for k, v in value.items())}}}"
    return str(value)


def _decimal(data_type: Any) -> Convert:
    precision, scale = data_type.precision, data_type.scale
    unit = decimal.Decimal(1).scaleb(-scale)

    def convert(value: Any) -> decimal.Decimal | None:
        if not isinstance(value, decimal.Decimal) or not value.is_finite():
            return None
        with decimal.localcontext(prec=1000):
            rounded = value.quantize(unit, rounding=decimal.ROUND_HALF_UP)
        if len(rounded.as_tuple().digits) > precision:
            raise _out_of_range(value, rounded, precision, scale)
        return rounded

    return convert


def _array(data_type: Any) -> Convert:
    element = converter(data_type.elementType)

    def convert(value: Any) -> list[Any] | None:
        if isinstance(value, (list, tuple, bytes, bytearray)):
            return [None if v is None else element(v) for v in value]
        return None

    return convert


def _map(data_type: Any) -> Convert:
    key, item = converter(data_type.keyType), converter(data_type.valueType)

    def convert(value: Any) -> list[tuple[Any, Any]] | None:
        if not isinstance(value, Mapping):
            return None
        return [(key(k), None if v is None else item(v)) for k, v in value.items()]

    return convert


def _struct(data_type: Any) -> Convert:
    names = data_type.names
    fields = [converter(field.dataType) for field in data_type]

    def convert(value: Any) -> dict[str, Any] | None:
        if not isinstance(value, (tuple, list)):
            return None
        if len(value) != len(fields):
            raise _wrong_length(len(fields), len(value))
        items = zip(names, fields, value, strict=True)
        return {name: None if v is None else field(v) for name, field, v in items}

    return convert


_CONVERTERS: dict[type[DataType], Callable[[Any], Convert]] = {
    BooleanType: _only(bool),
    FloatType: _only(float),
    DoubleType: _only(float),
    StringType: _string,
    BinaryType: _binary,
    DecimalType: _decimal,
    ArrayType: _array,
    MapType: _map,
    StructType: _struct,
}


def _out_of_range(value: decimal.Decimal, rounded: decimal.Decimal, precision: int, scale: int) -> SparkError:
    message = f"The Python function gave {value}, which as {rounded} does not fit into Decimal({precision}, {scale})."
    params = {"originalValue": value, "roundedValue": rounded, "precision": precision, "scale": scale}
    condition = "NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION"
    return SparkError(condition, message, params, sqlstate="22003", classes=ARITHMETIC)


def _wrong_length(expected: int, actual: int) -> SparkError:
    message = f"The Python function gave {actual} values for a row of {expected} fields."
    params = {"expected": expected, "actual": actual}
    return SparkError("STRUCT_ARRAY_LENGTH_MISMATCH", message, params, sqlstate="2201E", classes=ILLEGAL_ARGUMENT)

"""histogram_numeric, and product."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from penstock.core.errors import NUMBER_FORMAT, SparkError
from penstock.functions.aggregates import aggregate
from penstock.functions.coercion import INTERVALS, cast_if_needed, is_integral, is_numeric, is_string
from penstock.functions.errors import mismatch, not_foldable, wrong_input
from penstock.functions.literals import constant, constant_value
from penstock.functions.table import DISTINCT, Args, Buffer, Incremental, Request, register, tail_if
from penstock.functions.type_names import duck_type
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
    DOUBLE,
    INTEGER,
    ArrayType,
    DataType,
    DateType,
    NullType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
)  # fmt: skip

_TIMES = (DateType, TimestampType, TimestampNTZType, *INTERVALS)
_TAKES = ('("NUMERIC" or "DATE" or "TIMESTAMP" or "TIMESTAMP_NTZ" or "INTERVAL DAY TO SECOND" or '
          '"INTERVAL YEAR TO MONTH")')  # fmt: skip


def _input(args: Args, request: Request) -> Args:
    value, bins = args
    if isinstance(value.type, NullType) or is_string(value.type):
        value = cast_if_needed(value, DOUBLE, request.conf)
    if not (is_numeric(value.type) or isinstance(value.type, _TIMES)):
        raise wrong_input(request.name, args, 0, _TAKES)
    if constant(bins) is None:
        raise not_foldable(request.name, args, 1, "nb")
    bins = _whole(bins, request)
    count = constant_value(bins)
    if count is None:
        raise mismatch("UNEXPECTED_NULL", request.name, args, "nb must not be NULL.", exprName="nb")
    if count < 2:
        raise mismatch("VALUE_OUT_OF_RANGE", request.name, args, f"nb is at least 2, unlike {count}.", exprName="nb",
                       valueRange="[2, 2147483647]", currentValue=count)  # fmt: skip
    return value, cast_if_needed(bins, INTEGER, request.conf)


def _whole(bins: Expression, request: Request) -> Expression:
    """A text as the number that it is a CAST to INT of."""
    text = constant_value(bins)
    if not isinstance(text, str):
        return bins
    if not re.fullmatch(r"\s*[+-]?\d+\s*", text):
        params = {"expression": f"'{text}'", "sourceType": '"STRING"', "targetType": '"INT"',
                  "ansiConfig": '"spark.sql.ansi.enabled"'}  # fmt: skip
        message = f"{text!r} is no INT."
        raise SparkError("CAST_INVALID_INPUT", message, params, sqlstate="22018", classes=NUMBER_FORMAT)
    return Literal(int(text), INTEGER)


def _number(sql: str, t: DataType) -> str:
    """A value as DOUBLE."""
    if isinstance(t, DateType):
        return f"CAST({sql} - DATE '1970-01-01' AS DOUBLE)"
    if isinstance(t, (TimestampType, TimestampNTZType)):
        return f"CAST(epoch_us({sql}) AS DOUBLE)"
    return f"CAST({sql} AS DOUBLE)"


def _value(sql: str, t: DataType) -> str:
    """A value of the type from a DOUBLE; integers lose the fraction."""
    if isinstance(t, DateType):
        return f"(DATE '1970-01-01' + CAST(trunc({sql}) AS INTEGER))"
    if isinstance(t, (TimestampType, TimestampNTZType)):
        return f"make_timestamp{'tz' if isinstance(t, TimestampType) else ''}(CAST(trunc({sql}) AS BIGINT))"
    whole = is_integral(t) or isinstance(t, INTERVALS)
    return f"CAST({f'trunc({sql})' if whole else sql} AS {duck_type(t)})"


def _type(args: Args) -> DataType:
    return ArrayType(StructType([StructField("x", args[0].type), StructField("y", DOUBLE)]), True)


def _bins(args: list[str], call: FunctionCall, context: Any) -> str:
    value = _number(args[0], call.args[0].type)
    return f"kernel_histogram(list({DISTINCT}{value}){tail_if(f'{args[0]} IS NOT NULL')}, {_most(call)})"


def _most(call: FunctionCall) -> int:
    return int(constant_value(call.args[1]))


def _shown(flat: str, t: DataType) -> str:
    pair = f"{{'x': {_value('h[2 * i - 1]', t)}, 'y': h[2 * i]}}"
    return f"list_transform([{flat}], lambda h: list_transform(range(1, len(h) // 2 + 1), lambda i: {pair}))[1]"


def _sql(args: list[str], call: FunctionCall, context: Any) -> str:
    return _shown(_bins(args, call, context), call.args[0].type)


def _final(buffers: Mapping[str, str], call: FunctionCall, context: Any) -> str:
    return _shown(buffers["bins"], call.args[0].type)


_HISTOGRAM = Incremental(
    (Buffer("bins", ArrayType(DOUBLE, False), _bins,
            lambda call: f"kernel_merge_histograms({{old}}, {{new}}, {_most(call)})"),),
    _final,
)  # fmt: skip
_PRODUCT = Incremental(
    (Buffer("p", DOUBLE, "product({0}){tail}",
            "CASE WHEN {old} IS NULL THEN {new} WHEN {new} IS NULL THEN {old} ELSE {old} * {new} END"),),
    "{p}",
)  # fmt: skip

register(
    aggregate("histogram_numeric", "any any", _type, _sql, _HISTOGRAM, coerce=_input),
    aggregate("product", "double", DOUBLE, "product({distinct}{0}){tail}", _PRODUCT),
)

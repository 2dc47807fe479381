"""The operands of `+ - * / % div & | ^ AND OR`: brought to types that the operator takes, by Spark's rules, or refused.

The rules run in this order: a string becomes what stands beside it, a decimal beside a floating-point number becomes
DOUBLE, an integer beside a decimal becomes a decimal; then both take their common type, if the operator takes that.
Operands that still differ are BINARY_OP_DIFF_TYPES, equal ones that the operator does not take BINARY_OP_WRONG_TYPE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from penstock.functions import decimals
from penstock.functions.coercion import (
    INTERVALS,
    cast_if_needed,
    common_type,
    is_integral,
    is_string,
    same_type,
    string_promotes_to,
)  # fmt: skip
from penstock.functions.errors import different_types, wrong_operand
from penstock.functions.table import Args, Request
from penstock.plan.expressions import Expression
from penstock.plan.types import DOUBLE, STRING, DataType, DecimalType, DoubleType, FloatType, NullType


@dataclass(frozen=True)
class Operands:
    """What an operator takes: the test, its name in errors, what two untyped NULLs become, and whether strings turn
    into numbers with ANSI off, too."""

    test: Callable[[DataType], bool]
    required: str
    of_nulls: DataType
    is_arithmetic: bool = True


def promote_strings(args: Args, request: Request) -> Args:
    """A string becomes LONG or DOUBLE beside a number, the type of another atomic value; DOUBLE with ANSI off."""
    left, right = args
    if not request.conf.ansi:
        has_interval = any(isinstance(arg.type, INTERVALS) for arg in args)
        return args if has_interval else tuple(_number(arg, request) for arg in args)
    if is_string(left.type) == is_string(right.type):
        return args
    other = right.type if is_string(left.type) else left.type
    target = STRING if isinstance(other, NullType) else string_promotes_to(other)
    if target is None:
        return args
    return cast_if_needed(left, target, request.conf), cast_if_needed(right, target, request.conf)


def _number(e: Expression, request: Request) -> Expression:
    return cast_if_needed(e, DOUBLE, request.conf) if is_string(e.type) else e


def operator_pair(args: Args, request: Request, takes: Operands) -> Args:
    """Both operands, of one type that the operator takes; decimals keep their own precision each."""
    if request.conf.ansi or takes.is_arithmetic:
        args = promote_strings(args, request)
    left, right = args = _with_decimals(args, request)
    if mixes_decimal(left.type, right.type) and takes.test(left.type):
        return args
    kind = common_type((left.type, right.type), request.conf)
    kind = takes.of_nulls if isinstance(kind, NullType) else kind
    if kind is not None and takes.test(kind):
        return cast_if_needed(left, kind, request.conf), cast_if_needed(right, kind, request.conf)
    if not same_type(left.type, right.type):
        raise different_types(request.name, args)
    raise wrong_operand(request.name, args, takes.required, left.type)


def _with_decimals(args: Args, request: Request) -> Args:
    left, right = args
    if mixes_decimal(left.type, right.type):
        return decimal_operand(left, request), decimal_operand(right, request)
    floating = any(isinstance(arg.type, (DoubleType, FloatType)) for arg in args)
    if floating and any(isinstance(arg.type, DecimalType) for arg in args):
        return tuple(cast_if_needed(e, DOUBLE, request.conf) if isinstance(e.type, DecimalType) else e for e in args)
    return args


def mixes_decimal(a: DataType, b: DataType) -> bool:
    """Whether decimals stand beside decimals or integers."""
    pair = (a, b)
    return any(isinstance(t, DecimalType) for t in pair) and all(
        isinstance(t, DecimalType) or is_integral(t) for t in pair
    )


def decimal_operand(e: Expression, request: Request) -> Expression:
    """An integer as a decimal of its digits."""
    kind = decimals.for_expression(e)
    return cast_if_needed(e, kind, request.conf) if kind is not None else e

"""Arithmetic, comparison, logical and bitwise operators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from penstock.functions import decimals
from penstock.functions.coercion import (
    INTERVALS,
    cast_if_needed,
    common_type,
    is_integral,
    is_numeric,
    is_string,
    same_type,
)  # fmt: skip
from penstock.functions.decimal_sql import decimal_sql
from penstock.functions.errors import different_types, mismatch, wrong_count, wrong_input
from penstock.functions.interval_arithmetic import interval_operation
from penstock.functions.literals import constant_value
from penstock.functions.markers import DIVIDE_BY_ZERO, REMAINDER_BY_ZERO, overflow
from penstock.functions.nested_order import needs_key, sort_key
from penstock.functions.operands import Operands, mixes_decimal, operator_pair
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, any_nullable, register
from penstock.functions.type_names import quoted_type
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
    BOOLEAN,
    DOUBLE,
    INTEGER,
    LONG,
    ArrayType,
    BooleanType,
    ByteType,
    CalendarIntervalType,
    DataType,
    DecimalType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StructType,
    VariantType,
)  # fmt: skip

_BITS = {ByteType: 8, ShortType: 16, IntegerType: 32, LongType: 64}
_NAMES = {ByteType: "byte", ShortType: "short", IntegerType: "integer", LongType: "long"}


# ---------------------------------------------------------------- coercion


def _arithmetic(args: Args, request: Request) -> Expression:
    op = request.function.name
    rewritten = interval_operation(op, args, request)
    if rewritten is not None:
        return rewritten
    if op == "/" and isinstance(args[0].type, NullType) and is_numeric(args[1].type):
        args = tuple(cast_if_needed(e, DOUBLE, request.conf) for e in args)  # whatever the divisor
    left, _right = args = operator_pair(args, request, _TAKES[op])
    if op == "/" and not isinstance(left.type, DecimalType):
        args = tuple(cast_if_needed(e, DOUBLE, request.conf) for e in args)
    if op == "div" and not isinstance(left.type, DecimalType):
        args = tuple(cast_if_needed(e, LONG, request.conf) for e in args)
    kind = _result_type(op, args, request)
    shown = request.function.shows.get(request.name, request.name)
    return FunctionCall(op, args, kind, _null_rule(request, args, kind), shown)


def _is_whole(t: DataType) -> bool:
    return is_integral(t) or isinstance(t, DecimalType)


_ADDABLE = '("NUMERIC" or "INTERVAL DAY TO SECOND" or "INTERVAL YEAR TO MONTH" or "INTERVAL")'
_DIVISIBLE = '("BIGINT" or "DECIMAL" or "INTERVAL YEAR TO MONTH" or "INTERVAL DAY TO SECOND")'
_TAKES = {
    **{op: Operands(is_numeric, _ADDABLE, DOUBLE) for op in ("+", "-")},
    **{op: Operands(is_numeric, "NUMERIC", DOUBLE) for op in ("*", "%", "pmod")},
    "/": Operands(is_numeric, '("DOUBLE" or "DECIMAL")', DOUBLE),
    "div": Operands(_is_whole, _DIVISIBLE, LONG),
}


def _result_type(op: str, args: Args, request: Request) -> DataType:
    if op == "div":
        return LONG
    a, b = args[0].type, args[1].type
    if isinstance(a, DecimalType) and isinstance(b, DecimalType):
        loses = request.conf.flag("spark.sql.decimalOperations.allowPrecisionLoss")
        rule = decimals.arithmetic if loses else decimals.exact_arithmetic
        return rule("%" if op == "pmod" else op, a, b)
    return a


def _null_rule(request: Request, args: Args, kind: DataType) -> bool:
    may_overflow = isinstance(kind, DecimalType) and not request.conf.ansi
    return request.function.name in ("/", "%", "div", "pmod") or may_overflow or any_nullable(args)


# ---------------------------------------------------------------- SQL of arithmetic


def _plain(op: str) -> Callable[[list[str], FunctionCall, Any], str]:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        if isinstance(call.type, DecimalType):
            return decimal_sql(op, args, call, context.conf.ansi)
        if is_integral(call.type) and not context.conf.ansi:
            return _wrapped(op, args, call.type)
        return f"({args[0]} {op} {args[1]})"

    return sql


def _wrapped(op: str, args: list[str], kind: DataType) -> str:
    """Two's complement arithmetic, as Java's when ANSI is off."""
    bits = _BITS[type(kind)]
    exact = f"(CAST({args[0]} AS HUGEINT) {op} CAST({args[1]} AS HUGEINT))"
    half, full = 1 << (bits - 1), 1 << bits
    wrapped = f"((({exact} + {half}::HUGEINT) % {full}::HUGEINT) + {full}::HUGEINT) % {full}::HUGEINT - {half}::HUGEINT"
    return f"CAST({wrapped} AS {_SQL_INT[bits]})"


_SQL_INT = {8: "TINYINT", 16: "SMALLINT", 32: "INTEGER", 64: "BIGINT"}


def _guarded(zero: str, value: str, divisor: str, operand: str, ansi: bool) -> str:
    """`value` unless the divisor is 0; a NULL on the other side stays NULL before the check, as in Spark."""
    if not ansi:
        return f"CASE WHEN {divisor} = 0 THEN NULL ELSE {value} END"
    return f"CASE WHEN {divisor} = 0 AND {operand} IS NOT NULL THEN {zero} ELSE {value} END"


def _nonzero(divisor: Expression) -> bool:
    value = constant_value(divisor)
    return isinstance(value, (int, float)) and value != 0


def _divide(args: list[str], call: FunctionCall, context: Any) -> str:
    if isinstance(call.type, DecimalType):
        value = decimal_sql("/", args, call, context.conf.ansi)
    else:
        value = f"({args[0]} / {args[1]})"
    return value if _nonzero(call.args[1]) else _guarded(DIVIDE_BY_ZERO, value, args[1], args[0], context.conf.ansi)


def _integral_divide(args: list[str], call: FunctionCall, context: Any) -> str:
    a, b = args
    if isinstance(call.args[0].type, DecimalType):
        return _guarded(DIVIDE_BY_ZERO, decimal_sql("div", args, call, context.conf.ansi), b, a, context.conf.ansi)
    if isinstance(call.args[0].type, INTERVALS):
        return _guarded(DIVIDE_BY_ZERO, f"CAST({a} // {b} AS BIGINT)", b, a, context.conf.ansi)
    if _nonzero(call.args[1]) and constant_value(call.args[1]) != -1:
        return f"({a} // {b})"
    edge = overflow("long") if context.conf.ansi else a  # the one quotient that does not fit
    value = f"CASE WHEN {b} = -1 AND {a} = (-9223372036854775808) THEN {edge} ELSE {a} // {b} END"
    return _guarded(DIVIDE_BY_ZERO, value, b, a, context.conf.ansi)


def _remainder(args: list[str], call: FunctionCall, context: Any) -> str:
    a, b = args
    if isinstance(call.type, DecimalType):
        value = decimal_sql("%", args, call, context.conf.ansi)
    elif is_integral(call.type):
        value = f"CASE WHEN {b} = -1 THEN CAST({a} - {a} AS {_SQL_INT[_BITS[type(call.type)]]}) ELSE {a} % {b} END"
        if _nonzero(call.args[1]) and constant_value(call.args[1]) != -1:
            return f"({a} % {b})"
    else:
        value = f"({a} % {b})"
    return value if _nonzero(call.args[1]) else _guarded(REMAINDER_BY_ZERO, value, b, a, context.conf.ansi)


def _pmod(args: list[str], call: FunctionCall, context: Any) -> str:
    a, b = args
    if isinstance(call.type, DecimalType):
        value = decimal_sql("pmod", args, call, context.conf.ansi)
    else:
        b = b if _nonzero(call.args[1]) else f"nullif({b}, 0)"  # constants are folded before CASE decides
        rest = f"({a} % {b})" if not is_integral(call.type) else f"(CASE WHEN {b} = -1 THEN 0 ELSE {a} % {b} END)"
        value = f"CASE WHEN {rest} < 0 THEN ({rest} + {b}) % {b} ELSE {rest} END"
        if is_integral(call.type):
            value = f"CAST({value} AS {_SQL_INT[_BITS[type(call.type)]]})"
        b = args[1]
    return value if _nonzero(call.args[1]) else _guarded(REMAINDER_BY_ZERO, value, b, a, context.conf.ansi)


# ---------------------------------------------------------------- unary


def _negate(args: Args, request: Request) -> Expression:
    if request.function.name == "negative" and len(args) == 1:
        (child,) = args
        literal = child if isinstance(child, Literal) else None
        kind = child.type
        if is_string(kind) or isinstance(kind, NullType):
            child = cast_if_needed(child, DOUBLE, request.conf)
        if not (is_numeric(child.type) or isinstance(child.type, INTERVALS)):
            raise wrong_input(request.name, args, 0, _ADDABLE)
        shown = "-" if request.name == "-" and literal is None else request.name
        return FunctionCall("negative", (child,), child.type, child.nullable, shown)
    raise wrong_count(request.name, 1, 1, len(args))


def _negative_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    if is_integral(call.type) and not context.conf.ansi:
        return _wrapped("*", [args[0], "-1"], call.type)
    if is_integral(call.type):  # DuckDB negates the smallest number unnoticed
        return f"(0::{_SQL_INT[_BITS[type(call.type)]]} - {args[0]})"
    return f"(- {args[0]})"


def _plus_or_minus(args: Args, request: Request) -> Expression:
    if len(args) == 1:
        from penstock.functions.resolve import resolve

        if request.name == "+":
            return resolve("positive", args, conf=request.conf)
        call = resolve("negative", args, conf=request.conf)
        return replace(call, display="-") if isinstance(call, FunctionCall) else call
    return _arithmetic(args, request)


def _negative_name(call: FunctionCall, args: Sequence[str]) -> str:
    return f"negative({args[0]})" if call.display == "negative" else f"(- {args[0]})"


# ---------------------------------------------------------------- comparison


def comparable_pair(args: Args, request: Request) -> Args:
    """Both sides of one type that can be compared."""
    left, right = args
    if mixes_decimal(left.type, right.type) and not same_type(left.type, right.type):
        a, b = decimals.for_expression(left), decimals.for_expression(right)
        kind: DataType | None = decimals.wider(a, b) if a and b else None
    else:
        kind = _comparison_type(left.type, right.type, request)
    if kind is None:
        raise different_types(_symbol(request.name), args)
    _check_comparable(kind, args, request)
    return cast_if_needed(left, kind, request.conf), cast_if_needed(right, kind, request.conf)


def _comparison_type(a: DataType, b: DataType, request: Request) -> DataType | None:
    conf = request.conf
    if not conf.ansi and is_string(a) != is_string(b):
        other = b if is_string(a) else a
        if is_numeric(other):
            return DOUBLE if not is_integral(other) else other
        if not isinstance(other, NullType):
            return other
    if (isinstance(a, BooleanType) and is_numeric(b)) or (isinstance(b, BooleanType) and is_numeric(a)):
        return None if conf.ansi else (b if is_numeric(b) else a)
    return common_type((a, b), conf)


def _check_comparable(kind: DataType, args: Args, request: Request) -> None:
    if _contains_map(kind) or isinstance(kind, VariantType):
        symbol = _symbol(request.name)
        raise mismatch(
            "INVALID_ORDERING_TYPE", symbol, args, f"{symbol} cannot compare values of this type.",
            functionName=f"`{symbol}`", dataType=quoted_type(kind),
        )  # fmt: skip


def _contains_map(t: DataType) -> bool:
    if isinstance(t, ArrayType):
        return _contains_map(t.elementType)
    if isinstance(t, StructType):
        return any(_contains_map(f.dataType) for f in t.fields)
    return isinstance(t, MapType)


def _symbol(name: str) -> str:
    return "=" if name == "==" else name


def _compare(args: list[str], call: FunctionCall, context: Any) -> str:
    a, b = args
    symbol = {"==": "=", "<=>": "IS NOT DISTINCT FROM"}.get(call.name, call.name)
    if call.name not in ("==", "<=>"):
        nested = next((arg.type for arg in call.args if needs_key(arg.type)), None)
        if nested is not None:
            a, b = sort_key(a, nested), sort_key(b, nested)
    return f"({a} {symbol} {b})"


def _comparison(name: str, *aliases: str) -> Function:
    nullable: Any = False if name == "<=>" else any_nullable
    pair = comparable_pair if name in ("==", "<=>") else _ordered_pair
    return row(" ".join((name, *aliases)), "any any", BOOLEAN, _compare, coerce=pair, nullable=nullable)


def _between(args: Args, request: Request) -> Expression:
    """Two comparisons under an AND (so that each may be pushed down), which show as one."""
    value, low, high = args
    sides = (comparable_pair((value, low), request), comparable_pair((value, high), request))
    above, below = (
        FunctionCall(op, pair, BOOLEAN, any_nullable(pair), op) for op, pair in zip((">=", "<="), sides, strict=True)
    )
    return FunctionCall("and", (above, below), BOOLEAN, any_nullable((above, below)), "between")


def _integral_side(args: Args, request: Request) -> Args:
    """An integer beside a decimal constant: `a > 1.5` is `a > 1`, `a < 1.5` is `a < 2`, as Spark simplifies them."""
    turned = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
    name, flipped = request.function.name, isinstance(args[0].type, DecimalType)
    number, literal = (args[1], args[0]) if flipped else args
    if not (isinstance(literal, Literal) and isinstance(literal.type, DecimalType) and is_integral(number.type)):
        return args
    if literal.value is None or abs(literal.value) >= 1 << 62:
        return args
    floor = (turned[name] if flipped else name) in (">", "<=")
    value = int(Decimal(literal.value).to_integral_value(ROUND_FLOOR if floor else ROUND_CEILING))
    whole = Literal(value, INTEGER if -(1 << 31) <= value < 1 << 31 else LONG)
    return (whole, number) if flipped else (number, whole)


def _ordered_pair(args: Args, request: Request) -> Args:
    return comparable_pair(_integral_side(args, request), request)


def _not_equal(args: Args, request: Request) -> Expression:
    from penstock.functions.resolve import resolve

    return resolve("not", (resolve("==", args, conf=request.conf),), conf=request.conf)


# ---------------------------------------------------------------- logic and bits


_LOGICAL = Operands(lambda t: isinstance(t, BooleanType), "BOOLEAN", BOOLEAN, is_arithmetic=False)
_BITWISE = Operands(is_integral, "INTEGRAL", INTEGER)


def _boolean_pair(args: Args, request: Request) -> Args:
    return operator_pair(args, request, _LOGICAL)


def _integral_pair(args: Args, request: Request) -> Args:
    return operator_pair(args, request, _BITWISE)


def _shift_input(args: Args, request: Request) -> Args:
    left, right = args
    if not isinstance(left.type, LongType):
        left = cast_if_needed(left, INTEGER, request.conf)
    return left, cast_if_needed(right, INTEGER, request.conf)


def _shift(symbol: str) -> Callable[[list[str], FunctionCall, Any], str]:
    """Java's shifts: the distance is taken modulo the width; `<<` drops what leaves on the left."""

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        bits = _BITS[type(call.type)]
        a, by = args[0], f"({args[1]} & {bits - 1})"
        kind, full, half = _SQL_INT[bits], 1 << bits, 1 << (bits - 1)
        unsigned = f"(CASE WHEN {a} < 0 THEN CAST({a} AS HUGEINT) + {full}::HUGEINT ELSE CAST({a} AS HUGEINT) END)"
        if symbol == ">>":
            # floor division by a power of two keeps the sign
            negative = f"-((-(CAST({a} AS HUGEINT) + 1)) >> {by}) - 1"
            return f"CAST(CASE WHEN {a} >= 0 THEN {a} >> {by} ELSE {negative} END AS {kind})"
        raw = f"({unsigned} >> {by})" if symbol == ">>>" else f"(({unsigned} * (1::HUGEINT << {by})) % {full}::HUGEINT)"
        return f"CAST(CASE WHEN {raw} >= {half}::HUGEINT THEN {raw} - {full}::HUGEINT ELSE {raw} END AS {kind})"

    return sql


def _positive_name(call: FunctionCall, args: Sequence[str]) -> str:
    return f"(+ {args[0]})"


def _cast_away(args: Args, request: Request) -> Expression:
    (child,) = args
    if is_string(child.type) or isinstance(child.type, NullType):
        child = cast_if_needed(child, DOUBLE, request.conf)
    if not (is_numeric(child.type) or isinstance(child.type, (*INTERVALS, CalendarIntervalType))):
        raise wrong_input(request.name, args, 0, _ADDABLE)
    return FunctionCall("positive", (child,), child.type, child.nullable, "+")


register(
    row("+", "any any?", 0, _plain("+"), build=_plus_or_minus),
    row("-", "any any?", 0, _plain("-"), build=_plus_or_minus),
    row("*", "any any", 0, _plain("*"), build=_arithmetic),
    row("/", "any any", 0, _divide, build=_arithmetic),
    row("div", "any any", LONG, _integral_divide, build=_arithmetic),
    row("% mod", "any any", 0, _remainder, build=_arithmetic),
    row("pmod", "any any", 0, _pmod, build=_arithmetic),
    row("negative", "any", 0, _negative_sql, build=_negate, display=_negative_name),
    row("positive", "any", 0, "{0}", build=_cast_away, display=_positive_name),
    _comparison("==", "="),
    _comparison("<=>"),
    _comparison("<"),
    _comparison("<="),
    _comparison(">"),
    _comparison(">="),
    row("between", "any any any", BOOLEAN, "", build=_between),
    row("!= <>", "any any", BOOLEAN, "", build=_not_equal),
    row("and", "any any", BOOLEAN, "({0} AND {1})", coerce=_boolean_pair),
    row("or", "any any", BOOLEAN, "({0} OR {1})", coerce=_boolean_pair),
    row("not !", "boolean", BOOLEAN, "(NOT {0})"),
    row("&", "any any", 0, "({0} & {1})", coerce=_integral_pair),
    row("|", "any any", 0, "({0} | {1})", coerce=_integral_pair),
    row("^", "any any", 0, "xor({0}, {1})", coerce=_integral_pair),
    row("~", "integral", 0, "(~ {0})"),
    row("shiftleft <<", "integral integral", 0, _shift("<<"), coerce=_shift_input),
    row("shiftright >>", "integral integral", 0, _shift(">>"), coerce=_shift_input),
    row("shiftrightunsigned >>>", "integral integral", 0, _shift(">>>"), coerce=_shift_input),
)

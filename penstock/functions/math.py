"""Mathematical functions."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import unsupported
from penstock.functions import decimals
from penstock.functions.coercion import INTERVALS, cast_if_needed, is_integral, is_numeric, is_string
from penstock.functions.decimal_sql import decimal_name
from penstock.functions.errors import not_foldable, wrong_input
from penstock.functions.literals import constant, constant_value
from penstock.functions.markers import raise_sql
from penstock.functions.resolve import coerce_inputs
from penstock.functions.rows import row, upper_named
from penstock.functions.table import Args, Function, Request, register
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
    BYTE,
    DOUBLE,
    INTEGER,
    LONG,
    STRING,
    ByteType,
    DataType,
    DecimalType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    ShortType,
)  # fmt: skip


def unary(names: str, sql: str, *, shown: str | None = None, nullable: Any = True) -> Function:
    """A function of one DOUBLE, which Spark writes in capitals."""
    key = names.split()[0]
    return row(names, "double", DOUBLE, sql, shows={key: shown or key.upper()}, nullable=nullable)


# Outside of the domain Java gives NaN (or an infinity) where DuckDB raises, and NULL for logarithms.
def _within(condition: str, value: str) -> str:
    return f"CASE WHEN {{0}} IS NULL THEN NULL WHEN {condition} THEN {value} ELSE 'NaN'::DOUBLE END"


_FINITE = "isfinite({0})"


# ---------------------------------------------------------------- rounding


def _round_input(args: Args, request: Request) -> Args:
    value, *rest = args
    if is_string(value.type) or isinstance(value.type, NullType):
        value = cast_if_needed(value, DOUBLE, request.conf)
    if not is_numeric(value.type):
        raise wrong_input(request.name, args, 0, "NUMERIC")
    scale = cast_if_needed(rest[0] if rest else Literal(0, INTEGER), INTEGER, request.conf)
    if constant(scale) is None:
        raise not_foldable(request.name, (value, scale), 1, "scale")
    return value, scale


def _digits(e: Expression) -> int:
    value = constant_value(e)
    return int(value) if value is not None else 0


def _round_type(args: Args) -> DataType:
    t = args[0].type
    if not isinstance(t, DecimalType):
        return t
    scale = _digits(args[1])
    integral = t.precision - t.scale + 1
    if scale < 0:
        return DecimalType(min(max(integral, -scale + 1), 38), 0)
    return DecimalType(min(integral + min(t.scale, scale), 38), min(t.scale, scale))


def _round(half_even: bool) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        t, scale = call.args[0].type, _digits(call.args[1])
        if constant_value(call.args[1]) is None:
            return "NULL"
        if isinstance(t, DecimalType):
            assert isinstance(call.type, DecimalType)
            return _round_decimal(args[0], t, scale, half_even, call.type)
        if is_integral(t):
            return args[0] if scale >= 0 else _round_integer(args[0], t, -scale, half_even, context.conf.ansi)
        kind = "FLOAT" if isinstance(t, FloatType) else "DOUBLE"
        return _round_double(args[0], scale, half_even, kind)

    return sql


def _round_decimal(value: str, t: DecimalType, scale: int, half_even: bool, result: DecimalType) -> str:
    if scale >= t.scale:
        return f"CAST({value} AS {decimal_name(result)})"
    if not half_even and scale >= 0:
        return f"CAST({value} AS {decimal_name(result)})"  # DuckDB casts round half up (away from zero)
    function = "round_even" if half_even else "round"
    if scale >= 0 and half_even and t.precision > 15:
        raise unsupported("bround of decimals with more than 15 digits")
    return f"CAST({function}({value}, {scale}) AS {decimal_name(result)})"


_WIDTHS = {ByteType: 8, ShortType: 16, IntegerType: 32, LongType: 64}
_SQL_NAMES = {ByteType: "TINYINT", ShortType: "SMALLINT", IntegerType: "INTEGER", LongType: "BIGINT"}


def _round_integer(value: str, t: DataType, digits: int, half_even: bool, ansi: bool) -> str:
    name = _SQL_NAMES[type(t)]
    if digits > 18:
        return f"CAST(CASE WHEN {value} IS NOT NULL THEN 0 END AS {name})"
    unit = f"{10**digits}::HUGEINT"
    wide = f"CAST({value} AS HUGEINT)"
    rest, whole = f"abs({wide} % {unit})", f"({wide} // {unit})"
    tie = f"{rest} * 2 = {unit} AND {whole} % 2 <> 0" if half_even else f"{rest} * 2 = {unit}"
    up = f"CASE WHEN {rest} * 2 > {unit} OR ({tie}) THEN sign({wide}) ELSE 0 END"
    return f"CAST(({whole} + {up}) * {unit} AS {name})"


def _round_double(value: str, scale: int, half_even: bool, kind: str) -> str:
    """Java rounds the decimal text of the double (BigDecimal.valueOf), not its binary value."""
    if scale > 15:
        return value
    function = "round_even" if half_even else "round"
    exact = f"TRY_CAST(CAST({value} AS VARCHAR) AS DECIMAL(38,{max(scale, 0) + 2 if half_even else max(scale, 0)}))"
    if half_even or scale < 0:
        return f"CAST({function}({value}, {scale}) AS {kind})"
    # text -> decimal rounds half up exactly; what does not fit 38 digits has no fraction to round
    return f"coalesce(CAST({exact} AS {kind}), {value})"


def _whole_input(args: Args, request: Request) -> Args:
    """ceil and floor keep LONG and DECIMAL; other numbers become DOUBLE."""
    if len(args) == 2:
        return _scaled_input(args, request)
    (value,) = args
    if isinstance(value.type, (DecimalType, LongType)):
        return args
    if is_integral(value.type):
        return (cast_if_needed(value, LONG, request.conf),)
    return coerce_inputs(args, request)


def _scaled_input(args: Args, request: Request) -> Args:
    value, scale = _round_input(args, request)
    kind = decimals.for_type(value.type) or DecimalType(30, 15)
    return cast_if_needed(value, kind, request.conf), scale


def _whole_type(args: Args) -> DataType:
    t = args[0].type
    if len(args) == 2:
        return _round_type(args)
    return (
        DecimalType(min(t.precision - t.scale + 1, 38), 0)
        if isinstance(t, DecimalType) and t.scale
        else (t if isinstance(t, DecimalType) else LONG)
    )


def _whole(name: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        t = call.args[0].type
        if len(args) == 2:
            assert isinstance(t, DecimalType) and isinstance(call.type, DecimalType)
            return _whole_scaled(name, args[0], t, _digits(call.args[1]), call.type)
        if isinstance(t, DecimalType):
            assert isinstance(call.type, DecimalType)
            return f"CAST({name}({args[0]}) AS {decimal_name(call.type)})"
        if isinstance(t, LongType):
            return args[0]
        return f"spark_clamp_bigint({name}({args[0]}))"

    return sql


def _whole_scaled(name: str, value: str, t: DecimalType, scale: int, result: DecimalType) -> str:
    from penstock.functions.decimal_sql import scaled, unscaled

    if scale >= t.scale:
        return f"CAST({value} AS {decimal_name(result)})"
    unit, units = f"{10 ** (t.scale - scale)}::HUGEINT", unscaled(value, t)
    step = (
        f"CASE WHEN {units} % {unit} > 0 THEN 1 ELSE 0 END"
        if name == "ceil"
        else f"CASE WHEN {units} % {unit} < 0 THEN -1 ELSE 0 END"
    )
    whole = f"({units} // {unit} + {step})"
    if scale < 0:
        return f"CAST({whole} * {10**-scale}::HUGEINT AS {decimal_name(result)})"
    return scaled(whole, result)


# ---------------------------------------------------------------- others


def _abs_input(args: Args, request: Request) -> Args:
    return args if isinstance(args[0].type, INTERVALS) else coerce_inputs(args, request)


def _abs(args: list[str], call: FunctionCall, context: Any) -> str:
    if context.conf.ansi or not is_integral(call.type):
        return f"abs({args[0]})"
    least = -(1 << (_WIDTHS[type(call.type)] - 1))  # has no positive counterpart, and wraps around to itself
    return f"CASE WHEN {args[0]} = ({least}) THEN {args[0]} ELSE abs({args[0]}) END"


def _factorial(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"CASE WHEN {args[0]} BETWEEN 0 AND 20 THEN CAST(factorial({args[0]}) AS BIGINT) END"


def _unsigned(value: str) -> str:
    """A BIGINT's 64 bits as a number without sign."""
    shifted = f"CAST({value} AS HUGEINT) + 18446744073709551616::HUGEINT"
    return f"CAST(CASE WHEN {value} < 0 THEN {shifted} ELSE {value} END AS UBIGINT)"


def _hex(args: list[str], call: FunctionCall, context: Any) -> str:
    if isinstance(call.args[0].type, LongType):
        return f"upper(printf('%x', {_unsigned(args[0])}))"
    return f"hex({args[0]})"


def _bin(args: list[str], call: FunctionCall, context: Any) -> str:
    unsigned = (
        f"CASE WHEN {args[0]} < 0 THEN CAST({args[0]} AS HUGEINT) + 18446744073709551616::HUGEINT ELSE {args[0]} END"
    )
    return f"bin(CAST({unsigned} AS UBIGINT))"


_BIT_RANGE = raise_sql(
    "INVALID_PARAMETER_VALUE.BIT_POSITION_RANGE", "The bit position of getbit is out of range.", sqlstate="22023",
    kind="illegal_argument", parameter="`pos`", functionName="`getbit`",
)  # fmt: skip


def _getbit(args: list[str], call: FunctionCall, context: Any) -> str:
    width = {"tinyint": 8, "smallint": 16, "int": 32}.get(call.args[0].type.simpleString(), 64)
    value = f"CAST((CAST({args[0]} AS BIGINT) >> {args[1]}) & 1 AS TINYINT)"
    return f"CASE WHEN {args[1]} < 0 OR {args[1]} >= {width} THEN {_BIT_RANGE} ELSE {value} END"


def _bits_input(args: Args, request: Request) -> Args:
    """A string is no boolean here."""
    if is_string(args[0].type):
        raise wrong_input(request.name, args, 0, request.function.takes[0].name)
    return coerce_inputs(args, request)


def _bit_count(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"CAST(bit_count(CAST({args[0]} AS BIGINT)) AS INTEGER)"


def _power(args: list[str], call: FunctionCall, context: Any) -> str:
    base, exponent = args
    return (
        f"CASE WHEN {base} < 0 AND {exponent} <> trunc({exponent}) THEN 'NaN'::DOUBLE ELSE pow({base}, {exponent}) END"
    )


_LOG_BOTH = "CASE WHEN {0} > 0 AND {1} > 0 THEN kernel_java_ln({1}) / kernel_java_ln({0}) END"


def _log_build(args: Args, request: Request) -> Expression:
    from penstock.functions.resolve import resolve

    if len(args) == 1:
        call = resolve("ln", args, conf=request.conf)
        assert isinstance(call, FunctionCall)
        return FunctionCall("ln", call.args, DOUBLE, True, "LOG")
    pair = coerce_inputs(args, request)
    return FunctionCall("log", pair, DOUBLE, True, "LOG")


def _width_bucket(args: list[str], call: FunctionCall, context: Any) -> str:
    v, low, high, n = args
    up = f"CAST(floor(({v} - {low}) * {n} / CAST({high} - {low} AS DOUBLE)) AS BIGINT) + 1"
    down = f"CAST(floor(({low} - {v}) * {n} / CAST({low} - {high} AS DOUBLE)) AS BIGINT) + 1"
    rising = f"CASE WHEN {v} < {low} THEN 0 WHEN {v} >= {high} THEN {n} + 1 ELSE {up} END"
    falling = f"CASE WHEN {v} > {low} THEN 0 WHEN {v} <= {high} THEN {n} + 1 ELSE {down} END"
    bad = f"{n} <= 0 OR {low} = {high}"
    return f"CAST(CASE WHEN {bad} THEN NULL WHEN {low} < {high} THEN {rising} ELSE {falling} END AS BIGINT)"


def _bucket_input(args: Args, request: Request) -> Args:
    count = cast_if_needed(args[3], LONG, request.conf)
    if isinstance(args[0].type, INTERVALS):
        return (*args[:3], count)
    return (*(cast_if_needed(arg, DOUBLE, request.conf) for arg in args[:3]), count)


register(
    unary("acos", _within("abs({0}) <= 1", "acos({0})")),
    unary("asin", _within("abs({0}) <= 1", "asin({0})")),
    unary("atan", "atan({0})"),
    unary("acosh", "kernel_java_acosh({0})"),
    unary("asinh", "asinh({0})"),
    unary("atanh", "kernel_java_atanh({0})"),
    unary("sin", _within(_FINITE, "sin({0})")),
    unary("cos", _within(_FINITE, "cos({0})")),
    unary("tan", _within(_FINITE, "tan({0})")),
    unary("cot", _within(_FINITE, "1 / tan({0})")),
    unary("sec", _within(_FINITE, "1 / cos({0})")),
    unary("csc", _within(_FINITE, "1 / sin({0})")),
    unary("sinh", "kernel_java_sinh({0})"),
    unary("cosh", "kernel_java_cosh({0})"),
    unary("tanh", "kernel_java_tanh({0})"),
    unary("exp", "kernel_java_exp({0})"),
    unary("expm1", "kernel_java_expm1({0})"),
    unary("sqrt", _within("{0} >= 0", "sqrt({0})")),
    unary("cbrt", "kernel_java_cbrt({0})"),
    row("ln", "double", DOUBLE, "kernel_java_ln({0})", nullable=True,
        display=lambda call, texts: f"LOG(E(), {texts[0]})" if call.display == "LOG" else f"ln({texts[0]})"),
    unary("log2", "kernel_java_log2({0})"),
    unary("log10", "kernel_java_log10({0})"),
    unary("log1p", "kernel_java_log1p({0})"),
    row("log", "double double?", DOUBLE, _LOG_BOTH, build=_log_build),
    unary("degrees", "degrees({0})"),
    unary("radians", "radians({0})"),
    row("rint", "double", DOUBLE, "round_even({0}, 0)", nullable=True),
    row("signum sign", "numeric", DOUBLE,
        "CASE WHEN isnan({0}) OR {0} = 0 THEN CAST({0} AS DOUBLE) ELSE CAST(sign({0}) AS DOUBLE) END",
        coerce=_abs_input, nullable=True, shows={"signum": "SIGNUM"}),
    row("power pow", "double double", DOUBLE, _power, shows={"power": "POWER"}),
    row("atan2", "double double", DOUBLE, "atan2({0} + 0.0, {1} + 0.0)", shows=upper_named("atan2")),
    row("hypot", "double double", DOUBLE, "kernel_java_hypot({0}, {1})", shows=upper_named("hypot")),
    row("pi", "", DOUBLE, "pi()", shows=upper_named("pi"), nullable=False),
    row("e", "", DOUBLE, "exp(1::DOUBLE)", shows=upper_named("e"), nullable=False),
    row("abs", "numeric", 0, _abs, coerce=_abs_input),
    row("ceil ceiling", "double|decimal|long integral?", _whole_type, _whole("ceil"), coerce=_whole_input,
        nullable=True, display=lambda call, texts: _show_whole(call, texts)),
    row("floor", "double|decimal|long integral?", _whole_type, _whole("floor"), coerce=_whole_input, nullable=True,
        display=lambda call, texts: _show_whole(call, texts)),
    row("round", "any integral?", _round_type, _round(False), coerce=_round_input, nullable=True),
    row("bround", "any integral?", _round_type, _round(True), coerce=_round_input, nullable=True),
    row("factorial", "int", LONG, _factorial, nullable=True),
    row("bin", "long", STRING, _bin),
    row("hex", "long|binary|string", STRING, _hex),
    row("bit_count", "integral|boolean", INTEGER, _bit_count, coerce=_bits_input),
    row("getbit bit_get", "integral int", BYTE, _getbit),
    row("width_bucket", "any any any long", LONG, _width_bucket, coerce=_bucket_input, nullable=True),
)  # fmt: skip


def _show_whole(call: FunctionCall, texts: Any) -> str:
    """CEIL(x), but ceil(x, scale); the alias ceiling always as written."""
    name = call.display if len(texts) == 2 or call.display == "ceiling" else call.display.upper()
    return f"{name}({', '.join(texts)})"

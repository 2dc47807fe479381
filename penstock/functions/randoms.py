"""Random numbers: Spark's, partition by partition, where there is a seed; else a sequence of its own a query."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from penstock.core.errors import analysis_error, illegal_argument
from penstock.functions.coercion import is_integral, is_numeric, is_string
from penstock.functions.errors import not_foldable, wrong_input
from penstock.functions.frequent_items import bad_integer
from penstock.functions.literals import constant, constant_value
from penstock.functions.names import display_name
from penstock.functions.rows import row
from penstock.functions.table import Args, Request, register
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    STRING,
    ByteType,
    DataType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    ShortType,
)  # fmt: skip


def place() -> Expression:
    """Where a row stands: `partition * 2**33 + row number`, as monotonically_increasing_id() has it."""
    return FunctionCall("$place", (), LONG, False, "$place")


def random_seed() -> int:
    """A seed for a call that gives none."""
    return random.getrandbits(63)


def _seeded(name: str) -> Any:
    def build(args: Args, request: Request) -> Expression:
        if not args:
            seed: Expression = Literal(random_seed(), LONG)
        else:
            (seed,) = args
            if constant(seed) is None:
                raise analysis_error(
                    "SEED_EXPRESSION_IS_UNFOLDABLE", f"The seed of {request.name} must be a constant.", "42K08",
                    seedExpr=f'"{display_name(seed)}"', exprWithSeed=f'"{request.name}({display_name(seed)})"',
                )  # fmt: skip
            if not isinstance(seed.type, NullType) and not is_integral(seed.type):
                raise wrong_input(request.name, args, 0, '("INT" or "BIGINT")')
            if constant_value(seed) is None:
                seed = Literal(None, LONG)
        return FunctionCall(name, (seed, place()), DOUBLE, False, name if args else f"{name}()")

    return build


def _seed_sql(call: FunctionCall, index: int) -> str:
    value = constant_value(call.args[index])
    return f"CAST({int(value) if value is not None else 0} AS BIGINT)"


def _random_sql(kernel: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        return f"kernel_{kernel}({_seed_sql(call, 0)}, {args[1]})"

    return sql


def _show_seed(call: FunctionCall, texts: Sequence[str]) -> str:
    return call.display if call.display.endswith(")") else f"{call.display}({texts[0]})"


# ---------------------------------------------------------------- uniform

_WIDTHS = (ByteType, ShortType, IntegerType, LongType)


def _uniform_type(low: DataType, high: DataType) -> DataType:
    """The wider of two integers; the decimal of a decimal and an integer; FLOAT or DOUBLE with a floating side."""
    if isinstance(low, DoubleType) or isinstance(high, DoubleType):
        return DOUBLE
    if isinstance(low, FloatType) or isinstance(high, FloatType):
        return FLOAT
    if isinstance(low, DecimalType) or isinstance(high, DecimalType):
        sides = [t for t in (low, high) if isinstance(t, DecimalType)]
        return max(sides, key=lambda t: t.precision)
    return low if _WIDTHS.index(type(low)) >= _WIDTHS.index(type(high)) else high


def _uniform(args: Args, request: Request) -> Expression:
    """`low + (high - low) * rand(seed)` as DOUBLE, cast to the type of the bounds."""
    for i, (arg, name) in enumerate(zip(args, ("min", "max", "seed"), strict=False)):
        if constant(arg) is None:
            raise not_foldable(request.name, args, i, name)
        good = is_integral(arg.type) if i == 2 else is_numeric(arg.type)
        if not good and not isinstance(arg.type, NullType):
            raise wrong_input(request.name, args, i, "INTEGER or FLOATING-POINT" if i < 2 else "INTEGER")
    if any(isinstance(arg.type, NullType) for arg in args):
        return FunctionCall("uniform", (*args[:2], args[-1], place()), DOUBLE, True, "uniform")
    seed = args[2] if len(args) > 2 else Literal(random_seed(), LONG)
    kind = _uniform_type(args[0].type, args[1].type)
    return FunctionCall("uniform", (*args[:2], seed, place()), kind, False, "uniform" if len(args) > 2 else "")


def _uniform_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    from penstock.functions.type_names import duck_type

    if any(isinstance(arg.type, NullType) for arg in call.args):
        return "CAST(NULL AS DOUBLE)"
    low, high = (f"CAST({arg} AS DOUBLE)" for arg in args[:2])
    value = f"({low} + (({high} - {low}) * kernel_random_double({_seed_sql(call, 2)}, {args[3]})))"
    if isinstance(call.type, _WIDTHS):
        value = f"trunc({value})"
    return f"CAST({value} AS {duck_type(call.type)})"


def _show_uniform(call: FunctionCall, texts: Sequence[str]) -> str:
    return f"uniform({', '.join(texts[: 3 if call.display else 2])})"


# ---------------------------------------------------------------- randstr


def _text_input(args: Args, request: Request) -> Expression:
    for i, arg in enumerate(args):
        if constant(arg) is None:
            raise not_foldable(request.name, args, i, ("length", "seed")[i])
        if not is_integral(arg.type) and not (i == 0 and is_string(arg.type)):
            raise wrong_input(request.name, args, i, "INT or SMALLINT" if i == 0 else "INT or BIGINT")
    length = constant_value(args[0])
    if isinstance(length, str):
        if not length.strip().lstrip("+-").isdigit():
            raise bad_integer(length)
        length = int(length)
    if length is not None and length < 0:
        raise illegal_argument(
            "INVALID_PARAMETER_VALUE.LENGTH", f"The length of {request.name} must not be negative, unlike {length}.",
            parameter="`length`", length=length, functionName=f"`{request.name}`",
        )  # fmt: skip
    seed = args[1] if len(args) > 1 else Literal(random_seed(), LONG)
    whole = Literal(length, INTEGER)
    return FunctionCall("randstr", (whole, seed, place()), STRING, False, "randstr" if len(args) > 1 else "")


def _text_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"kernel_random_text({args[0]}, {_seed_sql(call, 1)}, {args[2]})"


def _show_text(call: FunctionCall, texts: Sequence[str]) -> str:
    return f"randstr({', '.join(texts[: 2 if call.display else 1])})"


register(
    row("rand random", "any?", DOUBLE, _random_sql("random_double"), build=_seeded("rand"), deterministic=False,
        nullable=False, display=_show_seed),
    row("randn", "any?", DOUBLE, _random_sql("random_normal"), build=_seeded("randn"), deterministic=False,
        nullable=False, display=_show_seed),
    row("uniform", "any any any?", DOUBLE, _uniform_sql, build=_uniform, deterministic=False, nullable=False,
        display=_show_uniform),
    row("randstr", "any any?", STRING, _text_sql, build=_text_input, deterministic=False, nullable=False,
        display=_show_text),
    row("$place", "", LONG, "(row_number() OVER () - 1)", nullable=False, deterministic=False),
)  # fmt: skip

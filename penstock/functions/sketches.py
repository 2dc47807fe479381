"""HLL, theta and KLL sketches of Apache DataSketches: as aggregates (in streams too), and functions of their bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock.core.errors import SparkError, analysis_error
from penstock.functions.aggregates import aggregate
from penstock.functions.coercion import cast_if_needed, is_string
from penstock.functions.errors import mismatch, not_foldable, wrong_input
from penstock.functions.literals import constant
from penstock.functions.rows import row
from penstock.functions.table import DISTINCT, Args, Buffer, Function, Incremental, Request, register, tail_if
from penstock.plan.expressions import Cast, Expression, FunctionCall, Literal
from penstock.plan.types import (
    BINARY,
    BOOLEAN,
    DOUBLE,
    FLOAT,
    INTEGER,
    LONG,
    STRING,
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    ShortType,
)  # fmt: skip

Check = Callable[[DataType], bool]


@dataclass(frozen=True)
class Taken:
    """What an argument must be (sketches cast nothing): `name` is how errors show it."""

    name: str
    test: Check


def _is(*kinds: type) -> Check:
    return lambda t: isinstance(t, kinds)


def _array_of(*kinds: type) -> Check:
    return lambda t: isinstance(t, ArrayType) and isinstance(t.elementType, kinds)


_BINARY = Taken("BINARY", _is(BinaryType))
_INT = Taken("INT", _is(IntegerType))
_STRING = Taken("STRING", is_string)
_BOOLEAN = Taken("BOOLEAN", _is(BooleanType))
_HLL_KEY = Taken('("INT" or "BIGINT" or "STRING" or "BINARY")',
                 lambda t: isinstance(t, (IntegerType, LongType, BinaryType)) or is_string(t))  # fmt: skip


def _is_key(t: DataType) -> bool:
    kinds = (IntegerType, LongType, FloatType, DoubleType, BinaryType)
    return isinstance(t, kinds) or is_string(t) or _array_of(IntegerType, LongType)(t)


THETA_KEY = Taken(
    '("INT" or "BIGINT" or "FLOAT" or "DOUBLE" or "STRING" or "BINARY" or "ARRAY<INT>" or "ARRAY<BIGINT>")', _is_key
)


def checked(args: Args, request: Request, *taken: Taken) -> Args:
    """The arguments as they are; DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE unless each is what is taken."""
    for i, (arg, what) in enumerate(zip(args, taken, strict=False)):
        if not (what.test(arg.type) or isinstance(arg.type, NullType)):
            raise wrong_input(request.name, args, i, what.name)
    return args


def sketch_error(condition: str, name: str, message: str, sqlstate: str, **params: object) -> SparkError:
    """An error of a sketch function; `function` is its name in every one."""
    return analysis_error(condition, message, sqlstate, function=f"`{name}`", **params)


def within(args: Args, request: Request, index: int, name: str, least: int, most: int) -> None:
    """DATATYPE_MISMATCH unless the argument is an INT constant from `least` to `most`."""
    value = known(args, request, index, name)
    if not least <= value <= most:
        text = f"`{name}` lies between {least} and {most}, unlike {value}."
        raise mismatch("TYPE_CHECK_FAILURE_WITH_HINT", request.name, args, text, msg=text, hint="")


def known(args: Args, request: Request, index: int, name: str) -> Any:
    """The value of a constant argument; DATATYPE_MISMATCH when it is none, or NULL."""
    found = constant(args[index])
    if found is None and not _is_null(args[index]):
        raise not_foldable(request.name, args, index, name)
    if found is None or found.value is None:
        raise mismatch("UNEXPECTED_NULL", request.name, args, f"the {name} must not be NULL.", exprName=f"`{name}`")
    return found.value


def _is_null(e: Expression) -> bool:
    while isinstance(e, Cast):
        e = e.child
    return isinstance(e, Literal) and e.value is None


def key_sql(sql: str, t: DataType) -> tuple[str, str]:
    """The kernel's word for the type of a key, and the key's SQL as that type."""
    if isinstance(t, (IntegerType, LongType)):
        return "long", f"CAST({sql} AS BIGINT)"
    if isinstance(t, (FloatType, DoubleType)):
        return "double", f"CAST({sql} AS DOUBLE)"
    if isinstance(t, BinaryType):
        return "bytes", sql
    if isinstance(t, ArrayType):
        return ("longs" if isinstance(t.elementType, LongType) else "ints"), sql
    return ("long", f"CAST({sql} AS BIGINT)") if isinstance(t, NullType) else ("text", sql)


def present(sql: str) -> str:
    """The list of a group's values that are not NULL."""
    return f"coalesce(list({DISTINCT}{sql}){tail_if(f'{sql} IS NOT NULL')}, [])"


def int_constant(e: Expression) -> int:
    """The value of an INT constant; 0 for NULL."""
    found = constant(e)
    return int(found.value) if found is not None and found.value is not None else 0


def sketch_aggregate(
    name: str, takes: str, update: Any, merge: Callable[[FunctionCall], str], **extra: Any
) -> Function:
    """A row whose running state is its result: `update` makes a sketch of rows, and `merge` gives the template of the
    sketch of the two in the list `{pair}`."""

    def merged(call: FunctionCall) -> str:
        return merge(call).replace("{pair}", "[{old}, {new}]")

    buffer = Buffer("s", BINARY, update, merged)
    return aggregate(name, takes, BINARY, update, Incremental((buffer,), "{s}"), nullable=False, **extra)


# ---------------------------------------------------------------- HLL


def _hll_input(args: Args, request: Request) -> Args:
    checked(args, request, _HLL_KEY, _INT)
    if constant(args[1]) is None:
        raise sketch_error("HLL_K_MUST_BE_CONSTANT", request.name, "lgConfigK must be a constant.", "42K0E")
    lg = int_constant(args[1])
    if not 4 <= lg <= 21:
        raise sketch_error("HLL_INVALID_LG_K", request.name, f"lgConfigK lies between 4 and 21, unlike {lg}.", "22546",
                           min=4, max=21, value=lg)  # fmt: skip
    return args


def _hll_agg(args: list[str], call: FunctionCall, context: Any) -> str:
    kind, value = key_sql(args[0], call.args[0].type)
    return f"kernel_hll_agg_{kind}({present(value)}, {args[1]})"


def _hll_union(args: Args, request: Request) -> Args:
    return checked(args, request, _BINARY, _BINARY, _BOOLEAN)


def _hll_union_agg(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"kernel_hll_union({present(args[0])}, coalesce({args[1]}, FALSE), 'hll_union_agg')"


def _both(args: list[str]) -> str:
    """A list of two sketches; NULL when one is."""
    return f"CASE WHEN {args[0]} IS NOT NULL AND {args[1]} IS NOT NULL THEN [{args[0]}, {args[1]}] END"


def _flag(call: FunctionCall) -> str:
    found = constant(call.args[1])
    return "TRUE" if found is not None and found.value else "FALSE"


# ---------------------------------------------------------------- theta


def nominal_entries(args: Args, request: Request, index: int) -> int:
    """The constant lgNomEntries; an error when it is none, or out of range."""
    if constant(args[index]) is None:
        raise sketch_error("THETA_LG_NOM_ENTRIES_MUST_BE_CONSTANT", request.name, "lgNomEntries must be a constant.",
                           "42K0E")  # fmt: skip
    lg = int_constant(args[index])
    if not 4 <= lg <= 26:
        text = f"lgNomEntries lies between 4 and 26, unlike {lg}."
        raise sketch_error("SKETCH_INVALID_LG_NOM_ENTRIES", request.name, text, "22003", min=4, max=26, value=lg)
    return lg


def _theta_input(*taken: Taken) -> Any:
    def coerce(args: Args, request: Request) -> Args:
        checked(args, request, *taken)
        if taken[-1] is _INT:
            nominal_entries(args, request, len(taken) - 1)
        return args

    return coerce


def _theta_agg(args: list[str], call: FunctionCall, context: Any) -> str:
    kind, value = key_sql(args[0], call.args[0].type)
    return f"kernel_theta_agg_{kind}({present(value)}, {args[1]})"


def _theta_merge(call: FunctionCall) -> str:
    return f"kernel_theta_union({{pair}}, {int_constant(call.args[1])}, '{call.name}')"


def _theta_union_agg(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"kernel_theta_union({present(args[0])}, {args[1]}, 'theta_union_agg')"


def _theta_intersection_agg(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"kernel_theta_intersection({present(args[0])}, 'theta_intersection_agg')"


# ---------------------------------------------------------------- KLL

_KLL_TYPES: dict[str, tuple[DataType, Taken]] = {
    "bigint": (LONG, Taken('("TINYINT" or "INT" or "BIGINT" or "SMALLINT")',
                           _is(ByteType, ShortType, IntegerType, LongType))),
    "double": (DOUBLE, Taken('("FLOAT" or "DOUBLE")', _is(FloatType, DoubleType))),
    "float": (FLOAT, Taken("FLOAT", _is(FloatType))),
}  # fmt: skip
_SQL = {"bigint": "BIGINT", "double": "DOUBLE", "float": "FLOAT"}


def _kll_size(args: Args, request: Request) -> None:
    """Checks the optional last argument, k."""
    if len(args) < 2:
        return
    within(args, request, 1, "k", 8, 65535)


def _kll_input(*taken: Taken) -> Any:
    def coerce(args: Args, request: Request) -> Args:
        checked(args, request, *taken)
        _kll_size(args, request)
        return args

    return coerce


def _kll_k(call: FunctionCall, default: int) -> int:
    return int_constant(call.args[1]) if len(call.args) > 1 else default


def _kll(kind: str) -> tuple[Function, ...]:
    value_type, taken = _KLL_TYPES[kind]

    def agg(args: list[str], call: FunctionCall, context: Any) -> str:
        return f"kernel_kll_agg_{kind}({present(f'CAST({args[0]} AS {_SQL[kind]})')}, {_kll_k(call, 200)})"

    def merge_agg(args: list[str], call: FunctionCall, context: Any) -> str:
        return f"kernel_kll_merge({present(args[0])}, {_kll_k(call, 0)}, '{kind}', '{call.name}')"

    def merge(call: FunctionCall) -> str:
        default = 200 if call.name.startswith("kll_sketch_agg") else 0
        return f"kernel_kll_merge({{pair}}, {_kll_k(call, default)}, '{kind}', '{call.name}')"

    return (
        sketch_aggregate(f"kll_sketch_agg_{kind}", "any any?", agg, merge, coerce=_kll_input(taken, _INT)),
        sketch_aggregate(f"kll_merge_agg_{kind}", "any any?", merge_agg, merge, coerce=_kll_input(_BINARY, _INT)),
        row(f"kll_sketch_merge_{kind}", "binary binary", BINARY, f"kernel_kll_merge_two({{0}}, {{1}}, '{kind}')"),
        row(f"kll_sketch_get_n_{kind}", "binary", LONG, f"kernel_kll_n({{0}}, '{kind}')"),
        row(f"kll_sketch_to_string_{kind}", "binary", STRING, f"kernel_kll_text({{0}}, '{kind}')"),
        _kll_lookup(f"kll_sketch_get_quantile_{kind}", f"kll_quantiles_{kind}", DOUBLE, value_type),
        _kll_lookup(f"kll_sketch_get_rank_{kind}", f"kll_ranks_{kind}", value_type, DOUBLE),
    )


def _kll_lookup(name: str, kernel: str, takes: DataType, gives: DataType) -> Function:
    """A function of a sketch and one value, or an array of values."""

    def coerce(args: Args, request: Request) -> Args:
        if constant(args[1]) is None and not _is_constant_array(args[1]):
            raise not_foldable(request.name, args, 1, "right")
        target = ArrayType(takes, False) if isinstance(args[1].type, ArrayType) else takes
        return cast_if_needed(args[0], BINARY, request.conf), cast_if_needed(args[1], target, request.conf)

    def result(args: Args) -> DataType:
        return ArrayType(gives, False) if isinstance(args[1].type, ArrayType) else gives

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        if isinstance(call.args[1].type, ArrayType):
            return f"kernel_{kernel}({args[0]}, {args[1]})"
        return f"kernel_{kernel}({args[0]}, CASE WHEN {args[1]} IS NOT NULL THEN [{args[1]}] END)[1]"

    return row(name, "binary any", result, sql, coerce=coerce)


def _is_constant_array(e: Expression) -> bool:
    return all(constant(part) is not None or isinstance(part, (FunctionCall, Cast)) for part in e.walk())


_LG12 = Literal(12, INTEGER)

register(
    sketch_aggregate("hll_sketch_agg", "any any?", _hll_agg,
                     lambda call: f"kernel_hll_union({{pair}}, TRUE, '{call.name}')", coerce=_hll_input,
                     defaults={1: _LG12}),
    sketch_aggregate("hll_union_agg", "any any?", _hll_union_agg,
                     lambda call: f"kernel_hll_union({{pair}}, {_flag(call)}, '{call.name}')",
                     coerce=lambda args, request: checked(args, request, _BINARY, _BOOLEAN),
                     defaults={1: Literal(False, BOOLEAN)}),
    row("hll_sketch_estimate", "any", LONG, "kernel_hll_estimate({0})",
        coerce=lambda args, request: checked(args, request, _BINARY)),
    row("hll_union", "any any any?", BINARY,
        lambda args, call, context: f"kernel_hll_union({_both(args)}, {args[2]}, 'hll_union')",
        coerce=_hll_union, defaults={2: Literal(False, BOOLEAN)}),
    sketch_aggregate("theta_sketch_agg", "any any?", _theta_agg, _theta_merge, coerce=_theta_input(THETA_KEY, _INT),
                     defaults={1: _LG12}),
    sketch_aggregate("theta_union_agg", "any any?", _theta_union_agg, _theta_merge,
                     coerce=_theta_input(_BINARY, _INT), defaults={1: _LG12}),
    sketch_aggregate("theta_intersection_agg", "any", _theta_intersection_agg,
                     lambda call: "kernel_theta_intersection({pair}, 'theta_intersection_agg')",
                     coerce=_theta_input(_BINARY)),
    row("theta_sketch_estimate", "any", LONG, "kernel_theta_estimate({0})", coerce=_theta_input(_BINARY)),
    row("theta_union", "any any any?", BINARY,
        lambda args, call, context: f"kernel_theta_union({_both(args)}, {args[2]}, 'theta_union')",
        coerce=_theta_input(_BINARY, _BINARY, _INT), defaults={2: _LG12}),
    row("theta_intersection", "any any", BINARY,
        lambda args, call, context: f"kernel_theta_intersection({_both(args)}, 'theta_intersection')",
        coerce=_theta_input(_BINARY, _BINARY)),
    row("theta_difference", "any any", BINARY, "kernel_theta_difference({0}, {1})",
        coerce=_theta_input(_BINARY, _BINARY)),
    *_kll("bigint"),
    *_kll("double"),
    *_kll("float"),
)  # fmt: skip

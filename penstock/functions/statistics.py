"""Statistical aggregates: percentiles, mode, the most frequent values, listagg."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from penstock.core.errors import analysis_error
from penstock.functions.aggregates import aggregate
from penstock.functions.coercion import INTERVALS, cast_if_needed, is_atomic, is_integral, is_numeric, is_string
from penstock.functions.errors import data_diff_types, mismatch, not_foldable, wrong_count, wrong_input
from penstock.functions.literals import constant, constant_value
from penstock.functions.markers import quote, raise_with_values
from penstock.functions.table import (
    DISTINCT,
    ORDER,
    TAIL,
    Args,
    Buffer,
    Incremental,
    Request,
    register,
    tail_if,
)  # fmt: skip
from penstock.plan.expressions import Cast, Expression, FunctionCall, Literal, SortOrder
from penstock.plan.types import (
    BINARY,
    DOUBLE,
    LONG,
    NULL,
    STRING,
    ArrayType,
    BinaryType,
    DataType,
    DayTimeIntervalType,
    DoubleType,
    IntegerType,
    LongType,
    NullType,
    StructField,
    StructType,
    YearMonthIntervalType,
)  # fmt: skip

#: one list after the other; a NULL side has none
_APPEND = "CASE WHEN {old} IS NULL THEN {new} WHEN {new} IS NULL THEN {old} ELSE list_concat({old}, {new}) END"


def _list_of_first(call: FunctionCall) -> DataType:
    return ArrayType(call.args[0].type, False)


# ---------------------------------------------------------------- percentiles


def _is_list(e: Expression) -> bool:
    return isinstance(e.type, ArrayType)


def _percentages(e: Expression, request: Request, args: Args) -> Expression:
    if isinstance(e.type, ArrayType):
        return cast_if_needed(e, ArrayType(DOUBLE, e.type.containsNull), request.conf)
    return cast_if_needed(e, DOUBLE, request.conf)


def _checked_percentages(args: Args, request: Request, name: str) -> Expression:
    """The percentages as DOUBLE: constants from 0 to 1."""
    values = _constants(args[1])
    if values is None:
        raise not_foldable(request.name, args, 1, name)
    for value in values:
        if value is None:
            raise mismatch("UNEXPECTED_NULL", request.name, args, f"the {name} must not be NULL.", exprName=name)
        if not 0 <= value <= 1:
            raise mismatch("VALUE_OUT_OF_RANGE", request.name, args, f"{name} must be in [0.0, 1.0], unlike {value}.",
                           exprName=name, valueRange="[0.0, 1.0]", currentValue=value)  # fmt: skip
    return _percentages(args[1], request, args)


def _constants(e: Expression) -> list[Any] | None:
    """The values of a constant, or of an array of constants; None when it is neither."""
    while isinstance(e, Cast):
        e = e.child
    if isinstance(e, FunctionCall) and e.name == "array":
        parts = [_constants(arg) for arg in e.args]
        return None if None in parts else [value for part in parts for value in part or ()]
    if not isinstance(e, Literal):
        return None
    return list(e.value) if isinstance(e.value, (tuple, list)) else [e.value]


#: what percentile and median take
_ORDERED_NUMBERS = '("NUMERIC" or "INTERVAL DAY TO SECOND" or "INTERVAL YEAR TO MONTH")'


def _percentile_input(args: Args, request: Request) -> Args:
    kind = args[0].type
    if not (is_numeric(kind) or is_string(kind) or isinstance(kind, (NullType, *INTERVALS))):
        raise wrong_input(request.name, args, 0, _ORDERED_NUMBERS)
    value = args[0] if isinstance(kind, INTERVALS) else cast_if_needed(args[0], DOUBLE, request.conf)
    percents = _checked_percentages(args, request, "percentage")
    return (value, percents, *(cast_if_needed(arg, LONG, request.conf) for arg in args[2:]))


def _repeated(args: list[str], call: FunctionCall) -> str:
    """The values of a group, each as often as its frequency says; without frequencies once."""
    if constant_value(call.args[2]) == 1:
        return f"list({DISTINCT}{args[0]}){tail_if(f'{args[0]} IS NOT NULL')}"
    error = raise_with_values(
        "NEGATIVE_VALUES_IN_FREQUENCY_EXPRESSION", "A frequency must not be negative, unlike {negativeValue}.",
        {"negativeValue": args[2]}, sqlstate="22003", frequencyExpression='"frequency"',
    )  # fmt: skip
    copies = f"list_transform(range(CASE WHEN {args[2]} < 0 THEN {error} ELSE {args[2]} END), lambda i: {args[0]})"
    return f"flatten(list({copies}){tail_if(f'{args[0]} IS NOT NULL AND {args[2]} IS NOT NULL')})"


def _interpolated_type(t: DataType) -> DataType:
    if isinstance(t, YearMonthIntervalType):
        return YearMonthIntervalType(0, 1)
    return DayTimeIntervalType(0, 3) if isinstance(t, DayTimeIntervalType) else DOUBLE


def _percentile_type(args: Args) -> DataType:
    kind = _interpolated_type(args[0].type)
    return ArrayType(kind, False) if _is_list(args[1]) else kind


def _interpolate(values: str, percent: str) -> str:
    """Spark's own arithmetic between the two nearest values of a sorted list."""
    position = f"(({percent}) * (len({values}) - 1))"
    low, high = f"CAST(floor({position}) AS BIGINT)", f"CAST(ceil({position}) AS BIGINT)"
    below, above = f"CAST({values}[{low} + 1] AS DOUBLE)", f"CAST({values}[{high} + 1] AS DOUBLE)"
    mixed = f"({high} - {position}) * {below} + ({position} - {low}) * {above}"
    return f"CASE WHEN {low} = {high} OR {below} = {above} THEN {below} ELSE {mixed} END"


def _nearest(values: str, percent: str) -> str:
    """The first value of a sorted list below which (itself included) lies at least the given part."""
    return f"CAST({values}[greatest(CAST(ceil(({percent}) * len({values})) AS BIGINT), 1)] AS DOUBLE)"


def _within_group(args: Args, request: Request) -> Expression:
    """percentile_cont(p) WITHIN GROUP (ORDER BY x) is percentile(x, p)."""
    if len(request.order_by) != 1:
        raise analysis_error(
            "INVALID_WITHIN_GROUP_EXPRESSION.WITHIN_GROUP_MISSING",
            f"`{request.name}` needs WITHIN GROUP (ORDER BY one expression).", "42K0K", funcName=f"`{request.name}`",
        )  # fmt: skip
    call = _resolved("percentile", (request.order_by[0].child, args[0]), request)
    # a name of its own, so that it is another call than percentile_cont of the same values
    name = "$percentile_disc" if request.name == "percentile_disc" else call.name
    return replace(call, name=name, display=request.name)


def _percentile(args: list[str], call: FunctionCall, context: Any) -> str:
    return _percentile_of(_repeated(args, call), args[1], call)


def _percentile_of(values: str, percents: str, call: FunctionCall) -> str:
    """The percentile of a list of values."""
    kind = _interpolated_type(call.args[0].type)
    descending = bool(call.order_by) and not call.order_by[0].ascending
    ordered = f"list_sort({values}, '{'DESC' if descending else 'ASC'}')"
    one = _nearest("v", "p") if call.name == "$percentile_disc" else _interpolate("v", "p")
    if isinstance(kind, (DayTimeIntervalType, YearMonthIntervalType)):
        one = f"CAST(trunc({one}) AS {'BIGINT' if isinstance(kind, DayTimeIntervalType) else 'INTEGER'})"
    if _is_list(call.args[1]):
        inner = f"list_transform({percents}, lambda p: {one})"
    else:
        inner = f"list_transform([{percents}], lambda p: {one})[1]"
    return f"list_transform([{ordered}], lambda v: CASE WHEN len(v) > 0 THEN {inner} END)[1]"


def _kept_values(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"list({args[0]}){tail_if(f'{args[0]} IS NOT NULL')}"


def _kept_repeated(args: list[str], call: FunctionCall, context: Any) -> str:
    return _repeated(args, call)


def _kept_percents(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"any_value({args[1]})"


_PERCENTILE = Incremental(
    (Buffer("values", _list_of_first, _kept_repeated, _APPEND),
     Buffer("percents", lambda call: call.args[1].type, _kept_percents, "last")),
    lambda buffers, call, context: _percentile_of(buffers["values"], buffers["percents"], call),
)  # fmt: skip


def _median(args: Args, request: Request) -> Expression:
    kind = args[0].type
    if not (is_numeric(kind) or is_string(kind) or isinstance(kind, (NullType, *INTERVALS))):
        raise wrong_input(request.name, args, 0, _ORDERED_NUMBERS)
    half = Literal(0.5, DOUBLE)
    return replace(_resolved("percentile", (args[0], half), request), display="median")


def _resolved(name: str, args: Args, request: Request) -> FunctionCall:
    from penstock.functions.resolve import resolve

    call = resolve(name, args, conf=request.conf)
    assert isinstance(call, FunctionCall)
    return call


def _show_percentile(call: FunctionCall, texts: Sequence[str]) -> str:
    if call.display == "median":
        return f"median({texts[0]})"
    if call.display in ("percentile_cont", "percentile_disc"):
        order = "" if not call.order_by or call.order_by[0].ascending else " DESC"
        return f"{call.display}({texts[1]}) WITHIN GROUP (ORDER BY {texts[0]}{order})"
    return f"{call.display}({', '.join(texts)})"


def _approximate_type(args: Args) -> DataType:
    return ArrayType(args[0].type, False) if _is_list(args[1]) else args[0].type


def _approximate_input(args: Args, request: Request) -> Args:
    value = args[0]
    if is_string(value.type) or isinstance(value.type, NullType):
        value = cast_if_needed(value, DOUBLE, request.conf)
    percents = _checked_percentages(args, request, "percentage")
    if constant(args[2]) is None:
        raise not_foldable(request.name, args, 2, "accuracy")
    _in_range(args, request, 2, "accuracy", lambda number: 0 < number <= 2147483647, "(0, 2147483647]")
    return (value, percents, *args[2:])


def _percentile_approx(args: list[str], call: FunctionCall, context: Any) -> str:
    """The exact value at the rank: within every accuracy that can be asked for."""
    return f"quantile_disc({args[0]}, {args[1]}){TAIL}"


_PERCENTILE_APPROX = Incremental(
    (Buffer("values", _list_of_first, _kept_values, _APPEND),
     Buffer("percents", lambda call: call.args[1].type, _kept_percents, "last")),
    lambda buffers, call, context: (
        f"CASE WHEN len({buffers['values']}) > 0 THEN {_at_ranks(buffers['values'], buffers['percents'], call)} END"
    ),
)  # fmt: skip


def _at_ranks(values: str, percents: str, call: FunctionCall) -> str:
    """The value at each rank of a list, as quantile_disc finds it."""
    ordered = f"list_sort({values})"
    one = "v[greatest(1, CAST(ceil(CAST(p AS DOUBLE) * len(v)) AS BIGINT))]"
    if _is_list(call.args[1]):
        return f"list_transform([{ordered}], lambda v: list_transform({percents}, lambda p: {one}))[1]"
    return f"list_transform([{ordered}], lambda v: list_transform([{percents}], lambda p: {one})[1])[1]"


# ---------------------------------------------------------------- others


def _mode(args: Args, request: Request) -> Expression:
    """mode(x), mode(x, true): the least of equally frequent values, and mode() WITHIN GROUP (ORDER BY x)."""
    order = request.order_by
    if len(args) == 2:
        flag = constant(args[1])
        if flag is None:
            raise not_foldable(request.name, args, 1, "deterministic")
        order = (SortOrder(args[0]),) if flag.value else ()
    elif not args and len(order) != 1:
        raise wrong_count(request.name, 1, 2, 0)
    value = order[0].child if order else args[0]
    return FunctionCall("mode", (value,), value.type, True, "mode", order_by=order)


def _show_mode(call: FunctionCall, texts: Sequence[str]) -> str:
    """Spark writes the opposite of the order that was asked for."""
    if not call.order_by:
        return f"mode({', '.join(texts)})"
    return f"mode() WITHIN GROUP (ORDER BY {texts[0]}{' DESC' if call.order_by[0].ascending else ''})"


def _mode_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    if not call.order_by:
        return f"mode({DISTINCT}{args[0]}){TAIL}"
    direction = "ASC" if call.order_by[0].ascending else "DESC"
    return f"mode({args[0]} ORDER BY {args[0]} {direction}){TAIL}"


def _joined_type(args: Args) -> DataType:
    return BINARY if isinstance(args[0].type, BinaryType) else STRING


def _mode_final(buffers: Mapping[str, str], call: FunctionCall, context: Any) -> str:
    """The most frequent of the kept values; of equally frequent ones the first in the order asked for."""
    entries = f"map_entries(list_aggregate({buffers['values']}, 'histogram'))"
    counted = f"list_transform({entries}, lambda e: {{'n': -CAST(e.value AS BIGINT), 'v': e.key}})"
    if not call.order_by or call.order_by[0].ascending:
        return f"list_sort({counted})[1].v"
    most = f"list_sort({counted})[1].n"
    return f"list_sort(list_filter({counted}, lambda e: e.n = {most}))[-1].v"


_MODE = Incremental((Buffer("values", _list_of_first, _kept_values, _APPEND),), _mode_final)


def _listagg_input(args: Args, request: Request) -> Args:
    if constant(args[1]) is None:
        raise not_foldable(request.name, args, 1, "delimiter")
    kind = BINARY if isinstance(args[0].type, BinaryType) else STRING
    if not is_atomic(args[0].type) and not isinstance(args[0].type, NullType):
        raise wrong_input(request.name, args, 0, '("STRING" or "BINARY")')
    delimiter = args[1]
    if isinstance(delimiter.type, BinaryType) != (kind == BINARY) and not isinstance(delimiter.type, NullType):
        raise data_diff_types(request.name, args)
    return tuple(cast_if_needed(arg, kind, request.conf) for arg in args)


def _parts(args: list[str], call: FunctionCall, context: Any) -> str:
    """The values to join; NULL without any."""
    if call.distinct and any(key.child != call.args[0] for key in call.order_by):
        raise analysis_error(
            "INVALID_WITHIN_GROUP_EXPRESSION.MISMATCH_WITH_DISTINCT_INPUT",
            f"`{call.name}` of DISTINCT values can only be ordered by these values.", "42K0K",
            funcName=f"`{call.name}`", funcArg="", orderingExpr="",
        )  # fmt: skip
    present = tail_if(f"{args[0]} IS NOT NULL")
    if call.distinct and not call.order_by:  # in the order of the first of each
        return f"spark_list_distinct(list({args[0]}){present})"
    return f"list({DISTINCT}{args[0]}{ORDER}){present}"


def _joined(parts: str, delimiter: str, call: FunctionCall) -> str:
    if call.type != BINARY:
        return f"array_to_string({parts}, coalesce({delimiter}, ''))"
    between = f"hex(coalesce({delimiter}, ''::BLOB))"
    return f"unhex(array_to_string(list_transform({parts}, lambda b: hex(b)), {between}))"


def _listagg(args: list[str], call: FunctionCall, context: Any) -> str:
    return _joined(_parts(args, call, context), args[1], call)


def _kept_parts(args: list[str], call: FunctionCall, context: Any) -> str:
    """The values, with what orders them: after the arguments."""
    if not call.order_by:
        return _parts(args, call, context)
    keys = "".join(f", 'k{i}': {key}" for i, key in enumerate(args[len(call.args) :]))
    return f"list({{'v': {args[0]}{keys}}}){tail_if(f'{args[0]} IS NOT NULL')}"


def _parts_type(call: FunctionCall) -> DataType:
    if not call.order_by:
        return _list_of_first(call)
    keys = [StructField(f"k{i}", key.child.type) for i, key in enumerate(call.order_by)]
    return ArrayType(StructType([StructField("v", call.args[0].type), *keys]), False)


def _in_order(parts: str, call: FunctionCall) -> str:
    """Kept values in the order that was asked for."""
    if not call.order_by:
        return parts
    keys = []
    for i, key in enumerate(call.order_by):
        first = key.ascending if key.nulls_first is None else key.nulls_first
        keys.append(f"p.k{i} {'ASC' if key.ascending else 'DESC'} NULLS {'FIRST' if first else 'LAST'}")
    return f"(SELECT list(p.v ORDER BY {', '.join(keys)}) FROM (SELECT unnest({parts}) AS p))"


def _listagg_final(buffers: Mapping[str, str], call: FunctionCall, context: Any) -> str:
    delimiter = constant_value(call.args[1])
    text = "NULL" if delimiter is None else quote(delimiter) if isinstance(delimiter, str) else _blob(delimiter)
    return _joined(_in_order(buffers["parts"], call), text, call)


def _blob(value: bytes) -> str:
    return f"unhex('{bytes(value).hex()}')"


_LISTED = Incremental((Buffer("parts", _parts_type, _kept_parts, _APPEND),), _listagg_final)


def _sketch_input(args: Args, request: Request) -> Args:
    """count_min_sketch(value, eps, confidence, seed): the last three are constants."""
    value = args[0]
    if not (is_integral(value.type) or is_string(value.type) or isinstance(value.type, (BinaryType, NullType))):
        raise wrong_input(request.name, args, 0, '("INTEGRAL" or "STRING" or "BINARY")')
    for i, name in enumerate(("eps", "confidence", "seed"), 1):
        if constant(args[i]) is None:
            raise not_foldable(request.name, args, i, name)
        wanted = (LongType, IntegerType) if name == "seed" else (DoubleType,)
        if not isinstance(args[i].type, (*wanted, NullType)):
            raise wrong_input(request.name, args, i, '("INT" or "BIGINT")' if name == "seed" else "DOUBLE")
        if constant_value(args[i]) is None:
            raise mismatch("UNEXPECTED_NULL", request.name, args, f"{name} must not be NULL.", exprName=f"`{name}`")
    _in_range(args, request, 1, "eps", lambda value: value > 0, "(0.0, 1.7976931348623157E308]")
    _in_range(args, request, 2, "confidence", lambda value: 0 < value < 1, "(0.0, 1.0)")
    seed = cast_if_needed(args[3], LONG, request.conf)
    return (value if not is_integral(value.type) else cast_if_needed(value, LONG, request.conf), *args[1:3], seed)


def _in_range(args: Args, request: Request, index: int, name: str, test: Callable[[Any], bool], allowed: str) -> None:
    """DATATYPE_MISMATCH.VALUE_OUT_OF_RANGE unless the constants in the argument pass the test."""
    value = constant_value(args[index])
    for one in value if isinstance(value, (tuple, list)) else (value,):
        if one is None or not test(one):
            raise mismatch("VALUE_OUT_OF_RANGE", request.name, args, f"{name} must be in {allowed}, unlike {one}.",
                           exprName=name, valueRange=allowed, currentValue=one)  # fmt: skip


def _sketch(args: list[str], call: FunctionCall, context: Any) -> str:
    t = call.args[0].type
    if is_string(t) or isinstance(t, BinaryType):
        value = args[0] if isinstance(t, BinaryType) else f"encode({args[0]})"
        return f"kernel_count_min_sketch_bytes(coalesce(list({value}){TAIL}, []), {', '.join(args[1:])})"
    return f"kernel_count_min_sketch(coalesce(list(CAST({args[0]} AS BIGINT)){TAIL}, []), {', '.join(args[1:])})"


#: Sketches of one shape add up; without values there is one, too.
_COUNT_MIN = Incremental((Buffer("sketch", BINARY, _sketch, "kernel_count_min_sum([{old}, {new}])"),), "{sketch}")


register(
    aggregate("percentile", "any any any?", _percentile_type, _percentile, _PERCENTILE, coerce=_percentile_input,
              display=_show_percentile, defaults={2: Literal(1, LONG)}),
    aggregate("$percentile_disc", "any any any?", _percentile_type, _percentile, _PERCENTILE, coerce=_percentile_input,
              display=_show_percentile, defaults={2: Literal(1, LONG)}),
    aggregate("median", "any", DOUBLE, "", build=_median),
    aggregate("percentile_approx approx_percentile", "any any any?", _approximate_type, _percentile_approx,
              _PERCENTILE_APPROX, coerce=_approximate_input, defaults={2: Literal(10000, LONG)}),
    aggregate("percentile_cont percentile_disc", "any", DOUBLE, "", build=_within_group),
    aggregate("mode", "any? any?", 0, _mode_sql, _MODE, build=_mode, display=_show_mode),
    aggregate("count_min_sketch", "any any any any", BINARY, _sketch, _COUNT_MIN, coerce=_sketch_input, nullable=False),
    aggregate("listagg string_agg", "any any?", _joined_type, _listagg, _LISTED, coerce=_listagg_input,
              defaults={1: Literal(None, NULL)}),
)  # fmt: skip

"""Statistical aggregates: variance, correlation, regression, percentiles, mode, listagg."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from penstock.core.errors import analysis_error, unsupported
from penstock.functions.aggregates import aggregate
from penstock.functions.coercion import INTERVALS, cast_if_needed, is_integral, is_string
from penstock.functions.errors import not_foldable, wrong_count
from penstock.functions.literals import constant
from penstock.functions.markers import DIVIDE_BY_ZERO
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
from penstock.plan.expressions import Expression, FunctionCall, Literal, SortOrder
from penstock.plan.types import (
    BINARY,
    DOUBLE,
    INTEGER,
    LONG,
    NULL,
    STRING,
    ArrayType,
    BinaryType,
    DataType,
    DayTimeIntervalType,
    NullType,
    StructField,
    StructType,
    YearMonthIntervalType,
)  # fmt: skip

# ---------------------------------------------------------------- variance

_OLD_EMPTY, _NEW_EMPTY = "coalesce({old_n}, 0) = 0", "coalesce({new_n}, 0) = 0"
_DELTA = "({new_mean} - {old_mean})"
_SQUARE = f"{_DELTA} * {_DELTA}"


def _merged(name: str, value: str) -> str:
    """Chan's formulas; a side without rows gives way to the other."""
    return f"CASE WHEN {_OLD_EMPTY} THEN {{new_{name}}} WHEN {_NEW_EMPTY} THEN {{old_{name}}} ELSE {value} END"


_MOMENTS = (
    Buffer("n", LONG, "count({0}){tail}", "coalesce({old_n}, 0) + coalesce({new_n}, 0)"),
    Buffer("mean", DOUBLE, "avg({0}){tail}",
           _merged("mean", f"{{old_mean}} + {_DELTA} * {{new_n}} / ({{old_n}} + {{new_n}})")),
    Buffer("m2", DOUBLE, "var_pop({0}){tail} * count({0}){tail}",
           _merged("m2", f"{{old_m2}} + {{new_m2}} + {_SQUARE} * {{old_n}} * {{new_n}} / ({{old_n}} + {{new_n}})")),
)  # fmt: skip


def _spread(names: str, function: str, final: str) -> Any:
    return aggregate(names, "double", DOUBLE, f"{function}({{distinct}}{{0}}){{tail}}", Incremental(_MOMENTS, final))


_POP = "CASE WHEN {n} > 0 THEN {m2} / {n} END"
_SAMP = "CASE WHEN {n} > 1 THEN {m2} / ({n} - 1) END"


def _moment(name: str, sql: str) -> Any:
    """skewness and kurtosis of the population, in two passes over the group's values."""
    values = f"list({DISTINCT}{{0}}){tail_if('{0} IS NOT NULL')}"
    return aggregate(name, "double", DOUBLE, lambda args, call, context: sql.format(values.replace("{0}", args[0])))


def _corr(args: list[str], call: FunctionCall, context: Any) -> str:
    """NULL for fewer than two pairs; a constant column divides by zero, as in Spark."""
    pair = f"{args[0]} IS NOT NULL AND {args[1]} IS NOT NULL"
    x, y = (f"CASE WHEN {pair} THEN {arg} END" for arg in args)
    constant_side = f"var_pop({x}){TAIL} = 0 OR var_pop({y}){TAIL} = 0"
    error = DIVIDE_BY_ZERO if context.conf.ansi else "NULL"
    return (
        f"CASE WHEN regr_count({args[0]}, {args[1]}){TAIL} < 2 THEN NULL WHEN {constant_side} THEN {error} "
        f"ELSE {_correlation(args)} END"
    )


def _correlation(args: list[str]) -> str:
    """One root of the product: two roots would differ in the last digit."""
    pair = f"{args[0]} IS NOT NULL AND {args[1]} IS NOT NULL"
    x, y = (f"var_pop(CASE WHEN {pair} THEN {arg} END){TAIL}" for arg in args)
    return f"covar_pop({args[0]}, {args[1]}){TAIL} / sqrt({x} * {y})"


def _r2(args: list[str], call: FunctionCall, context: Any) -> str:
    """The squared correlation, in two passes over the pairs; NULL when x is constant, 1 when only y is."""
    pair = tail_if(f"{args[0]} IS NOT NULL AND {args[1]} IS NOT NULL")
    mean = "list_avg(list_transform(v, lambda p: p.{0}))"
    means = f"{{'x': {mean.format('x')}, 'y': {mean.format('y')}}}"
    total = "list_sum(list_transform(v, lambda p: (p.{0} - m.{0}) * (p.{1} - m.{1})))"
    sums = f"{{'xx': {total.format('x', 'x')}, 'yy': {total.format('y', 'y')}, 'xy': {total.format('x', 'y')}}}"
    root = "(s.xy / sqrt(s.xx * s.yy))"
    value = f"CASE WHEN s.xx = 0 THEN NULL WHEN s.yy = 0 THEN 1e0 ELSE {root} * {root} END"
    with_sums = f"list_transform([{sums}], lambda s: {value})[1]"
    with_means = f"CASE WHEN len(v) > 0 THEN list_transform([{means}], lambda m: {with_sums})[1] END"
    return f"list_transform([list({{'y': {args[0]}, 'x': {args[1]}}}){pair}], lambda v: {with_means})[1]"


def _squares(index: int) -> Any:
    """The sum of the squared distances from the mean, in two passes over the pairs."""

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        pair = tail_if(f"{args[0]} IS NOT NULL AND {args[1]} IS NOT NULL")
        square = "list_sum(list_transform(v, lambda x: (x - m) * (x - m)))"
        inner = f"list_transform([list_avg(v)], lambda m: {square})[1]"
        return f"list_transform([list({args[index]}){pair}], lambda v: CASE WHEN len(v) > 0 THEN {inner} END)[1]"

    return sql


def _pair(name: str, function: str = "", kind: DataType = DOUBLE, **extra: Any) -> Any:
    return aggregate(name, "double double", kind, f"{function or name}({{0}}, {{1}}){{tail}}", **extra)


# ---------------------------------------------------------------- percentiles


def _is_list(e: Expression) -> bool:
    return isinstance(e.type, ArrayType)


def _percentages(e: Expression, request: Request, args: Args) -> Expression:
    if isinstance(e.type, ArrayType):
        return cast_if_needed(e, ArrayType(DOUBLE, e.type.containsNull), request.conf)
    return cast_if_needed(e, DOUBLE, request.conf)


def _percentile_input(args: Args, request: Request) -> Args:
    value = args[0] if isinstance(args[0].type, INTERVALS) else cast_if_needed(args[0], DOUBLE, request.conf)
    if (len(args) > 2 and constant(args[2]) is None) or (len(args) > 2 and constant(args[2]).value != 1):  # type: ignore[union-attr]
        raise unsupported(f"{request.name} with frequencies")
    return (value, _percentages(args[1], request, args), *args[2:])


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
    return replace(call, display=request.name)


def _percentile(args: list[str], call: FunctionCall, context: Any) -> str:
    kind = _interpolated_type(call.args[0].type)
    values = f"list({DISTINCT}{args[0]} ORDER BY {args[0]}){tail_if(f'{args[0]} IS NOT NULL')}"
    descending = bool(call.order_by) and not call.order_by[0].ascending
    if descending:
        values = values.replace(f" ORDER BY {args[0]})", f" ORDER BY {args[0]} DESC)")
    one = _nearest("v", "p") if call.display == "percentile_disc" else _interpolate("v", "p")
    if isinstance(kind, (DayTimeIntervalType, YearMonthIntervalType)):
        one = f"CAST(trunc({one}) AS {'BIGINT' if isinstance(kind, DayTimeIntervalType) else 'INTEGER'})"
    if _is_list(call.args[1]):
        inner = f"list_transform({args[1]}, lambda p: {one})"
    else:
        inner = f"list_transform([{args[1]}], lambda p: {one})[1]"
    return f"list_transform([{values}], lambda v: CASE WHEN len(v) > 0 THEN {inner} END)[1]"


def _median(args: Args, request: Request) -> Expression:
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
    return (value, _percentages(args[1], request, args), *args[2:])


def _percentile_approx(args: list[str], call: FunctionCall, context: Any) -> str:
    """The exact value at the rank: within every accuracy that can be asked for."""
    return f"quantile_disc({args[0]}, {args[1]}){TAIL}"


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


def _listagg_input(args: Args, request: Request) -> Args:
    if constant(args[1]) is None:
        raise not_foldable(request.name, args, 1, "delimiter")
    kind = BINARY if isinstance(args[0].type, BinaryType) else STRING
    if kind == BINARY:
        raise unsupported(f"{request.name} of BINARY")
    return tuple(cast_if_needed(arg, kind, request.conf) for arg in args)


def _listagg(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"string_agg({DISTINCT}{args[0]}, coalesce({args[1]}, ''){ORDER}){TAIL}"


def _sketch_input(args: Args, request: Request) -> Args:
    for i, name in enumerate(("eps", "confidence", "seed"), 1):
        if constant(args[i]) is None:
            raise not_foldable(request.name, args, i, name)
    if not is_integral(args[0].type):
        raise unsupported(f"{request.name} of {args[0].type.simpleString()}")
    kinds = (LONG, DOUBLE, DOUBLE, LONG)
    return tuple(cast_if_needed(arg, kind, request.conf) for arg, kind in zip(args, kinds, strict=True))


def _sketch(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"kernel_count_min_sketch(coalesce(list({args[0]}){TAIL}, []), {', '.join(args[1:])})"


def _top_input(args: Args, request: Request) -> Args:
    for i, name in enumerate(("k", "maxItemsTracked"), 1):
        found = constant(args[i])
        if found is None:
            raise not_foldable(request.name, args, i, name)
        if not isinstance(found.value, int) or found.value < 1:
            raise unsupported(f"{request.name} with {name} = {found.value}")
    k, tracked = (constant(arg) for arg in args[1:])
    if k is not None and tracked is not None and tracked.value < k.value:
        raise analysis_error(
            "APPROX_TOP_K_MAX_ITEMS_TRACKED_LESS_THAN_K", "approx_top_k must track at least k items.", "22023",
            maxItemsTracked=tracked.value, k=k.value,
        )  # fmt: skip
    return args[0], *(cast_if_needed(arg, INTEGER, request.conf) for arg in args[1:])


def _top_type(args: Args) -> DataType:
    return ArrayType(StructType([StructField("item", args[0].type), StructField("count", LONG, False)]), False)


def _top(args: list[str], call: FunctionCall, context: Any) -> str:
    """Exact counts, which are within every error of the sketch; equally frequent items in ascending order."""
    pairs = f"map_entries(histogram({args[0]}){TAIL})"
    counted = f"list_transform({pairs}, lambda e: {{'n': -CAST(e.value AS BIGINT), 'i': e.key}})"
    nulls = f"count(*){tail_if(f'{args[0]} IS NULL')}"
    null = f"list_filter([{{'n': -{nulls}, 'i': NULL}}], lambda r: r.n < 0)"
    ranked = f"list_sort(list_concat(coalesce({counted}, []), {null}))"
    items = f"list_transform({ranked}[:{args[1]}], lambda r: {{'item': r.i, 'count': -r.n}})"
    return f"coalesce({items}, [])"


def _two_passes(power: int, result: str) -> str:
    """Template over a list `v`: `s[1]` and `s[2]` are the sums of the 2nd and the `power`-th power of (x - mean)."""
    square, higher = " * ".join(["(x - m)"] * 2), " * ".join(["(x - m)"] * power)
    sums = f"[list_sum(list_transform(v, lambda x: {square})), list_sum(list_transform(v, lambda x: {higher}))]"
    value = f"CASE WHEN len(v) = 0 OR s[1] = 0 THEN NULL ELSE {result} END"
    with_mean = f"list_transform([{sums}], lambda s: {value})[1]"
    return f"list_transform([{{0}}], lambda v: list_transform([list_avg(v)], lambda m: {with_mean})[1])[1]"


_SKEWNESS = _two_passes(3, "sqrt(len(v)) * s[2] / sqrt(s[1] * s[1] * s[1])")
_KURTOSIS = _two_passes(4, "len(v) * s[2] / (s[1] * s[1]) - 3")

register(
    _spread("stddev_samp stddev std", "stddev_samp", f"sqrt({_SAMP})"),
    _spread("stddev_pop", "stddev_pop", f"sqrt({_POP})"),
    _spread("var_samp variance", "var_samp", _SAMP),
    _spread("var_pop", "var_pop", _POP),
    _moment("skewness", _SKEWNESS),
    _moment("kurtosis", _KURTOSIS),
    aggregate("corr", "double double", DOUBLE, _corr),
    _pair("covar_pop"),
    _pair("covar_samp"),
    _pair("regr_count", kind=LONG, nullable=False),
    _pair("regr_avgx"),
    _pair("regr_avgy"),
    aggregate("regr_sxx", "double double", DOUBLE, _squares(1)),
    aggregate("regr_syy", "double double", DOUBLE, _squares(0)),
    _pair("regr_sxy"),
    _pair("regr_slope"),
    _pair("regr_intercept"),
    aggregate("regr_r2", "double double", DOUBLE, _r2),
    aggregate("percentile", "any any any?", _percentile_type, _percentile, coerce=_percentile_input,
              display=_show_percentile, defaults={2: Literal(1, LONG)}),
    aggregate("median", "any", DOUBLE, "", build=_median),
    aggregate("percentile_approx approx_percentile", "any any any?", _approximate_type, _percentile_approx,
              coerce=_approximate_input, defaults={2: Literal(10000, LONG)}),
    aggregate("percentile_cont percentile_disc", "any", DOUBLE, "", build=_within_group),
    aggregate("mode", "any? any?", 0, _mode_sql, build=_mode, display=_show_mode),
    aggregate("approx_top_k", "any any? any?", _top_type, _top, coerce=_top_input, nullable=False,
              defaults={1: Literal(5, INTEGER), 2: Literal(10000, INTEGER)}),
    aggregate("count_min_sketch", "any any any any", BINARY, _sketch, coerce=_sketch_input, nullable=False),
    aggregate("listagg string_agg", "any any?", STRING, _listagg, coerce=_listagg_input,
              defaults={1: Literal(None, NULL)}),
)  # fmt: skip

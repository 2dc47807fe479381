"""The aggregates of every day: count, sum, avg, min, max, first, last, collect, boolean and bitwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from penstock.functions import decimals
from penstock.functions.coercion import INTERVALS, cast_if_needed, is_integral
from penstock.functions.decimal_sql import checked_total, decimal_average, decimal_name, scaled
from penstock.functions.errors import mismatch, wrong_count
from penstock.functions.literals import constant
from penstock.functions.nested_order import order_key
from penstock.functions.resolve import call_of
from penstock.functions.rows import row
from penstock.functions.table import (
    DISTINCT,
    IGNORE_NULLS,
    ORDER,
    TAIL,
    Args,
    Buffer,
    Function,
    Incremental,
    Request,
    lookup,
    register,
    tail_if,
)  # fmt: skip
from penstock.functions.type_names import duck_type
from penstock.functions.wide_sums import wide_average, wide_sum
from penstock.plan.expressions import Expression, FunctionCall
from penstock.plan.types import (
    BOOLEAN,
    DOUBLE,
    INTEGER,
    LONG,
    ArrayType,
    BooleanType,
    DataType,
    DayTimeIntervalType,
    DecimalType,
    DoubleType,
    LongType,
    MapType,
    StructType,
    TimestampType,
    VariantType,
    YearMonthIntervalType,
)  # fmt: skip


def aggregate(
    names: str, takes: str, result: Any, sql: Any, incremental: Incremental | None = None, **extra: Any
) -> Function:
    """A row of kind aggregate; nullable unless said otherwise."""
    extra.setdefault("nullable", True)
    return row(names, takes, result, sql, kind="aggregate", incremental=incremental, **extra)


def own_type(call: FunctionCall) -> DataType:
    """A buffer of the call's result type."""
    return call.type


def input_type(call: FunctionCall) -> DataType:
    """A buffer of the first argument's type."""
    return call.args[0].type


# ---------------------------------------------------------------- count


def _count(args: list[str], call: FunctionCall, context: Any) -> str:
    if len(args) == 1:
        return f"count({DISTINCT}{args[0]}){TAIL}"
    present = " AND ".join(f"{arg} IS NOT NULL" for arg in args)
    value = f"row({', '.join(args)})" if call.distinct else "1"
    return f"count({DISTINCT}CASE WHEN {present} THEN {value} END){TAIL}"


def _at_least_one(args: Args, request: Request) -> Args:
    if not args:
        raise wrong_count(request.name, 1, None, 0)
    return args


_COUNT = Incremental((Buffer("n", LONG, _count, "sum"),), "coalesce({n}, 0)")
_COUNT_IF = "count(CASE WHEN {0} THEN 1 END){tail}"


# ---------------------------------------------------------------- sum and avg


def sum_type(t: DataType) -> DataType:
    """LONG for integers, ten more digits for decimals, DOUBLE for the rest; intervals stay."""
    if isinstance(t, DecimalType):
        return decimals.bounded(t.precision + 10, t.scale)
    if isinstance(t, INTERVALS):
        return t
    return LONG if is_integral(t) else DOUBLE


def _summable(args: Args, request: Request) -> Args:
    (arg,) = args
    if isinstance(arg.type, INTERVALS):
        return args
    if isinstance(arg.type, TimestampType):  # as seconds
        return (cast_if_needed(arg, DOUBLE, request.conf),)
    from penstock.functions.resolve import coerce_inputs

    return coerce_inputs(args, request)


def _sum(args: list[str], call: FunctionCall, context: Any) -> str:
    t, value = call.args[0].type, f"sum({DISTINCT}{args[0]}){TAIL}"
    if isinstance(t, DecimalType):
        assert isinstance(call.type, DecimalType)
        if call.type.precision < 38:
            return f"CAST({value} AS {decimal_name(call.type)})"
        return checked_total(value, call.type, context.conf.ansi)
    if isinstance(t, LongType) and not context.conf.ansi:
        return f"spark_wrapped_long({value})"
    if isinstance(t, (LongType, DayTimeIntervalType)):
        return f"spark_long({value})"
    if isinstance(t, YearMonthIntervalType):
        return f"CAST({value} AS INTEGER)"
    return f"CAST({value} AS BIGINT)" if is_integral(t) else f"CAST({value} AS DOUBLE)"


def _sum_or_null(args: Args, request: Request) -> Expression:
    """With ANSI off a sum of decimals that leaves its type is NULL and stays it, as that of try_sum."""
    call = call_of(request.function, args, request)
    t = call.args[0].type
    may_leave = isinstance(t, DecimalType) and t.precision > 28
    return replace(call, name="try_sum") if may_leave and not request.conf.ansi else call


def _try_sum(args: list[str], call: FunctionCall, context: Any) -> str:
    t = call.args[0].type
    if isinstance(call.type, DecimalType) and isinstance(t, DecimalType) and call.type.precision == 38:
        if not call.distinct:
            return scaled(wide_sum(args[0], t), call.type)
        return checked_total(f"sum({DISTINCT}{args[0]}){TAIL}", call.type, ansi=False)
    return f"TRY_CAST(sum({DISTINCT}{args[0]}){TAIL} AS {duck_type(call.type)})"


def avg_type(args: Args) -> DataType:
    """Four more digits on both sides for decimals, DOUBLE for other numbers."""
    t = args[0].type
    if isinstance(t, DecimalType):
        return decimals.bounded(t.precision + 4, t.scale + 4)
    if isinstance(t, DayTimeIntervalType):
        return DayTimeIntervalType(0, 3)
    return YearMonthIntervalType(0, 1) if isinstance(t, YearMonthIntervalType) else DOUBLE


def _running_sum_type(call: FunctionCall) -> DataType:
    t = call.args[0].type
    return decimals.bounded(t.precision + 10, t.scale) if isinstance(t, DecimalType) else LONG if isinstance(
        t, INTERVALS) else DOUBLE  # fmt: skip


def _running_sum(args: list[str], call: FunctionCall, context: Any) -> str:
    t = call.args[0].type
    if isinstance(t, DecimalType):
        return f"sum({DISTINCT}{args[0]}){TAIL}"
    if isinstance(t, INTERVALS):
        return f"CAST(sum({DISTINCT}{args[0]}){TAIL} AS BIGINT)"
    return f"sum({DISTINCT}CAST({args[0]} AS DOUBLE)){TAIL}"


def _quotient(total: str, count: str, call: FunctionCall) -> str:
    t = call.args[0].type
    if isinstance(t, DecimalType):
        assert isinstance(call.type, DecimalType)
        return decimal_average(total, decimals.bounded(t.precision + 10, t.scale), count, call.type)
    if isinstance(t, INTERVALS):
        kind = "BIGINT" if isinstance(t, DayTimeIntervalType) else "INTEGER"
        return f"CAST(round({total} / CAST({count} AS DOUBLE)) AS {kind})"
    return f"({total} / {count})"


def _avg(args: list[str], call: FunctionCall, context: Any) -> str:
    return _quotient(_running_sum(args, call, context), f"count({DISTINCT}{args[0]}){TAIL}", call)


def _try_avg(args: Args, request: Request) -> Expression:
    if isinstance(args[0].type, (DecimalType, *INTERVALS)):
        return FunctionCall("try_avg", args, avg_type(args), True, "try_avg")
    return replace(call_of(lookup("avg"), args, replace(request, function=lookup("avg"))), display="try_avg")


def _try_avg_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    """NULL when the sum leaves its type."""
    total = f"TRY_CAST(sum({DISTINCT}{args[0]}){TAIL} AS {duck_type(_running_sum_type(call))})"
    t = call.args[0].type
    if isinstance(t, DecimalType) and t.precision > 28 and not call.distinct:
        assert isinstance(call.type, DecimalType)
        return wide_average(args[0], t, f"count({args[0]}){TAIL}", call.type)
    if isinstance(t, YearMonthIntervalType):
        total = f"TRY_CAST({total} AS INTEGER)"
    mean = _quotient(total, f"count({DISTINCT}{args[0]}){TAIL}", call)
    return f"CASE WHEN {total} IS NOT NULL THEN {mean} END"


_AVG = Incremental(
    (Buffer("total", _running_sum_type, _running_sum, "sum"), Buffer("n", LONG, "count({distinct}{0}){tail}", "sum")),
    lambda buffers, call, context: _quotient(buffers["total"], buffers["n"], call),
)


def _exact_type(call: FunctionCall) -> DataType:
    """What a sum that may leave its own type is kept as: integers as decimals of 38 digits."""
    return call.type if isinstance(call.type, (DecimalType, DoubleType)) else DecimalType(38, 0)


def _exact_sum(args: list[str], call: FunctionCall, context: Any) -> str:
    if isinstance(call.type, (DecimalType, DoubleType)):
        return _try_sum(args, call, context)
    return f"CAST(sum({args[0]}){TAIL} AS {duck_type(_exact_type(call))})"


def _exact_merge(call: FunctionCall) -> str:
    return _grown(_exact_type(call))


def _grown(kind: DataType) -> str:
    """Two totals as one; NULL if it leaves the type."""
    total = "TRY({old} + {new})"
    if isinstance(kind, DecimalType) and kind.precision == 38:
        total = checked_total(total, kind, ansi=False)
    return f"CASE WHEN {{old}} IS NULL THEN {{new}} WHEN {{new}} IS NULL THEN {{old}} ELSE {total} END"


def _left_type(total: str) -> Any:
    """Whether a total is NULL though there are values."""

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        found = _exact_sum(args, call, context) if total == "sum" else _try_total(args, call)
        return f"({found} IS NULL AND count({args[0]}){TAIL} > 0)"

    return sql


def _left_merge(call: FunctionCall) -> str:
    merged = _exact_merge(call) if call.name == "try_sum" else _try_total_merge(call)
    merged = merged.replace("{old}", "{old_total}").replace("{new}", "{new_total}")
    return f"({{old}} OR {{new}} OR (coalesce({{old_total}}, {{new_total}}) IS NOT NULL AND ({merged}) IS NULL))"


#: A sum that has left its type stays NULL.
_TRY_SUM = Incremental(
    (Buffer("total", _exact_type, _exact_sum, _exact_merge), Buffer("left", BOOLEAN, _left_type("sum"), _left_merge)),
    lambda buffers, call, context: (
        f"CASE WHEN NOT {buffers['left']} THEN TRY_CAST({buffers['total']} AS {duck_type(call.type)}) END"
    ),
)


def _try_total(args: list[str], call: FunctionCall) -> str:
    kind = _running_sum_type(call)
    if isinstance(kind, DecimalType) and kind.precision == 38:
        return scaled(wide_sum(args[0], call.args[0].type), kind)
    return f"TRY_CAST(sum({args[0]}){TAIL} AS {duck_type(kind)})"


def _try_total_merge(call: FunctionCall) -> str:
    return _grown(_running_sum_type(call))


_TRY_AVG = Incremental(
    (Buffer("total", _running_sum_type, lambda args, call, context: _try_total(args, call), _try_total_merge),
     Buffer("n", LONG, "count({0}){tail}", "sum"), Buffer("left", BOOLEAN, _left_type("avg"), _left_merge)),
    lambda buffers, call, context: (
        f"CASE WHEN NOT {buffers['left']} THEN TRY({_quotient(buffers['total'], buffers['n'], call)}) END"
    ),
)  # fmt: skip


# ---------------------------------------------------------------- min, max, first, last


def _orderable(args: Args, request: Request) -> Args:
    if has_map(args[0].type) or isinstance(args[0].type, VariantType):
        raise mismatch(
            "INVALID_ORDERING_TYPE", request.name, args, f"`{request.name}` cannot order values of this type.",
            functionName=f"`{request.name}`", dataType=f'"{args[0].type.simpleString().upper()}"',
        )  # fmt: skip
    return args


def has_map(t: DataType) -> bool:
    if isinstance(t, ArrayType):
        return has_map(t.elementType)
    return isinstance(t, MapType) or (isinstance(t, StructType) and any(has_map(f.dataType) for f in t.fields))


def _extreme_sql(name: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        t = call.args[0].type
        if not isinstance(t, (StructType, ArrayType)):
            return f"{name}({args[0]}){TAIL}"
        key = f"CASE WHEN {args[0]} IS NOT NULL THEN {order_key(args[0], t)} END"
        return f"arg_{name}({args[0]}, {key}){TAIL}"

    return sql


def _extreme(name: str) -> Incremental:
    return Incremental((Buffer("m", own_type, _extreme_sql(name), name),), "{m}")


def _first_or_last(args: Args, request: Request) -> Expression:
    """`first(x, true)` is `first(x) IGNORE NULLS`."""
    flag = False
    if len(args) == 2:
        literal = constant(args[1])
        if literal is None or not isinstance(literal.type, BooleanType):
            raise mismatch(
                "UNEXPECTED_INPUT_TYPE", request.name, args, "the second parameter must be a boolean constant.",
                paramIndex="second", requiredType='"BOOLEAN"', inputSql="", inputType="",
            )  # fmt: skip
        flag = bool(literal.value)
    return replace(call_of(request.function, args[:1], request), ignore_nulls=flag)


def _pick(name: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        if not call.ignore_nulls:
            return f"{name}({args[0]}{ORDER}){TAIL}"
        return f"{name}({args[0]}{ORDER}{IGNORE_NULLS}){tail_if(f'{args[0]} IS NOT NULL')}"

    return sql


def _seen(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"(count({args[0] if call.ignore_nulls else '*'}){TAIL} > 0)"


def _picked(name: str) -> Incremental:
    keep = "old" if name == "first" else "new"
    other = "new" if name == "first" else "old"
    value = f"CASE WHEN {{{keep}_seen}} THEN {{{keep}_value}} ELSE {{{other}_value}} END"
    return Incremental(
        (Buffer("value", own_type, _pick(name), value), Buffer("seen", BOOLEAN, _seen, "max")),
        "CASE WHEN {seen} THEN {value} END",
    )


# ---------------------------------------------------------------- collections


def _array_of(args: Args) -> DataType:
    return ArrayType(args[0].type, False)


def _list(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"coalesce(list({DISTINCT}{args[0]}{ORDER}){tail_if(f'{args[0]} IS NOT NULL')}, [])"


def _set(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"list_sort(list_distinct({_list(args, call, context).replace(DISTINCT, '').replace(ORDER, '')}))"


def _no_map_in_set(args: Args, request: Request) -> Args:
    if has_map(args[0].type):
        raise mismatch(
            "UNSUPPORTED_INPUT_TYPE", request.name, args, "collect_set takes no maps.",
            functionName=f"`{request.name}`", dataType='"MAP"',
        )  # fmt: skip
    return args


_LIST = Incremental(
    (Buffer("items", own_type, _list, "CASE WHEN {old} IS NULL THEN {new} ELSE list_concat({old}, {new}) END"),),
    "coalesce({items}, [])",
)
_SET = Incremental(
    (Buffer("items", own_type, _set,
            "CASE WHEN {old} IS NULL THEN {new} ELSE list_sort(list_distinct(list_concat({old}, {new}))) END"),),
    "coalesce({items}, [])",
)  # fmt: skip


# ---------------------------------------------------------------- by key


def _by(name: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        if len(args) == 2:
            return f"{name}_null({args[0]}, {args[1]}){TAIL}"
        order = "DESC" if name == "arg_max" else "ASC"
        pairs = f"list({{'k': {args[1]}, 'v': {args[0]}}}){tail_if(f'{args[1]} IS NOT NULL')}"
        sort = f"list_sort({pairs}, '{order}', 'NULLS LAST')"
        return f"list_transform({sort}[:{args[2]}], lambda p: p.v)"

    return sql


def _by_type(args: Args) -> DataType:
    return args[0].type if len(args) == 2 else ArrayType(args[0].type, True)


def _by_input(args: Args, request: Request) -> Args:
    _orderable(args[1:2], request)
    return args if len(args) == 2 else (*args[:2], cast_if_needed(args[2], INTEGER, request.conf))


def _by_incremental(name: str) -> Incremental:
    better = ">=" if name == "arg_max" else "<="
    extreme = "max" if name == "arg_max" else "min"
    value = (
        "CASE WHEN {old_key} IS NULL THEN {new_value} WHEN {new_key} IS NULL THEN {old_value} "
        f"WHEN {{new_key}} {better} {{old_key}} THEN {{new_value}} ELSE {{old_value}} END"
    )
    return Incremental(
        (
            Buffer("value", input_type, f"{name}_null({{0}}, {{1}}){{tail}}", value),
            Buffer("key", lambda call: call.args[1].type, f"{extreme}({{1}}){{tail}}", extreme),
        ),
        "{value}",
    )


def _bits(op: str) -> Incremental:
    joined = "xor({old}, {new})" if op == "xor" else f"({{old}} {'&' if op == 'and' else '|'} {{new}})"
    merge = f"CASE WHEN {{old}} IS NULL THEN {{new}} WHEN {{new}} IS NULL THEN {{old}} ELSE {joined} END"
    return Incremental((Buffer("bits", own_type, f"bit_{op}({{0}}){{tail}}", merge),), "{bits}")


register(
    aggregate("count", "any*", LONG, _count, _COUNT, nullable=False, coerce=_at_least_one),
    aggregate("count_if", "boolean", LONG, _COUNT_IF,
              Incremental((Buffer("n", LONG, _COUNT_IF, "sum"),), "coalesce({n}, 0)"), nullable=False),
    aggregate("sum", "numeric", lambda args: sum_type(args[0].type), _sum,
              Incremental((Buffer("total", own_type, _sum, "sum"),), "{total}"), coerce=_summable,
              build=_sum_or_null),
    aggregate("try_sum", "numeric", lambda args: sum_type(args[0].type), _try_sum, _TRY_SUM, coerce=_summable),
    aggregate("avg mean", "numeric", avg_type, _avg, _AVG, coerce=_summable),
    aggregate("try_avg", "numeric", avg_type, _try_avg_sql, _TRY_AVG, build=_try_avg),
    aggregate("min", "any", 0, _extreme_sql("min"), _extreme("min"), coerce=_orderable),
    aggregate("max", "any", 0, _extreme_sql("max"), _extreme("max"), coerce=_orderable),
    aggregate("first first_value", "any any?", 0, _pick("first"), _picked("first"), build=_first_or_last),
    aggregate("last last_value", "any any?", 0, _pick("last"), _picked("last"), build=_first_or_last),
    aggregate("any_value", "any any?", 0, _pick("first"), _picked("first"), build=_first_or_last),
    aggregate("bool_and every", "boolean", BOOLEAN, "bool_and({0}){tail}",
              Incremental((Buffer("holds", BOOLEAN, "bool_and({0}){tail}", "min"),), "{holds}")),
    aggregate("bool_or any some", "boolean", BOOLEAN, "bool_or({0}){tail}",
              Incremental((Buffer("holds", BOOLEAN, "bool_or({0}){tail}", "max"),), "{holds}")),
    aggregate("bit_and", "integral", 0, "bit_and({distinct}{0}){tail}", _bits("and")),
    aggregate("bit_or", "integral", 0, "bit_or({distinct}{0}){tail}", _bits("or")),
    aggregate("bit_xor", "integral", 0, "bit_xor({distinct}{0}){tail}", _bits("xor")),
    aggregate("collect_list array_agg", "any", _array_of, _list, _LIST, nullable=False,
              shows={"array_agg": "collect_list"}),
    aggregate("collect_set", "any", _array_of, _set, _SET, nullable=False, coerce=_no_map_in_set),
    aggregate("max_by", "any any integral?", _by_type, _by("arg_max"), _by_incremental("arg_max"), coerce=_by_input),
    aggregate("min_by", "any any integral?", _by_type, _by("arg_min"), _by_incremental("arg_min"), coerce=_by_input),
)  # fmt: skip

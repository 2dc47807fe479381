"""Variance, skewness, correlation and regression: central moments in Spark's order of operations, and merged as Spark
merges them.

A group's moments are a list: [n, mean, m2, m3, m4] of one column, or [n, mean of x, mean of y, ck, xMk, yMk, m2 of x,
m2 of y] of pairs.  Groups of more than `_EXACT_UP_TO` rows take DuckDB's own variance and covariance, whose last digit
may be another (as Spark's is with other partitions); skewness and kurtosis always take Spark's steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from penstock.functions.aggregates import aggregate, avg_type
from penstock.functions.markers import DIVIDE_BY_ZERO
from penstock.functions.resolve import coerce_inputs
from penstock.functions.table import (
    DISTINCT,
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
from penstock.plan.expressions import FunctionCall
from penstock.plan.types import DOUBLE, LONG, ArrayType, DecimalType

_EXACT_UP_TO = 1_000
_STATE = ArrayType(DOUBLE, False)


def _one(args: list[str], call: FunctionCall, context: Any) -> str:
    """The moments of a column; NULL without values."""
    return f"kernel_central_moments(list({DISTINCT}{args[0]}){tail_if(f'{args[0]} IS NOT NULL')})"


def _pair(args: list[str], call: FunctionCall, context: Any) -> str:
    """The moments of the pairs without NULL; NULL when there are none."""
    both = tail_if(f"{args[0]} IS NOT NULL AND {args[1]} IS NOT NULL")
    if call.distinct:
        pairs = f"list({DISTINCT}{{'x': {args[0]}, 'y': {args[1]}}}){both}"
        sides = (f"list_transform({pairs}, lambda p: p.{side})" for side in "xy")
        return f"kernel_pair_moments({', '.join(sides)})"
    few = f"kernel_pair_moments(list({args[0]}){both}, list({args[1]}){both})"
    count, (x, y) = f"count(*){both}", args
    spreads = [f"covar_pop({x}, {y}){both}", *(f"var_pop({side}){both}" for side in (x, y))]
    sums = [f"{spread} * {count}" for spread in (*spreads, *spreads[1:])]
    many = f"[CAST({count} AS DOUBLE), avg({x}){both}, avg({y}){both}, {', '.join(sums)}]"
    return f"CASE WHEN {count} <= {_EXACT_UP_TO} THEN {few} ELSE {many} END"


def _value(state: str, value: str) -> str:
    """`value` over the list `m`."""
    return f"list_transform([{state}], lambda m: CASE WHEN m IS NOT NULL THEN {value} END)[1]"


def _from_state(names: str, takes: str, state: Any, merge: str, value: Any) -> Function:
    """A row whose result is `value` (SQL, or a function of the context that gives SQL) over a group's moments."""

    def shown(context: Any) -> str:
        return str(value(context)) if callable(value) else str(value)

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        return _value(state(args, call, context), shown(context))

    def final(buffers: Mapping[str, str], call: FunctionCall, context: Any) -> str:
        return _value(buffers["m"], shown(context))

    buffer = Buffer("m", _STATE, state, f"kernel_{merge}({{old}}, {{new}})")
    return aggregate(names, takes, DOUBLE, sql, Incremental((buffer,), final))


def _moment(name: str, value: str) -> Function:
    return _from_state(name, "double", _one, "merge_central_moments", f"CASE WHEN m[3] <> 0 THEN {value} END")


def _of_pairs(name: str, value: Any) -> Function:
    return _from_state(name, "double double", _pair, "merge_pair_moments", value)


# ---------------------------------------------------------------- variance

_OLD_EMPTY, _NEW_EMPTY = "coalesce({old_n}, 0) = 0", "coalesce({new_n}, 0) = 0"
_DELTA = "({new_mean} - {old_mean})"
_DELTA_N = f"({_DELTA} / ({{old_n}} + {{new_n}}))"


def _merged(name: str, value: str) -> str:
    """A side without rows gives way to the other."""
    return f"CASE WHEN {_OLD_EMPTY} THEN {{new_{name}}} WHEN {_NEW_EMPTY} THEN {{old_{name}}} ELSE {value} END"


_RUNNING = (
    Buffer("n", LONG, "count({0}){tail}", "coalesce({old_n}, 0) + coalesce({new_n}, 0)"),
    Buffer("mean", DOUBLE, "avg({0}){tail}", _merged("mean", f"{{old_mean}} + {_DELTA_N} * {{new_n}}")),
    Buffer("m2", DOUBLE, "var_pop({0}){tail} * count({0}){tail}",
           _merged("m2", f"{{old_m2}} + {{new_m2}} + {_DELTA} * {_DELTA_N} * {{old_n}} * {{new_n}}")),
)  # fmt: skip


def _spread(names: str, function: str, exact: str, final: str) -> Function:
    """Buffers across batches are three numbers of DuckDB's own: they are kept for every group of a stream."""

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        own = f"{function}({DISTINCT}{args[0]}){TAIL}"
        few = f"count({args[0]}){TAIL} <= {_EXACT_UP_TO}"
        return f"CASE WHEN {few} THEN {_value(_one(args, call, context), exact)} ELSE {own} END"

    return aggregate(names, "double", DOUBLE, sql, Incremental(_RUNNING, final))


_POP, _SAMP = "m[3] / m[1]", "m[3] / (m[1] - 1)"
_FINAL_POP = "CASE WHEN {n} > 0 THEN {m2} / {n} END"
_FINAL_SAMP = "CASE WHEN {n} > 1 THEN {m2} / ({n} - 1) END"


def _beyond_one(value: str) -> str:
    return f"CASE WHEN m[1] > 1 THEN {value} END"


# ---------------------------------------------------------------- pairs


def _corr(context: Any) -> str:
    """NULL for one pair; a constant column divides by zero, as in Spark."""
    error = DIVIDE_BY_ZERO if context.conf.ansi else "NULL"
    root = "sqrt(m[5] * m[6])"
    return _beyond_one(f"CASE WHEN {root} = 0 THEN {error} ELSE m[4] / {root} END")


_R = "m[4] / sqrt(m[5] * m[6])"
# regr_*(y, x): the first column, y, is the "x" of the pair's moments
_R2 = f"CASE WHEN m[6] = 0 THEN NULL WHEN m[5] = 0 THEN 1e0 ELSE ({_R}) * ({_R}) END"
_SLOPE = "CASE WHEN m[7] <> 0 THEN m[4] / m[7] END"
_INTERCEPT = "CASE WHEN m[7] <> 0 THEN m[3] - m[4] / m[7] * m[2] END"


def _swapped(args: list[str], call: FunctionCall, context: Any) -> str:
    """The slope's pairs are (x, y)."""
    return _pair(args[::-1], call, context)


def _both(args: list[str]) -> str:
    return tail_if(f"{args[0]} IS NOT NULL AND {args[1]} IS NOT NULL")


def _pair_count(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"count(*){_both(args)}"


def _pair_input(args: Args, request: Request) -> Args:
    """Doubles, but for decimals: their mean is a decimal."""
    coerced = coerce_inputs(args, request)
    return tuple(e if isinstance(e.type, DecimalType) else c for e, c in zip(args, coerced, strict=True))


def _pair_mean(index: int) -> Function:
    """avg over one side of the pairs."""
    average = lookup("avg")
    steps = average.incremental
    assert steps is not None
    total = steps.buffers[0]

    def side(call: FunctionCall) -> FunctionCall:
        return replace(call, name="avg", args=call.args[index : index + 1])

    def value(args: list[str]) -> list[str]:
        return [f"CASE WHEN {args[1 - index]} IS NOT NULL THEN {args[index]} END"]

    def update(args: list[str], call: FunctionCall, context: Any) -> str:
        assert not isinstance(total.update, str)
        return total.update(value(args), side(call), context)

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        assert not isinstance(average.sql, str)
        return average.sql(value(args), side(call), context)

    buffers = (Buffer("total", lambda call: total.data_type(side(call)), update, "sum"),
               Buffer("n", LONG, _pair_count, "sum"))  # fmt: skip
    return aggregate(
        ("regr_avgy", "regr_avgx")[index], "double double", lambda args: avg_type(args[index:]), sql,
        Incremental(buffers, lambda found, call, context: steps.final_sql(found, side(call), context)),
        coerce=_pair_input,
    )  # fmt: skip


register(
    _spread("stddev_samp stddev std", "stddev_samp", _beyond_one(f"sqrt({_SAMP})"), f"sqrt({_FINAL_SAMP})"),
    _spread("stddev_pop", "stddev_pop", f"sqrt({_POP})", f"sqrt({_FINAL_POP})"),
    _spread("var_samp variance", "var_samp", _beyond_one(_SAMP), _FINAL_SAMP),
    _spread("var_pop", "var_pop", _POP, _FINAL_POP),
    _moment("skewness", "sqrt(m[1]) * m[4] / sqrt(m[3] * m[3] * m[3])"),
    _moment("kurtosis", "m[1] * m[5] / (m[3] * m[3]) - 3"),
    _of_pairs("corr", _corr),
    _of_pairs("covar_pop", "m[4] / m[1]"),
    _of_pairs("covar_samp", _beyond_one("m[4] / (m[1] - 1)")),
    aggregate("regr_count", "double double", LONG, _pair_count,
              Incremental((Buffer("n", LONG, _pair_count, "sum"),), "coalesce({n}, 0)"), nullable=False),
    _pair_mean(1),
    _pair_mean(0),
    _of_pairs("regr_sxx", "m[8]"),
    _of_pairs("regr_syy", "m[7]"),
    _of_pairs("regr_sxy", "m[4]"),
    _from_state("regr_slope", "double double", _swapped, "merge_pair_moments", _SLOPE),
    _from_state("regr_intercept", "double double", _swapped, "merge_pair_moments", _INTERCEPT),
    _of_pairs("regr_r2", _R2),
)  # fmt: skip

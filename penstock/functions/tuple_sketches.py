"""Tuple sketches of Apache DataSketches: theta sketches with a DOUBLE or an INT for each key."""

from __future__ import annotations

from typing import Any

from penstock.functions.coercion import can_store, cast_if_needed, is_atomic, is_string
from penstock.functions.errors import mismatch
from penstock.functions.literals import constant
from penstock.functions.rows import row
from penstock.functions.sketches import (
    THETA_KEY,
    Taken,
    checked,
    key_sql,
    known,
    sketch_aggregate,
    within,
)
from penstock.functions.table import DISTINCT, Args, Function, Request, register, tail_if
from penstock.plan.expressions import FunctionCall, Literal
from penstock.plan.types import (
    BINARY,
    DOUBLE,
    INTEGER,
    LONG,
    STRING,
    BinaryType,
    DataType,
    DoubleType,
    FloatType,
    IntegerType,
)  # fmt: skip

_BINARY = Taken("BINARY", lambda t: isinstance(t, BinaryType))
_INT = Taken("INT", lambda t: isinstance(t, IntegerType))
_LG_ENTRIES = Taken("INT", lambda t: isinstance(t, IntegerType))
_STRING = Taken("STRING", is_string)
_SUMMARY = {
    "double": Taken('("DOUBLE" or "FLOAT")', lambda t: isinstance(t, (DoubleType, FloatType))),
    "integer": _INT,
}
_TARGETS = {THETA_KEY: STRING, _SUMMARY["double"]: DOUBLE, _INT: INTEGER, _LG_ENTRIES: INTEGER, _STRING: STRING}
_SQL = {"double": "DOUBLE", "integer": "INTEGER"}
_MODES = ("sum", "min", "max", "alwaysone")
_LG, _MODE = Literal(12, INTEGER), Literal("sum", STRING)


def _mode(args: Args, request: Request, index: int) -> None:
    """DATATYPE_MISMATCH unless the argument is one of the four modes."""
    mode = known(args, request, index, "mode")
    if str(mode).lower() not in _MODES:
        text = f"`mode` is one of {', '.join(_MODES)}, unlike {mode}."
        raise mismatch("TYPE_CHECK_FAILURE_WITH_HINT", request.name, args, text, msg=text, hint="")


def _cast(args: Args, request: Request, targets: dict[int, DataType]) -> Args:
    """Arguments that are not of the kind wanted, cast as Spark casts implicitly."""
    return tuple(
        cast_if_needed(arg, targets[i], request.conf) if i in targets and _castable(arg.type, targets[i]) else arg
        for i, arg in enumerate(args)
    )


def _castable(t: DataType, target: DataType) -> bool:
    return is_string(t) or (is_atomic(t) and can_store(t, target))


def _input(*taken: Taken) -> Any:
    """Casts and checks the arguments; `lgNomEntries` and `mode` must be good constants."""

    def coerce(args: Args, request: Request) -> Args:
        targets = {
            i: _TARGETS[what] for i, what in enumerate(taken) if what in _TARGETS and not what.test(args[i].type)
        }
        args = checked(_cast(args, request, targets), request, *taken)
        for i, what in enumerate(taken):
            if what is _LG_ENTRIES:
                within(args, request, i, "lgNomEntries", 4, 26)
            if what is _STRING:
                _mode(args, request, i)
        return args

    return coerce


def _constants(call: FunctionCall, first: int) -> str:
    """The constant arguments from `first` on, as SQL: lgNomEntries and mode."""
    parts = []
    for arg in call.args[first:]:
        found = constant(arg)
        value = found.value if found is not None else None
        parts.append(f"'{str(value).lower()}'" if isinstance(value, str) else str(value))
    return ", ".join(parts)


def _aggregates(kind: str) -> tuple[Function, ...]:
    def agg(args: list[str], call: FunctionCall, context: Any) -> str:
        word, key = key_sql(args[0], call.args[0].type)
        value = f"CAST({args[1]} AS {_SQL[kind]})"
        both = tail_if(f"{key} IS NOT NULL AND {value} IS NOT NULL")
        lists = (f"coalesce(list({DISTINCT}{sql}){both}, [])" for sql in (key, value))
        return f"kernel_tuple_agg_{kind}_{word}({', '.join(lists)}, {_constants(call, 2)})"

    def union_agg(args: list[str], call: FunctionCall, context: Any) -> str:
        return f"kernel_tuple_union({_sketches(args[0])}, {_constants(call, 1)}, '{kind}', '{call.name}')"

    def intersection_agg(args: list[str], call: FunctionCall, context: Any) -> str:
        return f"kernel_tuple_intersection({_sketches(args[0])}, {_constants(call, 1)}, '{kind}', '{call.name}')"

    def union(call: FunctionCall) -> str:
        first = 2 if call.name.startswith("tuple_sketch_agg") else 1
        return f"kernel_tuple_union({{pair}}, {_constants(call, first)}, '{kind}', '{call.name}')"

    def intersection(call: FunctionCall) -> str:
        return f"kernel_tuple_intersection({{pair}}, {_constants(call, 1)}, '{kind}', '{call.name}')"

    return (
        sketch_aggregate(f"tuple_sketch_agg_{kind}", "any any any? any?", agg, union,
                         coerce=_input(THETA_KEY, _SUMMARY[kind], _LG_ENTRIES, _STRING), defaults={2: _LG, 3: _MODE}),
        sketch_aggregate(f"tuple_union_agg_{kind}", "any any? any?", union_agg, union,
                         coerce=_input(_BINARY, _LG_ENTRIES, _STRING), defaults={1: _LG, 2: _MODE}),
        sketch_aggregate(f"tuple_intersection_agg_{kind}", "any any?", intersection_agg, intersection,
                         coerce=_input(_BINARY, _STRING), defaults={1: _MODE}),
    )  # fmt: skip


def _sketches(sql: str) -> str:
    return f"coalesce(list({sql}){tail_if(f'{sql} IS NOT NULL')}, [])"


def _both(args: list[str]) -> str:
    return f"CASE WHEN {args[0]} IS NOT NULL AND {args[1]} IS NOT NULL THEN [{args[0]}, {args[1]}] END"


def _of_two(name: str, kind: str) -> tuple[Function, ...]:
    """Set operations of two sketches, and of a sketch and a theta sketch."""

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        return f"kernel_tuple_{name}({_both(args)}, {_constants(call, 2)}, '{kind}', '{call.name}')"

    def with_theta(args: list[str], call: FunctionCall, context: Any) -> str:
        return f"kernel_tuple_{name}_theta({args[0]}, {args[1]}, {_constants(call, 2)}, '{kind}')"

    takes = (_LG_ENTRIES, _STRING) if name == "union" else (_STRING,)
    specs = "any any any? any?" if name == "union" else "any any any?"
    extra: dict[str, Any] = {"coerce": _input(_BINARY, _BINARY, *takes),
                             "defaults": {2: _LG, 3: _MODE} if name == "union" else {2: _MODE}}  # fmt: skip
    return (
        row(f"tuple_{name}_{kind}", specs, BINARY, sql, **extra),
        row(f"tuple_{name}_theta_{kind}", specs, BINARY, with_theta, **extra),
    )


def _summary(kind: str) -> Function:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        return f"kernel_tuple_summary_{kind}({args[0]}, {_constants(call, 1)})"

    return row(f"tuple_sketch_summary_{kind}", "any any?", DOUBLE if kind == "double" else LONG, sql,
               coerce=_input(_BINARY, _STRING), defaults={1: _MODE})  # fmt: skip


def _scalars(kind: str) -> tuple[Function, ...]:
    one, two = _input(_BINARY), _input(_BINARY, _BINARY)
    return (
        *_of_two("union", kind),
        *_of_two("intersection", kind),
        row(f"tuple_difference_{kind}", "any any", BINARY, f"kernel_tuple_difference({{0}}, {{1}}, '{kind}')",
            coerce=two),
        row(f"tuple_difference_theta_{kind}", "any any", BINARY,
            f"kernel_tuple_difference_theta({{0}}, {{1}}, '{kind}')", coerce=two),
        row(f"tuple_sketch_estimate_{kind}", "any", DOUBLE, f"kernel_tuple_estimate({{0}}, '{kind}')", coerce=one),
        row(f"tuple_sketch_theta_{kind}", "any", DOUBLE, f"kernel_tuple_theta({{0}}, '{kind}')", coerce=one),
        _summary(kind),
    )  # fmt: skip


register(*_aggregates("double"), *_aggregates("integer"), *_scalars("double"), *_scalars("integer"))

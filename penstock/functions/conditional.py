"""CASE, IF, IN, and the functions about NULL and NaN."""

from __future__ import annotations

from typing import Any

from penstock.functions.coercion import cast_if_needed, common_type, is_string
from penstock.functions.errors import data_diff_types, different_types, mismatch, wrong_input
from penstock.functions.nested_order import extreme_of_list, needs_key
from penstock.functions.rows import at_least, row, same_types
from penstock.functions.table import Args, Request, register
from penstock.functions.type_names import quoted_type
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
    BOOLEAN,
    DOUBLE,
    INTEGER,
    BooleanType,
    DataType,
    DoubleType,
    FloatType,
    NullType,
    StructType,
)


def _condition(e: Expression, args: Args, index: int, request: Request) -> Expression:
    if isinstance(e.type, NullType) or is_string(e.type):
        return cast_if_needed(e, BOOLEAN, request.conf)
    if not isinstance(e.type, BooleanType):
        raise wrong_input(request.name, args, index, "BOOLEAN")
    return e


def _branches(args: Args) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Indexes of the conditions and of the values of CASE's flat arguments."""
    pairs = len(args) // 2
    values = tuple(range(1, 2 * pairs, 2)) + ((len(args) - 1,) if len(args) % 2 else ())
    return tuple(range(0, 2 * pairs, 2)), values


def _case_input(args: Args, request: Request) -> Args:
    conditions, values = _branches(args)
    kind = common_type((args[i].type for i in values), request.conf)
    if kind is None:
        raise data_diff_types("casewhen", [args[i] for i in values])
    coerced = list(args)
    for i in conditions:
        if not isinstance(args[i].type, BooleanType):  # nothing is cast here, not even NULL
            raise wrong_input(request.name, args, i, "BOOLEAN")
    for i in values:
        coerced[i] = cast_if_needed(args[i], kind, request.conf)
    return tuple(coerced)


_TRUE = Literal(True, BOOLEAN)


def _case_null(args: Args) -> bool:
    """Branches behind one that always holds do not count."""
    conditions, values = _branches(args)
    always = next((i for i in conditions if args[i] == _TRUE), None)
    if always is not None:
        return any(args[i].nullable for i in values if i <= always + 1)
    return len(args) % 2 == 0 or any(args[i].nullable for i in values)


def _case_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    pairs = zip(args[0::2], args[1::2], strict=False)
    text = "CASE" + "".join(f" WHEN {condition} THEN {value}" for condition, value in pairs)
    return text + (f" ELSE {args[-1]} END" if len(args) % 2 else " END")


def _if_input(args: Args, request: Request) -> Args:
    kind = common_type((args[1].type, args[2].type), request.conf)
    if kind is None:
        raise data_diff_types("if", args[1:])
    yes, no = (cast_if_needed(arg, kind, request.conf) for arg in args[1:])
    if is_string(args[0].type):
        raise wrong_input("if", args, 0, "BOOLEAN")
    return _condition(args[0], args, 0, request), yes, no


def _rows_alike(args: Args) -> DataType | None:
    """The type of the first of several structs that differ in the names of their fields alone."""
    fields = [[f.dataType for f in arg.type.fields] for arg in args if isinstance(arg.type, StructType)]
    return args[0].type if len(fields) == len(args) and all(one == fields[0] for one in fields) else None


def _in_input(args: Args, request: Request) -> Args:
    kind = common_type((arg.type for arg in args), request.conf) or _rows_alike(args)
    if kind is None:
        raise mismatch(
            "DATA_DIFF_TYPES", "in", args, "the values of IN and the value looked for have no common type.",
            functionName="`in`", dataType="[" + ", ".join(quoted_type(arg.type) for arg in args) + "]",
        )  # fmt: skip
    return tuple(cast_if_needed(arg, kind, request.conf) for arg in args)


def _in_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    if len(args) == 1:
        return f"({args[0]} IN (NULL) AND FALSE)"
    return f"({args[0]} IN ({', '.join(args[1:])}))"


def _same(args: Args, request: Request) -> Args:
    return same_types(args, request)


def _coalesce(args: Args, request: Request) -> Args:
    at_least(1, args, request)
    return same_types(args, request)


def _all_nullable(args: Args) -> bool:
    return all(arg.nullable for arg in args)


def _extreme(args: Args, request: Request) -> Args:
    at_least(2, args, request)
    texts = [is_string(arg.type) for arg in args if not isinstance(arg.type, NullType)]
    if any(texts) and not all(texts):  # no promotion here, unlike in coalesce
        raise data_diff_types(request.name, args)
    return same_types(args, request)


def _extreme_sql(name: str) -> Any:
    """NULLs are skipped by both; NaN is the greatest in both."""

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        kind = next((arg.type for arg in call.args if needs_key(arg.type)), None)
        if kind is not None:
            return extreme_of_list("max" if name == "greatest" else "min", f"[{', '.join(args)}]", kind)
        return f"{name}({', '.join(args)})"

    return sql


def _nvl2(args: Args, request: Request) -> Args:
    return (args[0], *same_types(args[1:], request))


def _nullif(args: Args, request: Request) -> Args:
    """Checked as `=` is; the first argument keeps its type."""
    if common_type((arg.type for arg in args), request.conf) is None:
        raise different_types("=", args)
    return args


def _nullif_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"(CASE WHEN {args[0]} = {args[1]} THEN NULL ELSE {args[0]} END)"


def _floating(args: Args, request: Request) -> Args:
    if all(isinstance(arg.type, FloatType) for arg in args):
        return args
    if any(not isinstance(arg.type, (FloatType, DoubleType)) or len(args) == 2 for arg in args):
        return tuple(cast_if_needed(arg, DOUBLE, request.conf) for arg in args)
    return args


_ZERO = Literal(0, INTEGER)


def _zero_if_null(args: Args, request: Request) -> Args:
    return same_types((args[0], _ZERO), request)[:1]


register(
    row("when", "any any*", 1, _case_sql, coerce=_case_input, nullable=_case_null),
    row("if", "any any any", 1, "(CASE WHEN {0} THEN {1} ELSE {2} END)", coerce=_if_input,
        nullable=lambda args: args[1].nullable or args[2].nullable),
    row("in", "any any*", BOOLEAN, _in_sql, coerce=_in_input),
    row("isnull", "any", BOOLEAN, "({0} IS NULL)", nullable=False),
    row("isnotnull", "any", BOOLEAN, "({0} IS NOT NULL)", nullable=False),
    row("isnan", "double|float", BOOLEAN, "coalesce(isnan({0}), FALSE)", nullable=False),
    row("coalesce", "any*", 0, "coalesce({*})", coerce=_coalesce, nullable=_all_nullable),
    row("nvl ifnull", "any any", 0, "coalesce({0}, {1})", coerce=_same, nullable=_all_nullable),
    row("nvl2", "any any any", 1, "(CASE WHEN {0} IS NOT NULL THEN {1} ELSE {2} END)", coerce=_nvl2,
        nullable=lambda args: args[1].nullable or args[2].nullable),
    row("nullif", "any any", 0, _nullif_sql, coerce=_nullif, nullable=True),
    row("nullifzero", "numeric", 0, "nullif({0}, 0)", nullable=True),
    row("zeroifnull", "any", 0, "coalesce({0}, 0)", coerce=_zero_if_null, nullable=False),
    row("nanvl", "any any", 0, "(CASE WHEN isnan({0}) THEN {1} ELSE {0} END)", coerce=_floating),
    row("greatest", "any*", 0, _extreme_sql("greatest"), coerce=_extreme, nullable=_all_nullable),
    row("least", "any*", 0, _extreme_sql("least"), coerce=_extreme, nullable=_all_nullable),
    row("equal_null", "any any", BOOLEAN, "({0} IS NOT DISTINCT FROM {1})", nullable=False,
        coerce=lambda args, request: _comparable(args, request)),
)  # fmt: skip


def _comparable(args: Args, request: Request) -> Args:
    from penstock.functions.operators import comparable_pair

    return comparable_pair(args, request)

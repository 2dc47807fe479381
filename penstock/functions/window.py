"""Window functions: ranking and looking at other rows."""

from __future__ import annotations

from typing import Any

from penstock.functions.coercion import cast_if_needed, common_type
from penstock.functions.errors import data_diff_types, not_foldable
from penstock.functions.literals import constant
from penstock.functions.rows import row
from penstock.functions.table import TAIL, Args, Function, Request, register
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import DOUBLE, INTEGER, NULL, BooleanType, DataType, NullType


def _ranking(name: str, kind: DataType, sql: str, shown: str = "") -> Function:
    """Rank functions ignore arguments (`rank(b)` is allowed)."""

    def build(args: Args, request: Request) -> Expression:
        return FunctionCall(name, (), kind, False, shown or name)

    return row(name, "any*", kind, sql, kind="window", build=build, nullable=False)


def _ntile(args: Args, request: Request) -> Args:
    buckets = cast_if_needed(args[0], INTEGER, request.conf)
    if constant(buckets) is None:
        raise not_foldable(request.name, (buckets,), 0, "buckets")
    return (buckets,)


def _offset_input(args: Args, request: Request) -> Args:
    value, offset, default = args
    kind = default.type if isinstance(value.type, NullType) else value.type
    if common_type((kind, default.type), request.conf) is None:
        raise data_diff_types(request.name, (value, default))
    offset = cast_if_needed(offset, INTEGER, request.conf)
    if constant(offset) is None:
        raise not_foldable(request.name, args, 1, "offset")
    return cast_if_needed(value, kind, request.conf), offset, cast_if_needed(default, kind, request.conf)


def _offset(name: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        ignore = " IGNORE NULLS" if call.ignore_nulls else ""
        return f"{name}({args[0]}, {args[1]}, {args[2]}{ignore}){TAIL}"

    return sql


def _nth_value(args: Args, request: Request) -> Expression:
    offset = cast_if_needed(args[1], INTEGER, request.conf)
    if constant(offset) is None:
        raise not_foldable(request.name, args, 1, "offset")
    ignore = constant(args[2]) if len(args) > 2 else None
    if len(args) > 2 and (ignore is None or not isinstance(ignore.type, BooleanType)):
        raise not_foldable(request.name, args, 2, "ignoreNulls")
    quiet = ignore is not None and bool(ignore.value)
    return FunctionCall("nth_value", (args[0], offset), args[0].type, True, "nth_value", ignore_nulls=quiet)


def _nth_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"nth_value({args[0]}, {args[1]}{' IGNORE NULLS' if call.ignore_nulls else ''}){TAIL}"


_ONE, _NULL = Literal(1, INTEGER), Literal(None, NULL)

register(
    _ranking("row_number", INTEGER, "CAST(row_number(){tail} AS INTEGER)"),
    _ranking("rank", INTEGER, "CAST(rank(){tail} AS INTEGER)", "RANK"),
    _ranking("dense_rank", INTEGER, "CAST(dense_rank(){tail} AS INTEGER)", "DENSE_RANK"),
    _ranking("percent_rank", DOUBLE, "percent_rank(){tail}", "PERCENT_RANK"),
    _ranking("cume_dist", DOUBLE, "cume_dist(){tail}"),
    row("ntile", "integral?", INTEGER, "CAST(ntile({0}){tail} AS INTEGER)", kind="window", coerce=_ntile,
        nullable=False, defaults={0: _ONE}),
    row("lag", "any any? any?", 0, _offset("lag"), kind="window", coerce=_offset_input, defaults={1: _ONE, 2: _NULL},
        nullable=lambda args: args[2].nullable or args[0].nullable),
    row("lead", "any any? any?", 0, _offset("lead"), kind="window", coerce=_offset_input, defaults={1: _ONE, 2: _NULL},
        nullable=lambda args: args[2].nullable or args[0].nullable),
    row("nth_value", "any any any?", 0, _nth_sql, kind="window", build=_nth_value, nullable=True),
)  # fmt: skip

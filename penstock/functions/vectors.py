"""Vectors: arrays of FLOAT."""

from __future__ import annotations

from typing import Any

from penstock.functions.aggregates import aggregate
from penstock.functions.coercion import cast_if_needed
from penstock.functions.errors import wrong_input
from penstock.functions.rows import row
from penstock.functions.table import Args, Buffer, Function, Incremental, Request, register, tail_if
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import FLOAT, LONG, ArrayType, DataType, FloatType

_VECTOR = ArrayType(FLOAT, False)


def _is_vector(e: Expression) -> bool:
    return isinstance(e.type, ArrayType) and isinstance(e.type.elementType, FloatType)


def _vectors(args: Args, request: Request) -> Args:
    for i, arg in enumerate(args):
        if not _is_vector(arg):
            raise wrong_input(request.name, args, i, "ARRAY<FLOAT>")
    return args


def _with_degree(args: Args, request: Request) -> Args:
    _vectors(args[:1], request)
    return args[0], cast_if_needed(args[1], FLOAT, request.conf)


def _of_two(name: str) -> Function:
    return row(name, "any any", FLOAT, f"kernel_{name}({{0}}, {{1}})", coerce=_vectors, nullable=True)


def _with_norm(name: str, kind: DataType) -> Function:
    return row(name, "any any?", kind, f"kernel_{name}({{0}}, {{1}})", coerce=_with_degree, nullable=True,
               defaults={1: Literal(2.0, FLOAT)})  # fmt: skip


def _collected(kernel: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        return f"kernel_{kernel}(list({args[0]}){tail_if(f'{args[0]} IS NOT NULL')})"

    return sql


_BOTH = "kernel_vector_sum(list_filter([{old}, {new}], lambda v: v IS NOT NULL))"
_SUM = Incremental((Buffer("total", _VECTOR, _collected("vector_sum"), _BOTH),), "{total}")


def _whole(args: list[str], call: FunctionCall, context: Any) -> str:
    """How many vectors count: those that hold no NULL."""
    return f"count({args[0]}){tail_if(f'NOT list_contains(list_transform({args[0]}, lambda x: x IS NULL), TRUE)')}"


_FURTHER = "CAST(z[1] + (z[2] - z[1]) * ({new_n} / ({old_n} + {new_n})) AS FLOAT)"
#: Means weighted by their vectors; the sum of both finds vectors of different lengths.
_MEAN = Incremental(
    (
        Buffer("mean", _VECTOR, _collected("vector_avg"),
               "CASE WHEN {old} IS NULL THEN {new} WHEN {new} IS NULL THEN {old} "
               "WHEN kernel_vector_sum([{old}, {new}]) IS NOT NULL THEN "
               f"list_transform(list_zip({{old}}, {{new}}), lambda z: {_FURTHER}) END"),
        Buffer("n", LONG, _whole, "sum"),
    ),
    "{mean}",
)  # fmt: skip


register(
    _of_two("vector_inner_product"),
    _of_two("vector_cosine_similarity"),
    _of_two("vector_l2_distance"),
    _with_norm("vector_norm", FLOAT),
    _with_norm("vector_normalize", ArrayType(FLOAT, True)),
    aggregate("vector_sum", "any", _VECTOR, _collected("vector_sum"), _SUM, coerce=_vectors),
    aggregate("vector_avg", "any", _VECTOR, _collected("vector_avg"), _MEAN, coerce=_vectors),
)

"""approx_count_distinct: Spark's HyperLogLog++, whose registers are also what streams keep of a group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from penstock.core.errors import analysis_error, illegal_argument
from penstock.functions.aggregates import aggregate
from penstock.functions.coercion import cast_if_needed
from penstock.functions.hashing import xxhash_sql
from penstock.functions.literals import constant, constant_value
from penstock.functions.table import Args, Buffer, Incremental, Request, register, tail_if
from penstock.plan.expressions import FunctionCall, Literal
from penstock.plan.types import BINARY, DOUBLE, LONG

_DEVIATION = Literal(0.05, DOUBLE)


def precision(deviation: float) -> int:
    """How many bits of a hash choose the register."""
    return math.ceil(2.0 * math.log(1.106 / deviation) / math.log(2.0))


def _input(args: Args, request: Request) -> Args:
    if constant(args[1]) is None:
        raise analysis_error("_LEGACY_ERROR_TEMP_1104", f"The deviation of {request.name} must be a constant.", "")
    deviation = cast_if_needed(args[1], DOUBLE, request.conf)
    value = float(constant_value(deviation) or 0)
    if not 0 < value <= 0.39:
        raise illegal_argument(
            "FAILED_FUNCTION_CALL", f"{request.name} takes a relative standard deviation of at most 0.39, not {value}.",
            funcName=f"`{request.name}`",
        )  # fmt: skip
    return args[0], deviation


def _registers(args: list[str], call: FunctionCall, context: Any) -> str:
    """The registers of a group: the distinct updates (few, whatever the group holds) make them."""
    p = precision(float(constant_value(call.args[1])))
    update = f"kernel_register_updates({xxhash_sql(args[0], call.args[0].type)}, {p})"
    updates = f"coalesce(list(DISTINCT {update}){tail_if(f'{args[0]} IS NOT NULL')}, [])"
    return f"kernel_registers({updates}, {p})"


def _count(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"kernel_cardinality({_registers(args, call, context)})"


def _show(call: FunctionCall, texts: Sequence[str]) -> str:
    return f"{call.display}({texts[0]})"


_KEPT = Incremental(
    (Buffer("registers", BINARY, _registers, "kernel_merge_registers({old}, {new})"),),
    "kernel_cardinality({registers})",
)

register(
    aggregate("approx_count_distinct", "any any?", LONG, _count, _KEPT, nullable=False, coerce=_input, display=_show,
              defaults={1: _DEVIATION}),
)  # fmt: skip

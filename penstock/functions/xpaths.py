"""xpath, xpath_string, xpath_int, ...: a constant path over XML texts."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import unsupported
from penstock.functions.coercion import is_string
from penstock.functions.errors import not_foldable, wrong_input
from penstock.functions.literals import constant
from penstock.functions.resolve import coerce_inputs
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, register
from penstock.functions.type_names import duck_type
from penstock.plan.expressions import FunctionCall
from penstock.plan.types import BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG, SHORT, STRING, ArrayType, DataType, NullType


def _constant_path(args: Args, request: Request) -> Args:
    from penstock.functions.kernels import xpath

    for i, arg in enumerate(args):
        if not is_string(arg.type) and not isinstance(arg.type, NullType):
            raise wrong_input(request.name, args, i, "STRING")
    pair = coerce_inputs(args, request)
    path = constant(pair[1])
    if path is None:
        raise not_foldable(request.name, args, 1, "path")
    if path.value is not None:
        try:
            xpath.parse(path.value)
        except ValueError as error:
            raise unsupported(f"the XPath {path.value!r} ({error})") from None
    return pair


def _whole(args: list[str], call: FunctionCall, context: Any) -> str:
    """Java's conversion of a double: NaN is 0, the rest is cut off at the limits of INT or LONG, then wrapped."""
    wide = "BIGINT" if call.type == LONG else "INTEGER"
    least, most = (-(1 << 63), (1 << 63) - 1) if call.type == LONG else (-(1 << 31), (1 << 31) - 1)
    value = "x_"
    cut = (
        f"CASE WHEN isnan({value}) THEN 0 WHEN {value} <= {least} THEN {least} WHEN {value} >= {most} THEN {most} "
        f"ELSE CAST(trunc({value}) AS {wide}) END"
    )
    if call.type == SHORT:
        cut = f"((({cut}) & 65535) + 32768) % 65536 - 32768"
    number = f"kernel_xpath_number({args[0]}, {args[1]})"
    return f"CAST(list_transform([{number}], lambda {value}: {cut})[1] AS {duck_type(call.type)})"


def _path_row(names: str, kind: DataType, sql: Any) -> Function:
    return row(names, "string string", kind, sql, coerce=_constant_path, nullable=True)


register(
    _path_row("xpath", ArrayType(STRING, True), "kernel_xpath_list({0}, {1})"),
    _path_row("xpath_string", STRING, "kernel_xpath_string({0}, {1})"),
    _path_row("xpath_boolean", BOOLEAN, "kernel_xpath_boolean({0}, {1})"),
    _path_row("xpath_double xpath_number", DOUBLE, "kernel_xpath_number({0}, {1})"),
    _path_row("xpath_float", FLOAT, "CAST(kernel_xpath_number({0}, {1}) AS FLOAT)"),
    _path_row("xpath_int", INTEGER, _whole),
    _path_row("xpath_long", LONG, _whole),
    _path_row("xpath_short", SHORT, _whole),
)

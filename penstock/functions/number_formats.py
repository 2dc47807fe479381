"""to_char, to_number and try_to_number: numbers by formats such as `99G999D99S`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from penstock.core.errors import analysis_error, unsupported
from penstock.functions import decimals
from penstock.functions.coercion import DATETIME, cast_if_needed, is_string
from penstock.functions.errors import not_foldable
from penstock.functions.kernels.numbers import NumberFormat, number_format
from penstock.functions.literals import constant
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, any_nullable, register
from penstock.functions.type_names import duck_type
from penstock.plan.expressions import Expression, FunctionCall
from penstock.plan.types import NULL, STRING, BinaryType, DataType, DecimalType, DoubleType, FloatType


def _format(args: Args, request: Request) -> NumberFormat:
    found = constant(args[1])
    if found is None:
        raise not_foldable(request.name, args, 1, "format")
    text = str(found.value) if found.value is not None else ""
    form = number_format(text)
    if form is None:
        kind = "UNEXPECTED_TOKEN" if any(c in "09" for c in text) else "WRONG_NUM_DIGIT" if text else "EMPTY"
        raise analysis_error(f"INVALID_FORMAT.{kind}", f"The number format {text!r} is malformed.", "42601",
                             format=f"'{text}'")  # fmt: skip
    if form.precision > 38:
        raise unsupported("a number format of more than 38 digits")
    return form


def _to_char(args: Args, request: Request) -> Expression:
    """Of numbers; a date is date_format, bytes are base64, hex or UTF-8."""
    from penstock.functions.resolve import resolve

    value = args[0]
    if isinstance(value.type, DATETIME):
        return resolve("date_format", args, conf=request.conf)
    if isinstance(value.type, BinaryType):
        return _bytes(args, request)
    if constant(args[1]) is None or constant(args[1]).value is not None:  # type: ignore[union-attr]
        _format(args, request)
    if isinstance(value.type, (FloatType, DoubleType)) or is_string(value.type) or value.type == NULL:
        number = cast_if_needed(value, DecimalType(30, 15) if isinstance(value.type, DoubleType) else
                                DecimalType(14, 7) if isinstance(value.type, FloatType) else DecimalType(38, 18),
                                request.conf)  # fmt: skip
    else:
        number = cast_if_needed(value, decimals.for_type(value.type) or DecimalType(38, 18), request.conf)
    text = cast_if_needed(args[1], STRING, request.conf)
    return FunctionCall("to_char", (number, text), STRING, number.nullable or text.nullable, "to_char")


def _bytes(args: Args, request: Request) -> Expression:
    from penstock.functions.resolve import resolve

    found = constant(args[1])
    if found is None:
        raise not_foldable(request.name, args, 1, "format")
    word = str(found.value).lower()
    if word not in ("base64", "hex", "utf-8"):
        raise analysis_error(
            "INVALID_PARAMETER_VALUE.BINARY_FORMAT", f"Bytes are written as base64, hex or utf-8, not {word}.", "22023",
            parameter="`format`", functionName=f"`{request.name}`", invalidFormat=f"'{word}'",
        )  # fmt: skip
    call = resolve(word, args[:1], conf=request.conf) if word != "utf-8" else resolve("decode", args, conf=request.conf)
    return (
        replace(call, display="to_varchar") if request.name == "to_varchar" and isinstance(call, FunctionCall) else call
    )


def _to_char_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"kernel_to_char(CAST({args[0]} AS VARCHAR), {args[1]})"


def _number_input(args: Args, request: Request) -> Args:
    _format(args, request)
    return tuple(cast_if_needed(arg, STRING, request.conf) for arg in args)


def _number_type(args: Args) -> DataType:
    found = constant(args[1])
    form = number_format(str(found.value)) if found is not None else None
    return DecimalType(form.precision, form.scale) if form is not None else DecimalType(38, 0)


def _to_number(quiet: bool) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        return f"CAST(kernel_to_number({args[0]}, {args[1]}, {quiet}) AS {duck_type(call.type)})"

    return sql


def _number_row(name: str, quiet: bool) -> Function:
    return row(
        name, "string string", _number_type, _to_number(quiet), coerce=_number_input, nullable=quiet or any_nullable
    )


register(
    row("to_char to_varchar", "any any", STRING, _to_char_sql, build=_to_char),
    _number_row("to_number", False),
    _number_row("try_to_number", True),
)

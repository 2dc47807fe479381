"""Bytes as text and back: hexadecimal and base64."""

from __future__ import annotations

from typing import Any

from penstock.core.errors import unsupported
from penstock.functions.errors import mismatch, not_foldable
from penstock.functions.literals import constant, constant_value
from penstock.functions.markers import raise_sql
from penstock.functions.resolve import coerce_inputs
from penstock.functions.rows import escaped, row
from penstock.functions.table import Args, Request, any_nullable, register
from penstock.plan.expressions import FunctionCall
from penstock.plan.types import BINARY, STRING


def _base64(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"to_base64({args[0]})"


def _unhex(args: list[str], call: FunctionCall, context: Any) -> str:
    padded = f"CASE WHEN length({args[0]}) % 2 = 1 THEN '0' || {args[0]} ELSE {args[0]} END"
    return f"CASE WHEN regexp_full_match({args[0]}, '[0-9a-fA-F]*') THEN unhex({padded}) END"


def _to_binary(quiet: bool) -> Any:
    """By hex (the default), UTF-8 or base64."""

    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        word = str(constant_value(call.args[1]) if len(args) > 1 else "hex").lower()
        if word in ("utf-8", "utf8"):
            return f"encode({args[0]})"
        decoded = _unhex(args[:1], call, context) if word == "hex" else _TRIED.format(args[0])
        bad = _BAD_HEX if word == "hex" else _BAD_BASE64
        return decoded if quiet else f"coalesce({decoded}, CASE WHEN {args[0]} IS NOT NULL THEN {bad} END)"

    return sql


def _by_base64(args: Args) -> bool:
    return len(args) > 1 and str(constant_value(args[1])).lower() == "base64"


def _binary_format(args: Args, request: Request) -> Args:
    if len(args) > 1:
        found = constant(args[1])
        if found is None:
            raise not_foldable(request.name, args, 1, "fmt")
        if found.value is not None and str(found.value).lower() not in ("hex", "utf-8", "utf8", "base64"):
            raise mismatch(
                "INVALID_ARG_VALUE", request.name, args, "the format must be hex, utf-8 or base64.", inputName="fmt",
                requireType="case-insensitive \"STRING\"", validValues="'hex', 'utf-8', 'utf8', or 'base64'",
                inputValue=f"'{found.value}'",
            )  # fmt: skip
        if found.value is None:
            raise unsupported(f"{request.name} by the format NULL")
    return coerce_inputs(args, request)


_BAD_HEX = raise_sql(
    "CONVERSION_INVALID_INPUT", "The string is not valid hex.", sqlstate="22018", kind="illegal_argument",
    fmt="'HEX'", targetType='"BINARY"', suggestion="`try_to_binary`",
)  # fmt: skip
_BAD_BASE64 = raise_sql(
    "CONVERSION_INVALID_INPUT", "The string is not valid base64.", sqlstate="22018", kind="illegal_argument",
    fmt="'BASE64'", targetType='"BINARY"', suggestion="`try_to_binary`",
)  # fmt: skip


# TRY takes no expression that may raise an error of its own: the argument is bound first
_TRIED = "list_transform([{0}], lambda b_: TRY(from_base64(b_)))[1]"
_UNBASE64 = f"coalesce({_TRIED}, CASE WHEN {{0}} IS NOT NULL THEN {escaped(_BAD_BASE64)} END)"

register(
    row("base64", "binary", STRING, _base64),
    row("unbase64", "string", BINARY, _UNBASE64),
    row("to_binary", "string string?", BINARY, _to_binary(False), coerce=_binary_format,
        nullable=lambda args: any_nullable(args) or not _by_base64(args)),
    row("try_to_binary", "string string?", BINARY, _to_binary(True), coerce=_binary_format, nullable=True),
    row("unhex", "string", BINARY, _unhex, nullable=True),
)  # fmt: skip

"""Functions over the characters of a text: conv, mask, soundex, luhn_check, sentences, format_string, UTF-8 checks."""

from __future__ import annotations

from typing import Any

from penstock.core.collations import check_collation
from penstock.core.errors import unsupported
from penstock.functions.coercion import cast_if_needed, is_string
from penstock.functions.literals import constant
from penstock.functions.markers import quote, raise_with_values
from penstock.functions.rows import as_text, escaped, only_text, row
from penstock.functions.table import Args, Request, register
from penstock.plan.expressions import FunctionCall, Literal
from penstock.plan.types import (
    BOOLEAN,
    NULL,
    STRING,
    ArrayType,
    BooleanType,
    ByteType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    NullType,
    ShortType,
)  # fmt: skip


def _conv(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"kernel_conv({', '.join(args)}, {context.conf.ansi})"


_MASKS = {1: Literal("X", STRING), 2: Literal("x", STRING), 3: Literal("n", STRING), 4: Literal(None, NULL)}


def _mask_input(args: Args, request: Request) -> Args:
    for arg in args[1:]:
        found = constant(arg)
        if found is None:
            raise unsupported("mask with a replacement that is no constant")
        if isinstance(found.value, str) and len(found.value) != 1:
            raise unsupported("mask with a replacement that is not one character")
    return (*only_text(args, request)[:1], *(cast_if_needed(arg, STRING, request.conf) for arg in args[1:]))


# ---------------------------------------------------------------- format_string

_KINDS = (BooleanType, ByteType, ShortType, IntegerType, LongType, FloatType, DoubleType, DecimalType, NullType)


def _format_input(args: Args, request: Request) -> Args:
    """Values as text: what they are is told to the kernel by the types under the casts."""
    for arg in args[1:]:
        if not (is_string(arg.type) or isinstance(arg.type, _KINDS)):
            raise unsupported(f"{request.name} of the type {arg.type.simpleString()}")
    kinds = " ".join(arg.type.typeName() for arg in args[1:])
    names = Literal(_short(kinds), STRING)
    return (*(as_text(args, i, request) for i in range(len(args))), names)


def _short(kinds: str) -> str:
    words = ("decimal" if word.startswith("decimal") else word for word in kinds.split())
    return " ".join({"integer": "int"}.get(word, word) for word in words)


def _format(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"kernel_format_string({args[0]}, {args[-1]}, CAST([{', '.join(args[1:-1])}] AS VARCHAR[]))"


def _format_name(call: FunctionCall, texts: Any) -> str:
    resolved = call.type == STRING
    return f"{call.display}({', '.join(texts[:-1] if resolved else texts)})"


# ---------------------------------------------------------------- UTF-8

_INVALID = raise_with_values(
    "INVALID_UTF8_STRING", "The string {str} is not valid UTF-8.", {"str": "hex({0})"}, sqlstate="22029",
    kind="illegal_argument",
)  # fmt: skip
_NOT_VALID = escaped(_INVALID).replace("{{0}}", "{0}")


def _bytes(args: Args, request: Request) -> Args:
    """STRING values are valid by construction; BINARY ones may hold anything."""
    return args if args[0].type.simpleString() == "binary" else (as_text(args, 0, request),)


def _utf8(of_binary: str, of_text: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        template = of_binary if call.args[0].type.simpleString() == "binary" else of_text
        return template.format(args[0])

    return sql


_TEXT = "kernel_make_valid_utf8({0})"


def _collate_input(args: Args, request: Request) -> Args:
    found = constant(args[1])
    if found is None or found.value is None:
        raise unsupported("collate by a name that is no constant")
    check_collation(str(found.value))
    return cast_if_needed(args[0], STRING, request.conf), args[1]


register(
    row("conv", "string int int", STRING, _conv, nullable=True),
    row("mask", "any any? any? any? any?", STRING, "kernel_mask({0}, {1}, {2}, {3}, {4})", coerce=_mask_input,
        nullable=True, defaults=_MASKS, params="str upperchar lowerchar digitchar otherchar"),
    row("soundex", "string", STRING, "kernel_soundex({0})"),
    row("luhn_check", "string", BOOLEAN, "kernel_luhn_check({0})", nullable=True),
    row("sentences", "string string? string?", ArrayType(ArrayType(STRING, False), False), "kernel_sentences({0})",
        nullable=True, defaults={1: Literal("", STRING), 2: Literal("", STRING)}),
    row("format_string printf", "string any*", STRING, _format, coerce=_format_input, display=_format_name,
        nullable=lambda args: args[0].nullable),
    row("is_valid_utf8", "any", BOOLEAN, _utf8("kernel_is_valid_utf8({0})", "CASE WHEN {0} IS NOT NULL THEN TRUE END"),
        coerce=_bytes, nullable=True),
    row("make_valid_utf8", "any", STRING, _utf8(_TEXT, "{0}"), coerce=_bytes, nullable=True),
    row("validate_utf8", "any", STRING, _utf8(
        f"CASE WHEN kernel_is_valid_utf8({{0}}) THEN {_TEXT} WHEN {{0}} IS NOT NULL THEN {_NOT_VALID} END", "{0}"),
        coerce=_bytes, nullable=True),
    row("try_validate_utf8", "any", STRING,
        _utf8(f"CASE WHEN kernel_is_valid_utf8({{0}}) THEN {_TEXT} END", "{0}"), coerce=_bytes, nullable=True),
    row("collate", "string any", STRING, "{0}", coerce=_collate_input),
    row("collation", "string", STRING, quote("SYSTEM.BUILTIN.UTF8_BINARY"), nullable=False),
)  # fmt: skip

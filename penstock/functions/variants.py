"""VARIANT: semi-structured values in Spark's binary encoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.core.errors import analysis_error, unsupported
from penstock.functions.aggregates import aggregate
from penstock.functions.coercion import cast_if_needed, is_string
from penstock.functions.errors import not_foldable, wrong_input
from penstock.functions.generators import generator
from penstock.functions.kernels.variant import path_steps
from penstock.functions.literals import constant
from penstock.functions.rows import row
from penstock.functions.table import TAIL, Args, Buffer, Function, Incremental, Request, register
from penstock.plan.expressions import Cast, Expression, FunctionCall, Literal
from penstock.plan.types import (
    BOOLEAN,
    INTEGER,
    STRING,
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    MapType,
    NullType,
    ShortType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    VariantType,
)  # fmt: skip

VARIANT = VariantType()
_TARGETS = (
    BooleanType, ByteType, ShortType, IntegerType, LongType, FloatType, DoubleType, StringType, VariantType,
    DecimalType, DateType, TimestampType, TimestampNTZType, BinaryType, ArrayType, MapType, StructType,
)  # fmt: skip
_PLAIN = (BooleanType, ByteType, ShortType, IntegerType, LongType, StringType)


def _variant(args: Args, request: Request) -> Args:
    if isinstance(args[0].type, NullType):
        return (cast_if_needed(args[0], VARIANT, request.conf), *args[1:])
    if not isinstance(args[0].type, VariantType):
        raise wrong_input(request.name, args, 0, "VARIANT")
    return args


# ---------------------------------------------------------------- parts


def _path(args: Args, request: Request) -> Expression:
    if not is_string(args[1].type):
        raise wrong_input(request.name, args, 1, "STRING")
    path = constant(args[1])
    if path is None:
        return args[1]
    if path.value is not None and path_steps(path.value) is None:
        raise analysis_error(
            "INVALID_VARIANT_GET_PATH", f"The path {path.value!r} of {request.name} is malformed.", "22023",
            path=str(path.value), functionName=f"`{request.name}`",
        )  # fmt: skip
    return args[1]


def _target(args: Args, request: Request) -> DataType:
    from penstock.sql import parse_type

    if len(args) < 3:
        return VARIANT
    found = constant(args[2])
    if found is None or not isinstance(found.value, str):
        raise not_foldable(request.name, args, 2, "type")
    target = parse_type(found.value)
    if not isinstance(target, _TARGETS):
        raise unsupported(f"{request.name} as {target.simpleString()}")
    return target


def _get(args: Args, request: Request) -> Expression:
    """The part at a path, cast to a type; the part as it is when no type is given."""
    args = _variant(args, request)
    part = FunctionCall("$variant_at", (args[0], _path(args, request)), VARIANT, True, "variant_get")
    target = _target(args, request)
    quiet = request.name.startswith("try_")
    value = part if isinstance(target, VariantType) else Cast(part, target, "try" if quiet else "ansi", implicit=True)
    return FunctionCall("$variant_get", (value, *args), target, True, request.name)


def _get_name(call: FunctionCall, texts: Sequence[str]) -> str:
    """The type does not show."""
    return f"{call.display}({texts[1]}, {texts[2]})"


# ---------------------------------------------------------------- making


def _only_plain(t: DataType) -> bool:
    if isinstance(t, ArrayType):
        return _only_plain(t.elementType)
    if isinstance(t, MapType):
        return isinstance(t.keyType, StringType) and _only_plain(t.valueType)
    return all(_only_plain(f.dataType) for f in t.fields) if isinstance(t, StructType) else isinstance(t, _PLAIN)


def _object(args: Args, request: Request) -> Expression:
    """By way of JSON, which keeps integers, strings and booleans as they are (and nothing else)."""
    from penstock.functions.resolve import resolve

    t = args[0].type
    if not isinstance(t, (ArrayType, MapType, StructType)) or not _only_plain(t):
        raise unsupported(f"to_variant_object of {t.simpleString()}")
    options = resolve("map", (Literal("ignoreNullFields", STRING), Literal("false", STRING)), conf=request.conf)
    text = resolve("to_json", (args[0], options), conf=request.conf)
    return FunctionCall("to_variant_object", (text, args[0]), VARIANT, args[0].nullable, request.name)


def _object_name(call: FunctionCall, texts: Sequence[str]) -> str:
    return f"to_variant_object({texts[-1]})"


def _explode(args: Args, request: Request) -> Expression:
    args = _variant(args, request)
    fields = [StructField("pos", INTEGER, False), StructField("key", STRING), StructField("value", VARIANT, False)]
    return FunctionCall(request.function.name, args, StructType(fields), True, request.name)


def _schemas(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"kernel_schema_of_variants(coalesce(list({args[0]}){TAIL}, []))"


def _kinds(args: list[str], call: FunctionCall, context: Any) -> str:
    return f"kernel_variant_kind(coalesce(list({args[0]}){TAIL}, []))"


_KIND = Incremental(
    (Buffer("kind", STRING, _kinds, "kernel_merged_variant_kind({old}, {new})"),), "kernel_variant_kind_text({kind})"
)


def _get_row(name: str) -> Function:
    return row(name, "any any any?", VARIANT, "", build=_get, nullable=True)


def _explode_row(name: str, outer: bool) -> Function:
    return generator(name, _explode, "kernel_variant_members({0})", params="input", outer=outer)


register(
    row("parse_json", "string", VARIANT, "kernel_parse_json({0}, FALSE)"),
    row("try_parse_json", "string", VARIANT, "kernel_parse_json({0}, TRUE)", nullable=True),
    row("$variant_at", "any any", VARIANT, "kernel_variant_at({0}, {1})"),
    row("$variant_get", "any any any any?", 0, "{0}", display=_get_name),
    _get_row("variant_get"),
    _get_row("try_variant_get"),
    row("is_variant_null", "any", BOOLEAN, "kernel_is_variant_null({0})", coerce=_variant, nullable=False),
    row("is_valid_variant", "any", BOOLEAN, "kernel_is_valid_variant({0})", coerce=_variant),
    row("schema_of_variant", "any", STRING, "kernel_schema_of_variant({0})", coerce=_variant),
    aggregate("schema_of_variant_agg", "any", STRING, _schemas, _KIND, coerce=_variant, nullable=False),
    row("to_variant_object", "any", VARIANT, "kernel_parse_json({0}, FALSE)", build=_object, display=_object_name),
    _explode_row("variant_explode", False),
    _explode_row("variant_explode_outer", True),
)

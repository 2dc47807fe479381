"""CSV and XML records as structs and back, and the schemas of CSV, JSON and XML texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from penstock.core.errors import analysis_error, unsupported
from penstock.functions.coercion import cast_if_needed
from penstock.functions.errors import not_foldable
from penstock.functions.json import (
    all_nullable,
    caster,
    options_argument,
    read_sql,
    schema_argument,
    split_args,
    times_in,
)
from penstock.functions.literals import constant
from penstock.functions.markers import quote
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, register
from penstock.functions.type_names import type_sql
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
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
    ShortType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)  # fmt: skip

_TIMES = ("timestampFormat", "dateFormat", "timeZone")
_READ = {
    "from_csv": ("mode", "sep", "delimiter", "quote", "escape", "nullValue", *_TIMES),
    "from_xml": ("mode", "rowTag", "attributePrefix", *_TIMES),
}
_INFER = {
    "schema_of_csv": ("sep", "delimiter", "quote", "escape", "nullValue"),
    "schema_of_json": ("allowNumericLeadingZeros", "primitivesAsString"),
    "schema_of_xml": ("excludeAttribute", "attributePrefix", "rowTag"),
}
_LEAVES = (ByteType, ShortType, IntegerType, LongType, FloatType, DoubleType, DecimalType, BooleanType, StringType,
           DateType, TimestampType, TimestampNTZType)  # fmt: skip


def _only_leaves(t: DataType, name: str, nested: bool) -> None:
    if isinstance(t, StructType):
        for f in t.fields:
            if isinstance(f.dataType, (StructType, ArrayType, MapType)) and not nested:
                raise unsupported(f"{name} of the type {f.dataType.simpleString()}")
            _only_leaves(f.dataType, name, nested)
    elif isinstance(t, ArrayType):
        _only_leaves(t.elementType, name, nested)
    elif isinstance(t, MapType):
        _only_leaves(t.valueType, name, nested)
    elif not isinstance(t, _LEAVES) or isinstance(t, BinaryType):
        raise unsupported(f"{name} of the type {t.simpleString()}")


def _read(args: Args, request: Request) -> Expression:
    name = request.name
    t = schema_argument(args[1], args, request)
    if not isinstance(t, StructType):
        raise analysis_error(
            "INVALID_SCHEMA.NON_STRUCT_TYPE", f"The schema of {name} must be a STRUCT.", "42K07",
            inputSchema=str(t.simpleString()), dataType=t.simpleString(),
        )  # fmt: skip
    _only_leaves(t, name, name == "from_xml")
    options = options_argument(args[2], name, _READ[name]) if len(args) > 2 else {}
    if options.get("mode", "PERMISSIVE").upper() != "PERMISSIVE":
        raise unsupported(f"the mode {options['mode']} of {name}")
    text = cast_if_needed(args[0], STRING, request.conf)
    casts = tuple(caster(STRING, target, "try") for target in times_in(t))
    return FunctionCall(name, (text, *args[1:], *casts), all_nullable(t), True, name)


def _read_sql(kernel: str) -> Any:
    def sql(args: list[str], call: FunctionCall, context: Any) -> str:
        plain, casts = split_args(call, args)
        options = options_argument(plain[2], call.name, _READ[call.name]) if len(plain) > 2 else {}
        assert isinstance(call.type, StructType)
        text = f"kernel_{kernel}({args[0]}, {quote(call.type.json())}, {quote(json.dumps(options))})"
        return read_sql(text, call.type, options, casts)

    return sql


def _first_only(call: FunctionCall, texts: Sequence[str]) -> str:
    return f"{call.display}({texts[0]})"


# ---------------------------------------------------------------- schemas


def _schema_of(infer: str) -> Callable[[Args, Request], Expression]:
    def build(args: Args, request: Request) -> Expression:
        from penstock.functions import schema_inference

        found = constant(args[0])
        if found is None:
            raise not_foldable(request.name, args, 0, "input")
        options = options_argument(args[1], request.name, _INFER[request.name]) if len(args) > 1 else {}
        schema = _inferred(getattr(schema_inference, infer), found.value, options, request.name)
        return FunctionCall(request.name, (args[0], Literal(type_sql(schema), STRING)), STRING, False, request.name)

    return build


def _inferred(
    infer: Callable[[str, Mapping[str, str]], DataType], text: Any, options: Mapping[str, str], name: str
) -> DataType:
    if text is None:
        raise unsupported(f"{name} of NULL")
    try:
        return infer(text, options)
    except (ValueError, ElementTree.ParseError) as error:
        raise unsupported(f"{name} of the text {text!r} ({error})") from None


def _schema_row(name: str, infer: str) -> Function:
    return row(name, "any any?", STRING, "{1}", build=_schema_of(infer), display=_first_only)


# ---------------------------------------------------------------- writing


def _to_xml(args: Args, request: Request) -> Expression:
    from penstock.functions.resolve import resolve

    if not isinstance(args[0].type, StructType):
        raise unsupported(f"to_xml of the type {args[0].type.simpleString()}")
    text = resolve("to_json", args, conf=request.conf)
    return FunctionCall("to_xml", (args[0], text), STRING, True, request.name)


register(
    row("from_csv", "any any any?", STRING, _read_sql("csv_to_json"), build=_read, display=_first_only),
    row("from_xml", "any any any?", STRING, _read_sql("xml_to_json"), build=_read, display=_first_only),
    row("to_xml", "any any?", STRING, "kernel_json_to_xml({1}, '{{}}')", build=_to_xml, display=_first_only),
    _schema_row("schema_of_csv", "csv_schema"),
    _schema_row("schema_of_json", "json_schema"),
    _schema_row("schema_of_xml", "xml_schema"),
)

"""JSON text: get_json_object, to_json and their kin (from_json is in `parsing`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from penstock.core.errors import analysis_error, unsupported
from penstock.functions.json_text import Writer
from penstock.functions.literals import constant
from penstock.functions.markers import quote
from penstock.functions.rows import only_text, row
from penstock.functions.table import Args, Request, register
from penstock.plan.expressions import Cast, Expression, FunctionCall, Lambda, LambdaVariable, Literal, fresh_id
from penstock.plan.types import (
    DOUBLE,
    FLOAT,
    INTEGER,
    NULL,
    STRING,
    ArrayType,
    DataType,
    MapType,
    NullType,
    StructType,
    VariantType,
)  # fmt: skip
from penstock.sinks.formats.sql_lines import ascii_only
from penstock.sources.records.json_text import pretty
from penstock.sources.records.kernels import value_function

_STEP = re.compile(r"\.([^.\[\]'\"]+)|\[(\d+)\]|\['([^']*)'\]|\[(\*)\]|(\.\*)")


def json_path(path: str) -> str | None:
    """Spark's path as DuckDB's; None when it is malformed."""
    if not path.startswith("$"):
        return None
    out, position = "$", 1
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            return None
        member = match[1] if match[1] is not None else match[3]
        if match[4] or match[5]:
            out += "[*]" if match[4] else ".*"
        else:
            out += f'."{member}"' if member is not None else f"[{match[2]}]"
        position = match.end()
    return out


def _sound(text: str) -> str:
    """The text when it is JSON, else NULL: DuckDB's functions raise on malformed JSON, even in a branch not taken."""
    return f"CASE WHEN json_valid({text}) THEN {text} END"


def member_text(text: str, key: str) -> str:
    """The member `key` (SQL of a string) of a JSON object, as text."""
    path = f"'$.\"' || replace({key}, '\"', '\\\"') || '\"'"
    return f"json_extract_string({_sound(text)}, {path})"


def _get_json_object(args: list[str], call: FunctionCall, context: Any) -> str:
    found = constant(call.args[1])
    if found is None:
        raise unsupported("get_json_object with a path that is not a constant")
    path = json_path(str(found.value)) if found.value is not None else None
    if path is None:
        return "CAST(NULL AS VARCHAR)"
    if "*" not in path:
        return f"json_extract_string({_sound(args[0])}, {quote(path)})"
    found_values = f"json_extract({_sound(args[0])}, {quote(path)})"
    many = f"'[' || array_to_string(list_transform({found_values}, lambda j: CAST(j AS VARCHAR)), ',') || ']'"
    return f"CASE len({found_values}) WHEN 0 THEN NULL WHEN 1 THEN CAST({found_values}[1] AS VARCHAR) ELSE {many} END"


def _array_length(args: list[str], call: FunctionCall, context: Any) -> str:
    text = _sound(args[0])
    return f"CASE WHEN json_type({text}) = 'ARRAY' THEN CAST(json_array_length({text}) AS INTEGER) END"


def _object_keys(args: list[str], call: FunctionCall, context: Any) -> str:
    text = _sound(args[0])
    return f"CASE WHEN json_type({text}) = 'OBJECT' THEN json_keys({text}) END"


def options_argument(e: Expression, name: str, known: Sequence[str]) -> dict[str, str]:
    """A map('key', 'value') of options; an option that is not heeded is refused by name."""
    if isinstance(e, FunctionCall) and e.name == "map":
        values = [constant(a) for a in e.args]
        pairs = {str(k.value): str(v.value) for k, v in zip(values[0::2], values[1::2], strict=True) if k and v}
    else:
        found = constant(e)
        pairs = {str(k): str(v) for k, v in (found.value if found is not None and found.value else ())}
    for key in pairs:
        if key.lower() not in {k.lower() for k in known}:
            raise unsupported(f"the option {key} of {name}")
    return {key.lower(): value for key, value in pairs.items()}


def caster(source: DataType, target: DataType, mode: str) -> Lambda:
    """A hidden argument: how a value of `source` becomes one of `target`, for use inside a template."""
    variable = LambdaVariable("v", fresh_id(), source, True)
    return Lambda((variable,), Cast(variable, target, mode, implicit=True))


def _contains(t: DataType, kind: type) -> bool:
    if isinstance(t, StructType):
        return any(_contains(f.dataType, kind) for f in t.fields)
    if isinstance(t, ArrayType):
        return _contains(t.elementType, kind)
    return _contains(t.valueType, kind) if isinstance(t, MapType) else isinstance(t, kind)


# ---------------------------------------------------------------- to_json

_WRITE_OPTIONS = ("timestampFormat", "timestampNTZFormat", "dateFormat", "ignoreNullFields", "sortKeys", "timeZone",
                  "pretty", "writeNonAsciiCharacterAsCodePoint")  # fmt: skip


def _to_json(args: Args, request: Request) -> Expression:
    if not isinstance(args[0].type, (StructType, ArrayType, MapType, VariantType, NullType)):
        raise analysis_error(
            "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA", "to_json takes a STRUCT, an ARRAY or a MAP.", "42K09",
            sqlExpr="", schema=f'"{args[0].type.simpleString().upper()}"',
        )  # fmt: skip
    if isinstance(args[0].type, NullType):
        return FunctionCall("to_json", (Literal(None, NULL), *args[1:]), STRING, True, request.name)
    if len(args) > 1:
        options_argument(args[1], request.name, _WRITE_OPTIONS)
    casts = tuple(caster(kind, STRING, "ansi") for kind in (DOUBLE, FLOAT) if _contains(args[0].type, type(kind)))
    return FunctionCall("to_json", (*args, *casts), STRING, True, request.name)


def _write_json(args: list[str], call: FunctionCall, context: Any) -> str:
    plain = [a for a in call.args if not isinstance(a, Lambda)]
    if isinstance(plain[0].type, NullType):
        return "CAST(NULL AS VARCHAR)"
    options = options_argument(plain[1], "to_json", _WRITE_OPTIONS) if len(plain) > 1 else {}
    texts = {type(a.params[0].type): sql for a, sql in zip(call.args, args, strict=True) if isinstance(a, Lambda)}
    text = Writer(options, texts, context.conf.time_zone).sql(args[0], plain[0].type, 0)
    if options.get("writenonasciicharacterascodepoint", "false").lower() == "true":
        text = f"{value_function('ascii', STRING, {}, lambda: lambda one: ascii_only(one.encode()).decode())}({text})"
    if options.get("pretty", "false").lower() != "true":
        return text
    return f"{value_function('pretty', STRING, {}, lambda: pretty)}({text})"


def _first_only(call: FunctionCall, texts: Sequence[str]) -> str:
    return f"{call.display}({texts[0]})"


register(
    row("get_json_object", "string string", STRING, _get_json_object, nullable=True),
    row("json_array_length", "string", INTEGER, _array_length, coerce=only_text, nullable=True),
    row("json_object_keys", "string", ArrayType(STRING, True), _object_keys, coerce=only_text, nullable=True),
    row("to_json", "any any?", STRING, _write_json, build=_to_json, display=_first_only),
)

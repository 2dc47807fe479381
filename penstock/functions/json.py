"""JSON text: get_json_object, from_json, to_json and their kin.

`from_json` reads a text once into its members as raw JSON and then converts each member by the rules of Spark's
parser: a number is no string's value, a fraction is no integer, what does not fit is NULL and leaves the others alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from penstock.core.errors import analysis_error, unsupported
from penstock.functions.coercion import cast_if_needed
from penstock.functions.errors import not_foldable
from penstock.functions.json_text import Writer
from penstock.functions.literals import constant
from penstock.functions.markers import quote
from penstock.functions.patterns import parse_sql
from penstock.functions.rows import row
from penstock.functions.table import Args, Request, register
from penstock.functions.type_names import duck_type
from penstock.plan.expressions import Cast, Expression, FunctionCall, Lambda, LambdaVariable, fresh_id
from penstock.plan.types import (
    DATE,
    DOUBLE,
    FLOAT,
    INTEGER,
    STRING,
    TIMESTAMP,
    TIMESTAMP_NTZ,
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


# ---------------------------------------------------------------- from_json


def schema_argument(e: Expression, args: Args, request: Request) -> DataType:
    """The schema of from_json: DDL or JSON text."""
    found = constant(e)
    if found is None or not isinstance(found.value, str):
        raise not_foldable(request.name, args, 1, "schema")
    text = found.value.strip()
    if text.startswith(("{", '"')):
        return _json_schema(text)
    from penstock.sql import parse_schema, parse_type

    try:
        return parse_type(text)
    except Exception:
        return parse_schema(text)


def _json_schema(text: str) -> DataType:
    from pyspark.sql.types import _parse_datatype_json_value

    return _parse_datatype_json_value(json.loads(text))


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


_OPTIONS = ("mode", "timestampFormat", "dateFormat", "timeZone")


def _from_json(args: Args, request: Request) -> Expression:
    t = schema_argument(args[1], args, request)
    if not isinstance(t, (StructType, ArrayType, MapType)):
        raise analysis_error(
            "INVALID_SCHEMA.NON_STRUCT_TYPE", "The schema of from_json must be a STRUCT, an ARRAY or a MAP.", "42K07",
            inputSchema=str(t.simpleString()), dataType=t.simpleString(),
        )  # fmt: skip
    options = options_argument(args[2], request.name, _OPTIONS) if len(args) > 2 else {}
    if options.get("mode", "PERMISSIVE").upper() not in ("PERMISSIVE", "FAILFAST"):
        raise unsupported(f"the mode {options['mode']} of from_json")
    text = cast_if_needed(args[0], STRING, request.conf)
    casts = tuple(caster(STRING, target, "try") for target in times_in(t))
    return FunctionCall("from_json", (text, *args[1:], *casts), all_nullable(t), True, request.name)


def caster(source: DataType, target: DataType, mode: str) -> Lambda:
    """A hidden argument: how a value of `source` becomes one of `target`, for use inside a template."""
    variable = LambdaVariable("v", fresh_id(), source, True)
    return Lambda((variable,), Cast(variable, target, mode, implicit=True))


def times_in(t: DataType) -> tuple[DataType, ...]:
    kinds = (DATE, TIMESTAMP, TIMESTAMP_NTZ)
    return tuple(kind for kind in kinds if _contains(t, type(kind)))


def _contains(t: DataType, kind: type) -> bool:
    if isinstance(t, StructType):
        return any(_contains(f.dataType, kind) for f in t.fields)
    if isinstance(t, ArrayType):
        return _contains(t.elementType, kind)
    return _contains(t.valueType, kind) if isinstance(t, MapType) else isinstance(t, kind)


def applied(function: str, value: str) -> str:
    """A rendered one-parameter lambda applied to `value`."""
    return f"list_transform([{value}], {function})[1]"


def split_args(call: FunctionCall, args: list[str]) -> tuple[list[Expression], dict[type, str]]:
    """The user's arguments, and the casts by target type."""
    plain = [a for a in call.args if not isinstance(a, Lambda)]
    casts = {type(a.type): sql for a, sql in zip(call.args, args, strict=True) if isinstance(a, Lambda)}
    return plain, casts


def all_nullable(t: DataType) -> DataType:
    if isinstance(t, StructType):
        from penstock.plan.types import StructField

        return StructType([StructField(f.name, all_nullable(f.dataType), True, f.metadata) for f in t.fields])
    if isinstance(t, ArrayType):
        return ArrayType(all_nullable(t.elementType), True)
    return MapType(t.keyType, all_nullable(t.valueType), True) if isinstance(t, MapType) else t


def _from_json_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    plain, casts = split_args(call, args)
    options = options_argument(plain[2], "from_json", _OPTIONS) if len(plain) > 2 else {}
    if options.get("mode", "PERMISSIVE").upper() == "FAILFAST":
        raise unsupported("the mode FAILFAST of from_json")
    return read_sql(args[0], call.type, options, casts)


def read_sql(json_text: str, t: DataType, options: dict[str, str], casts: dict[type, str]) -> str:
    """SQL of JSON text as type `t`; NULL for NULL and blank text."""
    reader, text = Reader(options, casts), "t_"
    value = f"list_transform([{reader.members(_sound(text), t)}], lambda j_: {reader.value('j_', t, 0)})[1]"
    if isinstance(t, StructType):  # a broken record is a row of NULLs, not NULL
        nothing = "{" + ", ".join(f"{quote(f.name)}: CAST(NULL AS {duck_type(f.dataType)})" for f in t.fields) + "}"
        value = f"coalesce({value}, {nothing})"
    whole = f"CASE WHEN {text} IS NULL OR trim({text}, ' \t\n\r') = '' THEN NULL ELSE {value} END"
    return f"list_transform([{json_text}], lambda {text}: {whole})[1]"


_SPECIAL_NUMBERS = ", ".join(
    f"'\"{word}\"'" for word in ("NaN", "Infinity", "+Infinity", "-Infinity", "INF", "+INF", "-INF")
)


class Reader:
    """Converts raw JSON by the rules of Spark's JSON parser."""

    def __init__(self, options: dict[str, str], casts: dict[type, str]) -> None:
        self._options = options
        self._casts = casts

    def members(self, text: str, t: DataType) -> str:
        """The text taken apart into raw JSON members, in one pass."""
        return f"json_transform({text}, {quote(json.dumps(self._shape(t)))})"

    def _shape(self, t: DataType) -> Any:
        if isinstance(t, StructType) and t.fields:
            return {f.name: self._shape(f.dataType) for f in t.fields}
        if isinstance(t, ArrayType):
            return [self._shape(t.elementType)]
        return "JSON"

    def value(self, raw: str, t: DataType, depth: int) -> str:
        """SQL that converts members `raw` to type `t`."""
        if isinstance(t, StructType) and t.fields:
            parts = ", ".join(
                f"{quote(f.name)}: {self.value(f'struct_extract({raw}, {quote(f.name)})', f.dataType, depth)}"
                for f in t.fields
            )
            return f"CASE WHEN {raw} IS NOT NULL THEN {{{parts}}} END"
        if isinstance(t, ArrayType):
            name = f"e{depth}_"
            return f"list_transform({raw}, lambda {name}: {self.value(name, t.elementType, depth + 1)})"
        if isinstance(t, MapType):
            return self._map(raw, t, depth)
        return self._leaf(raw, f"CAST({raw} AS VARCHAR)", t)

    def _map(self, raw: str, t: MapType, depth: int) -> str:
        if not isinstance(t.keyType, StringType):
            raise unsupported("from_json with map keys that are no strings")
        name = f"k{depth}_"
        member = f"json_extract({raw}, '$.\"' || {name} || '\"')"
        shaped = f"CASE WHEN {member} IS NOT NULL THEN {self.members(f'CAST({member} AS VARCHAR)', t.valueType)} END"
        inner = self.value(f"v{depth}_", t.valueType, depth + 1)
        values = (
            f"list_transform(json_keys({raw}), lambda {name}: list_transform([{shaped}], lambda v{depth}_: {inner})[1])"
        )
        return f"CASE WHEN json_type({raw}) = 'OBJECT' THEN map(json_keys({raw}), {values}) END"

    def _leaf(self, raw: str, text: str, t: DataType) -> str:
        if isinstance(t, (ByteType, ShortType, IntegerType, LongType)):
            whole = f"NOT contains({text}, '.') AND NOT contains(lower({text}), 'e')"
            return f"CASE WHEN {whole} THEN TRY_CAST({text} AS {duck_type(t)}) END"
        if isinstance(t, (DoubleType, FloatType)):
            bare = f"replace(replace(replace({text}, '\"', ''), '+', ''), 'INF', 'Infinity')"
            special = f"WHEN {text} IN ({_SPECIAL_NUMBERS}) THEN CAST({bare} AS {duck_type(t)}) "
            return f"CASE {special}ELSE TRY_CAST({text} AS {duck_type(t)}) END"
        if isinstance(t, DecimalType):
            return f"TRY_CAST(CASE WHEN starts_with({text}, '\"') THEN {raw} ->> '$' ELSE {text} END AS {duck_type(t)})"
        if isinstance(t, BooleanType):
            return f"CASE {text} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"
        if isinstance(t, StringType):
            return f"({raw} ->> '$')"
        if isinstance(t, BinaryType):
            return f"from_base64({raw} ->> '$')"
        return self._time(raw, text, t)

    def _time(self, raw: str, text: str, t: DataType) -> str:
        inner = f"CASE WHEN starts_with({text}, '\"') THEN {raw} ->> '$' END"
        key = "dateformat" if isinstance(t, DateType) else "timestampformat"
        if not isinstance(t, (DateType, TimestampType, TimestampNTZType)):
            raise unsupported(f"from_json of the type {t.simpleString()}")
        if key in self._options:
            value, zoned = parse_sql("s_", self._options[key])
            value = f"CAST({value} AS TIMESTAMP)" if zoned and not isinstance(t, TimestampType) else value
            return f"list_transform([{inner}], lambda s_: CAST({value} AS {duck_type(t)}))[1]"
        return applied(self._casts[type(t)], inner)


# ---------------------------------------------------------------- to_json

_WRITE_OPTIONS = ("timestampFormat", "dateFormat", "ignoreNullFields", "sortKeys", "timeZone")


def _to_json(args: Args, request: Request) -> Expression:
    if not isinstance(args[0].type, (StructType, ArrayType, MapType)):
        raise analysis_error(
            "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA", "to_json takes a STRUCT, an ARRAY or a MAP.", "42K09",
            sqlExpr="", schema=f'"{args[0].type.simpleString().upper()}"',
        )  # fmt: skip
    if len(args) > 1:
        options_argument(args[1], request.name, _WRITE_OPTIONS)
    casts = tuple(caster(kind, STRING, "ansi") for kind in (DOUBLE, FLOAT) if _contains(args[0].type, type(kind)))
    return FunctionCall("to_json", (*args, *casts), STRING, True, request.name)


def _write_json(args: list[str], call: FunctionCall, context: Any) -> str:
    plain = [a for a in call.args if not isinstance(a, Lambda)]
    options = options_argument(plain[1], "to_json", _WRITE_OPTIONS) if len(plain) > 1 else {}
    texts = {type(a.params[0].type): sql for a, sql in zip(call.args, args, strict=True) if isinstance(a, Lambda)}
    return Writer(options, texts, context.conf.time_zone).sql(args[0], plain[0].type, 0)


def _first_only(call: FunctionCall, texts: Sequence[str]) -> str:
    return f"{call.display}({texts[0]})"


register(
    row("get_json_object", "string string", STRING, _get_json_object, nullable=True),
    row("json_array_length", "string", INTEGER, _array_length, nullable=True),
    row("json_object_keys", "string", ArrayType(STRING, True), _object_keys, nullable=True),
    row("from_json", "any any any?", STRING, _from_json_sql, build=_from_json, display=_first_only),
    row("to_json", "any any?", STRING, _write_json, build=_to_json, display=_first_only),
)

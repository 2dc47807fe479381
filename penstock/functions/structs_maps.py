"""Structs and maps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from penstock.core.errors import analysis_error, unsupported
from penstock.functions.coercion import cast_if_needed, common_type
from penstock.functions.errors import data_diff_types, mismatch, wrong_input
from penstock.functions.literals import constant
from penstock.functions.markers import quote
from penstock.functions.rows import map_type, row, same_types
from penstock.functions.table import Args, Request, register
from penstock.functions.type_names import duck_type, quoted_type
from penstock.plan.expressions import Alias, Attribute, Expression, FunctionCall, GetField, LambdaVariable, Literal
from penstock.plan.types import (
    BOOLEAN,
    NULL,
    STRING,
    ArrayType,
    DataType,
    MapType,
    NullType,
    StructField,
    StructType,
)  # fmt: skip

# ---------------------------------------------------------------- structs


def _field_name(e: Expression, index: int) -> str:
    if isinstance(e, (Alias, Attribute, LambdaVariable)):
        return e.name
    return e.field_name if isinstance(e, GetField) else f"col{index + 1}"


def _struct(args: Args, request: Request) -> Expression:
    """struct(a, b AS x, 1): fields a, x and col3."""
    if not args:
        from penstock.functions.errors import wrong_count

        raise wrong_count(request.name, 1, None, 0)
    fields = [StructField(_field_name(e, i), e.type, e.nullable) for i, e in enumerate(args)]
    return FunctionCall("struct", args, StructType(fields), False, "struct")


def _struct_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    assert isinstance(call.type, StructType)
    return struct_literal([f.name for f in call.type.fields], args)


def struct_literal(names: list[str], values: list[str]) -> str:
    """A DuckDB struct.  Its fields have names of their own, whatever their case; Spark's need not."""
    seen: set[str] = set()
    for name in names:
        if name.lower() in seen:
            raise unsupported(f"a struct with two fields called {name}", "Give one of them an alias.")
        seen.add(name.lower())
    return "{" + ", ".join(f"{quote(n)}: {v}" for n, v in zip(names, values, strict=True)) + "}"


def _named_struct(args: Args, request: Request) -> Expression:
    if len(args) % 2:
        raise analysis_error(
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
            f"The function `{request.name}` takes pairs of arguments, but {len(args)} were given.",
            "42605", functionName=f"`{request.name}`", expectedNum="2n (n > 0)", actualNum=len(args),
            docroot="https://spark.apache.org/docs/latest",
        )  # fmt: skip
    fields = []
    for i in range(0, len(args), 2):
        name = constant(args[i])
        if name is None or not isinstance(name.value, str):
            raise mismatch(
                "CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING", request.name, args,
                "field names must be string constants.", inputExprs="",
            )  # fmt: skip
        fields.append(StructField(name.value, args[i + 1].type, args[i + 1].nullable))
    return FunctionCall("named_struct", args, StructType(fields), False, request.name)


def _named_struct_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    assert isinstance(call.type, StructType)
    return struct_literal([f.name for f in call.type.fields], args[1::2])


def _updated_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    """After what shows come the struct that is updated and the fields of the new one."""
    assert isinstance(call.type, StructType)
    made = struct_literal([f.name for f in call.type.fields], args[2:])
    return f"CASE WHEN {args[1]} IS NOT NULL THEN {made} END" if call.is_nullable else made


def _updated_name(call: FunctionCall, texts: Sequence[str]) -> str:
    shown = constant(call.args[0])
    assert shown is not None
    struct, *steps = json.loads(shown.value)
    return f"update_fields({', '.join([struct, *(text for _, text in steps)])})"


# ---------------------------------------------------------------- making maps


def _map_input(args: Args, request: Request) -> Args:
    if len(args) % 2:
        raise analysis_error(
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
            f"The function `{request.name}` takes pairs of arguments, but {len(args)} were given.",
            "42605", functionName=f"`{request.name}`", expectedNum="2n (n > 0)", actualNum=len(args),
            docroot="https://spark.apache.org/docs/latest",
        )  # fmt: skip
    keys, values = (
        common_type((a.type for a in args[0::2]), request.conf),
        common_type((a.type for a in args[1::2]), request.conf),
    )
    if keys is None or values is None:
        raise data_diff_types(request.name, args)
    if isinstance(keys, MapType):
        raise mismatch(
            "INVALID_MAP_KEY_TYPE", request.name, args, "a map cannot be a map key.", keyType=quoted_type(keys)
        )
    return tuple(cast_if_needed(arg, values if i % 2 else keys, request.conf) for i, arg in enumerate(args))


def _map_type(args: Args) -> DataType:
    if not args:
        return MapType(NULL, NULL, False)
    return MapType(args[0].type, args[1].type, any(arg.nullable for arg in args[1::2]))


def map_sql(keys: str, values: str, context: Any) -> str:
    """A map of two lists; with spark.sql.mapKeyDedupPolicy LAST_WIN the last value of a key counts."""
    macro = "spark_map_last" if context.conf["spark.sql.mapKeyDedupPolicy"].upper() == "LAST_WIN" else "map"
    return f"{macro}({keys}, {values})"


def _map(args: list[str], call: FunctionCall, context: Any) -> str:
    if not args:
        return f"CAST(MAP {{}} AS {duck_type(call.type)})"
    return map_sql(f"[{', '.join(args[0::2])}]", f"[{', '.join(args[1::2])}]", context)


def _from_arrays_type(args: Args) -> DataType:
    keys, values = args[0].type, args[1].type
    assert isinstance(keys, ArrayType) and isinstance(values, ArrayType)
    return MapType(keys.elementType, values.elementType, values.containsNull)


def _entries(args: Args, request: Request) -> Args:
    t = args[0].type
    fields = t.elementType.fields if isinstance(t, ArrayType) and isinstance(t.elementType, StructType) else []
    if len(fields) != 2:
        raise wrong_input(request.name, args, 0, "ARRAY of pair STRUCT")
    return args


def _from_entries_type(args: Args) -> DataType:
    t = args[0].type
    assert isinstance(t, ArrayType) and isinstance(t.elementType, StructType)
    key, value = t.elementType.fields
    return MapType(key.dataType, value.dataType, value.nullable)


def _from_entries_null(args: Args) -> bool:
    t = args[0].type
    return args[0].nullable or (isinstance(t, ArrayType) and t.containsNull)


def _from_entries(args: list[str], call: FunctionCall, context: Any) -> str:
    t = call.args[0].type
    assert isinstance(t, ArrayType) and isinstance(t.elementType, StructType)
    key, value = (quote(f.name) for f in t.elementType.fields)
    keys = f"list_transform({args[0]}, lambda e: struct_extract(e, {key}))"
    values = f"list_transform({args[0]}, lambda e: struct_extract(e, {value}))"
    whole = f"list_position({args[0]}, NULL) IS NULL"
    return f"CASE WHEN {args[0]} IS NOT NULL AND {whole} THEN {map_sql(keys, values, context)} END"


def _map_concat(args: list[str], call: FunctionCall, context: Any) -> str:
    if not args:
        return f"CAST(MAP {{}} AS {duck_type(call.type)})"
    if len(args) == 1:
        return args[0]
    null = " OR ".join(f"{arg} IS NULL" for arg in args)
    keys = "list_concat(" + ", ".join(f"map_keys({arg})" for arg in args) + ")"
    values = "list_concat(" + ", ".join(f"map_values({arg})" for arg in args) + ")"
    return f"CASE WHEN {null} THEN NULL ELSE {map_sql(keys, values, context)} END"


def _concat_input(args: Args, request: Request) -> Args:
    if any(not isinstance(arg.type, MapType) for arg in args):
        raise mismatch(
            "MAP_CONCAT_DIFF_TYPES", request.name, args, "the arguments must be maps of one type.",
            functionName=f"`{request.name}`", dataType="[" + ", ".join(quoted_type(arg.type) for arg in args) + "]",
        )  # fmt: skip
    return same_types(args, request) if args else args


def _concat_type(args: Args) -> DataType:
    return map_type(args) if args else MapType(STRING, STRING, False)


# ---------------------------------------------------------------- looking into maps


def _entries_type(args: Args) -> DataType:
    t = map_type(args)
    pair = StructType([StructField("key", t.keyType, False), StructField("value", t.valueType, t.valueContainsNull)])
    return ArrayType(pair, False)


def _contains_key(args: Args, request: Request) -> Args:
    t = args[0].type
    if not isinstance(t, (MapType, NullType)):
        raise wrong_input(request.name, args, 0, "MAP")
    if isinstance(t, NullType) or common_type((t.keyType, args[1].type), request.conf) != t.keyType:
        raise mismatch(
            "MAP_FUNCTION_DIFF_TYPES", request.name, args, "the key has another type than the keys of the map.",
            functionName=f"`{request.name}`", dataType='"MAP"', leftType=quoted_type(t),
            rightType=quoted_type(args[1].type),
        )  # fmt: skip
    return args[0], cast_if_needed(args[1], t.keyType, request.conf)


def _str_to_map(args: list[str], call: FunctionCall, context: Any) -> str:
    text, pairs, mark = args
    if not all(_is_plain(arg) for arg in call.args[1:]):
        made = f"kernel_pairs({text}, {pairs}, {mark})"
        whole = map_sql("m.k", "m.v", context)
        return f"list_transform([{made}], lambda m: CASE WHEN m IS NOT NULL THEN {whole} END)[1]"
    parts = f"string_split({text}, {pairs})"
    keys = f"list_transform({parts}, lambda p: split_part(p, {mark}, 1))"
    rest = f"substring(p, length(split_part(p, {mark}, 1)) + length({mark}) + 1)"
    values = f"list_transform({parts}, lambda p: CASE WHEN contains(p, {mark}) THEN {rest} END)"
    return f"CASE WHEN {text} IS NOT NULL THEN {map_sql(keys, values, context)} END"


_SPECIAL = frozenset("\\^$.|?*+()[]{}")


def _is_plain(delimiter: Expression) -> bool:
    """Delimiters are regular expressions in Spark: whether this one is a constant that stands for itself."""
    mark = constant(delimiter)
    return mark is not None and isinstance(mark.value, str) and bool(mark.value) and not _SPECIAL & set(mark.value)


register(
    row("struct", "any*", NULL, _struct_sql, build=_struct),
    row("named_struct", "any*", NULL, _named_struct_sql, build=_named_struct),
    row("$update_fields", "any any*", NULL, _updated_sql, display=_updated_name),
    row("map", "any*", _map_type, _map, coerce=_map_input, nullable=False),
    row("map_from_arrays", "array array", _from_arrays_type,
        lambda args, call, context: map_sql(args[0], args[1], context)),
    row("map_from_entries", "any", _from_entries_type, _from_entries, coerce=_entries, nullable=_from_entries_null),
    row("map_keys", "map", lambda args: ArrayType(map_type(args).keyType, True), "map_keys({0})"),
    row("map_values", "map", lambda args: ArrayType(map_type(args).valueType, map_type(args).valueContainsNull),
        "map_values({0})"),
    row("map_entries", "map", _entries_type, "map_entries({0})"),
    row("map_contains_key", "any any", BOOLEAN, "map_contains({0}, {1})", coerce=_contains_key, nullable=True),
    row("map_concat", "any*", _concat_type, _map_concat, coerce=_concat_input),
    row("str_to_map", "string string? string?", MapType(STRING, STRING, True), _str_to_map,
        defaults={1: Literal(",", STRING), 2: Literal(":", STRING)}),
)  # fmt: skip

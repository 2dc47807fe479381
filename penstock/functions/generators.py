"""Generators: one row becomes several.  The result type is the STRUCT of the columns they yield; the SQL is a LIST of
STRUCTs with fields g0, g1, ..."""

from __future__ import annotations

from typing import Any

from penstock.functions.coercion import cast_if_needed, same_type
from penstock.functions.errors import mismatch, wrong_input
from penstock.functions.literals import constant, constant_value
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, register
from penstock.functions.type_names import quoted_type
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
    BOOLEAN,
    INTEGER,
    NULL,
    STRING,
    ArrayType,
    DataType,
    MapType,
    NullType,
    StructField,
    StructType,
)


def _columns(t: DataType, args: Args, request: Request) -> list[StructField]:
    if isinstance(t, MapType):
        return [StructField("key", t.keyType, False), StructField("value", t.valueType, t.valueContainsNull)]
    if isinstance(t, ArrayType):
        return [StructField("col", t.elementType, t.containsNull)]
    raise wrong_input(request.name, args, 0, '("ARRAY" or "MAP")')


def _yields(args: Args, fields: list[StructField], request: Request) -> FunctionCall:
    return FunctionCall(request.function.name, args, StructType(fields), True, request.name)


def _explode(args: Args, request: Request) -> Expression:
    return _yields(args, _columns(args[0].type, args, request), request)


def _posexplode(args: Args, request: Request) -> Expression:
    return _yields(args, [StructField("pos", INTEGER, False), *_columns(args[0].type, args, request)], request)


def _explode_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    if isinstance(call.args[0].type, MapType):
        return f"list_transform(map_entries({args[0]}), lambda g: {{'g0': g.key, 'g1': g.value}})"
    return f"list_transform({args[0]}, lambda g: {{'g0': g}})"


def _posexplode_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    position = "CAST(i - 1 AS INTEGER)"
    if isinstance(call.args[0].type, MapType):
        return f"list_transform(map_entries({args[0]}), lambda g, i: {{'g0': {position}, 'g1': g.key, 'g2': g.value}})"
    return f"list_transform({args[0]}, lambda g, i: {{'g0': {position}, 'g1': g}})"


def _inline(args: Args, request: Request) -> Expression:
    t = args[0].type
    if not isinstance(t, ArrayType) or not isinstance(t.elementType, StructType):
        raise wrong_input(request.name, args, 0, "ARRAY<STRUCT>")
    fields = [StructField(f.name, f.dataType, f.nullable or t.containsNull) for f in t.elementType.fields]
    return _yields(args, fields, request)


def _inline_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    from penstock.functions.markers import quote

    t = call.args[0].type
    assert isinstance(t, ArrayType) and isinstance(t.elementType, StructType)
    parts = (f"'g{i}': struct_extract(g, {quote(f.name)})" for i, f in enumerate(t.elementType.fields))
    return f"list_transform({args[0]}, lambda g: {{{', '.join(parts)}}})"


def _stack(args: Args, request: Request) -> Expression:
    count = constant(args[0])
    if count is None or not isinstance(count.value, int) or count.value < 1:
        raise wrong_input(request.name, args, 0, "INT")
    width = -(-(len(args) - 1) // count.value)
    fields, values = [], list(args[1:])
    for column in range(width):
        members = values[column::width]
        kind: DataType = next((m.type for m in members if not isinstance(m.type, NullType)), NULL)
        values[column::width] = [cast_if_needed(m, kind, request.conf) if _is_null(m) else m for m in members]
        fields.append(StructField(f"col{column}", kind, True))
    _check_columns(values, width, args, request)
    return _yields((args[0], *values), fields, request)


def _is_null(e: Expression) -> bool:
    return isinstance(e, Literal) and e.value is None


def _check_columns(values: list[Expression], width: int, args: Args, request: Request) -> None:
    """A column's values are of the first row's type: but for NULL literals, nothing is cast."""
    for i, value in enumerate(values[width:], width):
        first = values[i % width].type
        if not same_type(first, value.type):
            raise mismatch(
                "STACK_COLUMN_DIFF_TYPES", request.name, args, "the values of a column differ in type.",
                columnIndex=i % width, leftParamIndex=i % width + 1, leftType=quoted_type(first),
                rightParamIndex=i + 1, rightType=quoted_type(value.type),
            )  # fmt: skip


def _stack_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    assert isinstance(call.type, StructType)
    width, values = len(call.type.fields), args[1:]
    count, rows = constant_value(call.args[0]), []
    for start in range(0, count * width, width):  # rows beyond the values are NULLs
        part = values[start : start + width]
        part += ["NULL"] * (width - len(part))
        rows.append("{" + ", ".join(f"'g{i}': {v}" for i, v in enumerate(part)) + "}")
    return f"[{', '.join(rows)}]"


def _json_tuple(args: Args, request: Request) -> Expression:
    texts = tuple(cast_if_needed(arg, STRING, request.conf) for arg in args)
    return _yields(texts, [StructField(f"c{i}", STRING, True) for i in range(len(args) - 1)], request)


def _json_tuple_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    from penstock.functions.json import member_text

    return "[{" + ", ".join(f"'g{i}': {member_text(args[0], key)}" for i, key in enumerate(args[1:])) + "}]"


def generator(name: str, build: Any, sql: Any, takes: str = "any", params: str = "", outer: bool = False) -> Function:
    """A row of kind generator; `outer`: a row of NULLs for a collection that is empty or NULL."""
    return row(name, takes, NULL, sql, kind="generator", build=build, nullable=True, params=params, outer=outer)


_COLLATION = ("CATALOG", "SCHEMA", "NAME", "LANGUAGE", "COUNTRY", "ACCENT_SENSITIVITY", "CASE_SENSITIVITY",
              "PAD_ATTRIBUTE", "ICU_VERSION")  # fmt: skip
_COLLATIONS = (
    "[{'g0': 'SYSTEM', 'g1': 'BUILTIN', 'g2': 'UTF8_BINARY', 'g3': NULL, 'g4': NULL, 'g5': 'ACCENT_SENSITIVE', "
    "'g6': 'CASE_SENSITIVE', 'g7': 'NO_PAD', 'g8': NULL}]"
)


def _collations(args: Args, request: Request) -> Expression:
    """The collations that there are: one."""
    return _yields(args, [StructField(name, STRING) for name in _COLLATION], request)


def _keywords(args: Args, request: Request) -> Expression:
    return _yields(args, [StructField("keyword", STRING), StructField("reserved", BOOLEAN)], request)


def _keywords_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    from penstock.functions.markers import quote
    from penstock.sql.keywords import KEYWORDS

    return f"list_transform([{', '.join(map(quote, KEYWORDS))}], lambda w: {{'g0': w, 'g1': FALSE}})"


register(
    generator("sql_keywords", _keywords, _keywords_sql, takes=""),
    generator("collations", _collations, lambda args, call, context: _COLLATIONS, takes=""),
    generator("explode", _explode, _explode_sql, params="collection"),
    generator("explode_outer", _explode, _explode_sql, params="collection", outer=True),
    generator("posexplode", _posexplode, _posexplode_sql, params="collection"),
    generator("posexplode_outer", _posexplode, _posexplode_sql, params="collection", outer=True),
    generator("inline", _inline, _inline_sql, params="input"),
    generator("inline_outer", _inline, _inline_sql, params="input", outer=True),
    generator("stack", _stack, _stack_sql, "any any any*"),
    generator("json_tuple", _json_tuple, _json_tuple_sql, "any any any*"),
)

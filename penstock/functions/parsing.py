"""from_json, from_csv and from_xml, and the schemas of such texts: Spark's parsers, row by row in Python.

What is ordinary (plain structs of JSON without options) is read by DuckDB; a text that is not clean goes to the exact
reader, one row at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from penstock.core.errors import RUNTIME, SparkError, analysis_error
from penstock.functions import fast_json
from penstock.functions.coercion import cast_if_needed
from penstock.functions.errors import not_foldable
from penstock.functions.literals import constant
from penstock.functions.rows import row
from penstock.functions.table import Args, Function, Request, register
from penstock.functions.type_names import type_sql
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import STRING, ArrayType, DataType, MapType, StringType, StructField, StructType, VariantType
from penstock.sources.records import functions as records


def schema_argument(e: Expression, args: Args, request: Request) -> DataType:
    """The schema: DDL or JSON text, or a call of schema_of_json and its kin."""
    if isinstance(e, FunctionCall) and e.name.startswith("schema_of_"):
        e = e.args[1]
    found = constant(e)
    if found is None or not isinstance(found.value, str):
        raise not_foldable(request.name, args, 1, "schema")
    text = found.value.strip()
    if text.startswith(("{", '"')):
        from pyspark.sql.types import _parse_datatype_json_value

        parsed: DataType = _parse_datatype_json_value(json.loads(text))
        return parsed
    from penstock.sql import parse_schema, parse_type

    try:
        return parse_type(text)
    except Exception:
        return parse_schema(text)


def options_argument(e: Expression | None, args: Args, request: Request) -> dict[str, str]:
    """A map of options with keys in lower case.  Options that nobody knows are ignored, as in Spark."""
    if e is None:
        return {}
    if isinstance(e, FunctionCall) and e.name == "map":
        values = [constant(a) for a in e.args]
        if any(v is None for v in values):
            raise not_foldable(request.name, args, args.index(e), "options")
        pairs = [(k.value, v.value) for k, v in zip(values[0::2], values[1::2], strict=True) if k and v]
    else:
        found = constant(e)
        pairs = list(found.value) if found is not None and found.value else []
    return {str(key).lower(): str(value) for key, value in pairs}


def all_nullable(t: DataType) -> DataType:
    """The type with everything in it nullable."""
    if isinstance(t, StructType):
        return StructType([StructField(f.name, all_nullable(f.dataType), True, f.metadata) for f in t.fields])
    if isinstance(t, ArrayType):
        return ArrayType(all_nullable(t.elementType), True)
    return MapType(t.keyType, all_nullable(t.valueType), True) if isinstance(t, MapType) else t


# ---------------------------------------------------------------- from_...


def _check_schema(t: DataType, name: str) -> None:
    allowed = (StructType, ArrayType, MapType, VariantType) if name == "from_json" else (StructType, VariantType)
    if not isinstance(t, allowed):
        raise analysis_error(
            "INVALID_SCHEMA.NON_STRUCT_TYPE" if name != "from_json" else "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA",
            f"{name} cannot make a {t.simpleString().upper()}: give the schema of a STRUCT"
            f"{', an ARRAY or a MAP' if name == 'from_json' else ''}.",
            "42K07" if name != "from_json" else "42K09",
            inputSchema=f'"{t.simpleString().upper()}"', dataType=f'"{t.simpleString().upper()}"',
            schema=f'"{t.simpleString().upper()}"', sqlExpr="",
        )  # fmt: skip


def _check_mode(options: Mapping[str, str], name: str) -> None:
    mode = options.get("mode", "PERMISSIVE").strip().upper()
    if mode == "DROPMALFORMED":
        message = f"The function `{name}` cannot drop records, as the mode {mode} asks: use PERMISSIVE or FAILFAST."
        params = {"funcName": f"`{name}`", "mode": mode}
        raise SparkError("PARSE_MODE_UNSUPPORTED", message, params, sqlstate="42601", classes=RUNTIME)


def _read(args: Args, request: Request) -> Expression:
    name = request.name
    t = all_nullable(schema_argument(args[1], args, request))
    _check_schema(t, name)
    options = options_argument(args[2] if len(args) > 2 else None, args, request)
    _check_mode(options, name)
    text = cast_if_needed(args[0], STRING, request.conf)
    known = {**options, "$corrupt": records.corrupt_column(options, request.conf)}
    known["$zone"] = request.conf.time_zone
    known["$case"] = str(request.conf.get("spark.sql.caseSensitive") or "false").lower()
    settings = Literal(json.dumps(known), STRING)
    nullable = text.nullable if name == "from_csv" else True
    return FunctionCall(name, (text, *args[1:], settings), t, nullable, name)


def _read_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    settings: dict[str, str] = json.loads(constant(call.args[-1]).value)  # type: ignore[union-attr]
    exact = records.value_sql(call.name, call.type, settings)
    if call.name == "from_json" and isinstance(call.type, StructType) and fast_json.serves(call.type, settings):
        return fast_json.sql(args[0], call.type, exact, settings["$zone"])
    return f"{exact}({args[0]})"


def _first_only(call: FunctionCall, texts: Any) -> str:
    return f"{call.display}({texts[0]})"


def _reader(name: str) -> Function:
    return row(name, "any any any?", STRING, _read_sql, build=_read, display=_first_only)


# ---------------------------------------------------------------- schema_of_...


def _schema_of(infer: Callable[[str, Mapping[str, str], str], DataType]) -> Callable[[Args, Request], Expression]:
    def build(args: Args, request: Request) -> Expression:
        found = constant(args[0])
        if found is None or not isinstance(args[0].type, StringType):
            raise not_foldable(request.name, args, 0, "input")
        options = options_argument(args[1] if len(args) > 1 else None, args, request)
        if found.value is None:
            raise analysis_error(
                "DATATYPE_MISMATCH.UNEXPECTED_NULL", f"{request.name} needs a text, not NULL.", "42K09",
                exprName=request.name, sqlExpr="",
            )  # fmt: skip
        schema = infer(found.value, options, request.conf.time_zone)
        return FunctionCall(request.name, (args[0], Literal(type_sql(schema), STRING)), STRING, False, request.name)

    return build


def _schema_row(name: str, infer: Callable[[str, Mapping[str, str], str], DataType]) -> Function:
    return row(name, "any any?", STRING, "{1}", build=_schema_of(infer), display=_first_only)


register(
    _reader("from_json"),
    _reader("from_csv"),
    _reader("from_xml"),
    _schema_row("schema_of_json", records.json_schema),
    _schema_row("schema_of_csv", records.csv_schema),
    _schema_row("schema_of_xml", records.xml_schema),
)

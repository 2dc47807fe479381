"""from_avro and to_avro: single values in Avro's binary form, without a file's header (the extra "avro")."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from penstock.core import row_functions
from penstock.core.errors import analysis_error
from penstock.functions.errors import not_foldable
from penstock.functions.literals import constant
from penstock.functions.parsing import all_nullable, options_argument
from penstock.functions.rows import row
from penstock.functions.table import Args, Request, register
from penstock.functions.type_names import duck_type
from penstock.plan.avro_types import avro_schema, fastavro_module, from_avro, spark_type, to_avro
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import BINARY, STRING, BinaryType, DataType
from penstock.sinks.formats.python_values import values
from penstock.sources.records import arrow
from penstock.sources.records.modes import FAIL, PERMISSIVE, RecordError, raised


def _text(args: Args, at: int, request: Request, what: str) -> str:
    found = constant(args[at])
    if found is None or not isinstance(found.value, str):
        raise not_foldable(request.name, args, at, what)
    return found.value


def _from(args: Args, request: Request) -> Expression:
    fastavro_module()
    if not isinstance(args[0].type, BinaryType):
        raise analysis_error(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", "from_avro reads a BINARY.", "42K09", sqlExpr=""
        )
    text = _text(args, 1, request, "jsonFormatSchema")
    options = options_argument(args[2] if len(args) > 2 else None, args, request)
    mode = options.get("mode", FAIL).lower()
    if mode not in (FAIL, PERMISSIVE):
        message = f"The function `from_avro` cannot work in the mode {mode}: use PERMISSIVE or FAILFAST."
        raise analysis_error("PARSE_MODE_UNSUPPORTED", message, "42601", funcName="`from_avro`", mode=mode)
    wanted = json.loads(options.get("avroschema", text))
    settings = Literal(json.dumps({"writer": text, "reader": options.get("avroschema"), "mode": mode}), STRING)
    return FunctionCall("from_avro", (args[0], settings), all_nullable(spark_type(wanted)[0]), True, request.name)


def _from_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    text = constant(call.args[1]).value  # type: ignore[union-attr]
    name = row_functions.define(
        f"from_avro {text}", lambda: _reader(json.loads(text), call.type), ("BLOB",), duck_type(call.type)
    )
    return f"{name}({args[0]})"


def _reader(settings: Mapping[str, Any], t: DataType) -> Callable[[Any], pa.Array]:
    fastavro = fastavro_module()
    writer = fastavro.parse_schema(json.loads(settings["writer"]))
    given = json.loads(settings["reader"]) if settings["reader"] else None
    reader = fastavro.parse_schema(given) if given is not None else None
    convert = from_avro(given if given is not None else json.loads(settings["writer"]), t, {})

    def one(data: bytes | None) -> Any:
        if data is None:
            return None
        try:
            return convert(fastavro.schemaless_reader(io.BytesIO(data), writer, reader))
        except (ValueError, EOFError, TypeError, IndexError, KeyError, StopIteration) as error:
            if settings["mode"] == PERMISSIVE:
                return None
            raise _malformed(error) from None

    return lambda column: arrow.array([one(data) for data in column.to_pylist()], t)


def _malformed(error: Exception) -> RecordError:
    message = (
        f"A value is not what its Avro schema says ({error}), and the mode is FAILFAST. With PERMISSIVE it is NULL."
    )
    condition = "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION"
    return raised(condition, message, sqlstate="22023", kind="spark", badRecord="", failFastMode="FAILFAST")


def _to(args: Args, request: Request) -> Expression:
    fastavro_module()
    text = _text(args, 1, request, "jsonFormatSchema") if len(args) > 1 else ""
    written = text or json.dumps(avro_schema(args[0].type, args[0].nullable))
    return FunctionCall("to_avro", (args[0], Literal(written, STRING)), BINARY, args[0].nullable, request.name)


def _to_sql(args: list[str], call: FunctionCall, context: Any) -> str:
    text, t = constant(call.args[1]).value, call.args[0].type  # type: ignore[union-attr]
    name = row_functions.define(
        f"to_avro {text} {t.json()}", lambda: _writer(json.loads(text), t), (duck_type(t),), "BLOB"
    )
    return f"{name}({args[0]})"


def _writer(schema: Any, t: DataType) -> Callable[[Any], pa.Array]:
    fastavro = fastavro_module()
    parsed, convert = fastavro.parse_schema(schema), to_avro(schema, t, {})
    nullable = isinstance(schema, list)

    def one(value: Any) -> Any:
        if value is None and not nullable:
            return None
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, convert(value))
        return out.getvalue()

    return lambda column: pa.array([one(value) for value in values(column)], pa.binary())


def _first_only(call: FunctionCall, texts: Any) -> str:
    return f"{call.display}({texts[0]})"


register(
    row("from_avro", "any any any?", BINARY, _from_sql, build=_from, display=_first_only),
    row("to_avro", "any any?", BINARY, _to_sql, build=_to, display=_first_only),
)

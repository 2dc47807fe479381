"""to_csv and to_xml: structs as texts, row by row as the encoders of files write them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from penstock.core import row_functions
from penstock.core.errors import SparkError, analysis_error
from penstock.core.text import scalar_renderer, zone
from penstock.core.xml_writer import XmlWriter
from penstock.functions.literals import constant
from penstock.functions.parsing import options_argument
from penstock.functions.rows import row
from penstock.functions.table import Args, Request, register
from penstock.functions.type_names import duck_type
from penstock.plan.expressions import Expression, FunctionCall, Literal
from penstock.plan.types import (
    NULL,
    STRING,
    ArrayType,
    BinaryType,
    DataType,
    MapType,
    NullType,
    StructField,
    StructType,
)  # fmt: skip
from penstock.sinks.formats.csv import CsvEncoder
from penstock.sinks.formats.python_values import rows, values
from penstock.sources.records.modes import through_engine

_END = "\x1e\x1f\n"
_NESTED = (ArrayType, MapType, StructType, BinaryType)


def _build(args: Args, request: Request) -> Expression:
    name, t = request.name, args[0].type
    if isinstance(t, NullType):
        return FunctionCall(name, (Literal(None, NULL), *args[1:]), STRING, True, name)
    if not isinstance(t, StructType):
        raise analysis_error(
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", f"{name} takes a STRUCT.", "42K09", sqlExpr="",
            paramIndex="first",
            requiredType='"STRUCT"', inputSql="", inputType=f'"{t.simpleString().upper()}"',
        )  # fmt: skip
    options = options_argument(args[1] if len(args) > 1 else None, args, request)
    options["$zone"] = options.get("timezone", request.conf.time_zone)
    _MAKERS[name](t, options)  # raises for types and options that do not fit
    return FunctionCall(name, (*args, Literal(json.dumps(options), STRING)), STRING, True, name)


def _sql(args: list[str], call: FunctionCall, context: Any) -> str:
    t = call.args[0].type
    if isinstance(t, NullType):
        return "CAST(NULL AS VARCHAR)"
    options = json.loads(constant(call.args[-1]).value)  # type: ignore[union-attr]
    specification = json.dumps([call.name, t.json(), sorted(options.items())])
    name = row_functions.define(
        specification, lambda: _texts(_MAKERS[call.name](t, options)), (duck_type(t),), "VARCHAR"
    )
    return f"{name}({args[0]})"


def _texts(write: Callable[[pa.Table], list[str]]) -> Callable[[Any], pa.Array]:
    def function(structs: Any) -> pa.Array:
        array = structs.combine_chunks() if isinstance(structs, pa.ChunkedArray) else structs
        table = pa.Table.from_arrays(array.flatten(), names=[f"c{i}" for i in range(array.type.num_fields)])
        try:
            found = write(table)
        except SparkError as error:
            raise through_engine(error) from None
        valid = array.is_valid().to_pylist()
        return pa.array([text if ok else None for text, ok in zip(found, valid, strict=True)], pa.string())

    return function


def _csv(t: DataType, options: Mapping[str, str]) -> Callable[[pa.Table], list[str]]:
    assert isinstance(t, StructType)
    kept = {key: value for key, value in options.items() if key not in ("header", "compression", "encoding", "linesep")}
    nested = [i for i, f in enumerate(t.fields) if isinstance(f.dataType, _NESTED)]
    shown = StructType([StructField(f.name, STRING) if i in nested else f for i, f in enumerate(t.fields)])
    encoder = CsvEncoder(shown, {**kept, "linesep": _END}, options["$zone"], keep_empty=True)
    time_zone = zone(options["$zone"])

    def write(table: pa.Table) -> list[str]:
        for i in nested:
            kind = t.fields[i].dataType
            column = [None if v is None else _shown(v, kind, time_zone) for v in values(table.column(i))]
            table = table.set_column(i, table.column_names[i], pa.array(column, pa.string()))
        return bytes(encoder.encode(table)).decode().split(_END)[:-1]

    return write


def _shown(value: Any, t: DataType, time_zone: Any) -> str:
    """A nested value as text; NULLs in it are empty."""
    if value is None:
        return ""
    if isinstance(t, ArrayType):
        return "[" + _listed([_shown(one, t.elementType, time_zone) for one in value]) + "]"
    if isinstance(t, StructType):
        return "{" + _listed([_shown(one, f.dataType, time_zone) for one, f in zip(value, t.fields, strict=True)]) + "}"
    if isinstance(t, MapType):
        pairs = ((_shown(k, t.keyType, time_zone), _shown(v, t.valueType, time_zone)) for k, v in value)
        return "{" + _listed([f"{key} -> {one}" if one else f"{key} ->" for key, one in pairs]) + "}"
    return scalar_renderer(t, time_zone)(value)


def _listed(texts: list[str]) -> str:
    """With commas between, and blanks before all that is not empty."""
    return "".join(text if i == 0 else f", {text}" if text else "," for i, text in enumerate(texts))


def _xml(t: DataType, options: Mapping[str, str]) -> Callable[[pa.Table], list[str]]:
    writer = XmlWriter(t, options, options["$zone"])
    end = "\n" if options.get("indent") == "" else ""
    return lambda table: [writer.row(values) + end for values in rows(table)]


_MAKERS = {"to_csv": _csv, "to_xml": _xml}


def _first_only(call: FunctionCall, texts: Any) -> str:
    return f"{call.display}({texts[0]})"


register(
    row("to_csv", "any any?", STRING, _sql, build=_build, display=_first_only),
    row("to_xml", "any any?", STRING, _sql, build=_build, display=_first_only),
)

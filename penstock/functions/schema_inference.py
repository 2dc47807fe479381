"""The schema that Spark would infer of one JSON, CSV or XML text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from penstock.functions.kernels.documents import csv_tokens
from penstock.plan.types import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    LONG,
    NULL,
    STRING,
    TIMESTAMP,
    ArrayType,
    DataType,
    DecimalType,
    NullType,
    StructField,
    StructType,
)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})?")
_LEADING_ZEROS = re.compile(r'("(?:[^"\\]|\\.)*")|(?<![\w.])(-?)0+(?=\d)')


def json_schema(text: str, options: Mapping[str, str]) -> DataType:
    """Of a JSON text; ValueError when it is none."""
    if options.get("allownumericleadingzeros", "false").lower() == "true":
        text = _LEADING_ZEROS.sub(lambda m: m[1] or m[2], text)
    as_text = options.get("primitivesasstring", "false").lower() == "true"
    value = json.loads(text, parse_constant=_no_constant)
    return without_void(_json_type(value, as_text))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _json_type(value: Any, as_text: bool) -> DataType:
    if isinstance(value, dict):
        fields = (StructField(k, _json_type(v, as_text), True) for k, v in sorted(value.items()))
        return StructType(list(fields))
    if isinstance(value, list):
        kind: DataType = NULL
        for element in value:
            kind = merged(kind, _json_type(element, as_text))
        return ArrayType(kind, True)
    if value is None:
        return NULL
    if as_text or isinstance(value, str):
        return STRING
    if isinstance(value, bool):
        return BOOLEAN
    return DOUBLE if isinstance(value, float) else _whole_type(value)


def _whole_type(value: int) -> DataType:
    if -(1 << 63) <= value < 1 << 63:
        return LONG
    return DecimalType(len(str(abs(value))), 0) if len(str(abs(value))) <= 38 else DOUBLE


def merged(a: DataType, b: DataType) -> DataType:
    """The type of values of both types; STRING when nothing else is."""
    if a == b or isinstance(b, NullType):
        return a
    if isinstance(a, NullType):
        return b
    if isinstance(a, ArrayType) and isinstance(b, ArrayType):
        return ArrayType(merged(a.elementType, b.elementType), True)
    if isinstance(a, StructType) and isinstance(b, StructType):
        kinds = {f.name: f.dataType for f in a.fields}
        for f in b.fields:
            kinds[f.name] = merged(kinds.get(f.name, NULL), f.dataType)
        return StructType([StructField(k, v, True) for k, v in sorted(kinds.items())])
    numbers = {type(a), type(b)}
    if numbers <= {type(LONG), type(DOUBLE), DecimalType}:
        if type(DOUBLE) in numbers:
            return DOUBLE
        digits = [t.precision if isinstance(t, DecimalType) else 20 for t in (a, b)]
        return DecimalType(max(digits), 0)
    return STRING


def without_void(t: DataType) -> DataType:
    """Nulls only are STRING; empty structs go."""
    if isinstance(t, NullType):
        return STRING
    if isinstance(t, ArrayType):
        return ArrayType(without_void(t.elementType), True)
    if isinstance(t, StructType):
        return StructType([StructField(f.name, without_void(f.dataType), True) for f in t.fields])
    return t


def csv_schema(line: str, options: Mapping[str, str]) -> StructType:
    """Of one CSV record: fields _c0, _c1, ..."""
    tokens = csv_tokens(line, options)
    return StructType([StructField(f"_c{i}", _text_type(token, INTEGER), True) for i, token in enumerate(tokens)])


def _text_type(token: str | None, smallest: DataType) -> DataType:
    if token is None or token == "":
        return STRING
    if re.fullmatch(r"[+-]?\d+", token):
        value = int(token)
        if smallest == INTEGER and -(1 << 31) <= value < 1 << 31:
            return INTEGER
        return LONG if -(1 << 63) <= value < 1 << 63 else DecimalType(len(token.lstrip("+-")), 0)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", token) or token in ("NaN", "Inf", "-Inf"):
        return DOUBLE
    if _DATE.fullmatch(token):
        return DATE
    if _TIMESTAMP.fullmatch(token):
        return TIMESTAMP
    return BOOLEAN if token.lower() in ("true", "false") else STRING


def xml_schema(text: str, options: Mapping[str, str]) -> DataType:
    """Of one XML element; ElementTree.ParseError when it is none."""
    prefix = "" if options.get("excludeattribute", "false").lower() == "true" else options.get("attributeprefix", "_")
    return without_void(_xml_type(ElementTree.fromstring(text), prefix))


def _xml_type(element: ElementTree.Element, prefix: str) -> DataType:
    kinds: dict[str, DataType] = {}
    for name, value in element.attrib.items() if prefix else ():
        kinds[prefix + name] = _text_type(value, LONG)
    attributes = bool(kinds)
    for child in element:
        kind = _xml_type(child, prefix)
        if child.tag in kinds:
            before = kinds[child.tag]
            kinds[child.tag] = ArrayType(merged(before.elementType if isinstance(before, ArrayType) else before, kind))
        else:
            kinds[child.tag] = kind
    text = (element.text or "").strip()
    if not kinds:
        return _text_type(text, LONG) if text else NULL
    if text and attributes:
        kinds["_VALUE"] = _text_type(text, LONG)
    return StructType([StructField(k, v, True) for k, v in sorted(kinds.items())])

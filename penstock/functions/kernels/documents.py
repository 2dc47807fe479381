"""Kernels that turn CSV and XML records into JSON, which `from_json` then reads, and JSON into XML.

A record becomes a JSON object with the members of the schema (JSON text, as `StructType.json()`).  What a field's type
cannot hold is null.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa

from penstock.functions.kernels.rows import by_row, raised

_WHOLE = re.compile(r"[+-]?\d+")
_LIMITS = {"byte": 7, "short": 15, "integer": 31, "long": 63}
_SPECIAL = {"NaN": "NaN", "Inf": "Infinity", "-Inf": "-Infinity", "Infinity": "Infinity", "-Infinity": "-Infinity"}


def leaf(text: str | None, kind: str) -> Any:
    """The text of one value as what JSON has for a type."""
    if text is None:
        return None
    if kind in _LIMITS:
        value = int(text) if _WHOLE.fullmatch(text) else None
        return value if value is not None and -(1 << _LIMITS[kind]) <= value < 1 << _LIMITS[kind] else None
    if kind in ("double", "float"):
        return _SPECIAL.get(text) or _float(text.strip())
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower())
    return text


def _float(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?", text) else None


@lru_cache(maxsize=64)
def _loaded(text: str) -> Any:
    return json.loads(text)


# ---------------------------------------------------------------- CSV


def csv_tokens(line: str, options: Mapping[str, str]) -> list[str | None]:
    """The fields of one record; an empty one without quotes is NULL."""
    mark = options.get("sep", options.get("delimiter", ","))
    quoted, skip = options.get("quote", '"'), options.get("escape", "\\")
    out: list[str | None] = []
    at = 0
    while True:
        if quoted and line.startswith(quoted, at):
            start = at
            text, at = _quoted(line, at + len(quoted), quoted, skip)
            rest = line.find(mark, at)
            end = len(line) if rest < 0 else rest
            if end > at:  # text after the closing quote: nothing was quoted
                text, rest = line[start:end], rest
            out.append(text or None)
        else:
            rest = line.find(mark, at)
            end = len(line) if rest < 0 else rest
            text = line[at:end]
            out.append(None if text == options.get("nullvalue", "") else text)
        if rest < 0:
            return out
        at = end + len(mark)


def _quoted(line: str, at: int, quoted: str, skip: str) -> tuple[str, int]:
    text = ""
    while at < len(line):
        if skip and line.startswith(skip, at) and line[at + 1 : at + 2] in (quoted, skip):
            text, at = text + line[at + 1], at + 2
        elif line.startswith(quoted, at):
            return text, at + 1
        else:
            text, at = text + line[at], at + 1
    return text, at


@by_row(pa.string())
def csv_to_json(line: str, schema: str, options: str) -> str:
    """One CSV record as a JSON object."""
    tokens = csv_tokens(line.rstrip("\r\n"), _loaded(options))
    fields = _loaded(schema)["fields"]
    tokens += [None] * (len(fields) - len(tokens))
    record = {f["name"]: leaf(token, f["type"]) for f, token in zip(fields, tokens, strict=False)}
    return json.dumps(record, ensure_ascii=False)


# ---------------------------------------------------------------- XML


@by_row(pa.string())
def xml_to_json(text: str, schema: str, options: str) -> str:
    """One XML element as a JSON object; what is no XML is an object of nulls."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return "{}"
    value = _xml_value([root], _loaded(schema), _loaded(options).get("attributeprefix", "_"))
    return json.dumps(value if isinstance(value, (dict, list)) else {}, ensure_ascii=False)


def _content(element: ElementTree.Element) -> str | None:
    return "".join(element.itertext()).strip()


def _xml_value(elements: list[Any], kind: Any, prefix: str) -> Any:
    """What the elements of one name are as a type: an array takes all of them, other types the last."""
    if not elements:
        return None
    if isinstance(kind, str):
        element = elements[-1]
        return leaf(element if isinstance(element, str) else _content(element), kind)
    if kind["type"] == "array":
        return [_xml_value([element], kind["elementType"], prefix) for element in elements]
    element = elements[-1]
    if kind["type"] == "map":
        return {child.tag: _xml_value([child], kind["valueType"], prefix) for child in element}
    return {f["name"]: _xml_value(_members(element, f["name"], prefix), f["type"], prefix) for f in kind["fields"]}


def _members(element: Any, name: str, prefix: str) -> list[Any]:
    if isinstance(element, str):
        return []
    if name == "_VALUE":
        return [element.text.strip()] if element.text and element.text.strip() else []
    if name.startswith(prefix) and name[len(prefix) :] in element.attrib:
        return [element.attrib[name[len(prefix) :]]]
    return [child for child in element if child.tag == name]


@by_row(pa.string())
def json_to_xml(text: str, options: str) -> str:
    """A JSON object as an element `ROW`, indented by four blanks."""
    chosen = _loaded(options)
    row = json.loads(text, parse_float=str, parse_int=str)
    return "\n".join(_element(chosen.get("rowtag", "ROW"), row, 0, chosen.get("attributeprefix", "_")))


def _element(name: str, value: Any, depth: int, prefix: str) -> list[str]:
    indent = "    " * depth
    if not isinstance(value, dict):
        return [f"{indent}<{name}>{_text(value)}</{name}>"] if value not in (None, "") else [f"{indent}<{name}/>"]
    attributes = {k: v for k, v in value.items() if k.startswith(prefix) and not isinstance(v, (dict, list))}
    if "_VALUE" in value:
        raise raised(
            "UNSUPPORTED_FEATURE.PENSTOCK", "Penstock does not support `_VALUE` in to_xml.", sqlstate="0A000",
            kind="unsupported", feature="`_VALUE` in to_xml",
        )  # fmt: skip
    start = name + "".join(f" {k[len(prefix) :]}={quoteattr(_text(v))}" for k, v in attributes.items())
    lines: list[str] = []
    for key, member in value.items():
        if key not in attributes:
            for one in member if isinstance(member, list) else [member]:
                lines += _element(key, one, depth + 1, prefix)
    return [f"{indent}<{start}>", *lines, f"{indent}</{name}>"] if lines else [f"{indent}<{start}/>"]


def _text(value: Any) -> str:
    return escape(str(value).lower() if isinstance(value, bool) else str(value))

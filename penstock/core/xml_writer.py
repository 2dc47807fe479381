"""Rows as XML, as Spark writes them: attributes first, what is NULL left out, a field in an element of its name.

Values are Python's: structs are lists in the order of their fields, maps lists of pairs, dates days and timestamps
microseconds since 1970.
"""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Mapping
from typing import Any

from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError, unsupported
from penstock.core.java_format import DATE, TIMESTAMP, TIMESTAMP_NTZ, format_days, format_micros
from penstock.core.text import double_text, float_text

_UTC = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_ESCAPES = {"&": "&amp;", "<": "&lt;", "\r": "&#xd;"}
_IN_ATTRIBUTES = {**_ESCAPES, '"': "&quot;", "\n": "&#xa;", "\t": "&#x9;"}


def _escaped(text: str, table: Mapping[str, str]) -> str:
    shown = re.sub('[&<\r\n\t"]', lambda match: table.get(match[0], match[0]), text)
    return shown.replace("]]>", "]]&gt;")


class XmlWriter:
    """Writes rows of one schema (a struct type).  Options: rowTag, attributePrefix, valueTag, nullValue, indent,
    arrayElementName, dateFormat, timestampFormat, timestampNTZFormat, timeZone (keys lower-case)."""

    def __init__(self, schema: Any, options: Mapping[str, str], time_zone: str) -> None:
        self._schema = schema
        self._row_tag = options.get("rowtag", "ROW")
        self._prefix = options.get("attributeprefix", "_")
        self._value_tag = options.get("valuetag", "_VALUE")
        self._null = options.get("nullvalue")
        self._step = options.get("indent", "    ")
        self._item = options.get("arrayelementname", "item")
        self._formats = (
            options.get("dateformat", DATE), options.get("timestampformat", TIMESTAMP),
            options.get("timestampntzformat", TIMESTAMP_NTZ),
        )  # fmt: skip
        self._zone = options.get("timezone", time_zone)
        if not self._prefix:
            message = "The option attributePrefix cannot be empty when XML is written."
            raise SparkError("_LEGACY_ERROR_TEMP_3250", message, {}, classes=ILLEGAL_ARGUMENT)

    def row(self, values: list[Any], depth: int = 0) -> str:
        """The element of one row, without the line end after it."""
        return "".join(self._element(self._row_tag, self._schema, values, depth)).removeprefix("\n")

    def _line(self, depth: int) -> str:
        return "\n" + self._step * depth if self._step else ""

    def _is_attribute(self, name: str) -> bool:
        return name.startswith(self._prefix) and name != self._value_tag

    def _element(self, name: str, t: Any, value: Any, depth: int) -> list[str]:
        """An element with what is in it; only the text if it is the value tag."""
        if (value is None or t.typeName() == "void") and self._null is None:
            return []
        if name == self._value_tag:
            return [self._text(t, value)]
        attributes, inside = self._content(t, value, depth + 1)
        start = f"{self._line(depth)}<{name}{attributes}"
        if not inside:
            return [start, "/>"]
        ends = self._line(depth) if inside[-1].endswith(">") and not self._is_text(t, value) else ""
        return [start, ">", *inside, ends, f"</{name}>"]

    def _is_text(self, t: Any, value: Any) -> bool:
        return value is None or t.typeName() not in ("struct", "map", "array")

    def _content(self, t: Any, value: Any, depth: int) -> tuple[str, list[str]]:
        """The attributes, and the pieces between the tags."""
        if self._is_text(t, value):
            return "", [self._text(t, value)]
        if t.typeName() == "array":
            parts = [piece for one in value for piece in self._child(self._item, t.elementType, one, depth)]
            return "", parts
        members = (
            [(f.name, f.dataType, one) for f, one in zip(t.fields, value, strict=True)] if t.typeName() == "struct"
            else [(str(key), t.valueType, one) for key, one in value]
        )  # fmt: skip
        attributes = [self._attribute(name, kind, one) for name, kind, one in members if self._is_attribute(name)]
        inside = [
            piece
            for name, kind, one in members
            if not self._is_attribute(name)
            for piece in self._child(name, kind, one, depth)
        ]
        return "".join(attributes), inside

    def _attribute(self, name: str, t: Any, value: Any) -> str:
        text = self._null if value is None else self._plain(t, value)
        return "" if text is None else f' {name[len(self._prefix) :]}="{_escaped(text, _IN_ATTRIBUTES)}"'

    def _child(self, name: str, t: Any, value: Any, depth: int) -> list[str]:
        if t.typeName() == "array" and value is not None:
            return [piece for one in value for piece in self._element(name, t.elementType, one, depth)]
        return self._element(name, t, value, depth)

    def _text(self, t: Any, value: Any) -> str:
        return _escaped(self._null or "" if value is None else self._plain(t, value), _ESCAPES)

    def _plain(self, t: Any, value: Any) -> str:
        kind = t.typeName()
        if kind == "date":
            return format_days(value, self._formats[0])
        if kind == "timestamp":
            return format_micros(value, self._formats[1], self._zone)
        if kind == "timestamp_ntz":
            return format_micros(value, self._formats[2], None)
        if kind == "boolean":
            return "true" if value else "false"
        if kind in ("double", "float"):
            return double_text(value) if kind == "double" else float_text(value)
        if isinstance(value, decimal.Decimal):
            return format(value, "f")
        if kind in ("binary", "variant") or "interval" in kind:
            raise unsupported(f"the type {t.simpleString()} in XML")
        return str(value)


def declaration(options: Mapping[str, str]) -> tuple[str, str]:
    """What stands before the rows and after them: the declaration and the root element (options declaration, rootTag,
    indent)."""
    text = options.get("declaration", 'version="1.0" encoding="UTF-8" standalone="yes"')
    name, *attributes = options.get("roottag", "ROWS").split(" ")
    pairs = (part.split("=") for part in attributes)
    shown = "".join(f' {key}="{value.strip(chr(39) + chr(34))}"' for key, value in pairs)
    head = f"<?xml {text}?>\n" if text else ""
    return f"{head}<{name}{shown}>", f"</{name}>"

"""XML events as rows of a schema, by the rules of Spark's parser."""

from __future__ import annotations

import re
from typing import Any

from penstock.plan.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    MapType,
    NullType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)
from penstock.sources.records import values
from penstock.sources.records.errors import BadRecord, BadValue, Malformed, PartialValue
from penstock.sources.records.times import Times
from penstock.sources.records.xml_text import END, OVER, START, TEXT, Events, XmlSyntax

_SPACES = "".join(map(chr, range(33)))
_NUMBER = re.compile(r"(-?)([\d,]*\d[\d,]*\.?\d*|\.\d+)(E-?\d+)?")


class XmlReader:
    """Reads records of one schema."""

    def __init__(self, schema: StructType, syntax: XmlSyntax, times: Times) -> None:
        self._schema, self._syntax, self._times = schema, syntax, times

    def rows(self, text: str) -> list[Any]:
        """The row of one element.  BadRecord."""
        try:
            events = Events(text)
            event = events.peek()
            while event[0] != START:
                if event[0] == OVER:
                    raise Malformed
                events.next()
                event = events.peek()
            events.next()
            return [self._object(events, self._schema, event[2])]
        except PartialValue as partial:
            raise BadRecord([partial.value]) from None
        except (BadValue, Malformed, RecursionError):
            raise BadRecord([]) from None

    def _index(self, schema: StructType, name: str) -> int | None:
        sensitive = self._syntax.case_sensitive
        wanted = name if sensitive else name.lower()
        for i, f in enumerate(schema.fields):
            if (f.name if sensitive else f.name.lower()) == wanted:
                return i
        return None

    # ------------------------------------------------------------ objects

    def _object(self, events: Events, schema: StructType, attributes: list[Any] | None = None) -> list[Any]:
        row: list[Any] = [None] * len(schema.fields)
        self._put_attributes(row, schema, attributes or [])
        bad = False
        while True:
            kind, data, pairs = events.next()
            if kind == START:
                try:
                    self._element(events, schema, row, self._syntax.name(data), pairs)
                except (BadValue, Malformed):
                    bad = True
            elif kind == TEXT and data.strip(_SPACES):
                self._put_text(row, schema, data)
            elif kind in (END, OVER):
                break
        if bad:
            raise PartialValue(row)
        return row

    def _put_attributes(self, row: list[Any], schema: StructType, pairs: list[Any]) -> None:
        for name, text in self._syntax.attributes(pairs).items():
            at = self._index(schema, name)
            if at is not None:
                row[at] = self._value(text, schema.fields[at].dataType)

    def _put_text(self, row: list[Any], schema: StructType, data: str) -> None:
        at = next((i for i, f in enumerate(schema.fields) if f.name == self._syntax.value_tag), None)
        if at is None:
            return
        t = schema.fields[at].dataType
        if isinstance(t, ArrayType):
            row[at] = [*(row[at] or []), self._value(data, t.elementType)]
        else:
            row[at] = self._value(data, t)

    def _element(self, events: Events, schema: StructType, row: list[Any], name: str, pairs: list[Any]) -> None:
        at = self._index(schema, name)
        if at is None:
            self._unknown(events, schema, row, name)
            return
        t = schema.fields[at].dataType
        if isinstance(t, StructType):
            row[at] = self._with_attributes(events, t, name, pairs)
        elif isinstance(t, ArrayType):
            inner = t.elementType
            value = (
                self._with_attributes(events, inner, name, pairs)
                if isinstance(inner, StructType)
                else self._field(events, inner, name, [])
            )
            row[at] = [*(row[at] or []), value]
        else:
            row[at] = self._field(events, t, name, pairs)

    def _unknown(self, events: Events, schema: StructType, row: list[Any], name: str) -> None:
        at = next((i for i, f in enumerate(schema.fields) if f.name == self._syntax.wildcard), None)
        if at is None:
            self._skip(events)
            return
        text = self._field(events, StringType(), name, [])
        row[at] = [*(row[at] or []), text] if isinstance(schema.fields[at].dataType, ArrayType) else text

    def _with_attributes(self, events: Events, t: StructType, name: str, pairs: list[Any]) -> list[Any]:
        found = self._field(events, t, name, [])
        row = found if isinstance(found, list) else [None] * len(t.fields)
        self._put_attributes(row, t, pairs)
        return row

    def _skip(self, events: Events) -> None:
        depth = 1
        while depth:
            kind = events.next()[0]
            if kind == OVER:
                raise Malformed
            depth += (kind == START) - (kind == END)

    # ------------------------------------------------------------ fields

    def _field(self, events: Events, t: DataType, name: str, attributes: list[Any]) -> Any:
        kind, data, _ = events.peek()
        if kind == START or (kind == TEXT and isinstance(t, (StructType, StringType))):
            return self._nested(events, t, name, attributes)
        if kind == END:
            self._close(events)
            return None if not isinstance(t, StringType) or self._syntax.null == "" else ""
        if kind != TEXT:
            raise BadValue
        if isinstance(t, ArrayType):
            events.next()
            value = self._value(data, t.elementType)
            self._close(events)
            return value
        if not data.strip(_SPACES):
            events.next()
            return self._field(events, t, name, attributes)
        if isinstance(t, MapType):
            raise BadValue
        value = self._value(data, t)
        events.next()
        self._close(events)
        return value

    def _nested(self, events: Events, t: DataType, name: str, attributes: list[Any]) -> Any:
        if isinstance(t, StructType):
            return self._object(events, t)
        if isinstance(t, MapType):
            return self._map(events, t.valueType, attributes)
        if isinstance(t, ArrayType):
            return self._field(events, t.elementType, name, [])
        if isinstance(t, StringType):
            return self._value(self._as_text(events), t)
        raise BadValue

    def _map(self, events: Events, t: DataType, attributes: list[Any]) -> list[Any]:
        out: dict[str, Any] = {}
        for key, text in attributes:
            out[self._syntax.attribute_prefix + key] = self._value(text, t)
        while True:
            kind, data, _ = events.next()
            if kind == START:
                key = self._syntax.name(data)
                out[key] = self._field(events, t, key, [])
            elif kind == TEXT and data.strip(_SPACES):
                out[self._syntax.value_tag] = self._value(data, t)
            elif kind in (END, OVER):
                return list(out.items())

    def _as_text(self, events: Events) -> str:
        """What is inside of an element, with its tags."""
        parts: list[str] = []
        depth = 0
        while True:
            kind, data, pairs = events.next()
            if kind == START:
                parts.append(f"<{data}{''.join(f' {k}={chr(34)}{v}{chr(34)}' for k, v in pairs)}>")
                depth += 1
            elif kind == END:
                parts.append(f"</{data}>")
                depth -= 1
            elif kind == TEXT:
                parts.append(data)
            else:
                raise Malformed
            if events.peek()[0] == END and depth == 0:
                break
        self._close(events)
        return "".join(parts)

    def _close(self, events: Events) -> None:
        while True:
            kind, data, _ = events.next()
            if kind == END:
                return
            if kind != TEXT or data.strip(_SPACES):
                raise BadValue

    # ------------------------------------------------------------ values

    def _value(self, text: str | None, t: DataType) -> Any:
        if text is not None and self._syntax.trim:
            text = text.strip(_SPACES)
        if text is None or text == self._syntax.null:
            return None
        if isinstance(t, (StringType, NullType)):
            return text
        if t.typeName() in values.BITS:
            signed = t.typeName() in ("integer", "long") and text[:1] in ("+", "-")
            number = values.whole(text[1:] if signed else text, values.BITS[t.typeName()])
            return -number if signed and text[0] == "-" else number
        if isinstance(t, (FloatType, DoubleType)):
            number_of = _lenient(text[1:] if text[:1] in ("+", "-") else text)
            return -number_of if text[:1] == "-" else number_of
        if isinstance(t, BooleanType):
            if text.lower() not in ("true", "1", "false", "0"):
                raise BadValue
            return text.lower() in ("true", "1")
        if isinstance(t, DecimalType):
            return values.decimal(values.big_decimal(text.replace(",", "")), t.precision, t.scale)
        return self._time(text, t)

    def _time(self, text: str, t: DataType) -> Any:
        if isinstance(t, DateType):
            return self._times.date(text)
        if isinstance(t, TimestampType):
            return self._times.timestamp(text)
        if isinstance(t, TimestampNTZType):
            return self._times.local_timestamp(text)
        raise BadValue


def _lenient(text: str) -> float:
    """A number, or the number that a text begins with."""
    try:
        return values.floating(text)
    except BadValue:
        match = _NUMBER.match(text)
        if match is None:
            raise
        return float(match[0].replace(",", ""))

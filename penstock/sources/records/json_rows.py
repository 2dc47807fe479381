"""JSON trees as rows of a schema, by the rules of Spark's parser: what does not fit leaves the rest alone."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from penstock.core.errors import unsupported
from penstock.plan.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    ByteType,
    CharType,
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
    VarcharType,
)
from penstock.sources.records import values
from penstock.sources.records.errors import BadRecord, BadString, BadValue, Malformed, PartialValue
from penstock.sources.records.json_text import (
    NOTHING,
    Fraction,
    JsonObject,
    JsonSyntax,
    Whole,
    compact,
    parse,
    parse_slowly,
)
from penstock.sources.records.times import Times

Convert = Callable[[Any], Any]
_STRINGS = (StringType, CharType, VarcharType)
_SPECIAL = {"NaN": "nan", "+INF": "inf", "+Infinity": "inf", "Infinity": "inf", "-INF": "-inf", "-Infinity": "-inf"}
_BARE = {**_SPECIAL, "INF": "inf"}
_BASE64 = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


class _NeedsText(Exception):  # noqa: N818
    """The exact text of a nested value is asked for, and the fast scanner has not kept it."""


class JsonReader:
    """Reads records of one schema.  `exact`: a nested value read as a string keeps its text (files); otherwise it is
    written anew (from_json).  `arrays`: an array of objects is several rows (files)."""

    def __init__(self, schema: DataType, syntax: JsonSyntax, times: Times, *, exact: bool, arrays: bool) -> None:
        maker = _Maker(times, exact, syntax.non_numeric)
        self._schema, self._syntax, self._arrays = schema, syntax, arrays
        self._convert = maker.make(schema)
        is_list = isinstance(schema, ArrayType) and isinstance(schema.elementType, StructType)
        self._element = maker.make(schema.elementType) if is_list else None

    def rows(self, text: str) -> list[Any]:
        """The rows of one record: lists in the order of the schema; of arrays and maps, the one value.  BadRecord."""
        try:
            return self._root(parse(text, self._syntax))
        except _NeedsText:
            return self._slowly(text)
        except Malformed:
            raise BadRecord([]) from None

    def _slowly(self, text: str) -> list[Any]:
        try:
            return self._root(parse_slowly(text, self._syntax))
        except Malformed:
            raise BadRecord([]) from None

    def _root(self, tree: Any) -> list[Any]:
        if tree is NOTHING:
            return []
        try:
            return self._converted(tree)
        except PartialValue as partial:
            raise BadRecord([partial.value], partial.condition) from None
        except BadValue as bad:
            raise BadRecord([], bad.condition) from None

    def _converted(self, tree: Any) -> list[Any]:
        if tree is None:
            raise BadValue
        if isinstance(self._schema, StructType) and isinstance(tree, list):
            if not self._arrays:
                raise BadRecord([], "CANNOT_PARSE_JSON_ARRAYS_AS_STRUCTS")
            return self._elements(tree)
        if self._element is not None and isinstance(tree, JsonObject):
            try:
                return [[self._element(tree)]]
            except PartialValue as partial:
                raise PartialValue([partial.value]) from None
        return [self._convert(tree)]

    def _elements(self, tree: list[Any]) -> list[Any]:
        rows, bad = [], False
        for element in tree:
            if element is None:
                raise BadValue
            try:
                rows.append(self._convert(element))
            except PartialValue as partial:
                rows.append(partial.value)
                bad = True
        if bad:
            raise BadRecord(rows)
        return rows


class _Maker:
    def __init__(self, times: Times, exact: bool, words: bool) -> None:
        self._times = times
        self._exact = exact
        self._floating = _floating if words else _only_number

    def make(self, t: DataType) -> Convert:
        if isinstance(t, StructType):
            return self._struct(t)
        if isinstance(t, ArrayType):
            return _array(self.make(t.elementType))
        if isinstance(t, MapType):
            if not isinstance(t.keyType, _STRINGS):
                raise unsupported(f"the type {t.simpleString()} in JSON data", "The keys of a map must be strings.")
            return _map(self.make(t.valueType))
        if isinstance(t, _STRINGS):
            return _exact_string if self._exact else _string
        scalar = self._scalar(t)
        return lambda node: None if node is None else scalar(node)

    def _struct(self, t: StructType) -> Convert:
        makers = {f.name: (i, self.make(f.dataType)) for i, f in reversed(list(enumerate(t.fields)))}
        size = len(t.fields)

        def convert(node: Any) -> Any:
            if node is None:
                return None
            if not isinstance(node, JsonObject):
                raise BadValue
            row: list[Any] = [None] * size
            bad: BadValue | None = None
            for name, value in node.pairs:
                found = makers.get(name)
                if found is None:
                    continue
                try:
                    row[found[0]] = found[1](value)
                except PartialValue as partial:
                    row[found[0]] = partial.value
                    bad = bad or partial
                except BadValue as error:
                    bad = bad or error
            if bad is not None:
                raise PartialValue(row, bad.condition)
            return row

        return convert

    def _scalar(self, t: DataType) -> Convert:
        if t.typeName() in values.BITS:
            return _whole(values.BITS[t.typeName()], isinstance(t, ByteType))
        if isinstance(t, DecimalType):
            return lambda node: values.decimal(_decimal(node), t.precision, t.scale)
        times = self._times
        simple: dict[type[DataType], Convert] = {
            BooleanType: _boolean,
            FloatType: self._floating,
            DoubleType: self._floating,
            BinaryType: _binary,
            NullType: lambda node: None,
            DateType: lambda node: times.date(_text(node)),
            TimestampNTZType: lambda node: times.local_timestamp(_text(node)),
            TimestampType: lambda node: (
                values.fitting(int(node) * 1_000_000, 64) if isinstance(node, Whole) else times.timestamp(_text(node))
            ),
        }  # fmt: skip
        if type(t) not in simple:
            raise unsupported(f"the type {t.simpleString()} in JSON data")
        return simple[type(t)]


def _array(convert: Convert) -> Convert:
    def converted(node: Any) -> Any:
        if node is None:
            return None
        if not isinstance(node, list):
            raise BadValue
        out, bad = [], False
        for element in node:
            try:
                out.append(convert(element))
            except PartialValue as partial:
                out.append(partial.value)
                bad = True
        if bad:
            raise PartialValue(out)
        return out

    return converted


def _map(convert: Convert) -> Convert:
    def converted(node: Any) -> Any:
        if node is None:
            return None
        if not isinstance(node, JsonObject):
            raise BadValue
        out: dict[str, Any] = {}
        partly = wrong = False
        for key, value in node.pairs:
            name = _encodable(key)
            try:
                out[name] = convert(value)
            except PartialValue as partial:
                out[name], partly = partial.value, True
            except BadValue:
                wrong = True
        if wrong:
            raise BadValue
        if partly:
            raise PartialValue(list(out.items()))
        return list(out.items())

    return converted


def _is_text(node: Any) -> bool:
    return isinstance(node, str) and not isinstance(node, (Whole, Fraction))


def _text(node: Any) -> str:
    if not _is_text(node) or not node:
        raise BadValue
    return str(node)


def _encodable(text: str) -> str:
    """The text with a question mark for half a pair of surrogates, as Java encodes it."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _string(node: Any) -> Any:
    return None if node is None else _encodable(node if _is_text(node) else compact(node))


def _exact_string(node: Any) -> Any:
    if node is None:
        return None
    if _is_text(node):
        return _encodable(node)
    if isinstance(node, (JsonObject, list)):
        raw = getattr(node, "raw", None)
        if raw is None:
            raise _NeedsText
        return raw
    return str(node) if isinstance(node, str) else ("true" if node else "false")


def _whole(bits: int, unsigned_too: bool) -> Convert:
    def convert(node: Any) -> int:
        if not isinstance(node, Whole):
            raise BadValue
        value = int(node)
        if unsigned_too and 127 < value < 256:  # Jackson takes bytes above 127 for negative ones
            return value - 256
        return values.fitting(value, bits)

    return convert


def _boolean(node: Any) -> bool:
    if not isinstance(node, bool):
        raise BadValue
    return node


def _floating(node: Any) -> float:
    if not isinstance(node, str):
        raise BadValue
    if isinstance(node, (Whole, Fraction)):
        return float(_BARE.get(node, node))
    if node in _SPECIAL:
        return float(_SPECIAL[node])
    raise BadString if node else BadValue


def _only_number(node: Any) -> float:
    if isinstance(node, str) and not isinstance(node, (Whole, Fraction)) and node:
        raise BadString
    return _floating(node)


def _decimal(node: Any) -> Decimal:
    if isinstance(node, (Whole, Fraction)):
        return values.big_decimal(node)
    return values.big_decimal(_text(node).replace(",", ""))


def _binary(node: Any) -> bytes:
    if not _is_text(node) or _BASE64.fullmatch(node) is None:
        raise BadValue
    try:
        return base64.b64decode(node)
    except binascii.Error:
        raise BadValue from None

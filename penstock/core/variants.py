"""VARIANT values: Spark's binary encoding (value and metadata) read as Python values, and those written as JSON.

A number keeps its kind: int, Decimal, `Double`, `Float`; so do `Days`, `Instant` and `LocalInstant`, which are counts
since 1970 (days, microseconds in UTC, microseconds of a local clock).
"""

from __future__ import annotations

import base64
import datetime
import json
import struct
import uuid
from decimal import Decimal
from itertools import pairwise
from typing import Any

from penstock.core.text import date_text, double_text, float_text, timestamp_text

Variant = dict[str, bytes]

INTEGERS = ((3, "<b", 7), (4, "<h", 15), (5, "<i", 31), (6, "<q", 63))  # kind, format, bits
DECIMALS = ((8, 4, 9), (9, 8, 18), (10, 16, 38))  # kind, bytes, digits


class Double(float):
    """A 64-bit float (in JSON: a number that was written with an exponent)."""


class Float(float):
    """A 32-bit float."""


class Days(int):
    """A DATE."""


class Instant(int):
    """A TIMESTAMP."""


class LocalInstant(int):
    """A TIMESTAMP_NTZ."""


class UnknownKindError(ValueError):
    """A kind of value that this reader does not know."""


def decoded(variant: Variant) -> Any:
    """The value that was encoded."""
    return _decode(variant["value"], 0, _keys(variant["metadata"]))


def _keys(metadata: bytes) -> list[str]:
    size = (metadata[0] >> 6 & 3) + 1
    count = int.from_bytes(metadata[1 : 1 + size], "little")
    offsets = _numbers(metadata, 1 + size, size, count + 1)
    start = 1 + size * (count + 2)
    return [metadata[start + a : start + b].decode() for a, b in pairwise(offsets)]


def _numbers(data: bytes, at: int, size: int, count: int) -> list[int]:
    return [int.from_bytes(data[at + i * size : at + (i + 1) * size], "little") for i in range(count)]


def _decode(data: bytes, at: int, keys: list[str]) -> Any:
    basic, info = data[at] & 3, data[at] >> 2
    if basic == 1:
        return data[at + 1 : at + 1 + info].decode()
    if basic == 0:
        return _decode_primitive(data, at + 1, info)
    large = info >> (4 if basic == 2 else 2) & 1
    count = int.from_bytes(data[at + 1 : at + 1 + (4 if large else 1)], "little")
    table, size = at + 1 + (4 if large else 1), (info & 3) + 1
    ids = (info >> 2 & 3) + 1 if basic == 2 else 0
    offsets = _numbers(data, table + ids * count, size, count + 1)
    start = table + ids * count + size * (count + 1)
    values = [_decode(data, start + offset, keys) for offset in offsets[:count]]
    if basic == 3:
        return values
    return {keys[i]: value for i, value in zip(_numbers(data, table, ids, count), values, strict=True)}


_FIXED = {7: ("<d", Double), 11: ("<i", Days), 12: ("<q", Instant), 13: ("<q", LocalInstant), 14: ("<f", Float)}


def _decode_primitive(data: bytes, at: int, kind: int) -> Any:
    if kind < 3:
        return (None, True, False)[kind]
    for number, code, _ in INTEGERS:
        if kind == number:
            return struct.unpack_from(code, data, at)[0]
    for number, size, _ in DECIMALS:
        if kind == number:
            return Decimal(int.from_bytes(data[at + 1 : at + 1 + size], "little", signed=True)).scaleb(-data[at])
    if kind in _FIXED:
        code, make = _FIXED[kind]
        return make(struct.unpack_from(code, data, at)[0])
    if kind in (15, 16):
        size = struct.unpack_from("<I", data, at)[0]
        content = bytes(data[at + 4 : at + 4 + size])
        return content.decode() if kind == 16 else content
    if kind == 20:
        return uuid.UUID(bytes=bytes(data[at : at + 16]))
    raise UnknownKindError(f"variants of the kind {kind}")


# ---------------------------------------------------------------- JSON


def json_text(value: Any, zone: datetime.tzinfo = datetime.UTC) -> str:
    """A value as compact JSON, keys sorted; instants in `zone`."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_text(k)}:{json_text(v, zone)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(json_text(member, zone) for member in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    text = scalar_text(value, zone)
    if isinstance(value, (Days, Instant, LocalInstant, bytes, uuid.UUID)):
        return f'"{text}"'
    return f'"{text}"' if isinstance(value, float) and text[-1] in "Ny" else text  # NaN, Infinity


def scalar_text(value: Any, zone: datetime.tzinfo = datetime.UTC) -> str:
    """Numbers as Spark's cast to STRING writes them; decimals without trailing zeros; bytes in base 64."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, float):
        return float_text(value) if isinstance(value, Float) else double_text(value)
    if isinstance(value, Days):
        return date_text(value)
    if isinstance(value, Instant):
        return timestamp_text(value, zone) + _offset_text(value, zone)
    if isinstance(value, LocalInstant):
        return timestamp_text(value, None)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _offset_text(micros: int, zone: datetime.tzinfo) -> str:
    moment = datetime.datetime.fromtimestamp(micros // 1_000_000, datetime.UTC).astimezone(zone)
    text = moment.strftime("%z")  # +HHMM
    return f"{text[:3]}:{text[3:5]}"

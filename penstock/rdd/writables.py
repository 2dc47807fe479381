"""Hadoop's Writables: the values of SequenceFiles and their bytes.

Which class a Python value has, and which value a class gives, is as in Spark: an int of 32 bits is an IntWritable, a
longer one a LongWritable, a float a DoubleWritable; a BytesWritable is read as a bytearray.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyspark.errors import PySparkTypeError

from penstock.rdd.base import refuse

_PACKAGE = "org.apache.hadoop.io."


class Input:
    """Bytes that are read from the front."""

    def __init__(self, data: bytes | memoryview, place: int = 0) -> None:
        self.data = data
        self.place = place

    def take(self, number: int) -> bytes:
        """The next bytes.  Too few: ValueError."""
        begin, self.place = self.place, self.place + number
        if number < 0 or self.place > len(self.data):
            raise ValueError("The data of a SequenceFile ends in the middle of a record")
        return bytes(self.data[begin : self.place])

    def unpack(self, form: struct.Struct) -> Any:
        """One number."""
        return form.unpack(self.take(form.size))[0]

    def vlong(self) -> int:
        """A whole number in one to nine bytes."""
        (first,) = struct.unpack("b", self.take(1))
        if first >= -112:
            return int(first)
        negative = first < -120
        value = int.from_bytes(self.take(-120 - first if negative else -112 - first), "big")
        return ~value if negative else value


def vlong(value: int) -> bytes:
    """As Input.vlong reads it."""
    if -112 <= value <= 127:
        return struct.pack("b", value)
    negative, value = value < 0, ~value if value < 0 else value
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return struct.pack("b", (-120 if negative else -112) - len(data)) + data


def write_text(text: str) -> bytes:
    """The length and UTF-8."""
    data = text.encode()
    return vlong(len(data)) + data


def read_text(source: Input) -> str:
    """The same back."""
    return source.take(source.vlong()).decode("utf-8", "replace")


@dataclass(frozen=True)
class Writable:
    """One class: how its values are read, written and shown as text."""

    name: str
    read: Callable[[Input], Any]
    write: Callable[[Any], bytes]


def _number(form: str) -> tuple[Callable[[Input], Any], Callable[[Any], bytes]]:
    packed = struct.Struct(form)
    return (lambda source: source.unpack(packed)), packed.pack


_SIZE = struct.Struct(">i")
_BYTE = struct.Struct(">b")
_SHORT = struct.Struct(">H")


def _read_bytes(source: Input) -> bytearray:
    return bytearray(source.take(source.unpack(_SIZE)))


def _write_bytes(value: bytes) -> bytes:
    return _SIZE.pack(len(value)) + bytes(value)


def _read_map(source: Input) -> dict[Any, Any]:
    ids = dict(_KNOWN_IDS)
    for _ in range(source.unpack(_BYTE)):
        number = source.unpack(_BYTE)
        ids[number] = source.take(source.unpack(_SHORT)).decode()

    def entry() -> Any:
        number = source.unpack(_BYTE)
        if number not in ids:
            raise ValueError(f"A MapWritable has a class of the number {number}, which it does not name")
        return writable(ids[number]).read(source)

    found = ((entry(), entry()) for _ in range(source.unpack(_SIZE)))
    return {key.decode() if isinstance(key, bytearray) else key: value for key, value in found}


def _write_map(value: dict[Any, Any]) -> bytes:
    members = [(writable_of(member), member) for pair in value.items() for member in pair]
    ids = {name: number for number, name in _KNOWN_IDS.items()}
    new: dict[str, int] = {}
    for kind, _ in members:
        if kind.name not in ids:
            new.setdefault(kind.name, len(new) + 1)
    head = [_BYTE.pack(len(new))]
    for name, number in new.items():
        head += [_BYTE.pack(number), _SHORT.pack(len(name)), name.encode()]
    head.append(_SIZE.pack(len(value)))
    return b"".join(head) + b"".join(_BYTE.pack({**ids, **new}[k.name]) + k.write(m) for k, m in members)


#: The numbers that classes have in every MapWritable.
_KNOWN_IDS = {
    number: _PACKAGE + name
    for number, name in {
        -126: "BooleanWritable", -125: "BytesWritable", -124: "FloatWritable", -123: "IntWritable",
        -122: "LongWritable", -121: "MapWritable", -119: "NullWritable", -116: "Text",
        -114: "VIntWritable", -113: "VLongWritable",
    }.items()
}  # fmt: skip

_TABLE: dict[str, tuple[Callable[[Input], Any], Callable[[Any], bytes]]] = {
    "NullWritable": (lambda source: None, lambda value: b""),
    "BooleanWritable": _number(">?"),
    "ByteWritable": _number(">b"),
    "ShortWritable": _number(">h"),
    "IntWritable": _number(">i"),
    "LongWritable": _number(">q"),
    "FloatWritable": _number(">f"),
    "DoubleWritable": _number(">d"),
    "VIntWritable": (Input.vlong, vlong),
    "VLongWritable": (Input.vlong, vlong),
    "Text": (read_text, write_text),
    "BytesWritable": (_read_bytes, _write_bytes),
    "MapWritable": (_read_map, _write_map),
}
_WRITABLES = {_PACKAGE + name: Writable(_PACKAGE + name, *how) for name, how in _TABLE.items()}


def writable(name: str) -> Writable:
    """The class of a name.  One that is not known is refused by its name."""
    found = _WRITABLES.get(name)
    if found is None:
        raise refuse(f"The Writable {name}: SequenceFiles hold {', '.join(_TABLE)}")
    return found


def writable_of(value: Any) -> Writable:
    """The class that Spark writes a Python value as."""
    return _WRITABLES[_PACKAGE + _class_of(value)]


def _class_of(value: Any) -> str:
    if value is None:
        return "NullWritable"
    if isinstance(value, bool):
        return "BooleanWritable"
    if isinstance(value, int) and -(1 << 63) <= value < 1 << 63:
        return "IntWritable" if -(1 << 31) <= value < 1 << 31 else "LongWritable"
    for kind, name in _CLASSES:
        if isinstance(value, kind):
            return name
    raise PySparkTypeError(f"Data of type {type(value).__name__} cannot be used as a Writable: {value!r}")


_CLASSES: tuple[tuple[Any, str], ...] = (
    (float, "DoubleWritable"),
    (str, "Text"),
    ((bytes, bytearray), "BytesWritable"),
    (dict, "MapWritable"),
)

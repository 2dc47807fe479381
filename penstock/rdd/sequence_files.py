"""Hadoop's SequenceFiles (version 6): records of a key and a value, plain or compressed one by one or in blocks.

A marker of 16 random bytes stands between runs of records, so that a reader may begin in the middle.
"""

from __future__ import annotations

import bz2
import gzip
import mmap
import os
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.rdd.base import refuse
from penstock.rdd.errors import Refused
from penstock.rdd.writables import Input, Writable, read_text, vlong, writable, writable_of, write_text

_MAGIC = b"SEQ\x06"
_SIZE = struct.Struct(">i")
_ESCAPE = _SIZE.pack(-1)
_MARKER_BYTES = 16
#: How many bytes of records stand between two markers, and how many make a block.
_RUN_BYTES = 100 << 10
_BLOCK_BYTES = 1_000_000

_HADOOP_CODECS = "org.apache.hadoop.io.compress."
Codec = tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]
_CODECS: dict[str, Codec] = {
    "DefaultCodec": (zlib.compress, zlib.decompress),
    "DeflateCodec": (zlib.compress, zlib.decompress),
    "GzipCodec": (gzip.compress, gzip.decompress),
    "BZip2Codec": (bz2.compress, bz2.decompress),
}


def codec(name: str) -> Codec:
    """compress, decompress.  A codec that Python has not is refused by its name."""
    found = _CODECS.get(name.removeprefix(_HADOOP_CODECS))
    if found is None:
        raise refuse(f"The compression codec {name} of SequenceFiles: use one of {', '.join(_CODECS)}")
    return found


@dataclass(frozen=True)
class Layout:
    """How a file is written: the classes (None: those of the first record), the codec's name, blocks or records."""

    key: str | None = None
    value: str | None = None
    codec: str | None = None
    blocks: bool = True


# ---------------------------------------------------------------- writing


def encode(pairs: Iterable[Any], layout: Layout) -> bytes:
    """A whole file.  All keys have one class, and all values: a pair of another one is an error."""
    records = iter(pairs)
    first = next(records, None)
    names = _classes(first, layout)
    marker = os.urandom(_MARKER_BYTES)
    writer = _Writer(*(writable(name) for name in names))
    encoded = () if first is None else (writer.encode(pair) for pair in _chained(first, records))
    body = _blocks(encoded, layout, marker) if layout.codec and layout.blocks else _records(encoded, layout, marker)
    return b"".join([_header(names, layout, marker), *body])


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _classes(first: Any, layout: Layout) -> tuple[str, str]:
    if first is None:
        null = "org.apache.hadoop.io.NullWritable"
        return layout.key or null, layout.value or null
    key, value = _pair(first)
    return layout.key or writable_of(key).name, layout.value or writable_of(value).name


def _pair(element: Any) -> tuple[Any, Any]:
    if not isinstance(element, (tuple, list)) or len(element) != 2:
        raise Refused(f"A SequenceFile has pairs of a key and a value, not {element!r}")
    return element[0], element[1]


class _Writer:
    def __init__(self, key: Writable, value: Writable) -> None:
        self._kinds = key, value

    def encode(self, element: Any) -> tuple[bytes, bytes]:
        key, value = _pair(element)
        return self._member(key, self._kinds[0], "key"), self._member(value, self._kinds[1], "value")

    @staticmethod
    def _member(value: Any, kind: Writable, what: str) -> bytes:
        found = writable_of(value)
        if found.name != kind.name:
            raise Refused(f"wrong {what} class: {found.name} is not {kind.name} (the {what} is {value!r})")
        return kind.write(value)


def _header(names: tuple[str, str], layout: Layout, marker: bytes) -> bytes:
    flags = struct.pack(">??", layout.codec is not None, layout.codec is not None and layout.blocks)
    name = write_text(_full_name(layout.codec)) if layout.codec is not None else b""
    return b"".join([_MAGIC, *map(write_text, names), flags, name, _SIZE.pack(0), marker])


def _full_name(name: str) -> str:
    return name if "." in name else _HADOOP_CODECS + name


def _records(encoded: Iterable[tuple[bytes, bytes]], layout: Layout, marker: bytes) -> Iterator[bytes]:
    compress = codec(layout.codec)[0] if layout.codec is not None else bytes
    since = 0
    for key, value in encoded:
        if since >= _RUN_BYTES:
            since = 0
            yield _ESCAPE + marker
        packed = compress(value)
        since += len(key) + len(packed) + 8
        yield _SIZE.pack(len(key) + len(packed)) + _SIZE.pack(len(key)) + key + packed


def _blocks(encoded: Iterable[tuple[bytes, bytes]], layout: Layout, marker: bytes) -> Iterator[bytes]:
    assert layout.codec is not None
    compress = codec(layout.codec)[0]
    block: list[tuple[bytes, bytes]] = []
    size = 0
    for pair in encoded:
        block.append(pair)
        size += len(pair[0]) + len(pair[1])
        if size >= _BLOCK_BYTES:
            yield _block(block, compress, marker)
            block, size = [], 0
    if block:
        yield _block(block, compress, marker)


def _block(pairs: list[tuple[bytes, bytes]], compress: Callable[[bytes], bytes], marker: bytes) -> bytes:
    parts = [_ESCAPE, marker, vlong(len(pairs))]
    for side in (0, 1):
        for data in (b"".join(vlong(len(p[side])) for p in pairs), b"".join(p[side] for p in pairs)):
            packed = compress(data)
            parts += [vlong(len(packed)), packed]
    return b"".join(parts)


# ---------------------------------------------------------------- reading


@dataclass(frozen=True)
class _Header:
    key: Writable
    value: Writable
    codec: Codec | None
    blocks: bool
    marker: bytes
    end: int


def read(path: Path, start: int, end: float) -> Iterator[tuple[Any, Any]]:
    """The pairs of the runs that begin in [start, end) of a file; those right after the header are at 0."""
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        header = _read_header(path, data)
        place = header.end if start <= header.end else data.find(_ESCAPE + header.marker, start)
        while 0 <= place < end:
            source = Input(data, place)  # type: ignore[arg-type]
            yield from _run(source, header)
            place = source.place if source.place < len(data) else -1


def _read_header(path: Path, data: Any) -> _Header:
    source = Input(data)
    if source.take(min(4, len(data))) != _MAGIC:
        raise Refused(f"{path} is not a SequenceFile of version 6")
    key, value = writable(read_text(source)), writable(read_text(source))
    compressed, blocks = source.take(1) != b"\0", source.take(1) != b"\0"
    how = codec(read_text(source)) if compressed else None
    for _ in range(2 * source.unpack(_SIZE)):
        read_text(source)  # metadata
    marker = source.take(_MARKER_BYTES)
    return _Header(key, value, how, blocks, marker, source.place)


def _run(source: Input, header: _Header) -> Iterator[tuple[Any, Any]]:
    """The pairs up to the next marker."""
    if bytes(source.data[source.place : source.place + 4]) == _ESCAPE:
        source.take(4)
        if source.take(_MARKER_BYTES) != header.marker:
            raise Refused("A SequenceFile is damaged: a marker is not the header's")
        if header.blocks:
            yield from _read_block(source, header)
            return
    total = len(source.data)
    while source.place < total and bytes(source.data[source.place : source.place + 4]) != _ESCAPE:
        length, size = source.unpack(_SIZE), source.unpack(_SIZE)
        key, value = source.take(size), source.take(length - size)
        if header.codec is not None:
            value = header.codec[1](value)
        yield header.key.read(Input(key)), header.value.read(Input(value))


def _read_block(source: Input, header: _Header) -> Iterator[tuple[Any, Any]]:
    assert header.codec is not None
    count = source.vlong()
    buffers = [Input(header.codec[1](source.take(source.vlong()))) for _ in range(4)]
    key_sizes, keys, value_sizes, values = buffers
    for _ in range(count):
        key, value = keys.take(key_sizes.vlong()), values.take(value_sizes.vlong())
        yield header.key.read(Input(key)), header.value.read(Input(value))

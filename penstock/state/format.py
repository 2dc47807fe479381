"""The container of state files, described in docs/state-format.md: sections of Arrow IPC, a JSON footer, checksums.

    "PENSTATE"  u32 format version | section ... | footer (JSON)  u32 footer length  u32 footer CRC-32  "PENSTATE"

Nothing in a file is believed before its checksum has been seen.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa

from penstock.core import files

MAGIC = b"PENSTATE"
FORMAT_VERSION = 1
_HEADER = struct.Struct("<8sI4x")
_TRAILER = struct.Struct("<II8s")
_ALIGN = 64

Bytes: TypeAlias = bytes | memoryview | pa.Buffer


class BadStateFileError(Exception):
    """A state file cannot be used; the text says what is wrong with it."""


class FutureFormatError(BadStateFileError):
    """The file was written by a newer release."""

    def __init__(self, version: int) -> None:
        super().__init__(f"it has format version {version}, and this release reads up to {FORMAT_VERSION}")
        self.version = version


@dataclass(frozen=True)
class Section:
    """One record batch of a file; `name` is `rows` or `removed`."""

    name: str
    batch: pa.RecordBatch


class Encoder:
    """Encodes a file piece by piece: `header()`, `section()` any number of times, `footer()`."""

    def __init__(self) -> None:
        self._offset = 0
        self._sections: list[dict[str, Any]] = []

    def header(self) -> bytes:
        """The first bytes of the file."""
        return self._advance(_HEADER.pack(MAGIC, FORMAT_VERSION))

    def section(self, name: str, batch: pa.RecordBatch) -> list[Bytes]:
        """The bytes of one section."""
        padding = b"\0" * (-self._offset % _ALIGN)
        self._advance(padding)
        body = ipc(batch)
        where = {"name": name, "offset": self._offset, "length": len(body)}
        self._sections.append({**where, "crc32": zlib.crc32(body), "rows": batch.num_rows})
        self._offset += len(body)
        return [padding, body]

    def footer(self, **facts: object) -> bytes:
        """The last bytes of the file; `facts` are what else a reader is told."""
        body = json.dumps({**facts, "sections": self._sections}, separators=(",", ":")).encode()
        return body + _TRAILER.pack(len(body), zlib.crc32(body), MAGIC)

    def _advance(self, data: bytes) -> bytes:
        self._offset += len(data)
        return data


def encode(sections: Sequence[Section], **facts: object) -> bytes:
    """A whole file in memory."""
    encoder = Encoder()
    parts: list[Bytes] = [encoder.header()]
    for section in sections:
        parts.extend(encoder.section(section.name, section.batch))
    return b"".join([*parts, encoder.footer(**facts)])


def decode(data: bytes) -> tuple[dict[str, Any], list[Section]]:
    """The facts and sections of a file, every byte of them checked; raises BadStateFileError."""
    if len(data) < _HEADER.size + _TRAILER.size:
        raise BadStateFileError(f"it has only {len(data)} bytes")
    _check_head(data)
    footer = _footer(data)
    return footer, [_section(data, entry) for entry in footer["sections"]]


def stream(path: Path, size: int) -> tuple[int, Iterator[Section]]:
    """The number of rows and the sections of a file of `size` bytes, read one at a time.  Every byte is checked before
    the first is given: BadStateFileError is raised by this call."""
    try:
        _check_head(files.fs.read_part(path, 0, _HEADER.size))
        tail = files.fs.read_part(path, size - _TRAILER.size, _TRAILER.size)
        start = max(0, size - _TRAILER.size - _TRAILER.unpack(tail)[0])
        footer = _footer(files.fs.read_part(path, start, size - start))
        for entry in footer["sections"]:
            _section_body(files.fs.read_part(path, entry["offset"], entry["length"]), entry)
    except OSError as error:
        raise BadStateFileError(f"it cannot be read ({error})") from error
    entries = footer["sections"]
    parts = (_parsed(files.fs.read_part(path, e["offset"], e["length"]), e) for e in entries)
    return sum(e["rows"] for e in entries), parts


def _check_head(data: bytes) -> None:
    magic, version = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise BadStateFileError("it does not begin as a state file does")
    if version > FORMAT_VERSION:
        raise FutureFormatError(version)


def _footer(data: bytes) -> dict[str, Any]:
    length, checksum, magic = _TRAILER.unpack_from(data, len(data) - _TRAILER.size)
    if magic != MAGIC:
        raise BadStateFileError("its end is missing (it was truncated)")
    end = len(data) - _TRAILER.size
    body = data[max(0, end - length) : end]
    if zlib.crc32(body) != checksum:
        raise BadStateFileError("the checksum of its footer is wrong")
    footer: dict[str, Any] = json.loads(body)
    return footer


def _section(data: bytes, entry: dict[str, Any]) -> Section:
    body = memoryview(data)[entry["offset"] : entry["offset"] + entry["length"]]
    return _parsed(_section_body(body, entry), entry)


def _section_body(body: Bytes, entry: dict[str, Any]) -> Bytes:
    if len(body) != entry["length"] or zlib.crc32(body) != entry["crc32"]:
        raise BadStateFileError(f"the checksum of its section {entry['name']!r} at byte {entry['offset']} is wrong")
    return body


def _parsed(body: Bytes, entry: dict[str, Any]) -> Section:
    try:
        with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
            return Section(entry["name"], reader.read_next_batch())
    except (pa.ArrowInvalid, StopIteration) as error:
        raise BadStateFileError(f"its section {entry['name']!r} is not Arrow IPC ({error})") from error


def ipc(batch: pa.RecordBatch) -> pa.Buffer:
    """A record batch as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()

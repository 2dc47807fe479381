"""Kernels over binary values: digests, character sets, bitmaps."""

from __future__ import annotations

import hashlib
import zlib

import pyarrow as pa

from penstock.functions.kernels.rows import by_row, raised

BITMAP_BYTES = 4096

#: Spark's character sets and Python's codecs.
CHARSETS = {
    "US-ASCII": "ascii", "ISO-8859-1": "latin-1", "UTF-8": "utf-8", "UTF-16BE": "utf-16-be", "UTF-16LE": "utf-16-le",
    "UTF-16": "utf-16", "UTF-32": "utf-32-be",
}  # fmt: skip


def _codec(charset: str, function: str) -> str:
    codec = CHARSETS.get(charset.upper())
    if codec is None:
        raise raised(
            "INVALID_PARAMETER_VALUE.CHARSET", f"The character set '{charset}' of `{function}` is not known.",
            sqlstate="22023", kind="illegal_argument", parameter="`charset`", functionName=f"`{function}`",
            charset=charset, charsets=", ".join(CHARSETS),
        )  # fmt: skip
    return codec


def _malformed(charset: str, function: str) -> ValueError:
    return raised(
        "MALFORMED_CHARACTER_CODING", f"`{function}` met a value that {charset} does not have.", sqlstate="22000",
        kind="illegal_argument", charset=charset, function=f"`{function}`",
    )  # fmt: skip


@by_row(pa.binary())
def encode(text: str, charset: str) -> bytes:
    """The text's bytes in a character set; UTF-16 starts with a byte order mark."""
    codec = _codec(charset, "encode")
    try:
        if codec == "utf-16":
            return b"\xfe\xff" + text.encode("utf-16-be") if text else b""
        return text.encode(codec)
    except UnicodeEncodeError:
        raise _malformed(charset, "encode") from None


@by_row(pa.string())
def decode(data: bytes, charset: str) -> str:
    """The text of bytes in a character set; UTF-16 without a byte order mark is big-endian."""
    codec = _codec(charset, "decode")
    if codec == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        codec = "utf-16-be"
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        raise _malformed(charset, "decode") from None


@by_row(pa.string())
def sha224(data: bytes) -> str:
    return hashlib.sha224(data).hexdigest()


@by_row(pa.string())
def sha384(data: bytes) -> str:
    return hashlib.sha384(data).hexdigest()


@by_row(pa.string())
def sha512(data: bytes) -> str:
    return hashlib.sha512(data).hexdigest()


@by_row(pa.int64())
def crc32(data: bytes) -> int:
    return zlib.crc32(data)


@by_row(pa.bool_())
def is_valid_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@by_row(pa.string())
def make_valid_utf8(data: bytes) -> str:
    """The text, with U+FFFD for each sequence that is no UTF-8."""
    return data.decode("utf-8", "replace")


# ---------------------------------------------------------------- bitmaps


def _merged(bitmaps: list[bytes | None], start: bytes, both: bool) -> bytes:
    value = int.from_bytes(start, "little")
    for bitmap in bitmaps:
        if bitmap is not None:
            other = int.from_bytes(bitmap[:BITMAP_BYTES].ljust(BITMAP_BYTES, b"\x00"), "little")
            value = value & other if both else value | other
    return value.to_bytes(BITMAP_BYTES, "little")


@by_row(pa.binary())
def bitmap_or(bitmaps: list[bytes | None]) -> bytes:
    """The union of bitmaps, 4,096 bytes."""
    return _merged(bitmaps, b"\x00" * BITMAP_BYTES, False)


@by_row(pa.binary())
def bitmap_and(bitmaps: list[bytes | None]) -> bytes:
    """The intersection of bitmaps, 4,096 bytes; all ones without any."""
    return _merged(bitmaps, b"\xff" * BITMAP_BYTES, True)


@by_row(pa.binary())
def bitmap_construct(positions: list[int | None]) -> bytes:
    """The bitmap in which the bits at `positions` are set."""
    bitmap = bytearray(BITMAP_BYTES)
    for position in positions:
        if position is None:
            continue
        if not 0 <= position < BITMAP_BYTES * 8:
            raise raised(
                "INVALID_BITMAP_POSITION", f"The bit {position} is outside of a bitmap of {BITMAP_BYTES} bytes.",
                sqlstate="22003", kind="array_index", bitPosition=position, bitmapNumBytes=BITMAP_BYTES,
                bitmapNumBits=BITMAP_BYTES * 8,
            )  # fmt: skip
        bitmap[position // 8] |= 1 << (position % 8)
    return bytes(bitmap)


@by_row(pa.int64())
def bitmap_count(bitmap: bytes) -> int:
    return int.from_bytes(bitmap, "little").bit_count()

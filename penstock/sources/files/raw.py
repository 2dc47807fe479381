"""Whole files as bytes and text: decompressed by their names' ends, decoded by the option encoding."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from pathlib import Path

from penstock.core.errors import ILLEGAL_ARGUMENT, SparkError, unsupported

_UNREADABLE = (".lz4", ".snappy", ".lzo", ".xz")


def content(path: str) -> bytes:
    """The bytes of a file; `.gz`, `.bz2`, `.deflate` and `.zst` are decompressed."""
    data = Path(path).read_bytes()
    name = path.lower()
    if name.endswith((".gz", ".gzip")):
        import gzip

        return gzip.decompress(data)
    if name.endswith(".bz2"):
        import bz2

        return bz2.decompress(data)
    if name.endswith(".deflate"):
        import zlib

        return zlib.decompress(data)
    if name.endswith((".zst", ".zstd")):
        import zstandard

        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as stream:
            return bytes(stream.read())
    if name.endswith(_UNREADABLE):
        raise unsupported(f"the compression of {path}", "Use gzip, bzip2, deflate or zstd.")
    return data


def encoding(options: Mapping[str, str], default: str = "utf-8") -> str:
    """The option encoding (or charset) as Python knows it."""
    name = options.get("encoding", options.get("charset", default))
    try:
        return codecs.lookup(name).name
    except LookupError:
        message = f"The option encoding has the value {name!r}, which is no character set that is known."
        raise SparkError(
            "INVALID_CHARSET", message, {"charset": name}, sqlstate="22023", classes=ILLEGAL_ARGUMENT
        ) from None


def text(path: str, charset: str) -> str:
    """The characters of a file; bytes that are none become U+FFFD.  A byte order mark goes."""
    decoded = content(path).decode(charset, "replace")
    return decoded[1:] if decoded.startswith("\ufeff") else decoded


def lines(whole: str, separator: str | None) -> list[str]:
    """The lines of a text: they end at `separator`, or at `\\n`, `\\r\\n` and `\\r`."""
    if separator is None:
        whole = whole.replace("\r\n", "\n").replace("\r", "\n")
        separator = "\n"
    found = whole.split(separator)
    return found[:-1] if found[-1] == "" else found

"""Whole files as bytes and text: decompressed by their names' ends, decoded by the option encoding."""

from __future__ import annotations

import codecs
import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from penstock.core.errors import ILLEGAL_ARGUMENT, SPARK, SparkError, unsupported
from penstock.sources import options as opt

_log = logging.getLogger(__name__)

_UNREADABLE = (".lz4", ".snappy", ".lzo", ".xz")


#: Among the settings of a function that reads files: whether files that are gone have no rows.
MISSING = "$missing"


@dataclass(frozen=True)
class Tolerance:
    """Which files the user wants to go on without (ignoreMissingFiles, ignoreCorruptFiles): those that are gone, and
    those that cannot be decompressed, of which the records before the damage are kept."""

    missing: bool = False
    corrupt: bool = False

    @staticmethod
    def of(options: Mapping[str, str], conf: Mapping[str, str]) -> Tolerance:
        """By the options, else by the session's settings."""
        flags = {}
        for name in ("ignoreMissingFiles", "ignoreCorruptFiles"):
            default = (conf.get(f"spark.sql.files.{name}") or "false").lower() == "true"
            flags[name] = opt.boolean(options, name, default)
        return Tolerance(flags["ignoreMissingFiles"], flags["ignoreCorruptFiles"])

    def as_settings(self) -> dict[str, str]:
        """For the specification of a function that reads files."""
        return {MISSING: str(self.missing), "$corrupt files": str(self.corrupt)}


def content(path: str, tolerance: Tolerance) -> tuple[bytes, bool]:
    """The bytes of a file, and whether that is all of it; `.gz`, `.bz2`, `.deflate` and `.zst` are decompressed.

    Raises FAILED_READ_FILE for a file that is gone or damaged, unless `tolerance` goes on without it."""
    try:
        return _decompressed(path), True
    except FileNotFoundError:
        if tolerance.missing:
            _log.warning("A missing file is left out: %s", path)
            return b"", False
        raise missing(path) from None
    except (OSError, EOFError, ValueError, zlib.error, _zstd_error()) as error:
        if tolerance.corrupt:
            _log.warning("The rest of a corrupt file is left out: %s (%s)", path, error)
            return _before_the_damage(path), False
        message = (
            f"Error while reading file {path}: {error}. Replace it, or set spark.sql.files.ignoreCorruptFiles to true "
            "to go on without what cannot be read."
        )
        raise _failed("NO_HINT", message, path) from None


def missing(path: str) -> SparkError:
    """A file that was there when the directory was listed."""
    message = (
        f"Error while reading file {path}: the file does not exist any more. Put it back, or set "
        "spark.sql.files.ignoreMissingFiles to true to go on without it."
    )
    return _failed("FILE_NOT_EXIST", message, path)


def _failed(kind: str, message: str, path: str) -> SparkError:
    return SparkError(f"FAILED_READ_FILE.{kind}", message, {"path": path}, sqlstate="KD001", classes=SPARK)


def _zstd_error() -> type[Exception]:
    import sys

    module = sys.modules.get("zstandard")
    return EOFError if module is None else module.ZstdError


def _before_the_damage(path: str) -> bytes:
    """What of a compressed file can be decompressed before an error; nothing of one that cannot be read at all."""
    try:
        data = Path(path).read_bytes()
    except OSError:
        return b""
    name = path.lower()
    if name.endswith((".gz", ".gzip")):
        return _pieces(zlib.decompressobj(zlib.MAX_WBITS | 16), data)
    if name.endswith(".deflate"):
        return _pieces(zlib.decompressobj(), data)
    if name.endswith(".bz2"):
        import bz2

        return _pieces(bz2.BZ2Decompressor(), data)
    if name.endswith((".zst", ".zstd")):
        import zstandard

        return _pieces(zstandard.ZstdDecompressor().decompressobj(), data)
    return b""


def _pieces(decompressor: object, data: bytes) -> bytes:
    found = bytearray()
    try:
        for start in range(0, len(data), _PIECE):
            found += decompressor.decompress(data[start : start + _PIECE])  # type: ignore[attr-defined]
    except Exception as error:  # each library has its own
        _log.debug("The damage begins at byte %d or a little later: %s", start, error)
    return bytes(found)


#: Small, so that little is lost before the damage.
_PIECE = 256


def _decompressed(path: str) -> bytes:
    data = Path(path).read_bytes()
    name = path.lower()
    if name.endswith((".gz", ".gzip")):
        import gzip

        return gzip.decompress(data)
    if name.endswith(".bz2"):
        import bz2

        return bz2.decompress(data)
    if name.endswith(".deflate"):
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
        known = "UTF-8, UTF-16, ISO-8859-1, ..."
        params = {"parameter": "`charset`", "functionName": "`decode`", "charset": name, "charsets": known}
        condition = "INVALID_PARAMETER_VALUE.CHARSET"
        raise SparkError(condition, message, params, sqlstate="22023", classes=ILLEGAL_ARGUMENT) from None


def text(path: str, charset: str, tolerance: Tolerance) -> str:
    """The characters of a file; bytes that are none become U+FFFD.  A byte order mark goes.  Of a file that is not all
    there, the lines that are whole."""
    data, is_all = content(path, tolerance)
    return _decoded(data if is_all else data[: data.rfind(b"\n") + 1], charset)


def texts(path: str, charset: str, tolerance: Tolerance, *, whole: bool, separator: str | None) -> list[str]:
    """The lines of a file, or with `whole` all of it as one text: none then of a file that is not all there."""
    data, is_all = content(path, tolerance)
    if whole:
        return [_decoded(data, charset)] if is_all else []
    found = lines(_decoded(data, charset), separator)
    return found if is_all else found[:-1]


def _decoded(data: bytes, charset: str) -> str:
    decoded = data.decode(charset, "replace")
    return decoded[1:] if decoded.startswith("\ufeff") else decoded


def lines(whole: str, separator: str | None) -> list[str]:
    """The lines of a text: they end at `separator`, or at `\\n`, `\\r\\n` and `\\r`."""
    if separator is None:
        whole = whole.replace("\r\n", "\n").replace("\r", "\n")
        separator = "\n"
    found = whole.split(separator)
    return found[:-1] if found[-1] == "" else found

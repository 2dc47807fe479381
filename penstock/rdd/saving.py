"""RDDs as files."""

# The names and parameters are Spark's.
# ruff: noqa: N802, N803

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import math
import pickle
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from penstock.core.files import fs, local_path
from penstock.rdd.errors import Refused
from penstock.rdd.numbers import Numbers
from penstock.rdd.storage import dumps
from penstock.rdd.tasks import current

_HADOOP = "org.apache.hadoop.io.compress."
#: Hadoop's codecs that Python has: suffix and function.
_CODECS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "GzipCodec": (".gz", gzip.compress),
    "BZip2Codec": (".bz2", bz2.compress),
    "DefaultCodec": (".deflate", zlib.compress),
    "DeflateCodec": (".deflate", zlib.compress),
}
_OPEN: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


class Saving(Numbers):
    """Writing to files.  A directory with a file per partition and `_SUCCESS`; an existing one is an error."""

    def saveAsTextFile(self, path: str, compressionCodecClass: str | None = None) -> None:
        """A line per element: its `str`; bytes as they are."""
        suffix, compress = _codec(compressionCodecClass)

        def write(file: Path, elements: Iterable[Any]) -> None:
            text = b"".join(_line(x) for x in elements)
            fs.write_atomic(file, compress(text))

        self._save(path, suffix, write)

    def saveAsPickleFile(self, path: str, batchSize: int = 10) -> None:
        """Pickled elements, `batchSize` together; `SparkContext.pickleFile` reads them."""

        def write(file: Path, elements: Iterable[Any]) -> None:
            fs.write_atomic(file, b"".join(_framed(dumps(batch)) for batch in _batches(elements, batchSize)))

        self._save(path, "", write)

    def _save(self, path: str, suffix: str, write: Callable[[Path, Iterable[Any]], None]) -> None:
        directory = Path(local_path(path))
        if directory.exists():
            raise Refused(f"Output directory {path} already exists")
        fs.make_directory(directory)

        def save(elements: Iterator[Any]) -> None:
            task = current()
            assert task is not None
            write(directory / f"part-{task.index:05d}{suffix}", elements)

        self._each(save)
        fs.write_atomic(directory / "_SUCCESS", b"")


def _codec(name: str | None) -> tuple[str, Callable[[bytes], bytes]]:
    if name is None:
        return "", bytes
    found = _CODECS.get(name.removeprefix(_HADOOP))
    if found is None:
        known = ", ".join(_HADOOP + codec for codec in _CODECS)
        raise Refused(f"There is no compression codec {name}: use one of {known}")
    return found


def _line(element: Any) -> bytes:
    if isinstance(element, bytes):
        return element + b"\n"
    return f"{element}\n".encode()


def _framed(data: bytes) -> bytes:
    return len(data).to_bytes(8, "big") + data


def _batches(elements: Iterable[Any], size: int) -> Iterator[list[Any]]:
    source = iter(elements)
    return iter(lambda: list(itertools.islice(source, size if size > 0 else 1 << 30)), [])


def read_pickles(path: Path) -> Iterator[Any]:
    """The elements of one file of saveAsPickleFile."""
    with path.open("rb") as file:
        while head := file.read(8):
            yield from pickle.loads(file.read(int.from_bytes(head, "big")))


# ---------------------------------------------------------------- reading


def open_binary(path: Path) -> BinaryIO:
    """The file's bytes, decompressed by its suffix."""
    opener = _OPEN.get(path.suffix)
    return opener(path, "rb") if opener is not None else path.open("rb")


def is_splittable(path: Path) -> bool:
    """Whether a reader may begin in the middle."""
    return path.suffix not in _OPEN and path.suffix != ".deflate"


def read_lines(path: Path, start: int, end: float, decode: Callable[[bytes], Any]) -> Iterator[Any]:
    """The lines that begin in (start, end], or in [0, end] for start 0: so each line is in one split.  `\\n`,
    `\\r\\n` and `\\r` end a line."""
    if path.suffix == ".deflate":
        yield from map(decode, zlib.decompress(path.read_bytes()).splitlines())
        return
    with open_binary(path) as file:
        place = 0
        if start:
            file.seek(start)
            place = start + len(file.readline())
        for raw in file:
            if place > end:
                return
            place += len(raw)
            yield from map(decode, _split_line(raw))


def _split_line(raw: bytes) -> list[bytes]:
    if b"\r" not in raw:
        return [raw.removesuffix(b"\n")]
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")


def file_splits(paths: Iterable[Path], partitions: int) -> list[tuple[Path, int, float]]:
    """(file, start, end): about `partitions` pieces of about the same size, none over 32 MiB, none empty.  A
    compressed file is one piece, which ends where its bytes do, however many they become."""
    sized = [(path, path.stat().st_size) for path in paths]
    goal = sum(size for _, size in sized) // max(partitions, 1)
    piece = max(1, min(goal, 32 << 20))
    found: list[tuple[Path, int, float]] = []
    for path, size in sized:
        start = 0
        if is_splittable(path):
            while (size - start) / piece > 1.1:
                found.append((path, start, start + piece))
                start += piece
        if start < size:
            found.append((path, start, size if is_splittable(path) else math.inf))
    return found

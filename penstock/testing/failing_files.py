"""A file system that fails where a test says: a full disk, a missing permission, a device error, a torn file."""

from __future__ import annotations

import errno as error_numbers
import os
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from penstock.core import files
from penstock.core.files import Buffer, LocalFiles


class FailingFiles(LocalFiles):
    """The local file system, except that operations on matching paths fail.

    pattern: of the whole path, as in fnmatch (`*/commits/*`); a temporary file counts as the file it will become.
    operations: which of "write", "sync", "read", "make_directory", "remove" fail.  nth: the first that fails, counting
    matching operations from 1; times: how many fail from there on (None: all).  error: the errno (ENOSPC, EACCES, EIO,
    ...).  torn: a failing write leaves the first half of its bytes under the file's name, as a file system without
    atomic rename may after a power cut."""

    def __init__(
        self,
        pattern: str = "*",
        *,
        operations: tuple[str, ...] = ("write",),
        nth: int = 1,
        times: int | None = None,
        error: int = error_numbers.ENOSPC,
        torn: bool = False,
    ) -> None:
        self.pattern = pattern
        self.operations = operations
        self.nth = nth
        self.times = times
        self.error = error
        self.torn = torn
        self.matched = 0
        self.failed = 0
        self._lock = threading.Lock()

    def write(self, path: Path, data: Buffer | Iterable[Buffer], *, durable: bool = True) -> None:
        whole = bytes(data) if isinstance(data, Buffer) else b"".join(data)
        self._check("write", _final(path), whole)
        super().write(path, whole, durable=durable)

    def sync(self, path: Path) -> None:
        self._check("sync", path)
        super().sync(path)

    def read(self, path: Path) -> bytes:
        self._check("read", path)
        return super().read(path)

    def read_part(self, path: Path, offset: int, length: int) -> bytes:
        self._check("read", path)
        return super().read_part(path, offset, length)

    def make_directory(self, path: Path, *, durable: bool = True) -> None:
        self._check("make_directory", path)
        super().make_directory(path, durable=durable)

    def remove(self, path: Path) -> None:
        self._check("remove", path)
        super().remove(path)

    def _check(self, operation: str, path: Path, data: bytes = b"") -> None:
        if operation not in self.operations or not fnmatch(str(path), self.pattern):
            return
        with self._lock:
            self.matched += 1
            after = self.matched - self.nth
            if after < 0 or (self.times is not None and after >= self.times):
                return
            self.failed += 1
        if self.torn:
            path.write_bytes(data[: len(data) // 2])
        raise OSError(self.error, os.strerror(self.error), str(path))


def _final(path: Path) -> Path:
    """What a temporary file (`.name.<random>.tmp`) will be called."""
    match = re.fullmatch(r"\.(.+)\.[^.]+\.tmp", path.name)
    return path.with_name(match[1]) if match else path


@contextmanager
def failing_files(failing: FailingFiles) -> Iterator[FailingFiles]:
    """Within the block, everything that Penstock makes durable goes through `failing`."""
    before = files.fs
    files.fs = failing
    try:
        yield failing
    finally:
        files.fs = before

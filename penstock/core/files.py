"""Durable files: written whole or not at all, through one object that tests can replace by a failing one.

A file becomes visible under its name only when its bytes are on the disk (temporary file, fsync, rename, fsync of the
directory), so a reader never sees half of one, whatever kills the process or the machine.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlparse

from penstock.core.errors import illegal_argument, unsupported

Buffer: TypeAlias = bytes | bytearray | memoryview


#: Directories whose files nobody needs once this process is gone (temporary checkpoints): nothing in them is synced.
_volatile: set[str] = set()


#: Linux: AT_FDCWD and RENAME_EXCHANGE.
_HERE, _SWAP = -100, 2

#: How much of a file that comes in pieces may be on its way to the disk.
_SYNC_BYTES = 4 << 20


def add_volatile(root: Path) -> None:
    """From now on files under `root` are not synced."""
    _volatile.add(f"{root}{os.sep}")


def remove_volatile(root: Path) -> None:
    """Undo `add_volatile`."""
    _volatile.discard(f"{root}{os.sep}")


def _is_volatile(path: Path) -> bool:
    return bool(_volatile) and f"{path}{os.sep}".startswith(tuple(_volatile))


class LocalFiles:
    """The local file system.  Raises OSError as Python does: callers name the query and the path."""

    def write_atomic(self, path: Path, data: Buffer, *, overwrite: bool = True, durable: bool = True) -> None:
        """Make `path` hold exactly `data`, durably.  With overwrite=False an existing file raises FileExistsError
        (of several writers exactly one wins).  With durable=False the file is whole for every reader and outlives the
        process, but when the machine fails it may be empty or missing until `sync_with_directory`."""
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
        try:
            self.write(temporary, data, durable=durable)
            if overwrite:
                os.replace(temporary, path)
            else:
                os.link(temporary, path)
                temporary.unlink()
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if durable:
            self.sync_directory(path.parent)

    def write(self, path: Path, data: Buffer | Iterable[Buffer], *, durable: bool = True) -> None:
        """Write and fsync (unless durable=False) a file that nobody reads yet; `data` may come in pieces, which are
        synced on the way: other files' fsyncs would have to wait for all that is not on the disk yet."""
        with open(path, "wb", buffering=0) as file:
            unsynced, syncs = 0, durable and not _is_volatile(path)
            for piece in [data] if isinstance(data, Buffer) else data:
                view = memoryview(piece).cast("B")
                unsynced += len(view)
                while len(view):
                    view = view[file.write(view) :]
                if unsynced >= _SYNC_BYTES and not isinstance(data, Buffer) and syncs:
                    os.fsync(file.fileno())
                    unsynced = 0
            if syncs:
                os.fsync(file.fileno())

    def append(self, path: Path, data: Buffer) -> None:
        """Write and fsync more of a file that nobody reads yet."""
        with open(path, "ab", buffering=0) as file:
            view = memoryview(data).cast("B")
            while len(view):
                view = view[file.write(view) :]
            os.fsync(file.fileno())

    def rename(self, source: Path, target: Path) -> None:
        """Give a file that `write` has written its name, durably; an existing file of that name is replaced."""
        os.replace(source, target)
        self.sync_directory(target.parent)

    def exchange(self, one: Path, other: Path) -> bool:
        """Swap the names of two files or directories, durably: nobody ever sees either name without something behind
        it.  False where the system cannot."""
        swapped = _exchange(one, other)
        if swapped:
            for parent in {one.parent, other.parent}:
                self.sync_directory(parent)
        return swapped

    def remove_temporary(self, path: Path, older_than_s: float = 0) -> None:
        """Remove what a killed process left half written in a directory that nobody else writes to, or if somebody
        may, what he has left that long ago."""
        limit = time.time() - older_than_s
        for name in os.listdir(path):
            if name.endswith(".tmp"):
                with contextlib.suppress(FileNotFoundError):
                    if not older_than_s or (path / name).stat().st_mtime <= limit:
                        (path / name).unlink()

    def sync(self, path: Path) -> None:
        """fsync a file written by somebody else (a Parquet writer)."""
        if _is_volatile(path):
            return
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def sync_with_directory(self, path: Path) -> None:
        """Make a file durable that was written with durable=False, with its name."""
        self.sync(path)
        self.sync_directory(path.parent)

    def sync_directory(self, path: Path) -> None:
        """fsync a directory, which makes renames in it durable."""
        self.sync(path)

    def read(self, path: Path) -> bytes:
        """All bytes of a file."""
        return path.read_bytes()

    def read_part(self, path: Path, offset: int, length: int) -> bytes:
        """Some bytes of a file; fewer if it ends before."""
        with open(path, "rb", buffering=0) as file:
            return os.pread(file.fileno(), length, offset)

    def make_directory(self, path: Path, *, durable: bool = True) -> None:
        """Make a directory and its parents, durably (unless durable=False); an existing one is fine."""
        new = [] if path.is_dir() else [place for place in (path, *path.parents) if not place.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for place in reversed(new) if durable else ():
            self.sync_directory(place.parent)

    def list(self, path: Path) -> list[str]:
        """The names in a directory, without temporary files; a missing directory has none."""
        try:
            return [name for name in os.listdir(path) if not name.endswith(".tmp")]
        except FileNotFoundError:
            return []

    def remove(self, path: Path) -> None:
        """Remove a file; a missing one is fine."""
        path.unlink(missing_ok=True)


def _exchange(one: Path, other: Path) -> bool:
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _SWAP) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))


#: The file system in use; `penstock.testing` replaces it by one that fails (`files.fs = FailingFiles(...)`).
fs: LocalFiles = LocalFiles()


def local_path(location: str) -> Path:
    """`file:///a/b`, `file:/a/b` and `/a/b` as a path; another scheme and the empty string are refused."""
    if not location:
        raise illegal_argument("", "A path is the empty string: name a file or a directory.")
    parsed = urlparse(location)
    if parsed.scheme in ("", "file"):
        return Path(unquote(parsed.path) if parsed.scheme else location)
    raise unsupported(f"the file system scheme {parsed.scheme}:// (in {location})", "Use a local path.")
